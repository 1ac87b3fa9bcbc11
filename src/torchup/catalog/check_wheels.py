"""The laws between the tables and the wheels that were measured, and those of ranges of releases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.catalog import schema
from torchup.catalog.load import DATA, read_table
from torchup.catalog.spans import minor_of
from torchup.catalog.types import is_vendor
from torchup.catalog.versions import in_range, version_key
from torchup.catalog.wheels import load_snapshot, load_wheels
from torchup.model import Message, message
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.catalog.types import Catalog, Row
    from torchup.catalog.wheels import WheelRow

COMPANIONS = ("torchvision", "torchaudio")
FIRST = "2.0.0"  # the oldest release whose wheels were measured
TOLERANCE = 0.04  # of sizes: one row of the table serves several releases
LIBRARY_GLIBC = "2.17"  # what the libraries of manylinux1 wheels need, whatever the tag says
_READ = {"script", "measured"}  # what rests on a source that was read for certain releases
_TABLES = ("architectures", "platforms", "releases")
_RANGE = lazy_pattern(r'^[ \t]{0,20}(?:\{[^\n]{0,200}?)?\b(?:torch|companions) = "([\d.]+)-([\d.]+)"', re.MULTILINE)


def wheels_agree(catalog: Catalog) -> Iterator[Message]:
    """What a wheel says of itself is what the tables say of it: code, Pythons, floors, size."""
    for wheel in load_wheels():
        row = catalog.by_key.get((wheel.torch, wheel.variant, wheel.platform))
        name = f"{wheel.torch}+{wheel.variant} {wheel.platform}"
        if row is None:
            yield message(
                "catalog.law.wheel-missing", "{wheel} was measured but has no row in the catalogue", wheel=name
            )
            continue
        for field in _differences(wheel, row):
            yield message(
                "catalog.law.wheel", "{wheel}: the wheel and the catalogue disagree on {field}", wheel=name, field=field
            )


def _differences(wheel: WheelRow, row: Row) -> Iterator[str]:
    code = row.arch
    if wheel.code and (code is None or (code.sass, code.ptx, code.gfx) != _code(wheel)):
        yield "arch"
    if not set(wheel.pythons) <= set(row.pythons):
        yield "python"
    if wheel.glibc and max((wheel.glibc, LIBRARY_GLIBC), key=version_key) != row.glibc:
        yield "glibc"
    if wheel.macos and {row.macos_for.get(python, row.macos) for python in wheel.pythons} != {wheel.macos}:
        yield "macos"
    if wheel.total and abs(wheel.total * 10**6 - (row.size_bytes or 0)) > wheel.total * 10**6 * TOLERANCE:
        yield "size"


def _code(wheel: WheelRow) -> tuple[object, ...]:
    return wheel.arch.sass, wheel.arch.ptx, wheel.arch.gfx


def wheels_measured(catalog: Catalog) -> Iterator[Message]:
    """Every PyPI wheel since 2.0 is measured, and only a measured wheel is a row's basis."""
    measured = {(wheel.torch, wheel.variant, wheel.platform) for wheel in load_wheels()}
    for row in catalog.rows:
        key, name = (row.torch, row.variant, row.platform), f"{row.label} {row.platform}"
        on_pypi = any(place.name == "pypi" for place in row.publications)
        if on_pypi and version_key(row.torch) >= version_key(FIRST) and key not in measured:
            yield message(
                "catalog.law.unmeasured", "{row} is on PyPI but was not measured", row=f"{row.label} {key[2]}"
            )
        if row.arch is not None and row.arch.basis == "wheel" and key not in measured:
            yield message("catalog.law.basis", "{row} is based on a wheel that was not measured", row=name)


def snapshot_known(catalog: Catalog) -> Iterator[Message]:
    """What PyPI had when it was last looked at is in the tables: newest torch, companions, CUDA toolkit."""
    seen = load_snapshot()
    toolkits = {version_key(toolkit.version)[:2] for toolkit in catalog.toolkits}
    mine = {
        "torch": {row.torch for row in catalog.rows},
        **{name: {r.companions[name].version for r in catalog.rows if name in r.companions} for name in COMPANIONS},
        "cuda-toolkit": {v for v in seen["cuda-toolkit"] if version_key(v)[:2] in toolkits},
    }
    for package, known in mine.items():
        if seen[package][-1] not in known:
            yield message(
                "catalog.law.snapshot",
                "PyPI has {package} {version}, but the catalogue does not",
                package=package,
                version=seen[package][-1],
            )
    for name in COMPANIONS:
        own = {r.companions[name].version for r in catalog.rows if name in r.companions and not is_vendor(r)}
        for version in sorted(own - set(seen[name])):
            yield message(
                "catalog.law.not-on-pypi", "PyPI does not have {package} {version}", package=name, version=version
            )


def ranges_end(catalog: Catalog) -> Iterator[Message]:
    """A range starts and ends at a release in the catalogue: no range includes a release that was not examined."""
    known = {row.torch for row in catalog.rows}
    for table in _TABLES:
        for match in _RANGE.finditer((DATA / f"{table}.toml").read_text("utf-8")):
            if not {match[1], match[2]} <= known:
                yield message(
                    "catalog.law.range",
                    "{table}.toml: the catalogue lacks the first or the last release of the range {range}",
                    table=table,
                    range=f"{match[1]}-{match[2]}",
                )


def ranges_read(catalog: Catalog) -> Iterator[Message]:
    """Every release inside a range was looked at: its wheel was measured, or its row's source was read for it."""
    table = read_table("architectures", schema.Architectures)
    read = {source: set(releases.split()) for source, releases in table.read.items()}
    for torch, variant, source in _resting_on_sources(catalog, table):
        if not {torch, minor_of(torch)} & read.get(source, set()):
            yield message(
                "catalog.law.unread",
                "architectures.toml: {source} was not read for {torch}+{variant}",
                source=source,
                torch=torch,
                variant=variant,
            )


def _resting_on_sources(catalog: Catalog, table: schema.Architectures) -> Iterator[tuple[str, str, str]]:
    """(torch, variant, source) of every published build whose code is known from a script or an output."""
    for cuda in (row for row in table.cuda if row.basis in _READ):
        for row in catalog.by_platform[cuda.platform]:
            if row.variant == cuda.variant and in_range(row.torch, cuda.torch) and not is_vendor(row):
                yield row.torch, row.variant, cuda.source
    for rocm in (row for row in table.rocm if row.basis in _READ):
        yield from ((torch, variant, rocm.source) for torch in rocm.torch.split() for variant in rocm.variant.split())
