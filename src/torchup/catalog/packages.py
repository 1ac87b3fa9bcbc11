"""The tables of packages around torch. Read only when a package is asked about: they are larger than the rest."""

from __future__ import annotations

import re
from datetime import date  # noqa: TC003  # msgspec reads the annotation
from functools import cache, cached_property
from itertools import starmap
from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.catalog.load import read_table
from torchup.catalog.schema import Table
from torchup.catalog.wheel_rows import Grammar, Wheel, WheelTable, wheels_of
from torchup.model import Value
from torchup.package_names import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KINDS = ("pure", "ctypes", "stable", "pinned", "matched", "source", "beside", "ended")
EVIDENCE = ("listing", "metadata", "measured", "table", "matrix", "resolver", "seen")
PYPI = ("wheel", "sdist", "none", "other", "old")


class Package(Table, frozen=True, kw_only=True):
    """One package. Lists are written as words parted by spaces; ``torch`` is a span where no wheel row says one."""

    name: str
    modules: str = ""
    aliases: str = ""
    siblings: str = ""  # further packages of which all the rest of the row is true
    kind: str
    torch: str = "any"
    python: str = ""
    version: str | None = None  # newest on PyPI
    pypi: str
    prerelease: bool = False
    min_capability: str | None = None
    platforms: str = ""
    complete: bool = False  # everything that is published is in the rows
    requires: str = ""
    needs_on_windows: str = ""
    cuda_variable: str | None = None  # environment variable that names the library to load
    cuda_packages: dict[str, str] = {}  # CUDA major -> the package of that major
    own_environment: bool = False
    system: str | None = None  # what the operating system has to bring
    build: str | None = None  # what compiling it needs
    build_requires: str = ""  # packages that its source is compiled with, beside torch
    build_environment: dict[str, str] = {}
    gpu_only: bool = False  # its source does not compile without a GPU toolkit
    checkout: str | None = None  # git address of its source, where PyPI has no source of it
    alternative: str | None = None
    note: str | None = None
    source: str

    @property
    def can_be_compiled(self) -> bool:
        """Whether there is a source that an installer can compile."""
        return self.build is not None and (self.pypi == "sdist" or self.checkout is not None)


class Window(Table, frozen=True, kw_only=True):
    """Whether a wheel built for some releases loads on others."""

    packages: str
    versions: str = ""  # tags of the releases that were measured
    built: str
    on: str
    result: str  # works | fails
    how: str
    source: str

    def covers(self, wheel: Wheel) -> bool:
        """Whether it speaks of this wheel."""
        named = self.packages == "*" or wheel.package in self.packages.split()
        return named and (not self.versions or wheel.tag.removeprefix("v") in self.versions.split())


class Symbol(Table, frozen=True, kw_only=True):
    """A symbol of torch's libraries and the releases that export it."""

    name: str
    have: str
    abi: str = ""
    source: str


class Signature(Table, frozen=True, kw_only=True):
    """An error text and what it means."""

    match: str
    cause: str
    source: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """``match``, compiled (the library keeps it)."""
        return re.compile(self.match)


class StringAbi(Table, frozen=True, kw_only=True):
    """Which builds of torch have the new string ABI of C++."""

    new_from: str
    also_new: tuple[str, ...] = ()
    source: str


class Compiling(Table, frozen=True, kw_only=True):
    """How many compilers run at once: each CUDA file of these packages takes this much memory."""

    gigabytes_per_job: int
    source: str


class _PackagesFile(Table, frozen=True, kw_only=True):
    as_of: date
    sources: dict[str, str]
    cxx11abi: StringAbi
    compiling: Compiling
    purposes: dict[str, str]
    package: tuple[Package, ...]
    grammar: tuple[Grammar, ...]
    wheels: tuple[WheelTable, ...]
    window: tuple[Window, ...]
    symbol: tuple[Symbol, ...]
    signature: tuple[Signature, ...]


class _WheelsFile(Table, frozen=True, kw_only=True):
    wheels: tuple[WheelTable, ...]


class Packages(Value, frozen=True, kw_only=True, dict=True):
    """Everything known of packages around torch."""

    as_of: str
    packages: tuple[Package, ...]
    wheels: tuple[Wheel, ...]
    windows: tuple[Window, ...]
    symbols: tuple[Symbol, ...]
    signatures: tuple[Signature, ...]
    string_abi: StringAbi
    compiling: Compiling
    purposes: dict[str, tuple[str, ...]]
    sources: Mapping[str, str]

    @cached_property
    def by_name(self) -> dict[str, Package]:
        """Every name and alias, normalised -> package."""
        return {name: package for package in self.packages for name in (package.name, *package.aliases.split())}

    @cached_property
    def by_module(self) -> dict[str, Package]:
        """What a program imports -> package."""
        return {module: package for package in self.packages for module in package.modules.split()}

    def get(self, name: str) -> Package | None:
        """A package by any of its names, however it is spelled."""
        return self.by_name.get(normalise(name))

    def wheels_of(self, package: str) -> tuple[Wheel, ...]:
        """Its wheels, in the order of the tables."""
        return tuple(wheel for wheel in self.wheels if wheel.package == package)


@cache
def load_packages() -> Packages:
    """The tables of the package, read once.

    Raises:
        msgspec.ValidationError, ValueError: a defect of the tables.
    """
    main = read_table("packages", _PackagesFile)
    bound = read_table("package_wheels", _WheelsFile)
    return Packages(
        as_of=main.as_of.isoformat(),
        packages=tuple(one for package in main.package for one in _each(package)),
        wheels=tuple(_expanded((*main.wheels, *bound.wheels), {one.id: one for one in main.grammar})),
        windows=main.window,
        symbols=main.symbol,
        signatures=main.signature,
        string_abi=main.cxx11abi,
        compiling=main.compiling,
        purposes={name: tuple(words.split()) for name, words in main.purposes.items()},
        sources=main.sources,
    )


def _each(package: Package) -> tuple[Package, ...]:
    names = package.siblings.split()
    more = [replace(package, name=name, modules=name.replace("-", "_"), aliases="", siblings="") for name in names]
    return (replace(package, siblings=""), *more)


def _expanded(tables: Iterable[WheelTable], grammars: Mapping[str, Grammar]) -> Iterable[Wheel]:
    for found in starmap(wheels_of, ((table, grammars[table.grammar]) for table in tables)):
        yield from found
