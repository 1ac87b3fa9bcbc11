"""The Tab key, in the shells that are here: what they really offer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from torchup.cli.run import main

BIN = Path(sys.executable).parent
pytestmark = pytest.mark.skipif(os.name != "posix", reason="drives POSIX shells")


@pytest.fixture
def variables(tmp_path):
    """A home with an environment `lab`, and this Python's programs first on the path."""
    (tmp_path / "home" / "data" / "envs" / "lab").mkdir(parents=True)
    return {**os.environ, "TORCHUP_HOME": str(tmp_path / "home"), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def offered(shell, typed, variables, tmp_path):
    """What a shell offers after some words, the last of which is not finished."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not here")
    source = tmp_path / f"completion.{shell}"
    with source.open("w") as file:
        subprocess.run(["torchup", "self", "completion", shell], stdout=file, env=variables, check=True)
    asked = {
        "bash": f"""
            source {source}
            COMP_WORDS=({typed} {"''" if typed.endswith(" ") else ""}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
            compopt() {{ :; }}
            _torchup_completion torchup; printf '%s\\n' "${{COMPREPLY[@]}}"
        """,
        "zsh": f"""
            compdef() {{ :; }}
            compadd() {{ print -l $completions; }}
            _describe() {{ print -l $completions_with_descriptions; }}
            source {source}
            words=({typed} {"''" if typed.endswith(" ") else ""}); CURRENT=${{#words}}
            _torchup_completion
        """,
        "fish": f"source {source}; complete -C '{typed}'",
    }
    command = [program, *(["-f"] if shell == "zsh" else []), "-c", asked[shell]]
    answer = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=60)
    return {line.split("\t")[0].split(":")[0] for line in answer.stdout.split("\n") if line}, answer.stderr


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("torchup ca", {"catalog"}),
        ("torchup --lang ", {"en", "zh"}),
        ("torchup env show ", {"lab"}),
    ],
)
def test_a_shell_offers_what_can_come_next(shell, typed, expected, variables, tmp_path):
    """Verbs, values of options, names of environments."""
    found, errors = offered(shell, typed, variables, tmp_path)
    assert expected <= found, errors
    assert not errors


@pytest.mark.parametrize(
    ("words", "word", "expected"),
    [
        ("env\nsh", "sh", ["show"]),
        ("env\nshow", "", ["lab"]),
        ("bench\n--device", "", []),
        ("--lang\nz", "z", ["zh"]),
    ],
)
def test_powershell_is_answered_line_by_line(words, word, expected, variables):
    """The words come without quoting; each answer is a value, a tab and a tip."""
    asked = {"_TORCHUP_COMPLETE": "powershell_complete", "COMP_WORDS": words, "COMP_WORD": word}
    answer = subprocess.run(["torchup"], env=variables | asked, capture_output=True, text=True, check=True)
    answers = [line.split("\t") for line in answer.stdout.split("\n") if line]
    assert [value for value, _ in answers] == expected
    assert all(tip for _, tip in answers)


def test_the_script_for_powershell_is_powershell(capsys):
    """Its grammar accepts it."""
    grammar = pytest.importorskip("tree_sitter_powershell", reason="neither PowerShell nor its grammar is here")
    tree_sitter = pytest.importorskip("tree_sitter")
    assert main(["self", "completion", "powershell"]) == 0
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    assert not parser.parse(capsys.readouterr().out.encode()).root_node.has_error
