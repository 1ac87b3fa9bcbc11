"""An environment in Chinese: JupyterLab's settings, matplotlib's font and defaults; nothing of it counts as damage."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from torchup.envs.damage import find_damage
from torchup.envs.distributions import versions
from torchup.host import RealHost
from torchup.install.language import speak_language

if TYPE_CHECKING:
    from pathlib import Path

HOST = RealHost()
DEFAULTS = "#font.family:  sans-serif\n#font.size: 10.0\n"
FONT = "mpl-data/fonts/ttf/NotoSansSC-Regular.otf"


@pytest.fixture
def environment(tmp_path, monkeypatch) -> Path:
    """matplotlib, its Chinese font and JupyterLab's Chinese texts, as their wheels lay them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path, site = tmp_path / "env", tmp_path / "env" / "lib" / "python3.12" / "site-packages"
    files = {
        "matplotlib": {"matplotlib/mpl-data/matplotlibrc": DEFAULTS},
        "pylopdf_fonts_zh_cn": {"pylopdf_fonts_zh_cn/NotoSansSC-Regular.otf": "a font"},
        "jupyterlab_language_pack_zh_CN": {"jupyterlab_language_pack_zh_CN/__init__.py": "# texts"},
    }
    for package, contents in files.items():
        info = site / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        rows = []
        for name, content in contents.items():
            file = site / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{name},sha256={digest},{len(content)}")
        (info / "RECORD").write_text("\n".join(rows) + "\n")
    return path


def speak(path: Path) -> None:
    """What the engine does after an installation."""
    speak_language(HOST, str(path), versions(HOST, str(path)))


def test_matplotlib_finds_the_font_after_its_own(environment):
    """The font lies in its folder, its defaults name it last, and RECORD knows both."""
    speak(environment)
    data = next(environment.rglob("mpl-data"))
    assert (data / "matplotlibrc").read_text().splitlines()[0] == "#font.family:  sans-serif, Noto Sans SC"
    assert (data.parent / FONT).read_text() == "a font"
    assert find_damage(HOST, str(environment), deep=True) == ()


def test_a_second_time_changes_nothing(environment):
    """An environment that is taken again stays as it is."""
    speak(environment)
    before = {file: file.read_bytes() for file in environment.rglob("*") if file.is_file()}
    speak(environment)
    assert {file: file.read_bytes() for file in environment.rglob("*") if file.is_file()} == before


def test_lists_of_fonts_without_it_are_made_again(environment, tmp_path):
    """There is one list for all environments of a user: one that lacks the font would hide it."""
    cache = tmp_path / "cache" / "matplotlib"
    cache.mkdir(parents=True)
    (cache / "fontlist-v3.11.0.json").write_text("{}")
    (cache / "fontlist-v390.json").write_text(json.dumps({"fname": FONT}))
    (cache / "other.json").write_text("{}")
    speak(environment)
    assert {file.name for file in cache.iterdir()} == {"fontlist-v390.json", "other.json"}


def test_jupyterlab_speaks_chinese_unless_its_settings_say_something(environment):
    """The setting that chooses a language; a file of the user's stays."""
    speak(environment)
    settings = environment / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert json.loads(settings.read_text()) == {"@jupyterlab/translation-extension:plugin": {"locale": "zh_CN"}}
    settings.write_text("{}")
    speak(environment)
    assert settings.read_text() == "{}"


def test_an_environment_without_them_is_left_alone(tmp_path):
    """Nothing is written where nothing is to be translated."""
    (tmp_path / "lib" / "python3.12" / "site-packages").mkdir(parents=True)
    speak(tmp_path)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]
