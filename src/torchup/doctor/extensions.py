"""The compiled packages around torch: which they are, and how one of them is made for this GPU and this torch."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

from torchup.doctor.remedy import interpreter_of, python_words, set_variable
from torchup.model import Manager, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.doctor.facts import Facts
    from torchup.model import ComputeCapability

Command = tuple[str, ...]


class ExtensionTable(Value, frozen=True, kw_only=True):
    """The rows of ``data/extensions.toml``, by the name of the module."""

    source: tuple[str, ...]
    wheels: tuple[str, ...]
    elsewhere: tuple[str, ...]
    packages: dict[str, str]
    libraries: dict[str, str]

    @property
    def modules(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.source, *self.wheels, *self.elsewhere)

    def package(self, module: str) -> str:
        """What an installer calls it."""
        return self.packages.get(module, module.replace("_", "-"))


@cache
def extension_table() -> ExtensionTable:
    """Read the file once."""
    text = resources.files("torchup.doctor").joinpath("data", "extensions.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), ExtensionTable)


def named_in(text: str) -> tuple[str, ...]:
    """The modules that a line names: ``xformers/csrc/attention``, ``flash_attn_2_cuda.so``."""
    table, lower = extension_table(), text.lower()
    by_library = [module for library, module in table.libraries.items() if library in lower]
    plain = [module for module in table.modules if module in lower or f"{table.package(module)}/" in lower]
    return tuple(dict.fromkeys([*by_library, *plain]))


def rebuild(facts: Facts, module: str, gpus: Iterable[ComputeCapability] = ()) -> tuple[Command, ...]:
    """The commands that make an extension anew beside the torch that is there; none where PyPI does not have it.

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
        return (_install(facts, ("--upgrade", package)),)
    version = next(iter(facts.versions(package.lower())), None)
    requirement = f"{package}=={version}" if version else package
    code = ";".join(sorted({str(gpu) for gpu in gpus}))
    variable = (set_variable("TORCH_CUDA_ARCH_LIST", code),) if code else ()
    again = ("--reinstall-package", package) if _by_uv(facts) else ("--force-reinstall",)
    options = ("--no-build-isolation", "--no-deps", "--no-binary", package, *again)
    return (*variable, _install(facts, (*options, requirement)))


def _by_uv(facts: Facts) -> bool:
    return facts.manager in {Manager.UV_VENV, Manager.UV_PROJECT}


def _install(facts: Facts, words: Command) -> Command:
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
