"""``%torchup`` in notebooks: ``import torchup.notebook`` or ``%load_ext torchup.notebook``.

Takes the same lines as the command line. An answer is shown as HTML where the notebook shows HTML, else as text. What
is not named is this notebook's own kernel: its Python is looked at, in a fresh process.
"""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torchup.cli.answer import Answer

MAGIC = "torchup"
HERE = ("doctor", "verify", "bench")  # verbs that look at a Python
ELSEWHERE = {"--env", "--python", "--report", "--machine", "--assume", "--from", "--list", "--resume", "--help", "-h"}


def load_ipython_extension(shell: Any) -> None:
    """What ``%load_ext torchup.notebook`` calls."""
    shell.register_magic_function(magic, "line", MAGIC)


def unload_ipython_extension(shell: Any) -> None:
    """What ``%unload_ext torchup.notebook`` calls."""
    shell.magics_manager.magics["line"].pop(MAGIC, None)


def magic(line: str) -> None:
    """``%torchup doctor``, ``%torchup plan --torch 2.14``: run a line and show its answer."""
    from IPython.display import display  # noqa: PLC0415  # only a notebook has it

    bundle = answer(shlex.split(line) or ["--help"])
    if bundle:
        display(bundle, raw=True)


def answer(arguments: list[str]) -> dict[str, str]:
    """The answer to a line, by MIME type; empty where the command has printed all there is."""
    try:
        from torchup.cli.run import answer_of  # noqa: PLC0415  # torchup's dependencies, which a kernel may lack
        from torchup.errors import TorchupError  # noqa: PLC0415  # same
    except ImportError as error:
        return {"text/plain": f"torchup is here without what it needs ({error}). Run: %pip install torchup"}
    try:
        found = answer_of(for_this_kernel(arguments))
    except TorchupError as error:
        return _failure(error)
    return _bundle(found) if found is not None else {}


def for_this_kernel(arguments: list[str]) -> list[str]:
    """The line about this kernel's Python, where it names no other."""
    verb, *rest = arguments
    if verb not in HERE or any(word.partition("=")[0] in ELSEWHERE for word in rest):
        return arguments
    return [verb, "--python", sys.executable, *rest]


def _bundle(found: Answer) -> dict[str, str]:
    from torchup.i18n import render  # noqa: PLC0415  # see `answer`
    from torchup.privacy import without_secrets  # noqa: PLC0415  # same

    lines = [found.text(), *(render(notice.text) for notice in found.notices)]
    bundle = {"text/plain": without_secrets("\n".join(filter(None, lines)))}
    return bundle | ({"text/html": without_secrets(found.html())} if found.html is not None else {})


def _failure(error: Any) -> dict[str, str]:
    from torchup.i18n import render  # noqa: PLC0415  # see `answer`
    from torchup.report.html_blocks import failure, in_a_notebook  # noqa: PLC0415  # same

    lines = [render(error.text), *([render(error.hint)] if error.hint is not None else [])]
    return {"text/plain": "\n\n".join(lines), "text/html": in_a_notebook(failure(error))}


def _running_shell() -> Any:
    """The notebook that imports this; ``None``: a script."""
    shell = sys.modules.get("IPython")
    return shell.get_ipython() if shell is not None else None


if (_shell := _running_shell()) is not None:
    load_ipython_extension(_shell)
