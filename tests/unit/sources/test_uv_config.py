"""uv's configuration is merged as uv merges it."""

from __future__ import annotations

from support.sources import recorded
from torchup.sources.uv_config import read_uv_config

USER = "/home/user/.config/uv/uv.toml"
PROJECT = "/home/user/project/uv.toml"


def values(settings):
    """Their values alone."""
    return [setting.value.reveal() for setting in settings]


def read(files=None, environ=None, **more):
    """Read the configuration of a machine with these files and variables."""
    return read_uv_config(recorded(files, environ, **more))


def test_named_indexes_are_default_or_further_ones():
    """``[[index]]`` with ``default`` replaces PyPI; explicit ones serve pinned packages only and are left out."""
    text = (
        '[[index]]\nurl = "https://one/simple"\n[[index]]\nurl = "https://main/simple"\ndefault = true\n'
        '[[index]]\nname = "x"\nurl = "https://explicit/simple"\nexplicit = true\n'
    )
    config = read({PROJECT: text})
    assert config.default_index.value.reveal() == "https://main/simple"
    assert values(config.indexes) == ["https://one/simple"]


def test_the_projects_scalars_win_and_its_lists_come_first():
    """Files are read project, user, system; lists are joined in that order."""
    config = read(
        {
            PROJECT: 'index-url = "https://p/simple"\nextra-index-url = ["https://p2/simple"]\n',
            USER: 'index-url = "https://u/simple"\nextra-index-url = ["https://u2/simple"]\nno-index = false\n',
        }
    )
    assert config.default_index.value.reveal() == "https://p/simple"
    assert values(config.indexes) == ["https://p2/simple", "https://u2/simple"]


def test_the_pip_table_beats_the_top_level():
    """``[pip]`` is for ``uv pip``, which is what installs."""
    config = read({USER: 'find-links = ["/a"]\n[pip]\nfind-links = ["~/b"]\nno-index = true\n'})
    assert values(config.find_links) == ["/home/user/b"]
    assert config.no_index


def test_variables_beat_files_in_their_own_spellings():
    """UV_INDEX has spaces and names, UV_FIND_LINKS commas; UV_DEFAULT_INDEX beats UV_INDEX_URL."""
    environ = {
        "UV_DEFAULT_INDEX": "main=https://main/simple", "UV_INDEX_URL": "https://old/simple",
        "UV_INDEX": "a=https://a/simple https://b/simple?x=1", "UV_EXTRA_INDEX_URL": "https://c/simple",
        "UV_FIND_LINKS": "/x,/y", "UV_CONSTRAINT": "/c.txt", "UV_INSECURE_HOST": "h1 h2:8080",
    }  # fmt: skip
    config = read({USER: 'index-url = "https://u/simple"\n'}, environ)
    assert config.default_index.value.reveal() == "https://main/simple"
    assert values(config.indexes) == ["https://a/simple", "https://b/simple?x=1", "https://c/simple"]
    assert values(config.find_links) == ["/x", "/y"]
    assert values(config.constraints) == ["/c.txt"]
    assert config.trusted_hosts == ("h1", "h2:8080")


def test_a_pyproject_counts_only_with_a_table_for_uv():
    """The nearest uv.toml or pyproject with ``[tool.uv]`` above the current folder is the project's file."""
    with_table = {
        "/home/user/pyproject.toml": '[tool.uv]\nfind-links = ["/w"]\n',
        "/home/user/project/pyproject.toml": "[x]",
    }
    assert values(read(with_table).find_links) == ["/w"]


def test_uv_no_config_and_uv_config_file():
    """The one drops every file, the other is the only one."""
    files = {USER: 'find-links = ["/u"]\n', "/srv/uv.toml": 'find-links = ["/s"]\n'}
    assert read(files, {"UV_NO_CONFIG": "1"}).find_links == ()
    assert values(read(files, {"UV_CONFIG_FILE": "/srv/uv.toml"}).find_links) == ["/s"]


def test_broken_or_odd_files_are_named_and_left_out():
    """No TOML is a warning; wrong types are ignored, as their owner will hear from uv."""
    config = read(
        {
            USER: 'index-url = "https://me:secret@h/simple\n',
            PROJECT: "index = 3\nfind-links = 7\nextra-index-url = [1]\n",
        }
    )
    assert config.default_index is None
    assert config.indexes == config.find_links == ()
    assert [notice.code for notice in config.notices] == ["sources.config-unreadable"]
    assert "secret" not in str(config.notices[0].text)


def test_a_named_index_takes_its_login_from_variables():
    """UV_INDEX_<NAME>_USERNAME and _PASSWORD belong to the index of that name."""
    text = '[[index]]\nname = "my-index"\nurl = "https://one/simple"\n[[index]]\nurl = "https://two/simple"\n'
    environ = {"UV_INDEX_MY_INDEX_USERNAME": "me", "UV_INDEX_MY_INDEX_PASSWORD": "p@w"}
    assert values(read({PROJECT: text}, environ).indexes) == ["https://me:p%40w@one/simple", "https://two/simple"]
