"""pip's configuration is merged as pip merges it."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from support.sources import recorded
from torchup.host import RealHost
from torchup.sources.pip_config import config_files, read_pip_config

GLOBAL = "/etc/pip.conf"
USER = "/home/user/.config/pip/pip.conf"


def read(files=None, environ=None, **more):
    """Read the configuration of a machine with these files and variables."""
    return read_pip_config(recorded(files, environ, **more))


def test_a_machine_without_configuration_has_none():
    """No file and no variable leave every value unset."""
    config = read()
    assert config.index_url is None
    assert not config.no_index
    assert config.find_links == config.extra_index_urls == config.constraints == config.files == ()


def test_the_users_file_overrides_the_global_one_key_by_key():
    """Values are replaced by key; keys of the weaker file that the stronger lacks stay."""
    config = read(
        {
            GLOBAL: "[global]\nindex-url = https://global/simple\ncert = /etc/ca.pem\n",
            USER: "[global]\nindex-url = https://user/simple\n",
        }
    )
    assert config.index_url.value.reveal() == "https://user/simple"
    assert config.index_url.origin == USER
    assert config.certificate == "/etc/ca.pem"
    assert config.files == (GLOBAL, USER)


def test_lists_of_two_files_are_not_joined():
    """Pip replaces extra-index-url of a weaker file; it never adds the two."""
    config = read(
        {
            GLOBAL: "[global]\nextra-index-url = https://a/simple https://b/simple\n",
            USER: "[global]\nextra-index-url = https://c/simple\n",
        }
    )
    assert [setting.value.reveal() for setting in config.extra_index_urls] == ["https://c/simple"]


def test_the_commands_section_beats_global_even_from_a_weaker_file():
    """``[install]`` of the global file wins over ``[global]`` of the user's file."""
    config = read({GLOBAL: "[install]\nfind-links = /a\n", USER: "[global]\nfind-links = /b\n"})
    assert [setting.value.reveal() for setting in config.find_links] == ["/a"]


def test_another_commands_section_does_not_count():
    """``[download]`` says nothing about installing, and the other way round."""
    files = {USER: "[download]\nfind-links = /wheels\n"}
    assert read(files).find_links == ()
    assert read_pip_config(recorded(files), "download").find_links[0].value.reveal() == "/wheels"


def test_a_variable_beats_every_file():
    """PIP_INDEX_URL wins over files and over the command's section; its name is the origin."""
    config = read({USER: "[install]\nindex-url = https://file/simple\n"}, {"PIP_INDEX_URL": "https://variable/simple"})
    assert (config.index_url.value.reveal(), config.index_url.origin) == ("https://variable/simple", "PIP_INDEX_URL")


def test_an_empty_value_counts_as_not_set():
    """Pip skips empty values of files and variables."""
    config = read({USER: "[global]\nindex-url = https://a/simple\n"}, {"PIP_INDEX_URL": ""})
    assert config.index_url.value.reveal() == "https://a/simple"
    assert read({GLOBAL: "[global]\nproxy = http://p\n", USER: "[global]\nproxy =\n"}).proxy is None


def test_values_over_several_lines_are_a_list():
    """Indented lines continue a value; white space separates its words."""
    text = "[global]\nextra-index-url =\n    https://a/simple\n    https://b/simple\nfind-links = /x\n  ~/wheels\n"
    config = read({USER: text})
    assert [s.value.reveal() for s in config.extra_index_urls] == ["https://a/simple", "https://b/simple"]
    assert [s.value.reveal() for s in config.find_links] == ["/x", "/home/user/wheels"]


def test_keys_are_read_with_underscores_and_capitals():
    """``Index_Url`` and ``--index-url`` are the same key to pip."""
    assert read({USER: "[global]\nIndex_Url = https://a/simple\n"}).index_url.value.reveal() == "https://a/simple"
    assert read({USER: "[global]\n--index-url = https://a/simple\n"}).index_url.value.reveal() == "https://a/simple"


def test_a_percent_sign_is_itself():
    """Nothing is interpolated, so encoded credentials survive."""
    config = read({USER: "[global]\nindex-url = https://u:p%40w@host/simple\n"})
    assert config.index_url.value.reveal() == "https://u:p%40w@host/simple"


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("true", True), ("Yes", True), ("0", False), ("off", False)]
)
def test_no_index_is_a_truth_value(value, expected):
    """The spellings of true and false are those of Python's old strtobool."""
    assert read(environ={"PIP_NO_INDEX": value}).no_index is expected


