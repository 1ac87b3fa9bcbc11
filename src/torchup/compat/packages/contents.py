"""What the inside of a wheel says of the torch, CUDA and GPU that it is for, against a machine. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.spans import minor_of
from torchup.catalog.versions import at_least, version_key
from torchup.catalog.wheel_rows import platform_of, python_of_tag
from torchup.compat.laws import driver_serves, ptx_runs, sass_runs
from torchup.compat.packages.symbols import cuda_majors, releases_of
from torchup.compat.packages.values import Axis, Failed
from torchup.compat.target import make_target
from torchup.model import ComputeCapability, Library, Value
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torchup.catalog.packages import Packages
    from torchup.catalog.types import Catalog, DriverFloor
    from torchup.compat.target import Target
    from torchup.model import Machine

# Symbols of torch's C++ interface (Itanium and MSVC names), and those of its stable C interface.
_CPP = lazy_pattern(r"_ZN?K?(?:3c10|2at|5torch)\w*|(?:torch|c10)\w{0,20}\.dll!\?.*")
_STABLE = lazy_pattern(r"(?:(?:torch|c10)\w{0,20}\.dll!)?(?:aoti_)?torch_\w+")
_NAMES = "torch|torch_cpu|torch_cuda|torch_hip|torch_python|c10|c10_cuda|c10_hip"
_TORCH = lazy_pattern(rf"(?:lib)?(?:{_NAMES})\.(?:so|dll|dylib)")
_NEW_STRING = "St7__cxx1112basic_string"
_IDENTIFIER = lazy_pattern(r"(\d{1,4})")


class Contents(Value, frozen=True, kw_only=True):
    """What was read out of a wheel. Empty or ``None``: it does not say."""

    file: str
    package: str | None = None
    version: str | None = None
    requires_torch: str | None = None
    requires_python: str | None = None
    python_tags: tuple[str, ...] = ()
    abi_tags: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()  # keys of the catalogue, or "any"
    glibc: str | None = None  # by its platform tag
    libraries: tuple[str, ...] = ()  # paths of compiled files
    needed: tuple[str, ...] = ()
    links_torch: bool = False
    cuda_majors: tuple[int, ...] = ()
    interface: str | None = None  # c++ | stable | none
    cpp_symbols: int = 0
    stable_symbols: int = 0
    string_abi: str | None = None  # TRUE | FALSE
    releases: tuple[str, ...] = ()  # minors of torch that export every known symbol that it needs
    architectures: tuple[str, ...] = ()
    glibc_symbols: str | None = None  # newest that its symbols ask for
    problems: tuple[str, ...] = ()  # codes: name-differs, version-differs, platform-differs


class Explained(Value, frozen=True, kw_only=True):
    """What a wheel is, and whether it goes with a machine. ``fits`` is ``None`` where nothing in it says."""

    contents: Contents
    torch: str | None = None  # the installed torch that it was held against
    fits: bool | None = None
    failed: tuple[Failed, ...] = ()


def digest(libraries: Sequence[Library], catalog: Catalog, tables: Packages) -> dict[str, object]:
    """What the libraries of a wheel say together."""
    needed = dict.fromkeys(name for library in libraries for name in library.needed)
    torch = [library for library in libraries if any(_TORCH.fullmatch(name) for name in library.needed)]
    symbols = {symbol for library in torch for symbol in library.undefined}
    cpp = {symbol for symbol in symbols if _CPP.fullmatch(symbol)}
    stable = {symbol for symbol in symbols if _STABLE.fullmatch(symbol)}
    glibcs = [library.glibc for library in libraries if library.glibc]
    return {
        "needed": tuple(needed),
        "links_torch": bool(torch),
        "cuda_majors": cuda_majors(needed),
        "interface": "none" if not torch else "c++" if cpp else "stable",
        "cpp_symbols": len(cpp),
        "stable_symbols": len(stable),
        "string_abi": string_abi(cpp),
        "releases": _releases(cpp, catalog, tables),
        "architectures": tuple(dict.fromkeys(name for library in libraries for name in library.architectures)),
        "glibc_symbols": max(glibcs, key=version_key, default=None),
    }


def string_abi(symbols: Iterable[str]) -> str | None:
    """Which string ABI the symbols of torch are written in; ``None`` where none has a string."""
    found = list(symbols)
    if any(_NEW_STRING in symbol for symbol in found):
        return "TRUE"
    return "FALSE" if any("Ss" in _without_identifiers(symbol) for symbol in found) else None


def _without_identifiers(symbol: str) -> str:
    """An Itanium name without its words, each of which follows its length: ``_ZN5torch3jitERKSs`` -> ``_ZNERKSs``."""
    kept, at = [], 0
    while (match := _IDENTIFIER.search(symbol, at)) is not None:
        kept.append(symbol[at : match.start()])
        at = match.end() + int(match[1])
    return "".join((*kept, symbol[at:]))


def _releases(cpp: set[str], catalog: Catalog, tables: Packages) -> tuple[str, ...]:
    minors = sorted({minor_of(row.torch) for row in catalog.rows}, key=version_key)
    return releases_of(cpp, minors, tables)


def against(
    contents: Contents, machine: Machine, catalog: Catalog, *, torch: str | None = None, python: str | None = None
) -> tuple[Failed, ...]:
    """What keeps a wheel from running on a machine, in the order of the axes.

    Args:
        contents: the wheel.
        machine: the machine.
        catalog: driver floors and the law of native code.
        torch: the torch that is installed there, with its label; ``None``: not asked.
        python: the Python that it is installed in; ``None``: not asked.
    """
    target = make_target(machine, catalog)
    found = (
        _platform(contents, target),
        _glibc(contents, machine),
        _gpu(contents, target, catalog),
        _driver(contents, target, catalog),
        _cuda(contents, torch),
        _python(contents, python),
        _torch(contents, torch),
    )
    return tuple(failed for failed in found if failed is not None)


def _platform(contents: Contents, target: Target) -> Failed | None:
    here = target.platform or target.machine.arch
    fits = not contents.platforms or bool({"any", here} & set(contents.platforms))
    return None if fits else Failed(axis=Axis.PLATFORM, want=" ".join(contents.platforms), have=here)


def _glibc(contents: Contents, machine: Machine) -> Failed | None:
    floor = contents.glibc or contents.glibc_symbols  # a wheel may hold libraries for newer systems beside others
    if not floor or not machine.glibc or version_key(machine.glibc) >= version_key(floor):
        return None
    return Failed(axis=Axis.GLIBC, want=floor, have=machine.glibc)


def _gpu(contents: Contents, target: Target, catalog: Catalog) -> Failed | None:
    known = [capability for capability in target.capabilities if capability is not None]
    codes = contents.architectures
    if not codes or not known or any(_runs(code, gpu, catalog) for code in codes for gpu in known):
        return None
    return Failed(axis=Axis.CAPABILITY, want=" ".join(codes), have=" ".join(map(str, known)))


def _runs(code: str, gpu: ComputeCapability, catalog: Catalog) -> bool:
    capability = ComputeCapability.parse(code.replace("compute_", "sm_"))
    if capability is None:
        return False
    if code.startswith("compute_"):
        return ptx_runs(capability, gpu, built_with=None, driver_cuda=None)
    return sass_runs(capability, gpu, catalog.sass_rule)


def _driver(contents: Contents, target: Target, catalog: Catalog) -> Failed | None:
    if not contents.cuda_majors or target.nvidia is None or not target.nvidia.version:
        return None
    major = contents.cuda_majors[-1]
    floors = [floor for floor in catalog.floors.values() if version_key(floor.cuda)[:1] == (major,)]
    if not floors or any(_serves(floor, target) for floor in floors):
        return None
    lowest = min((floor.floor(windows=target.windows_driver) for floor in floors), key=version_key)
    return Failed(axis=Axis.DRIVER, want=f"{lowest} (CUDA {major})", have=target.nvidia.version)


def _serves(floor: DriverFloor, target: Target) -> bool:
    version = target.nvidia.version if target.nvidia else None
    return driver_serves(floor, version, windows=target.windows_driver, cuda=target.cuda)


def _cuda(contents: Contents, torch: str | None) -> Failed | None:
    label = (torch or "").partition("+")[2]
    major = label[2:-1] if label.startswith("cu") else ""
    if not contents.cuda_majors or not label or not contents.links_torch or major in map(str, contents.cuda_majors):
        return None
    return Failed(axis=Axis.CUDA, want=" ".join(map(str, contents.cuda_majors)), have=label)


def _python(contents: Contents, python: str | None) -> Failed | None:
    """PEP 425: a tag of that very Python, a stable ABI of an older one, or pure Python."""
    if not python or not contents.python_tags:
        return None
    wanted = ".".join(python.split(".")[:2])
    for tag in contents.python_tags:
        pure = tag.startswith("py")
        stable = pure or "abi3" in contents.abi_tags or "none" in contents.abi_tags
        if tag in {"py3", "py2"} or python_of_tag(tag) == wanted or (stable and at_least(wanted, python_of_tag(tag))):
            return None
    return Failed(axis=Axis.PYTHON, want=" ".join(contents.python_tags), have=wanted)


def _torch(contents: Contents, torch: str | None) -> Failed | None:
    if not torch or not contents.releases or minor_of(torch) in contents.releases:
        return None
    return Failed(axis=Axis.TORCH, want=" ".join(contents.releases), have=torch)


def tags_of(platform_tags: Sequence[str]) -> tuple[tuple[str, ...], str | None]:
    """(platforms, glibc floor) of a file name's platform tags; unknown systems are kept as they are written."""
    found: dict[str, None] = {}
    floor: str | None = None
    for tag in platform_tags:
        try:
            platform, glibc, _ = platform_of(tag)
        except (IndexError, ValueError):
            platform, glibc = tag, None
        found[platform] = None
        floor = min(filter(None, (floor, glibc)), key=version_key, default=None)
    return tuple(found), floor
