"""The walk of a newcomer through every verb, as tests (docs/explanation/usability-walk.md tells how to do it by hand).

What is suggested exists and works when copied; what is Chinese has no English sentence left in it; nothing is wider
than the terminal; no console breaks it.
"""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from babel.messages.pofile import read_po

from support.documents import parse
from support.typed import HELP, MACHINES, REPORT, TYPED
from torchup import i18n
from torchup.cli import main
from torchup.cli.app import make_app
from torchup.cli.registry import VERBS
from torchup.cli.unknown_verb import ELSEWHERE
from torchup.errors import ExitCode, TorchupError
from torchup.report.columns import cells

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "src/torchup/i18n/locale/zh_CN/LC_MESSAGES/torchup.po"


@pytest.fixture
def walk(tmp_path, monkeypatch, capsys):
    """Type a line on a first day; gives the exit code and what stdout and stderr show."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    (tmp_path / "FOLDER").mkdir()
    (tmp_path / "EMPTY").touch()
    (tmp_path / "REPORT").write_text(REPORT)
    (tmp_path / "MACHINE").symlink_to(MACHINES / "linux-ubuntu-rtx3070ti-laptop")

    def typed(line: str, *more: str) -> tuple[int, str, str]:
        code = main([*more, *shlex.split(line)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return typed


_WORD = re.compile(r"\S*`[^`]*`\S*|\S+")  # a command is one word


def too_wide(line: str, shown: str, width: int = 80) -> list[str]:
    """Lines that outrun the terminal, but for closing marks and for words and commands that cannot be parted."""
    if "export" in line or "--format md" in line or "list -v" in line:
        return []  # files of other programs, and addresses
    wide = [one for one in shown.splitlines() if cells(one.rstrip("，。；：、？）")) > width]
    return [
        one for one in wide if max(map(len, _WORD.findall(one))) < width // 2 and not one.startswith("        python")
    ]


# ---------------------------------------------------------------- next steps


@pytest.mark.parametrize("line", TYPED)
def test_no_line_is_a_dead_end(walk, line):
    """No line is a defect or a traceback, every error comes with a hint, and all of it fits."""
    code, out, err = walk(line)
    assert code != ExitCode.INTERNAL, err
    assert "Traceback" not in out + err
    assert not err.startswith("error:") or "\nhint: " in err, err
    assert too_wide(line, out) == []


@pytest.mark.parametrize("line", TYPED)
def test_every_line_with_json_is_one_document(walk, line):
    """With --json even a wrong line prints one envelope, in English and in ASCII, whatever the language."""
    if line in {*HELP, "--json"} or line.startswith(("env run", "results export")):
        return  # help, the program's own output, and a document whose words are the user's
    _, out, _ = walk(line, "--json", "--lang", "zh")
    assert out.startswith('{\n  "schema": "torchup/1"')
    assert out.isascii()


def suggestions() -> list[tuple[str, str]]:
    """(code of the text, command line) for each `torchup ...` in a message or its translation."""
    found = []
    with CATALOGUE.open("rb") as file:
        entries = [entry for entry in read_po(file, locale="zh_CN") if entry.id]
    for entry in entries:
        for text in (str(entry.id), str(entry.string)):
            quoted = re.findall(r"`(torchup [^`]*)`", text)
            plain = re.findall(rf"[:：] ?(torchup (?:{'|'.join(VERBS)})[^`（(，。;；]*)", text)
            found += [(str(entry.context), line.strip()) for line in (*quoted, *plain)]
    found += [("elsewhere", line) for line in ELSEWHERE.values()]
    return sorted(set(found))


STAND_INS = {"recipe": "resident", "names": "nju", "kind": "cpu", "NAME": "nju"}


def test_what_is_suggested_exists():
    """Every command in a message is one that the program parses, with a word in place of each {field}."""
    app, wrong = make_app(), []
    shown = suggestions()
    for code, line in shown:
        if line.startswith(("torchup {", "torchup -")):
            continue  # the field is the command; those that fill it are walked above
        filled = re.sub(r"\{(\w+)\}", lambda field: STAND_INS.get(field[1], "thesis"), line.split(" > ")[0])
        words = [word for word in shlex.split(filled)[1:] if word != "[NAME]"]
        try:
            parse(app, words)
        except click.MissingParameter:
            wrong += [(code, line)] if words[-1].startswith("-") else []  # prose may leave out the arguments
        except (click.ClickException, TorchupError, AssertionError) as error:
            wrong.append((code, line, str(error)))
    assert wrong == []
    assert len(shown) > 90


# ---------------------------------------------------------------- Chinese

# Words that stay: names, codes, commands, what the user typed, file formats, words of other programs in quotes.
_QUOTED = re.compile(r"`[^`]*`|\"[^\"]*\"|'[^']*'|https?://\S+|\[[^\]]*\]|\([^)]*\)|torchup [a-z][^，。：；）]*")
_SENTENCE = re.compile(r"\b[a-z]{2,}(?: [a-z]{2,}){2,}\b")  # three plain English words in a row
# What a program said, and the facts that torchup and maintainers read again.
TOLD = re.compile(r"报错信息：.*?(?=\n *-|\n *修复)|^\| .*?$", re.DOTALL | re.MULTILINE)
_PROGRAMS = ("pip ", "uv ", "python ", "apt ", "reinstall torch", "cpu pillow")


def english_left(text: str) -> list[str]:
    """Runs of three English words in a text that should be Chinese."""
    return [found for found in _SENTENCE.findall(_QUOTED.sub(" ", text)) if not found.startswith(_PROGRAMS)]


@pytest.mark.parametrize("line", [line for line in TYPED if line not in HELP])
def test_no_english_sentence_is_left_in_chinese(walk, line):
    """In Chinese a line of output holds Chinese words, names, commands and codes, and no English prose."""
    _, out, err = walk(line, "--lang", "zh")
    if line == "mirror list -v":
        return  # notes of the table of mirrors: where a row comes from, in its source's words
    assert english_left(TOLD.sub("", out + err)) == []
    assert too_wide(line, out) == []


def test_the_search_for_english_finds_it():
    """The search itself: prose is found, names and commands are not."""
    assert english_left("错误：the file cannot be read") == ["the file cannot be read"]
    assert english_left("运行 `torchup up --from DIR`，见 NVIDIA GeForce RTX 3070 Ti") == []


HELPS = """
import sys, click
from torchup import i18n
from torchup.cli import click_texts, help_format
i18n.use(sys.argv[1]); click_texts.translate_click(); help_format.use_columns()
from torchup.cli.app import make_app
def show(command, parent, name):
    with click.Context(command, parent=parent, info_name=name, terminal_width=int(sys.argv[2])) as context:
        print(command.get_help(context))
        for below in command.list_commands(context) if isinstance(command, click.Group) else ():
            show(command.get_command(context, below), context, below)
