"""An environment in the user's language: what a translation and a font need beside being installed. Files only.

JupyterLab shows the language that its settings name, not that of the packages it has. matplotlib draws what its font
lacks as boxes, and finds no font outside its own folder and the system's: the font is laid there, and its own defaults
name it after the usual family, so that every setting of the user's goes on to work. RECORD follows both changes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

from torchup.envs.distributions import site_packages
from torchup.envs.paths import join
from torchup.package_names import normalise
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.host import Host

# Package -> the locale that JupyterLab then shows; package -> its font's file and family.
TRANSLATIONS = {"jupyterlab-language-pack-zh-cn": "zh_CN"}
FONTS = {"pylopdf-fonts-zh-cn": ("pylopdf_fonts_zh_cn/NotoSansSC-Regular.otf", "Noto Sans SC")}
SETTINGS = ("share", "jupyter", "lab", "settings", "overrides.json")
PLUGIN = "@jupyterlab/translation-extension:plugin"
_FAMILY = lazy_pattern(r"(?m)^#(\s*)font\.family:(\s*)sans-serif\b.*$")
_CACHE = lazy_pattern(r"fontlist-v[\d.]+\.json")


def speak_language(host: Host, path: str, packages: Mapping[str, str]) -> None:
    """Let JupyterLab and matplotlib of an environment use what is installed for a language. Raises `OSError`."""
    for package, locale in TRANSLATIONS.items():
        settings = join(path, *SETTINGS)
        if package in packages and not host.exists(settings):
            host.write_text(settings, json.dumps({PLUGIN: {"locale": locale}}) + "\n")
    for package, (file, family) in FONTS.items():
        if package in packages and "matplotlib" in packages:
            for folder in site_packages(host, path):
                _lay_font(host, folder, file, family)
            _forget_fonts(host, file.rpartition("/")[2])


def _lay_font(host: Host, folder: str, file: str, family: str) -> None:
    """Put a font into matplotlib's own folder and name it in its defaults."""
    data, defaults = ("matplotlib", "mpl-data"), "matplotlib/mpl-data/matplotlibrc"
    font, text = host.read_bytes(join(folder, *file.split("/"))), host.read_text(join(folder, *defaults.split("/")))
    if font is None or text is None or family in text:
        return
    changed = _FAMILY.sub(rf"#\1font.family:\2sans-serif, {family}", text)
    target = "/".join((*data, "fonts", "ttf", file.rpartition("/")[2]))
    written = {defaults: changed.encode(), target: font}
    for name, content in written.items():
        host.write_bytes(join(folder, *name.split("/")), content)
    _record(host, folder, written)


def _record(host: Host, folder: str, written: Mapping[str, bytes]) -> None:
    """Bring matplotlib's RECORD up to date, so that the files count as installed, not as damaged."""
    for name in host.list_dir(folder) or ():
        is_its = name.endswith(".dist-info") and normalise(name.partition("-")[0]) == "matplotlib"
        before = host.read_text(join(folder, name, "RECORD")) if is_its else None
        if before is not None:
            kept = [line for line in before.splitlines() if line.partition(",")[0] not in written]
            rows = [f"{file},sha256={_hash(content)},{len(content)}" for file, content in written.items()]
            host.write_text(join(folder, name, "RECORD"), "\n".join((*kept, *rows)) + "\n")


def _hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _forget_fonts(host: Host, file: str) -> None:
    """Remove matplotlib's lists of fonts that do not have the font; it makes them again when it needs them."""
    environ, home = host.environ(), host.folders().home
    linux = join(environ.get("XDG_CACHE_HOME") or join(home, ".cache"), "matplotlib")
    for folder in (environ.get("MPLCONFIGDIR"), linux, join(home, ".matplotlib")):
        for name in (host.list_dir(folder) or ()) if folder else ():
            if _CACHE.fullmatch(name) and file not in (host.read_text(join(folder or "", name)) or file):
                host.remove(join(folder or "", name))
