"""What the compiled parts of installed packages around torch are for, read from their files; nothing is imported."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from torchup.catalog.packages import load_packages
from torchup.compat.packages.contents import digest
from torchup.doctor.facts import Compiled
from torchup.envs.distributions import installed, site_packages
from torchup.envs.paths import join
from torchup.package_names import normalise
from torchup.patterns import lazy_pattern
from torchup.sources.binaries import read_linked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.catalog.types import Catalog
    from torchup.host import Host
    from torchup.model import Library

FILES = 40  # compiled files of one package that are read
RECORD = 1 << 22  # bytes of its record
_COMPILED = lazy_pattern(r"(?!\.\.)[^,\"]{1,400}\.(?:so(?:\.\d+)*|pyd|dll)")
_BOUND = frozenset({"matched", "stable", "pinned", "source", "ended"})  # kinds whose compiled part links torch


def compiled_packages(host: Host, path: str, catalog: Catalog) -> tuple[Compiled, ...]:
    """The packages around torch in the environment at ``path`` that link torch."""
    tables = load_packages()
    known = [one for one in installed(host, path) if (row := tables.get(one.name)) is not None and row.kind in _BOUND]
    found = []
    for one in known:
        said = digest(tuple(_libraries(host, path, one.name)), catalog, tables)
        if said["links_torch"]:
            found.append(
                Compiled(
                    package=one.name,
                    version=one.version,
                    cuda_majors=said["cuda_majors"],  # type: ignore[arg-type]  # `digest` gives fields of `Contents`
                    releases=said["releases"],  # type: ignore[arg-type]  # same
                )
            )
    return tuple(found)


def _libraries(host: Host, path: str, package: str) -> Iterator[Library]:
    """The compiled files that a package's record names."""
    for folder, record in _records(host, path, package):
        names = [line.partition(",")[0] for line in record.splitlines()]
        for name in [name for name in names if _COMPILED.fullmatch(name)][:FILES]:
            file = join(folder, *name.split("/"))
            found = read_linked(partial(host.read_part, file))
            if found is not None:
                yield found


def _records(host: Host, path: str, package: str) -> Iterator[tuple[str, str]]:
    for folder in site_packages(host, path):
        for entry in host.list_dir(folder) or ():
            if entry.endswith(".dist-info") and normalise(entry.partition("-")[0]) == package:
                yield folder, host.read_text(join(folder, entry, "RECORD"), RECORD) or ""
