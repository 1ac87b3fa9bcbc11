"""Every verb on a colour terminal, narrow and wide, in both languages: what a person sees, not what a pipe gets."""

from __future__ import annotations

import io
import re
import shlex
import sys

import pytest

from support.typed import HELP, MACHINES, REPORT, TYPED
from torchup.cli import main, verify
from torchup.cli.target import Target
from torchup.host.threads import thread
from torchup.model import Rung, RungStatus, TorchInfo, Verification
from torchup.report.columns import cells
from torchup.report.style import Style, mark, on_terminal

pytest.importorskip("fcntl", reason="Windows has no pseudo-terminals of this kind")
from support.terminal import leftovers, terminal, too_wide

LINES = [line for line in TYPED if line not in HELP]
DOCUMENTS = ("export", "--format md", " --json")  # for other programs: shown as they are
_WHOLE = re.compile(r"`[^`\n]{1,60}`|[!-~]*[/=][!-~]*")  # commands in backticks, paths, addresses, NAME=VALUE


@pytest.fixture
def typed(tmp_path, monkeypatch):
    """Type a line into a terminal of some width; gives what is to be seen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "FOLDER").mkdir()
    (tmp_path / "EMPTY").touch()
    (tmp_path / "REPORT").write_text(REPORT)
    (tmp_path / "MACHINE").symlink_to(MACHINES / "linux-ubuntu-rtx3070ti-laptop")

    def typed(line: str, width: int, *more: str):
        with terminal(width) as screen:
            main([*more, *shlex.split(line)])
        return screen

    return typed


def broken(text: str, wide: str, width: int) -> list[str]:
    """Paths and commands of the wide text that would fit on a line of their own and are in pieces in the narrow one."""
    fitting = {word for word in _WHOLE.findall(wide) if cells(word) <= width - 8}
    return sorted(word for word in fitting if word not in text)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [40, 80, 120])
def test_every_verb_on_a_colour_terminal(typed, width, language):
    """No escape code is shown as text, no line is wider than the terminal, no path or command is broken needlessly."""
    wrong = []
    for line in LINES:
        if any(word in line for word in DOCUMENTS):
            continue
        screen = typed(line, width, "--lang", language)
        wrong += [(line, "code", found) for found in leftovers(screen)]
        wrong += [(line, "wide", found) for found in too_wide(screen, width)]
    assert wrong == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_paths_and_commands_stay_whole(typed, language):
    """What is on one line of a wide terminal and fits a narrow one is not parted there."""
    wrong = []
    for line in LINES:
        if any(word in line for word in (*DOCUMENTS, "--record")):
            continue
        wide, narrow = (typed(line, width, "--lang", language).seen for width in (400, 60))
        wrong += [(line, word) for word in broken(narrow, wide, 60)]
    assert wrong == []


def test_the_one_answer_is_set_off(typed):
    """The build of a plan and the cause of a diagnosis are bold, and the signs have their colours."""
    assert "\x1b[1mtorch 2." in typed("plan --from MACHINE", 80).raw
    found = typed("doctor --report REPORT", 80).raw
    assert "\x1b[31m✗\x1b[0m \x1b[1mMain cause: driver-too-old\x1b[0m" in found


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colour_can_be_turned_off(typed, monkeypatch, name, value):
    """NO_COLOR and TERM=dumb: the same text, without a code."""
    coloured = typed("doctor --report REPORT", 80)
    monkeypatch.setenv(name, value)
    plain = typed("doctor --report REPORT", 80)
    assert plain.colours == []
    assert plain.seen == coloured.seen


def test_a_pipe_gets_neither_colour_nor_other_line_ends(typed, capsys):
    """Where no terminal is, the text is what it always was."""
    main(["doctor", "--report", "REPORT"])
    assert "\x1b" not in capsys.readouterr().out


def test_values_cannot_colour_or_steer():
    """An escape code in a value is gone before torchup's own colour comes."""
    shown = on_terminal(f"{mark(Style(), 'pass')} \x1b[31mred\x9b2J\x1b]0;title\x07", Style(color=True))
    assert shown == "\x1b[32m✓\x1b[0m [31mred2J]0;title"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_verify_prints_each_rung_once(typed, monkeypatch, language):
    """Who watched the rungs as they ended, in a thread of the reader's, does not get the list again, nor in English."""
    rungs = tuple(Rung(name=name, status=RungStatus.PASS, seconds=0.1) for name in ("import", "matmul", "conv"))

    def climb(*_: object, on_rung, **__: object) -> Verification:
        reader = thread(lambda: [on_rung(rung) for rung in rungs])
        reader.start()
        reader.join()
        return Verification(passed=True, torch=TorchInfo(version="2.15.0", devices=("cpu",)), rungs=rungs)

    monkeypatch.setattr(verify, "verify_environment", climb)
    monkeypatch.setattr(verify, "find_target", lambda *_: Target(python="python"))
    seen = typed("verify", 80, "--lang", language).seen
    assert [seen.count(f" {rung.name} ") for rung in rungs] == [1, 1, 1]
    assert ("matrix products" in seen) == (language == "en")
