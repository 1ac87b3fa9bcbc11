"""The one line that says what happens now: it fits, it changes, it gives way."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchup.cli import detect, main
from torchup.cli.display import BAR, Display, Shown, line
from torchup.detect import detect_machine
from torchup.host.activity import activity
from torchup.report.columns import cells

pytest.importorskip("fcntl", reason="Windows has no pseudo-terminals of this kind")
from support.terminal import terminal

WORDS = st.text("install torch 安装环境 ==2.15.0+cu130,", min_size=1, max_size=120)
SECONDS = st.floats(0, 4000)


@given(WORDS, WORDS, SECONDS, st.none() | SECONDS, st.sampled_from((40, 60, 80, 120)))
def test_the_line_fits_the_terminal(words, detail, now, ends, width):
    """Whatever the stage is called and however far it is, nothing is wider than the terminal."""
    shown = Shown(words=words, detail=detail, done=1, total=3, ends=ends)
    assert cells(line(shown, now, width - 1, "⠋")) < width


@given(WORDS, st.floats(0, 600))
def test_no_line_stands_for_ten_seconds(words, now):
    """Its words change, not only its clock and its wheel."""
    shown = Shown(words=words)
    before, after = (line(shown, moment, 200, "").rsplit("  ", 1)[0] for moment in (now, now + 10))
    assert before != after


def test_the_time_left_ends_with_the_budget():
    """What is left of a budget is never more than the budget, and nothing once it is over."""
    shown = Shown(words="training", total=60, begun=0, ends=60)
    assert "1:00 left" in line(shown, 0, 80, "⠋")
    assert f"{'━' * (BAR // 2)}╌" in line(shown, 30, 80, "⠋")
    assert "0:05 left" in line(shown, 55, 80, "⠋")
    assert "finishing" in line(shown, 90, 80, "⠋")


def test_a_new_stage_begins_a_new_clock():
    """The clock is the stage's; a new detail of the same stage goes on with it."""
    moments = iter((0.0, 0.0, 20.0, 20.0, 30.0))
    display = Display(lambda: next(moments, 30.0))
    display._open = lambda: None
    display.show("download", detail="1 MB")
    display.show("download", detail="2 MB")
    assert (display._shown.begun, display._shown.changed) == (0.0, 20.0)
    display.show("install")
    assert display._shown.begun == 20.0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_silent_verb_says_what_it_waits_for(monkeypatch, language):
    """After a second a line names the program that is waited for, and it is gone when the answer comes."""

    def slow(host):
        with activity("run", "nvidia-smi"):
            time.sleep(1.5)
        return detect_machine(host)

    monkeypatch.setattr(detect, "detect_machine", slow)
    monkeypatch.setenv("TERM", "xterm-256color")
    with terminal(80) as screen:
        main(["detect", "--lang", language])
    assert {"en": "running nvidia-smi", "zh": "nvidia-smi"}[language] in screen.raw
    assert not any("nvidia-smi  0:" in line_ for line_ in screen.left)


@pytest.mark.parametrize("variable", ["TERM", "json"])
def test_nobody_who_does_not_watch_gets_the_line(monkeypatch, variable):
    """On a dumb terminal and with --json stderr stays as it was."""
    monkeypatch.setattr(detect, "detect_machine", lambda host: time.sleep(1.3) or detect_machine(host))
    monkeypatch.setenv("TERM", "dumb" if variable == "TERM" else "xterm")
    with terminal(80) as screen:
        main(["detect", *(["--json"] if variable == "json" else [])])
    assert "\x1b[?25l" not in screen.raw
