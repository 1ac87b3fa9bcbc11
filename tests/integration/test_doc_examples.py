"""The examples of the documents that need an environment with torch, typed into a shell as a reader does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import jupyter
from support.documents import examples, files, pages, run
from torchup.envs import registry
from torchup.host import RealHost

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="the examples are a POSIX shell's")]
PAGES = [page for page in pages() if any(example.kind == "slow" for example in examples(page))]


def shell(command: str, machine: str | None) -> tuple[int, str]:
    """Type one line into bash: exit code, and what the terminal shows."""
    assert machine is None
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PATH": path},
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_that_need_torch_do_what_the_page_shows(page, tmp_path, monkeypatch):
    """With a real environment called `default`, every line prints what the page shows."""
    registry.adopt(RealHost(), str(jupyter.environment()), "default")
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name, content in files(page).items():
        (tmp_path / name).write_text(content, "utf-8")
    for example in examples(page):
        if example.kind == "slow":
            run(example, shell)
