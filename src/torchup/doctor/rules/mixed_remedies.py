"""How to part two installations: exactly what interferes goes, torch stays. Loaded where the rule fires."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from torchup.doctor.cause import text_of
from torchup.doctor.package_tools import APT, package_tool, package_tools
from torchup.doctor.remedy import (
    Wish,
    interpreter_of,
    leftovers,
    needed_cuda,
    reinstall,
    set_variable,
    shell_of,
    unset_variable,
)
from torchup.doctor.remedy.build import partners
from torchup.doctor.remedy.choice import TORCH_FAMILY
from torchup.doctor.remedy.install_commands import Order, plain_install, renew, uninstall
from torchup.doctor.remedy.tables import LibraryWheel, tables
from torchup.doctor.rules.mixed_facts import foreign_libraries, two_places, two_torches
from torchup.model import UNKNOWN, Manager, Os, Remedy
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Message

_CUDA = lazy_pattern(r"(?:cu)?(\d\d)")
_MAJOR_OF_SYMBOL = lazy_pattern(r"_(\d\d)_\d")
_MAJOR_OF_FILE = lazy_pattern(r"lib(?:cublas(?:Lt)?|nvJitLink|nvrtc|cudart)\.so\.(\d\d)")  # numbered as CUDA is
_LABEL = lazy_pattern(r"nvidia-.+-cu(\d\d)")
_SYSTEM_FOLDER = lazy_pattern(r"/(?:usr/)?lib(?:64)?/")
_USER_SITE = lazy_pattern(r"[/\\]\.local[/\\]|[/\\]AppData[/\\]Roaming[/\\]Python[/\\]")
Commands = tuple[tuple[str, ...], ...]


def mend(facts: Facts, compat: Compat) -> Remedy:
    """The smallest change that separates them: a variable, stale wheels, the system's library, else reinstall torch."""
    if facts.sign("mixed.other-major") is not None:
        return _for_another_package(facts, compat)
    stale = leftovers(facts)
    if stale:
        return _without_stale(facts, compat, stale)
    if two_torches(facts) or len(facts.versions("torch", origin="pip")) > 1:
        return _one_torch(facts, compat)
    folders = two_places(facts)
    if any(_USER_SITE.search(folder) for folder in folders) and not all(map(_USER_SITE.search, folders)):
        return _without_user_site(facts)
    return _other_library(facts, compat)


def _without_stale(facts: Facts, compat: Compat, stale: tuple[str, ...]) -> Remedy:
    """Both wheels write one folder: remove the stale one and reinstall the other."""
    kept, mine = needed_cuda(facts), cuda_major(facts)
    if kept is not None and mine is not None and kept.major != mine:
        text = text_of("mixed-install", "remedy-needed")
        return reinstall(facts, compat.catalog, Wish(remove=leftovers(facts, keep=kept.major)), text=text)
    text = text_of("mixed-install", "remedy-stale", names=", ".join(stale))
    order = _order(facts)
    return _typed(facts, text, (*uninstall(stale, order), *renew(partners(facts, stale), order)))


def _for_another_package(facts: Facts, compat: Compat) -> Remedy:
    """A package beside torch loads a library itself: torch's CUDA major becomes that one, or the library is added."""
    sign = facts.sign("mixed.other-major")
    library = (sign.values.get("library") if sign is not None else None) or UNKNOWN
    kept, mine = needed_cuda(facts), _CUDA.match(facts.torch.cuda or facts.torch.variant or "")
    if kept is not None and mine is not None and kept.major != int(mine[1]):
        text = text_of("mixed-install", "remedy-needed")
        return reinstall(facts, compat.catalog, Wish(), text=text)
    text = text_of("mixed-install", "remedy-other", library=library)
    asks = {package.name for package in facts.packages} & {row.package for row in tables().cuda_need}
    return _typed(facts, text, renew(tuple(sorted(asks)), _order(facts)))


def _one_torch(facts: Facts, compat: Compat) -> Remedy:
    text = text_of("mixed-install", "remedy-one")
    pip = tuple(dict.fromkeys(p.name for p in facts.packages if p.name in TORCH_FAMILY and not p.from_conda))
    torch = msgspec.structs.replace(facts.torch, local=None) if two_torches(facts) else facts.torch
    remaining = tuple(p for p in facts.packages if p.from_conda) if two_torches(facts) else facts.packages
    after = msgspec.structs.replace(facts, torch=torch, packages=remaining)
    remedy = reinstall(after, compat.catalog, Wish(keep_torch=True), text=text)
    commands = (*uninstall(pip, _order(facts)), *remedy.commands)
    return msgspec.structs.replace(remedy, commands=commands)


def _without_user_site(facts: Facts) -> Remedy:
    text = text_of("mixed-install", "remedy-user-site")
    return _typed(facts, text, (set_variable("PYTHONNOUSERSITE", "1"),))


