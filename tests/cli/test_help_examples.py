"""Help as a manual page: each command has examples that really parse, and nothing is wider than 80 columns."""

from __future__ import annotations

import shlex

import click
import pytest

from torchup import i18n
from torchup.cli.app import make_app
from torchup.cli.examples import EXAMPLES
from torchup.cli.run import main
from torchup.report.columns import cells


def walk(command, path="torchup", parent=None):
    """Every command below one, with the words that lead to it."""
    context = click.Context(command, info_name=path.rsplit(" ", 1)[-1], parent=parent)
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from walk(command.get_command(context, name), f"{path} {name}", context)


COMMANDS = dict(walk(make_app()))


def test_every_command_has_an_example_and_every_example_a_command():
    """Neither a command without an example nor an example of a command that is gone."""
    assert set(EXAMPLES) == set(COMMANDS)


@pytest.mark.parametrize("line", sorted({line for lines in EXAMPLES.values() for line, _ in lines}))
def test_an_example_parses(line):
    """Commands, options and values exist; what a shell redirects is left to the shell."""
    words = shlex.split(line.split(">")[0])
    assert words[0] == "torchup"
    command, context, words = make_app(), None, words[1:]
    while isinstance(command, click.Group) and words:
        context = click.Context(command, info_name=command.name, parent=context)
        found = command.get_command(context, words[0])
        assert found is not None, words[0]
        command, words = found, words[1:]
    if "--help" not in words:
        assert command.make_context(command.name, words, parent=context).command is command


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_help_fits_80_columns_and_ends_with_the_examples(path, language, capsys, monkeypatch):
    """Wide characters count two; commands of examples stand whole, to be copied."""
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["--lang", language, *path.split()[1:], "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(cells, lines)) <= 80
    heading = {"en": "Examples:", "zh": "示例："}[language]
    shown = lines[lines.index(heading) + 1 :]
    assert [line.strip() for line in shown if line.startswith("  torchup")] == [line for line, _ in EXAMPLES[path]]
    i18n.use("en")