def test_pip_config_file_devnull_reads_no_file():
    """With os.devnull no file counts, variables still do."""
    config = read({USER: "[global]\nproxy = http://p\n"}, {"PIP_CONFIG_FILE": os.devnull, "PIP_CERT": "~/ca.pem"})
    assert config.proxy is None
    assert config.certificate == "/home/user/ca.pem"


def test_pip_config_file_replaces_the_users_file_and_comes_last():
    """The file that PIP_CONFIG_FILE names beats the global one, and the user's own is not read."""
    files = {
        GLOBAL: "[global]\nindex-url = https://global/simple\nproxy = http://global\n",
        USER: "[global]\nproxy = http://user\n",
        "/srv/pip.conf": "[global]\nindex-url = https://srv/simple\n",
    }
    config = read(files, {"PIP_CONFIG_FILE": "/srv/pip.conf"})
    assert config.index_url.value.reveal() == "https://srv/simple"
    assert config.proxy.reveal() == "http://global"


def test_pip_config_file_that_is_missing_leaves_the_users_file():
    """Pip drops the user's file only while the named file exists."""
    config = read({USER: "[global]\nproxy = http://user\n"}, {"PIP_CONFIG_FILE": "/srv/none.conf"})
    assert config.proxy.reveal() == "http://user"


def test_a_broken_file_is_named_and_left_out():
    """A file that is no INI is a warning, not an end; credentials in it are not shown."""
    config = read({USER: "index-url = https://me:secret@host/simple\n", GLOBAL: "[global]\nproxy = http://p\n"})
    assert config.proxy.reveal() == "http://p"
    assert [notice.code for notice in config.notices] == ["sources.config-unreadable"]
    assert "secret" not in str(config.notices[0].text)


def test_windows_and_macos_have_their_own_places():
    """The files are looked for where pip looks on each system."""
    windows = recorded(
        system="Windows", environ={"APPDATA": "C:/A", "PROGRAMDATA": "C:/P"}, python="C:/v/Scripts/python.exe"
    )
    assert config_files(windows) == (
        "C:/P/pip/pip.ini", "/home/user/pip/pip.ini", "C:/A/pip/pip.ini", "C:/v/pip.ini",
    )  # fmt: skip
    mac = recorded(system="Darwin", python="/v/bin/python")
    assert config_files(mac) == (
        "/Library/Application Support/pip/pip.conf", "/home/user/.pip/pip.conf", USER, "/v/pip.conf",
    )  # fmt: skip
    library = "/home/user/Library/Application Support/pip/pip.conf"
    assert library in config_files(recorded({library: ""}, system="Darwin"))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pip") is None, reason="no pip on PATH to compare with")
@pytest.mark.parametrize("named", [None, "own.conf", os.devnull, "missing.conf"])
def test_the_merge_agrees_with_pips_own(tmp_path, monkeypatch, named):
    """`pip config list` names the same winner for every key, whichever files and variables are there."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "global"))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://variable/simple")
    contents = {
        "global/pip/pip.conf": "[global]\nindex-url = https://g/simple\nfind-links = /g\ncert = /g.pem\ntimeout = 7\n",
        ".pip/pip.conf": "[global]\nfind-links = /legacy\n[install]\nno-index = true\n",
        "xdg/pip/pip.conf": "[global]\nindex-url = https://u/simple\nextra-index-url = https://x/simple\n",
        "own.conf": "[global]\nfind-links = /own\n[install]\nno-index = false\n",
    }
    for path, text in contents.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    if named:
        monkeypatch.setenv("PIP_CONFIG_FILE", named if named == os.devnull else str(tmp_path / named))
    listed = subprocess.run(["pip", "config", "list"], capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    pips = dict(line.split("=", 1) for line in listed.splitlines())
    wanted = {key: value.strip("'") for key, value in pips.items()}
    ours = read_pip_config(RealHost())

    def effective(key):
        return wanted.get(f":env:.{key}") or wanted.get(f"install.{key}") or wanted.get(f"global.{key}")

    assert (ours.index_url.value.reveal() if ours.index_url else None) == effective("index-url")
    assert " ".join(s.value.reveal() for s in ours.find_links) == (effective("find-links") or "")
    assert " ".join(s.value.reveal() for s in ours.extra_index_urls) == effective("extra-index-url")
    assert ours.certificate == effective("cert")
    assert ours.no_index is (effective("no-index") == "true")
