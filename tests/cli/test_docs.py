"""What the documents tell people to type exists; links between them lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from support.documents import BLOCK, torchup_lines, typed_lines
from torchup.cli.app import make_app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
GENERATED = ("commands.md", "json.md")
SHELLS = {"sh", "bash", "yaml", "dockerfile", "powershell"}


def commands(text: str) -> list[str]:
    """Every `torchup ...` that a page shows, in blocks of a shell, of YAML or a Dockerfile, and in inline code."""
    lines = []
    for found in BLOCK.finditer(text):
        if found["language"] == "console":
            lines += [typed.command for typed in typed_lines(found["body"])]
        elif found["language"] in SHELLS:
            lines += found["body"].splitlines()
    typed = [shlex.join(["torchup", *words]) for line in lines for words in torchup_lines(line)]
    inline = re.findall(r"`(torchup [^`]+)`", BLOCK.sub("", text))
    return [" ".join(command.split()) for command in (*typed, *inline)]


SHOWN = sorted(
    {(page, command) for page in PAGES if page.name not in GENERATED for command in commands(page.read_text("utf-8"))}
)


def parse(command: click.Command, arguments: list[str], parent: click.Context | None = None) -> None:
    """Parse and check as click would, running nothing; raises `click.ClickException` for what does not exist."""
    if isinstance(command, click.Group):
        context = click.Context(command, parent=parent, info_name=command.name)
        _, words, _ = command.make_parser(context).parse_args(list(arguments))  # takes the group's own options off
        if not words:
            return  # a group alone shows its help
        found = command.get_command(context, words[0])
        assert found is not None, f"no such command: {words[0]}"
        parse(found, words[1:], context)
        return
    command.make_context(command.name, list(arguments), parent=parent)


@pytest.mark.parametrize(("page", "command"), SHOWN, ids=lambda value: getattr(value, "name", str(value)))
def test_commands_in_the_documents_exist(page, command):
    """Every torchup command line that a document shows can be parsed by the program."""
    command = command.split(" | ", maxsplit=1)[0].split(" > ", maxsplit=1)[0].split(" && ", maxsplit=1)[0]
    arguments = [word for word in shlex.split(command, comments=True)[1:] if word not in {"...", "…"}]
    if {"-h", "--help", "--version"} & set(arguments) or not arguments or arguments[0].isupper():
        return
    try:
        parse(make_app(), arguments)
    except click.MissingParameter:
        assert not arguments[-1].startswith("-"), command  # prose may name a command without its arguments
    except click.BadParameter as error:
        if not any(word.isupper() and f"'{word}'" in error.message for word in arguments):  # FORMAT, NAME|URL
            raise


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(page):
    """A relative link names a file that exists."""
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


def test_the_threat_model_names_tests_that_exist():
    """Every row of the threat model names a test, and the test is there."""
    page = (ROOT / "docs" / "explanation" / "threat-model.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith(("| input", "|---"))]
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert all(f"def {name}(" in source for name in named), row
