"""A compiled package made for this GPU, beside the torch that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.extensions import extension_table
from torchup.doctor.remedy.install_commands import interpreter_of, python_words
from torchup.doctor.remedy.quoting import set_variable
from torchup.model import Manager

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.doctor.facts import Facts
    from torchup.model import ComputeCapability

Command = tuple[str, ...]


def rebuild(facts: Facts, module: str, gpus: Iterable[ComputeCapability] = ()) -> tuple[Command, ...]:
    """The commands that rebuild an extension for the installed torch; none if PyPI does not have it.

    Args:
        facts: what is known; a listed version of the package is kept.
        module: the name of its module.
        gpus: the GPUs that it has to have code for; empty: torch's own choice.
    """
    table = extension_table()
    package = table.package(module)
    if module in table.elsewhere:
        return ()
    if module in table.wheels:
        return (install_by(facts, ("--upgrade", package)),)
    version = next(iter(facts.versions(package.lower())), None)
    requirement = f"{package}=={version}" if version else package
    if facts.manager is Manager.UV_PROJECT:
        return (*_variable(gpus), ("uv", "add", *_for_project(package), requirement))
    again = ("--reinstall-package", package) if _by_uv(facts) else ("--force-reinstall",)
    options = ("--no-build-isolation", "--no-deps", "--no-binary", package, *again)
    return (*_variable(gpus), install_by(facts, (*options, requirement)))


def _variable(gpus: Iterable[ComputeCapability]) -> tuple[Command, ...]:
    code = ";".join(sorted({str(gpu) for gpu in gpus}))
    return (set_variable("TORCH_CUDA_ARCH_LIST", code),) if code else ()


def _for_project(package: str) -> Command:
    """Uv's options for one package of a project, whose next `uv sync` would undo anything else."""
    options = ("--no-build-isolation-package", "--no-binary-package", "--reinstall-package")
    return tuple(word for option in options for word in (option, package))


def _by_uv(facts: Facts) -> bool:
    return facts.manager in {Manager.UV_VENV, Manager.UV_PROJECT}


def install_by(facts: Facts, words: Command) -> Command:
    """An installation in the words that pip and uv share, for the environment's own manager."""
    interpreter = interpreter_of(facts)
    if _by_uv(facts):
        where = ("--python", python_words(interpreter)[0]) if interpreter else ()
        return ("uv", "pip", "install", *where, *words)
    runner = _RUNNERS.get(facts.manager or Manager.PIP, python_words(interpreter))
    return (*runner, "-m", "pip", "install", *words)


_RUNNERS: dict[Manager, Command] = {
    Manager.POETRY: ("poetry", "run", "python"),
    Manager.PIXI: ("pixi", "run", "python"),
}
