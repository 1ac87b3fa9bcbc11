"""Libraries of a Linux system: a C library that is too old, and those that a wheel expects and does not bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import version_key
from torchup.doctor.cause import text_of
from torchup.doctor.conditions import holds
from torchup.doctor.libraries import libraries
from torchup.doctor.package_tools import uses_apt
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import made, remedy_of, said, torch_line
from torchup.model import Manager, Os, message

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts, Sign
    from torchup.doctor.libraries import SystemLibrary
    from torchup.model import Remedy

_CODES = ("library.cudss", "library.nvpl", "library.mpi", "library.ffmpeg", "library.other")


def glibc_too_old(facts: Facts, compat: Compat) -> Found | None:
    """The wheel needs a newer glibc or libstdc++ than the system has."""
    signs = facts.signs_of("glibc-too-old") or _refused_by_glibc(facts, compat)
    cxx_only = bool(signs) and all(sign.code == "glibc.cxx" for sign in signs)
    if not signs or (cxx_only and facts.environment.get("LD_LIBRARY_PATH")):
        return None  # the loader was led to an older libstdc++: mixed-install
    lines = [*map(said, signs)]
    if facts.system.glibc:
        lines.append(message("doctor.glibc.version", "glibc {version}", version=facts.system.glibc))
    return Found(
        summary=text_of("glibc-too-old", "summary"),
        evidence=tuple(lines),
        remedy=_glibc_remedy(facts, compat, cxx_only=cxx_only),
        certainty=Certainty.PROVEN,
    )


def _glibc_remedy(facts: Facts, compat: Compat, *, cxx_only: bool) -> Remedy | None:
    """The newest build for this glibc, where it is known; a newer system in any case."""
    if cxx_only:
        text = text_of("glibc-too-old", "remedy-cxx")
        conda = (("conda", "install", "--channel", "conda-forge", "libstdcxx-ng"),)
        return made(facts, compat, text, *(conda if holds("conda", facts) else ()))
    if facts.system.glibc is None:
        text = text_of("glibc-too-old", "remedy-unknown")
        return made(facts, compat, text, ("ldd", "--version"))
    return remedy_of("glibc-too-old", facts, compat)


def _refused_by_glibc(facts: Facts, compat: Compat) -> tuple[Sign, ...]:
    """Pip's list ends with a release that this glibc still runs, or the wheel's own name states a newer one."""
    refused = facts.sign("python.no-version", "python.wheel-platform", "python.no-wheel", "python.uv-platform")
    glibc = facts.system.glibc
    if refused is None or glibc is None:
        return ()
    floors = _floors(compat)
    if all(version_key(floor) <= version_key(glibc) for floor in floors.values()):
        return ()
    offered = "".join(refused.values.get("versions", "").split()).split(",")
    following = next((torch for torch in floors if version_key(torch) > version_key(offered[-1])), None)
    ends = bool(offered[-1]) and following is not None and _too_new(floors[following], glibc)
    name = refused.values.get("wheel", "") + refused.line
    tagged = any(_tag(floor) in name for floor in floors.values() if _too_new(floor, glibc))
    return (refused,) if (ends and not _too_new(floors.get(offered[-1], "0"), glibc)) or tagged else ()


def _floors(compat: Compat) -> dict[str, str]:
    """Release -> the oldest glibc that its plain wheels for Linux install on, the oldest release first."""
    rows = compat.catalog.by_platform.get("linux_x86_64", ())
    floors = {row.torch: row.glibc for row in rows if row.glibc}
    return dict(sorted(floors.items(), key=lambda pair: version_key(pair[0])))


def _too_new(floor: str, glibc: str) -> bool:
    return version_key(floor) > version_key(glibc)


def _tag(floor: str) -> str:
    return "manylinux_" + floor.replace(".", "_")


# ---------------------------------------------------------------- libraries that no wheel brings


def system_library_missing(facts: Facts, compat: Compat) -> Found | None:
    """A shared library that the wheel does not bundle is missing."""
    signs = [sign for sign in facts.signs if sign.code in _CODES and not _of_other_torch(facts, sign)]
    if facts.system.jetson:  # NVIDIA's wheels for Jetson link to the system's libraries
        signs += [sign for sign in facts.signs if sign.code == "mixed.library-gone"]
    rows = list(dict.fromkeys(row for sign in signs if (row := _row(sign)) is not None))
    others = [sign for sign in signs if sign.code != "library.other" or _row(sign) is not None]
    if facts.works or not others:
        return None
    lines = [*map(said, others), *([torch_line(facts)] if facts.torch.version else [])]
    return Found(
        summary=text_of("system-library-missing", "summary"),
        evidence=tuple(lines),
        remedy=_library_remedy(facts, compat, tuple(rows)),
        certainty=Certainty.PROVEN,
    )


def _of_other_torch(facts: Facts, sign: Sign) -> bool:
    """Torchcodec tries one library a release of FFmpeg: where one of them lacks a symbol of torch, FFmpeg is there."""
    linked = facts.sign("companion.extension")
    return sign.code == "library.ffmpeg" and linked is not None and "libtorchcodec" in linked.line


def _row(sign: Sign) -> SystemLibrary | None:
    named = (sign.values.get("library") or sign.line).lower()
    return next((row for row in libraries().system_library if any(name in named for name in row.names)), None)


def _library_remedy(facts: Facts, compat: Compat, rows: tuple[SystemLibrary, ...]) -> Remedy:
    text = text_of("system-library-missing", "remedy")
    if not rows:
        return made(facts, compat, text)
    names = text_of("system-library-missing", "remedy-names", names=", ".join(row.title for row in rows))
    commands = tuple(command for row in rows if (command := _install(facts, row)) is not None)
    root = any(command[0] == "sudo" for command in commands)
    return made(facts, compat, names, *commands, needs_root=root)


def _install(facts: Facts, row: SystemLibrary) -> tuple[str, ...] | None:
    """With conda where conda made the environment, as a wheel where there is one, else with the system's tool."""
    major = (facts.torch.cuda or (facts.torch.variant or "").removeprefix("cu"))[:2]
    if facts.manager in {Manager.CONDA, Manager.PIXI} and row.conda:
        tool = ("pixi", "add") if facts.manager is Manager.PIXI else ("conda", "install", "--channel", "conda-forge")
        return (*tool, *row.conda)
    if row.wheels:
        wheels = tuple(name.format(major=major) for name in row.wheels if "{" not in name or major.isdigit())
        if wheels:
            return ("{python}", "-m", "pip", "install", *wheels)
    if facts.system.os is Os.MACOS:
        return ("brew", "install", *row.brew) if row.brew else None
    if facts.system.os is Os.WINDOWS:
        return None
    return ("sudo", "apt", "install", *row.apt) if uses_apt(facts) and row.apt else None
