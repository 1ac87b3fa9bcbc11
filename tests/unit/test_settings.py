"""Settings: a flag beats a variable, a variable the nearest torchup.toml, and that the default."""

from __future__ import annotations

import json

import click
import pytest

from support.sources import recorded
from torchup.cli import main
from torchup.cli.defaults import defaults_for
from torchup.errors import ExitCode, UsageError
from torchup.settings import load_settings

NEAR = "/home/user/project/torchup.toml"
ABOVE = "/home/user/torchup.toml"


@click.command
@click.option("--mirror")
@click.option("--torch")
@click.option("--with", "packages", multiple=True)
@click.option("--cpu", is_flag=True)
@click.option("--budget", type=float, default=180)
def verb(**options):
    """A verb with some of the options."""
    return options


def run(arguments, files=None, environ=None):
    """What the verb gets from a command line, files and variables."""
    defaults = defaults_for(verb, "verb", recorded(files, environ))
    return verb.main(arguments, standalone_mode=False, default_map=defaults)


def test_the_nearest_file_is_the_only_one():
    """A torchup.toml in the folder hides one above it."""
    files = {NEAR: 'mirror = "near"\n', ABOVE: 'mirror = "above"\ntorch = "2.13"\n'}
    assert load_settings(recorded(files)).values == {"mirror": "near"}
    assert load_settings(recorded({ABOVE: files[ABOVE]})).path == ABOVE


def test_flag_then_variable_then_file_then_default():
    """Each place gives way to the stronger one."""
    files = {NEAR: 'mirror = "file"\n'}
    environ = {"TORCHUP_MIRROR": "variable"}
    assert run([])["mirror"] is None
    assert run([], files)["mirror"] == "file"
    assert run([], files, environ)["mirror"] == "variable"
    assert run(["--mirror", "flag"], files, environ)["mirror"] == "flag"


def test_lists_flags_and_options_of_other_names():
    """Lists fill repeatable options, true sets a flag, and ``with`` finds the option that users type."""
    options = run([], {NEAR: 'with = ["numpy", "pandas"]\ncpu = true\n'})
    assert options["packages"] == ("numpy", "pandas")
    assert options["cpu"] is True
    assert run([], environ={"TORCHUP_WITH": "a b", "TORCHUP_CPU": "1"})["packages"] == ("a", "b")


def test_a_verbs_own_table_beats_the_general_keys():
    """``[verb]`` holds options of that verb alone."""
    options = run([], {NEAR: 'mirror = "general"\n[verb]\nmirror = "own"\nbudget = 60\n[other]\nx = 1\n'})
    assert (options["mirror"], options["budget"]) == ("own", 60.0)


def test_a_wrong_value_is_answered_with_the_form_of_the_option():
    """A number for a number, a flag for a flag, a list for what can be given more than once."""
    forms = {"budget = 1979-05-27\n": "budget = 10", "mirror = 1979-05-27\n": 'mirror = "..."'}
    for line, form in forms.items():
        with pytest.raises(UsageError) as caught:
            run([], {NEAR: f"[verb]\n{line}"})
        assert f"`{form}`" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mirror = \n", "not valid TOML"),
        ("miror = 'nju'\n", "there is no setting `miror`"),
        ("mirror = 3\n", "the value of `mirror` has the wrong type"),
        ("require = 'torchvision'\n", "the value of `require` has the wrong type"),
        ("[verb]\nbugdet = 3\n", "there is no setting `verb.bugdet`"),
    ],
)
def test_mistakes_in_the_file_are_usage_errors(text, said):
    """Wrong TOML, unknown keys and wrong types are named."""
    with pytest.raises(UsageError, match=said):
        run([], {NEAR: text})


@click.command
@click.option("--connections", type=int, default=4)
def fetching(connections):
    """A verb that downloads."""
    return connections


def connections(arguments=(), files=None, environ=None):
    """What it gets."""
    defaults = defaults_for(fetching, "fetching", recorded(files, environ))
    return fetching.main(list(arguments), standalone_mode=False, default_map=defaults)


def test_the_number_of_connections_is_a_setting_like_any_other():
    """Flag, variable, file, default; whoever asks the settings themselves gets a number too."""
    files, environ = {NEAR: "connections = 2\n"}, {"TORCHUP_CONNECTIONS": " 8 "}
    assert connections() == 4
    assert connections(files=files) == 2
    assert connections(files=files, environ=environ) == 8
    assert connections(["--connections", "16"], files, environ) == 16
    assert load_settings(recorded(files)).number("connections", 4) == 2
    assert load_settings(recorded()).number("connections", 4) == 4


@pytest.mark.parametrize("value", ["0", "-1", "abc", "1000", "17", "4.5", "٤", "1e1", "9" * 5000, "true"])
def test_a_number_of_connections_that_is_none_is_refused(value):
    """The place, the value and the range are named, and how it is written."""
    with pytest.raises(UsageError, match=r"TORCHUP_CONNECTIONS: `.*` is not a whole number from 1 to 16") as told:
        load_settings(recorded(environ={"TORCHUP_CONNECTIONS": value}))
    assert "TORCHUP_CONNECTIONS=4" in str(told.value.hint)
    assert len(str(told.value)) < 200


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0", "torchup.toml: connections: `0` is not a whole number from 1 to 16"),
        ("-1", "`-1` is not"),
        ("1000", "`1000` is not"),
        ("'4'", "the value of `connections` has the wrong type"),
        ("true", "has the wrong type"),
        ("4.0", "has the wrong type"),
        ("[4]", "has the wrong type"),
    ],
)
def test_a_file_with_a_wrong_number_of_connections_is_refused(value, said):
    """The hint shows the form."""
    with pytest.raises(UsageError, match=said) as told:
        load_settings(recorded({NEAR: f"connections = {value}\n"}))
    assert "connections = 4" in str(told.value.hint)


def test_a_misspelt_key_is_guessed():
    """The hint names the key that was meant."""
    with pytest.raises(UsageError) as caught:
        load_settings(recorded({NEAR: "miror = 'nju'\n"}))
    assert "mirror" in str(caught.value.hint)


def test_the_command_line_tells_of_a_broken_file(tmp_path, monkeypatch, capsys):
    """A verb under a broken torchup.toml ends with 2, one sentence and no traceback; help still works."""
    (tmp_path / "torchup.toml").write_text("mirror = ")
    monkeypatch.chdir(tmp_path)
    assert main(["detect", "--json"]) == ExitCode.USAGE
    output = capsys.readouterr()
    assert json.loads(output.out)["messages"][0]["code"] == "settings.not-toml"
    assert "Traceback" not in output.err
    assert main(["--help"]) == 0


def test_the_language_of_the_file_counts_after_the_variable(tmp_path, monkeypatch, capsys):
    """``lang`` in torchup.toml chooses the language unless TORCHUP_LANG or --lang says another."""
    (tmp_path / "torchup.toml").write_text('lang = "xx"\n')
    monkeypatch.chdir(tmp_path)
    assert main(["--help"]) == 0
    assert "Usage" in capsys.readouterr().out


def test_a_profile_of_packages_is_no_profiler(tmp_path, monkeypatch, capsys):
    """`TORCHUP_PROFILE` chooses packages; the option of the same name of `bench` is another thing, and stays off."""
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path))
    monkeypatch.setenv("TORCHUP_PROFILE", "vision")
    assert main(["bench", "--env", "nope"]) == 2
    assert "there is no environment `nope`" in capsys.readouterr().err
