"""Console examples of the documents: found, run and compared with what the page shows.

A comment before a block says what becomes of it:

    <!-- run -->                              every line is run, the output must be the one shown
    <!-- run: on linux-docker-t4, exit 1 -->  the same on a recorded machine of tests/machines; the last line ends in 1
    <!-- slow -->                             the same with an environment that has torch, as `default`
    <!-- parsed: it installs -->              not run, and why; the program still parses every line of it
    <!-- file: train.py -->                   before another block: the slow examples find it under that name

Lines after ``$ `` are typed (``# ``, an administrator's, where there is none), the others are shown; a block without
either is typed as a whole. In what is shown ``...`` alone stands for any lines, inside a line for any text. Where no
output is shown none is compared.
"""

from __future__ import annotations

import io
import re
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torchup.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
MACHINES = ROOT / "tests" / "machines"
DIRECTIVE = re.compile(r"<!-- (?P<kind>run|slow|parsed)(?:: (?P<words>.*))? -->")
BLOCK = re.compile(r"^```(?P<language>[\w-]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
WITH_COMMENT = re.compile(r"^(?:<!-- .* -->\n)?```[\w-]*\n(?:.*\n)*?```$", re.MULTILINE)
SHELLS = {"sh", "bash", "yaml", "dockerfile", "powershell"}
CHINESE = ".zh-CN.md"
ON_RECORDINGS = {"detect", "plan", "doctor"}  # the verbs that `--from` gives another machine


@dataclass(frozen=True, kw_only=True)
class Typed:
    """One command line and what the page shows of its output."""

    command: str
    shown: str


@dataclass(frozen=True, kw_only=True)
class Example:
    """One console block."""

    page: Path
    line: int
    kind: str | None  # run | slow | parsed; None: the page does not say
    machine: str | None
    exit_code: int
    typed: tuple[Typed, ...]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """The documents whose examples are meant to be typed; a Chinese page is left out if it has the English examples."""
    docs = ROOT / "docs"
    found = [*ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *docs.glob("tutorial/*"), *docs.glob("how-to/*")]
    return sorted(page for page in found if not _repeats_the_english(page))


def _repeats_the_english(page: Path) -> bool:
    english = page.with_name(page.name.replace(CHINESE, ".md"))
    return english != page and blocks_with_comments(page) == blocks_with_comments(english)


def blocks_with_comments(page: Path) -> list[str]:
    """Every block of a page with the comment before it, as it stands there."""
    return WITH_COMMENT.findall(page.read_text("utf-8"))


def examples(page: Path) -> Iterator[Example]:
    """The console blocks of a page, in order."""
    text = page.read_text("utf-8")
    for found in BLOCK.finditer(text):
        if found["language"] != "console":
            continue
        before = text[: found.start()].rstrip().rsplit("\n", 1)[-1]
        directive = DIRECTIVE.fullmatch(before.strip())
        words = (directive["words"] or "") if directive else ""
        machine = re.search(r"\bon ([\w-]+)", words)
        code = re.search(r"\bexit (\d+)", words)
        yield Example(
            page=page,
            line=text.count("\n", 0, found.start("body")) + 1,
            kind=directive["kind"] if directive else None,
            machine=machine[1] if machine and directive and directive["kind"] == "run" else None,
            exit_code=int(code[1]) if code else 0,
            typed=tuple(typed_lines(found["body"])),
        )


def typed_lines(body: str) -> Iterator[Typed]:
    """What a console block's reader types, each with what is shown of its output."""
    lines = body.splitlines()
    prompt = next((mark for mark in ("$ ", "# ") if any(line.startswith(mark) for line in lines)), None)
    if prompt is None:
        yield from (Typed(command=line, shown="") for line in lines if line.strip())
        return
    starts = [index for index, line in enumerate(lines) if line.startswith(prompt)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield Typed(command=lines[start][2:], shown="\n".join(lines[start + 1 : end]).strip("\n"))


def files(page: Path) -> dict[str, str]:
    """The files that a page tells the reader to save: name -> content."""
    found = {}
    text = page.read_text("utf-8")
    for block in BLOCK.finditer(text):
        name = re.search(r"<!-- file: (\S+) -->\s*$", text[: block.start()])
        if name:
            found[name[1]] = block["body"]
    return found


def torchup_lines(command: str) -> list[list[str]]:
    """The arguments of every ``torchup`` in a command line of a shell, without redirections and comments."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:  # a line of something that only looks like a shell
        return []
    found, current = [], None
    for word in words:
        if word in {"&&", "||", "|", ";", ">", ">>"}:
            current = None
        elif word in {"torchup", "torchup.exe"} and current is None:
            current = []
            found.append(current)
        elif current is not None:
            current.append(word)
    return found


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


def outside_blocks(text: str) -> str:
    """A page without its blocks, indented ones included."""
    return re.sub(r"^ *```[\w-]*\n.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def run(example: Example, call: Callable[[str, str | None], tuple[int, str]] | None = None) -> None:
    """Type every line of an example; raises `AssertionError` where the page shows something else.

    ``call`` takes a command line and a machine and gives exit code and output; without it torchup runs in this process.
    """
    for number, typed in enumerate(example.typed):
        code, output = (call or _call)(typed.command, example.machine)
        last = number == len(example.typed) - 1
        told = f"{example}\n$ {typed.command}\n{output}"
        assert code == (example.exit_code if last else 0), f"exit code {code}: {told}"
        assert matches(typed.shown, output), f"the page shows something else than {told}"


def arguments_of(words: list[str], machine: str | None) -> list[str]:
    """What torchup is given: the words of a line, and the recorded machine of the example where the verb takes one."""
    assert words[0] == "torchup", f"only torchup is run here: {words}"
    on_recording = machine and ON_RECORDINGS & set(words)
    return [*words[1:], *(("--from", str(MACHINES / machine)) if on_recording else ())]


def _call(command: str, machine: str | None) -> tuple[int, str]:
    words = shlex.split(command, comments=True)
    target = None
    if len(words) > 2 and words[-2] == ">":
        words, target = words[:-2], words[-1]
    arguments = arguments_of(words, machine)
    screen = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n", write_through=True)
    stdout = Path(target).open("w", encoding="utf-8") if target else screen  # noqa: SIM115  # closed below
    with redirect_stdout(stdout), redirect_stderr(screen):
        code = main(arguments)
    if target:
        stdout.close()
    sys.stdout.flush()
    return code, screen.buffer.getvalue().decode()  # type: ignore[attr-defined]  # it is a BytesIO


def matches(shown: str, output: str) -> bool:
    """Whether output is what a page shows of it; nothing shown fits everything."""
    if not shown.strip():
        return True
    wanted = [line.rstrip() for line in shown.splitlines()]
    pattern = ""
    for line in wanted:
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*"
        else:
            pattern += r"[^\n]*".join(re.escape(part) for part in line.split("...")) + r"\n"
    got = "\n".join(line.rstrip() for line in output.strip("\n").splitlines()) + "\n"
    return re.fullmatch(pattern, got) is not None


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