show(make_app(), None, "torchup")
"""


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [60, 80])
def test_every_help_fits_and_is_in_its_language(language, width):
    """The help of every verb and subverb, all in one process of its own: as wide as the terminal, in one language."""
    argv = [sys.executable, "-X", "utf8", "-c", HELPS, language, str(width)]
    text = subprocess.run(argv, capture_output=True, check=True).stdout.decode()
    assert text.count("torchup env ") > 8
    assert too_wide("", text, width) == []
    if language == "zh":
        assert english_left(text) == []


# ---------------------------------------------------------------- widths and consoles


CONSOLES = {"ascii": "en", "cp1252": "en", "latin-1": "en", "cp936": "zh", "gb18030": "zh", "utf-8": "zh"}


@pytest.mark.parametrize("encoding", CONSOLES)
@pytest.mark.parametrize("line", [line for line in TYPED if line not in HELP][::9])
def test_every_console_can_show_every_answer(walk, monkeypatch, line, encoding):
    """Consoles without Chinese or without boxes: no crash; Chinese where it can be shown, else English."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    code = main(["--lang", "zh", *shlex.split(line)])
    shown = b"".join(stream.buffer.getvalue() for stream in streams if not stream.flush())
    assert code != ExitCode.INTERNAL
    assert b"Traceback" not in shown
    if encoding != "ascii":  # click takes such a stream for one that is set up wrongly, and writes UTF-8 to it
        text = shown.decode(encoding)
        assert i18n.current() == CONSOLES[encoding]
        assert "??" not in text  # a stand-in for what the console has not
