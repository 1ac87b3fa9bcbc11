"""The console examples of the documents do what the pages show; those that cannot run here say why."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import click
import pytest

from support.documents import BLOCK, MACHINES, arguments_of, examples, files, matches, pages, run, torchup_lines
from support.results import breakdown, result
from support.results import run as a_run
from torchup.cli import main
from torchup.cli.app import make_app
from torchup.cli.defaults import defaults_for
from torchup.host import RealHost
from torchup.results import store
from torchup.settings import load_settings

ALL = [example for page in pages() for example in examples(page)]
SENT = {"mac": "macos-sonoma-m1", "node1": "linux-ubuntu-rtx4090", "laptop": "windows-11-rtx3070ti-laptop"}
DOCUMENTS = ("export", "--format md", "completion", "--json")  # files of other programs are shown as they are
REPORT = """\
Collecting environment information...
PyTorch version: 2.13.0+cu130
Is debug build: False
CUDA used to build PyTorch: 13.0
ROCM used to build PyTorch: N/A

OS: Ubuntu 24.04.2 LTS (x86_64)
Python version: 3.12.3 (main, Feb  4 2025, 14:48:35) [GCC 13.3.0] (64-bit runtime)
Python platform: Linux-6.8.0-57-generic-x86_64-with-glibc2.39
Is CUDA available: False
CUDA runtime version: Could not collect
GPU models and configuration: GPU 0: NVIDIA GeForce RTX 3090
Nvidia driver version: 550.144.03

Versions of relevant libraries:
[pip3] numpy==2.2.4
[pip3] torch==2.13.0+cu130
"""


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """What a reader has: a home, a report, machines that others sent, two stored runs and a baseline file."""
    home = tmp_path / "home"
    for folder in (home, tmp_path / "work" / "machines"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    for name in ("HOME", "USERPROFILE", "JUPYTER_DATA_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(home))
    for name, machine in SENT.items():
        shutil.copy(MACHINES / machine / "expected.json", f"machines/{name}.json")
    (tmp_path / "work" / "pasted.txt").write_text(REPORT, "utf-8")
    _runs()


def _runs() -> None:
    samples = (0.99, 1.0, 1.0, 1.0, 1.01)
    parts = breakdown(input=80, transfer=1.0, launch=4.0, compute=14.0, other=1.0)
    for number, factor in enumerate((1.0, 0.8)):  # named in their order: both are saved within one second
        script, resident = (
            result(recipe, seconds * factor, repeats=tuple(seconds * factor * s for s in samples), breakdown=parts)
            for recipe, seconds in (("script", 100.0), ("resident", 25.0))
        )
        when = f"2026-01-0{number + 1}"
        kept = a_run(script, resident, id=f"{when.replace('-', '')}T000000-abc123", created_at=f"{when}T00:00:00Z")
        store.save_run(RealHost(), kept)


def test_every_example_says_whether_it_is_run():
    """A console block has a comment before it: run, slow, or parsed and the reason."""
    silent = [str(example) for example in ALL if example.kind is None]
    assert not silent


@pytest.mark.parametrize("page", pages(), ids=lambda page: f"{page.parent.name}/{page.name}")
def test_the_examples_of_a_page_do_what_it_shows(page, desk):
    """The examples of a page, one after the other as a reader types them, print what the page shows."""
    for name, content in files(page).items():
        Path(name).write_text(content, "utf-8")
    for example in examples(page):
        if example.kind == "run":
            run(example)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")
@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_examples_on_a_colour_terminal(width, desk, monkeypatch):
    """Every example that is run, typed into a colour terminal: no code is seen as text, and no line is too wide."""
    from support.terminal import leftovers, terminal, too_wide  # noqa: PLC0415  # see the skip

    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    wrong, done = [], set[tuple[str, str | None]]()
    for example in ALL:
        for name, content in files(example.page).items():
            Path(name).write_text(content, "utf-8")
        for typed in example.typed if example.kind == "run" else ():
            words = shlex.split(typed.command, comments=True)
            seen_before = (typed.command, example.machine) in done
            if seen_before or ">" in words or any(word in typed.command for word in DOCUMENTS):
                continue
            done.add((typed.command, example.machine))
            with terminal(width) as screen:
                main(arguments_of(words, example.machine))
            wrong += [(str(example), typed.command, found) for found in (*leftovers(screen), *too_wide(screen, width))]
    assert wrong == []


def test_what_is_shown_must_fit():
    """The comparison itself: dots stand for text and lines, everything else must be there."""
    assert matches("a ... c\n...\nz", "a b c\n1\n2\nz\n")
    assert matches("", "anything\n")
    assert not matches("a\nb", "a\n")
    assert not matches("a", "a\nb\n")


def test_a_line_with_redirections_is_taken_apart():
    """What stands behind a pipe, a redirection or a comment is no argument."""
    assert torchup_lines("torchup plan --json > p.json && torchup up  # then") == [["plan", "--json"], ["up"]]


SETTINGS = [
    (page, found["body"])
    for page in pages()
    for found in BLOCK.finditer(page.read_text("utf-8"))
    if found["language"] == "toml" and "[project" not in found["body"]
]


@pytest.mark.parametrize(("page", "text"), SETTINGS, ids=lambda value: getattr(value, "name", "toml"))
def test_settings_that_a_page_shows_are_understood(page, text, desk):
    """Every torchup.toml of the documents is read without an error, its tables of verbs included."""
    Path("torchup.toml").write_text(text, "utf-8")
    app = make_app()
    context = click.Context(app, info_name="torchup")
    for verb in load_settings(RealHost()).verbs:
        command = app.get_command(context, verb)
        assert command is not None
        defaults_for(command, verb, RealHost())
