"""The command line in Chinese, and on consoles that cannot show it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from torchup.cli.registry import VERBS
from torchup.report.columns import cells


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """The real program in a process of its own."""
    environment = {**os.environ, **variables}
    return subprocess.run(
        [sys.executable, "-m", "torchup", *arguments], capture_output=True, env=environment, check=False
    )


@pytest.mark.parametrize(
    "arguments", [["--help"], ["plan", "--help"], ["doctor", "--help"], ["explain", "old-hardware"]]
)
def test_help_and_explanations_are_chinese_and_fit(arguments):
    """Chinese help has Chinese in it and no line outruns 80 columns but for words that cannot be parted."""
    completed = run("--lang", "zh", *arguments, COLUMNS="80")
    text = completed.stdout.decode()
    assert completed.returncode == 0
    assert any("\u4e00" <= character <= "\u9fff" for character in text)
    assert [line for line in text.splitlines() if cells(line) > 82 and "[" not in line] == []


def test_errors_are_chinese_and_codes_stay():
    """An error is told in Chinese; its exit code and the option's name are what they are in English."""
    completed = run("--lang", "zh", "plan", "--wrong")
    assert completed.returncode == 2
    assert "没有选项" in completed.stderr.decode()
    assert "--wrong" in completed.stderr.decode()


def test_json_is_english_whatever_the_language():
    """Programs read the same document in every language."""
    arguments = ("plan", "--assume", "gpu=RTX 4090,driver=580.95,os=linux", "--json")
    english, chinese = run(*arguments), run("--lang", "zh", *arguments)
    assert english.stdout == chinese.stdout
    assert english.stdout.isascii()


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp936", "gbk", "latin-1"])
@pytest.mark.parametrize("arguments", [["--help"], ["detect"], ["explain", "driver-too-old"], ["nonsense"]])
def test_a_console_of_another_encoding_never_crashes(encoding, arguments):
    """What a console cannot show is replaced; the exit code is as ever and there is no traceback."""
    completed = run("--lang", "zh", *arguments, PYTHONIOENCODING=encoding)
    assert completed.returncode == (2 if arguments == ["nonsense"] else 0)
    assert b"Traceback" not in completed.stderr
    if encoding != "ascii":  # click takes a console that says ASCII for one that is set up wrongly, and writes UTF-8
        completed.stdout.decode(encoding)


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_in_both_languages(verb):
    """`torchup VERB --help` works and differs between the languages."""
    english, chinese = run(verb, "--help"), run("--lang", "zh", verb, "--help")
    assert (english.returncode, chinese.returncode) == (0, 0)
    assert english.stdout != chinese.stdout
