"""The laws of the tables of packages around torch: what a row names exists and can be used."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from torchup.catalog.packages import EVIDENCE, KINDS, PYPI, load_packages
from torchup.catalog.spans import lowest, minor_of, spans
from torchup.catalog.wheel_rows import place_of
from torchup.model import Message, message
from torchup.package_names import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.catalog.packages import Packages
    from torchup.catalog.types import Catalog
    from torchup.catalog.wheel_rows import Wheel


def packages_hold(catalog: Catalog) -> Iterator[Message]:
    """Every law of the tables; where they cannot be read at all, that is the breach."""
    try:
        tables = load_packages()
    except (msgspec.ValidationError, ValueError, KeyError) as error:
        yield message("catalog.law.packages", "the package tables cannot be read: {error}", error=str(error))
        return
    yield from chain(
        _closed_sets(tables), _names(tables), _releases(tables, catalog), _platforms(tables, catalog),
        _addresses(tables), _signatures(tables), _sources(tables), _windows(tables, catalog),
    )  # fmt: skip


def _breach(where: str, what: str) -> Message:
    return message("catalog.law.package", "package tables: {where}: {what} is not valid", where=where, what=what)


def _closed_sets(tables: Packages) -> Iterator[Message]:
    """Kinds, places on PyPI and evidence are those that are explained; a purpose names packages."""
    for package in tables.packages:
        if package.kind not in KINDS or package.pypi not in PYPI:
            yield _breach(package.name, f"{package.kind}, {package.pypi}")
    for evidence in sorted({wheel.evidence for wheel in tables.wheels} - set(EVIDENCE)):
        yield _breach("evidence", evidence)
    for purpose, names in tables.purposes.items():
        yield from (_breach(purpose, name) for name in names if name != normalise(name))


def _names(tables: Packages) -> Iterator[Message]:
    """One name means one package, written as PEP 503 compares it."""
    seen: set[str] = set()
    for package in tables.packages:
        for name in (package.name, *package.aliases.split()):
            if name in seen or name != normalise(name):
                yield _breach(package.name, name)
            seen.add(name)


def _releases(tables: Packages, catalog: Catalog) -> Iterator[Message]:
    """Each torch exists: a wheel's oldest is a release of the catalogue, a package's span holds one."""
    releases = {row.torch for row in catalog.rows}
    known = releases | {minor_of(release) for release in releases}
    for wheel in tables.wheels:
        low = _lowest(wheel)
        if wheel.package not in tables.by_name or (low is not None and low not in known):
            yield _breach(f"{wheel.package} {wheel.tag}", f"torch {wheel.torch}")
    for package in tables.packages:
        if not any(_holds(package.torch, release) for release in releases):
            yield _breach(package.name, f"torch {package.torch}")


def _lowest(wheel: Wheel) -> str | None:
    low = lowest(wheel.torch)
    return low if low is None or low.count(".") > 1 else minor_of(low)


def _holds(span: str, release: str) -> bool:
    try:
        return spans(span, release)
    except ValueError:  # a span in no known form holds nothing
        return False


def _platforms(tables: Packages, catalog: Catalog) -> Iterator[Message]:
    """Each platform is one of the catalogue's."""
    known = {"any", *catalog.by_platform}
    for wheel in tables.wheels:
        if wheel.platform not in known:
            yield _breach(f"{wheel.package} {wheel.tag}", wheel.platform)
    for package in tables.packages:
        yield from (_breach(package.name, name) for name in package.platforms.split() if name not in known)


def _addresses(tables: Packages) -> Iterator[Message]:
    """The grammar of a row fills its address without a gap, and it is encrypted."""
    for wheel in tables.wheels:
        place = place_of(
            wheel,
            torch=lowest(wheel.torch) or tables.string_abi.new_from,
            variant="cu130",
            label=wheel.cuda[0],
            python=wheel.pythons[0] if wheel.pythons else None,
            new_abi=True,
        )
        texts = [text for text in (place.url, place.index, place.find_links) if text]
        filled = place.requirement and "None" not in "".join((*texts, place.requirement))
        if not filled or any(urlsplit(text).scheme != "https" for text in texts):
            yield _breach(f"{wheel.package} {wheel.tag}", " ".join((place.requirement, *texts)))


def _signatures(tables: Packages) -> Iterator[Message]:
    """Each error text that is recognised is a pattern."""
    for signature in tables.signatures:
        try:
            re.compile(signature.match)
        except re.error as error:
            yield _breach(signature.cause, str(error))


def _sources(tables: Packages) -> Iterator[Message]:
    """Each source of a row is in the list of sources, or is an address itself."""
    named = [
        *(row.source for row in tables.packages),
        *(row.source for row in tables.wheels),
        *(row.source for row in tables.windows),
        *(row.source for row in tables.symbols),
    ]
    for text in named:
        for source in (part.strip() for part in text.replace(";", ",").split(",")):
            if source not in tables.sources and not source.startswith("https://"):
                yield _breach("source", source)


def _windows(tables: Packages, catalog: Catalog) -> Iterator[Message]:
    """No wheel is said to work and to fail on the same torch."""
    minors = {minor_of(row.torch) for row in catalog.rows}
    for wheel in {(w.package, w.tag, w.torch): w for w in tables.wheels}.values():
        built = lowest(wheel.torch) or "0"
        mine = [window for window in tables.windows if window.covers(wheel) and spans(window.built, built)]
        for minor in sorted(minors) if len({window.result for window in mine}) > 1 else ():
            if len({window.result for window in mine if spans(window.on, minor)}) > 1:
                yield _breach(f"{wheel.package} {wheel.tag}", f"torch {minor}")