def _other_library(facts: Facts, compat: Compat) -> Remedy:
    """A library of another place was loaded, or torch's own is not the one that it was built with."""
    row = _library_row(facts)
    installed = {where for where in foreign_libraries(facts).values() if _SYSTEM_FOLDER.match(where)}
    if row is not None and row.system is not None and installed:
        return _without_system(facts, row, min(installed))
    if row is not None and row.conda and facts.manager is Manager.CONDA:
        text = text_of("mixed-install", "remedy-conda", name=row.conda[0])
        return _typed(facts, text, plain_install(row.conda, _order(facts)))
    if facts.system.os is Os.WINDOWS:
        return _own_dlls(facts, compat)
    unset, wheel = (unset_variable("LD_LIBRARY_PATH"),), _wheel(facts, row)
    if wheel is not None and not _from_conda(facts):
        text = text_of("mixed-install", "remedy-wheel", wheel=wheel)
        return _typed(facts, text, (*unset, *renew((wheel,), _order(facts))))
    text = text_of("mixed-install", "remedy-unset")
    if facts.torch.version is None:  # it is unknown which one to reinstall
        return _typed(facts, text, unset)
    remedy = reinstall(facts, compat.catalog, Wish(keep_torch=True), text=text)
    return msgspec.structs.replace(remedy, commands=(*unset, *remedy.commands))


def _own_dlls(facts: Facts, compat: Compat) -> Remedy:
    """Torch's wheels for Windows contain every DLL: one of another folder on PATH was loaded before, or they differ."""
    text = text_of("mixed-install", "remedy-windows")
    if facts.torch.version is None:  # as above
        return _typed(facts, text, (("where.exe", "cudnn64_*.dll", "cublas64_*.dll", "nvrtc64_*.dll"),))
    return reinstall(facts, compat.catalog, Wish(keep_torch=True), text=text)


def _without_system(facts: Facts, row: LibraryWheel, where: str) -> Remedy:
    """A part of the distribution's package was loaded beside the wheel's: the two must be one release."""
    number = re.search(r"\.so\.(\d+)", where)
    major = cuda_major(facts)
    package = f"{row.system}{number[1] if number else ''}" + (f"-cuda-{major}" if major else "")
    wheel = _wheel(facts, row)
    tool = package_tool(facts) or next((tool for tool in package_tools() if tool.folder and tool.folder in where), None)
    if tool is not None and tool.program == APT:
        text = text_of("mixed-install", "remedy-system", package=package, path=where, wheel=wheel or row.wheel)
        commands: Commands = ((*tool.owner, where), (*tool.remove, package))
        return msgspec.structs.replace(_typed(facts, text, commands), needs_root=True)
    text = text_of("mixed-install", "remedy-file", path=where, wheel=wheel or row.wheel)
    return _typed(facts, text, ((*tool.owner, where),) if tool is not None else ())


# ---------------------------------------------------------------- what the facts say


def _library_row(facts: Facts) -> LibraryWheel | None:
    """The library that the messages are about."""
    signs = facts.signs_of("mixed-install")
    named = [sign.values.get("symbol") or sign.values.get("library") or sign.line for sign in signs]
    words = [re.sub(r"^(?:_+|lib)", "", name.lower()) for name in named]
    begun = next((row for row in tables().library_wheel for word in words if word.startswith(row.name)), None)
    return begun or next((row for row in tables().library_wheel for word in words if row.name in word), None)


def _wheel(facts: Facts, row: LibraryWheel | None) -> str | None:
    """The wheel's name for torch's CUDA; as it is listed, where it is."""
    if row is None or row.wheel is None:
        return None
    listed = [p.name for p in facts.packages if p.name == row.wheel or p.name.startswith(f"{row.wheel}-cu")]
    if listed:
        return listed[0]
    major = cuda_major(facts)
    if major is None:
        return None
    return row.wheel if row.plain_from is not None and major >= row.plain_from else f"{row.wheel}-cu{major}"


def cuda_major(facts: Facts) -> int | None:
    """Torch's CUDA major: as it says, by the symbol that it lacks, by the wheels that are listed."""
    said = _CUDA.match(facts.torch.cuda or facts.torch.variant or "")
    lines = [sign.line for sign in facts.signs_of("mixed-install")]
    asked = next((match for line in lines if (match := _asked(line))), None)
    labels = {match[1] for package in facts.packages if (match := _LABEL.fullmatch(package.name))}
    if said is not None or asked is not None:
        return int((said or asked)[1])  # type: ignore[index]  # one of them is there
    return int(labels.pop()) if len(labels) == 1 else None


def _asked(line: str) -> re.Match[str] | None:
    return _MAJOR_OF_FILE.search(line) or _MAJOR_OF_SYMBOL.search(line)


def _from_conda(facts: Facts) -> bool:
    return any(package.from_conda and package.name in {"pytorch", "libtorch"} for package in facts.packages)


def _order(facts: Facts) -> Order:
    manager = facts.manager or Manager.PIP
    return Order(packages=(), manager=manager, interpreter=interpreter_of(facts))


def _typed(facts: Facts, text: Message, commands: Commands) -> Remedy:
    return Remedy(text=text, commands=commands, interpreter=interpreter_of(facts), shell=shell_of(facts))
