"""Which Python goes with a build: asked for, else installed, else fetched; the newest that both agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import at_least, python_key
from torchup.compat.laws import macos_against, newest_python
from torchup.compat.target import platform_of
from torchup.model import UNKNOWN, InstallerName, Machine, Message, Os, PythonInterpreter, Request, Value, message

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog, Row

_ARCH_OF_PLATFORM = {"x86_64": {"x86_64", "amd64"}, "aarch64": {"aarch64", "arm64"}, "arm64": {"aarch64", "arm64"}}


class Pythons(Value, frozen=True, kw_only=True):
    """The Pythons to choose from: version -> path (``None``: the installer fetches it)."""

    installed: dict[str, str | None]
    fetchable: tuple[str, ...]
    default: tuple[str, ...]  # of those what may be fetched unasked
    wanted: str | None
    unfit: tuple[str, ...]  # installed, but 32-bit, translated or not CPython
    known: bool = True  # False: the machine is imagined, and nothing says which Pythons it has


def pythons_of(machine: Machine, request: Request, catalog: Catalog) -> Pythons:
    """Collect the Pythons of a machine and what its installer could fetch."""
    installed: dict[str, str | None] = {}
    unfit = []
    for found in sorted(machine.pythons, key=lambda python: python.kind == "venv"):  # a venv may go away
        if _fits(found, machine) and found.version not in catalog.unfit_pythons:
            installed.setdefault(short(found.version, free_threaded=found.free_threaded), found.path)
        else:
            unfit.append(f"{found.version} ({found.bits}-bit)" if found.bits == 32 else found.version)  # noqa: PLR2004  # bits
    if not machine.pythons and machine.python and not machine.translated:
        installed[short(machine.python, free_threaded=machine.python.endswith("t"))] = None
    unknown = not installed and not unfit  # of an imagined machine: unknown, which is not the same as none
    fetches = unknown or request.installer != InstallerName.PIP
    fetchable = catalog.fetchable_pythons if fetches else ()
    wanted = short(request.python, free_threaded=request.python.endswith("t")) if request.python else None
    limit = python_key(catalog.newest_default_python)
    default = tuple(python for python in fetchable if python_key(python) <= limit and not python.endswith("t"))
    return Pythons(installed=installed, fetchable=fetchable, default=default, wanted=wanted, unfit=tuple(unfit),
                   known=bool(machine.pythons or machine.python))  # fmt: skip


def short(version: str, *, free_threaded: bool = False) -> str:
    """``3.12.3`` -> ``3.12``; free-threaded ``3.14.0`` -> ``3.14t``."""
    parts = version.strip().removesuffix("t").split(".")
    return ".".join(parts[:2]) + ("t" if free_threaded else "")


def _fits(found: PythonInterpreter, machine: Machine) -> bool:
    platform = platform_of(machine) or ""
    wanted = _ARCH_OF_PLATFORM.get(platform.partition("_")[2])
    arch_fits = not found.arch or wanted is None or found.arch.lower() in wanted
    return found.bits in {None, 64} and arch_fits and found.implementation == "CPython"


def choose_python(row: Row, pythons: Pythons, machine: Machine) -> tuple[str, str | None] | Message:
    """Choose the Python for a build.

    Order: the one asked for; the newest installed that has a wheel, plain builds first; the newest that the
    installer can fetch. Returns (version, path or ``None``), or what is against it.
    """
    possible = [python for python in row.pythons if _macos_allows(row, python, machine)]
    if pythons.wanted is not None:
        if pythons.wanted not in possible:
            return _against((pythons.wanted,), row, machine)
        if pythons.wanted in pythons.installed or pythons.wanted in pythons.fetchable:
            return pythons.wanted, pythons.installed.get(pythons.wanted)
        return message(
            "plan.reject.python-missing",
            "Python {python} is not installed here and the installer cannot download it",
            python=pythons.wanted,
        )
    here = newest_python(python for python in possible if python in pythons.installed)
    if here is not None:
        return here, pythons.installed[here]
    fetched = newest_python(python for python in possible if python in pythons.default)
    if fetched is not None:
        return fetched, None
    return _against(tuple(pythons.installed), row, machine)


def _macos_allows(row: Row, python: str, machine: Machine) -> bool:
    floor = row.macos_for.get(python)
    return machine.os != Os.MACOS or floor is None or at_least(machine.os_version, floor) is not False


def _against(wanted: tuple[str, ...], row: Row, machine: Machine) -> Message:
    """Why none of the Pythons will do: this macOS is too old for its wheel, or there is no wheel for it."""
    for python in wanted:
        if python in row.pythons and (macos := macos_against(row.macos_for.get(python), machine.os_version)):
            return macos
    return message(
        "plan.reject.python",
        "has wheels for Python {range}, not {python}",
        range=row.python_range,
        python=", ".join(wanted) or UNKNOWN,
    )
