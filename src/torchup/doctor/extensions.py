"""The compiled packages around torch, by the names of their modules. Pure."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from torchup.data_files import read_data
from torchup.model import Value


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
    return read_data(Path(__file__).parent / "data" / "extensions.toml", ExtensionTable)


def named_in(text: str) -> tuple[str, ...]:
    """The modules that a line names: ``xformers/csrc/attention``, ``flash_attn_2_cuda.so``."""
    table, lower = extension_table(), text.lower()
    by_library = [module for library, module in table.libraries.items() if library in lower]
    plain = [module for module in table.modules if module in lower or f"{table.package(module)}/" in lower]
    return tuple(dict.fromkeys([*by_library, *plain]))
