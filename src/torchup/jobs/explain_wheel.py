"""A wheel file explained from its own inside: the archive is read, never unpacked to disk, nothing is contacted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.catalog.packages import load_packages
from torchup.catalog.spans import spans
from torchup.compat.packages.contents import Contents, Explained, against, digest, tags_of
from torchup.errors import UsageError
from torchup.model import Library, message
from torchup.package_names import normalise
from torchup.sources.binaries import read_library
from torchup.sources.index_client import Connection
from torchup.sources.index_page import parse_filename
from torchup.sources.wheel_file import WheelFile

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog
    from torchup.host import Host
    from torchup.model import Machine

FILES = 400  # compiled files of one wheel that are read
BYTES = 4 << 30  # unpacked bytes that are looked through in all
_COMPILED = re.compile(r".+\.(?:so(?:\.\d+)*|pyd|dll|dylib)")
_FIELD = re.compile(r"^(Name|Version|Requires-Python|Requires-Dist):[ \t]*(\S[^\n]{0,400})$", re.MULTILINE)
_TORCH = re.compile(r"torch(?![\w-])\s*\(?([^;)]*)\)?(?:;.*)?")
_FORMATS = {"elf": "linux", "pe": "windows", "mach-o": "macos"}


def explain_wheel(
    host: Host, path: str, machine: Machine, catalog: Catalog, *, torch: str | None, python: str | None
) -> Explained:
    """Read a wheel on this machine and hold it against one.

    Args:
        host: reads the file.
        path: of the wheel.
        machine: what it is held against.
        catalog: releases, driver floors, the law of native code.
        torch: the torch that is installed there, with its label.
        python: the Python it is installed in.

    Raises:
        UsageError: no such file, no archive, or one that does not hold together.
    """
    contents = read_contents(host, path, catalog)
    failed = against(contents, machine, catalog, torch=torch, python=python)
    return Explained(contents=contents, torch=torch, failed=failed, fits=not failed)


def read_contents(host: Host, path: str, catalog: Catalog) -> Contents:
    """What the wheel says; raises `UsageError` if it is not a wheel."""
    wheel = WheelFile(host, path, Connection())
    libraries = _libraries(wheel)
    named = parse_filename(wheel.name, path, "file")
    if named is None:
        raise UsageError(
            message("explain.wheel.name", "{name} is not a valid wheel file name", name=wheel.name),
            hint=message("explain.wheel.name.hint", "restore the original name; a renamed wheel cannot be installed"),
        )
    fields = _FIELD.findall((wheel.metadata() or "").split("\n\n", 1)[0])
    info = {name: value.strip() for name, value in fields if name != "Requires-Dist"}
    platforms, glibc = tags_of(named.platform_tags)
    needs = [value for name, value in fields if name == "Requires-Dist"]
    torch = [match[1].strip() for need in needs if (match := _TORCH.fullmatch(need))]
    contents = Contents(
        file=wheel.name,
        package=info.get("Name"),
        version=info.get("Version"),
        requires_torch=(torch[0] or "any") if torch else None,
        requires_python=info.get("Requires-Python"),
        python_tags=tuple(named.python_tag.split(".")),
        abi_tags=tuple(named.abi_tag.split(".")),
        platforms=platforms,
        glibc=glibc,
        libraries=tuple(libraries),
        **digest(tuple(libraries.values()), catalog, load_packages()),  # type: ignore[arg-type]  # its keys are fields
    )
    contents = replace(contents, releases=_accepted(contents))
    return replace(contents, problems=_problems(contents, named.package, named.version, libraries))


def _accepted(contents: Contents) -> tuple[str, ...]:
    """Of the releases whose symbols fit those that the metadata accepts; a span that cannot be read limits nothing."""
    try:
        return tuple(minor for minor in contents.releases if spans(contents.requires_torch or "any", f"{minor}.9"))
    except ValueError:
        return contents.releases


def _libraries(wheel: WheelFile) -> dict[str, Library]:
    """Every compiled file of the archive, by path."""
    names = [member for member in wheel.members() if _COMPILED.fullmatch(member.name)]
    if len(names) > FILES or sum(member.size for member in names) > BYTES:
        raise UsageError(
            message(
                "explain.wheel.large",
                "{name} contains more compiled code than torchup reads (limits: {files} files, {size})",
                name=wheel.name,
                files=FILES,
                size=f"{BYTES >> 30} GiB",
            ),
            hint=message(
                "explain.wheel.large.hint", "run `torchup catalog measure WHEEL` if the file is a wheel of torch itself"
            ),
        )
    found = {member.name: read_library(wheel.chunks(member.name)) for member in names}
    return {name: library for name, library in found.items() if library is not None}


def _problems(contents: Contents, package: str, version: str, libraries: dict[str, Library]) -> tuple[str, ...]:
    """Where name and inside say different things."""
    said = contents.version.partition("+")[0] if contents.version else None
    systems = {_FORMATS[library.kind] for library in libraries.values()}
    wrong = contents.platforms != ("any",) and any(
        not any(platform.startswith(system) for platform in contents.platforms) for system in systems
    )
    checks = {
        "no-metadata": contents.package is None,
        "name-differs": contents.package is not None and normalise(contents.package) != package,
        "version-differs": said is not None and said != version,
        "platform-differs": wrong,
    }
    return tuple(code for code, present in checks.items() if present)
