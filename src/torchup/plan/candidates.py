"""What the planner chooses among: catalogue rows, or on a surveyed machine the wheels that its sources really have."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from torchup.catalog.types import LISTED, UNSURE, Catalog, Companion, Publication, Row, is_vendor
from torchup.catalog.versions import python_key, version_key
from torchup.model import InstallerName, Offer, Request, Source, Survey, Value
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.compat.target import Target

_MANYLINUX = lazy_pattern(r"manylinux_(\d+)_(\d+)_(\w+)")
_LEGACY = {"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17", "linux": None}
_MACOS = lazy_pattern(r"macosx_(\d+)_(\d+)_(\w+)")
_WINDOWS = {"win_amd64": "windows_x86_64", "win_arm64": "windows_arm64", "win32": "windows_x86"}
_CPYTHON = lazy_pattern(r"cp3(\d+)(t?)")


class Candidate(Value, frozen=True, kw_only=True):
    """A build from one source. ``companions`` are those that can be had, their ``version`` as a requirement says it."""

    row: Row
    source: Source
    label: str  # version in the requirement: "2.13.0+cpu", "2.14.1"; empty: any from `floor` on, pre-releases too
    floor: str | None = None
    companions: dict[str, Companion] = {}
    position: int = 0  # of its source, the order in which sources are tried


def is_surveyed(survey: Survey) -> bool:
    """Whether the sources of a real machine were asked: not so offline, unless a folder at hand has torch."""
    if any(offer.package == "torch" for offer in survey.offers):
        return True
    return any(source.reachable is not None and source.url.startswith("http") for source in survey.sources)


def candidates(target: Target, request: Request, catalog: Catalog, survey: Survey) -> tuple[Candidate, ...]:
    """Every build that could be asked of this machine's sources (or, unsurveyed, that is published at all)."""
    if request.installer == InstallerName.CONDA:
        rows = (row for row in catalog.conda if row.platform == target.platform)
        return tuple(_published(row) for row in rows)
    if request.channel != "stable":
        return _of_channel(target, request, catalog, survey)
    if is_surveyed(survey):
        return (*_offered(target, catalog, survey), *_not_asked(target, catalog, survey))
    return _through_mirror(_all_published(target.platform or "", catalog), survey)


def _through_mirror(published: tuple[Candidate, ...], survey: Survey) -> tuple[Candidate, ...]:
    """Of builds whose index was not asked, those that a mirror in the survey has, with the mirror as source."""
    mirrors = [source for source in survey.sources if source.name.startswith("mirror:")]
    if not mirrors:
        return published
    by_variant = {source.variant: source for source in reversed(mirrors)}  # the general one has no variant

    def carried(candidate: Candidate) -> Candidate:
        source = candidate.source
        place = by_variant.get(source.variant) if source.variant or source.general else None
        return msgspec.structs.replace(candidate, source=place) if place else candidate

    return tuple(map(carried, published))


def _of_channel(target: Target, request: Request, catalog: Catalog, survey: Survey) -> tuple[Candidate, ...]:
    """Nightlies or release candidates: what their index offers, or unasked anything from the newest release on."""
    if is_surveyed(survey):
        return tuple(c for c in _offered(target, catalog, survey) if f"/{request.channel}/" in c.source.url)
    newest: dict[str, Row] = {}
    for row in catalog.by_platform.get(target.platform or "", ()):
        if not is_vendor(row) and row.certainty != UNSURE:
            newest.setdefault(row.variant, row)
    current = [row for row in newest.values() if row.torch == catalog.newest_torch]
    return tuple(_open_ended(row, request, catalog) for row in current)


def _open_ended(row: Row, request: Request, catalog: Catalog) -> Candidate:
    candidate = _published(row)
    source = Source(
        name=f"pytorch-{request.channel}:{row.variant}",
        url=catalog.channels.index(row.variant, request.channel),
        variant=row.variant,
    )
    names = {name: Companion(version="") for name in row.companions}
    unknown = msgspec.structs.replace(row, torch=request.channel, companions=names, certainty=LISTED)
    return msgspec.structs.replace(candidate, row=unknown, source=source, label="", floor=row.torch, companions=names)


# ---------------------------------------------------------------- published (nothing was asked)


def _all_published(platform: str, catalog: Catalog) -> tuple[Candidate, ...]:
    """Every row of a platform as a candidate; the same for all machines of the platform, so made once."""
    key = ("published", platform)
    if key not in catalog.memo:
        rows = catalog.by_platform.get(platform, ())
        catalog.memo[key] = tuple(_published(row) for row in rows)
    found: tuple[Candidate, ...] = catalog.memo[key]  # type: ignore[assignment]  # the memo holds any kind
    return found


def _published(row: Row) -> Candidate:
    place = _preferred_place(row)
    suffix = f"+{row.variant}" if place.local else ""
    return Candidate(
        row=row,
        source=_source(place.name, place.url, row),
        label=row.torch + suffix,
        companions={
            name: msgspec.structs.replace(found, version=found.version + ("" if found.plain else suffix))
            for name, found in row.companions.items()
        },
    )


def _source(name: str, url: str, row: Row) -> Source:
    if name == "pytorch-index":
        return Source(name=f"{name}:{row.variant}", url=url, variant=row.variant)
    kind = "conda" if name == "conda-forge" else "file" if row.file else "index"
    return Source(name=name, url=url, general=name == "pypi", kind=kind)


def _preferred_place(row: Row) -> Publication:
    """PyPI where it has the same file under the same name (macOS), else the first: the variant's own index."""
    if row.platform.startswith("macos"):
        return next((place for place in row.publications if place.name == "pypi"), row.publications[0])
    return row.publications[0]


# ---------------------------------------------------------------- offered (sources were listed)


@cache
def platform_of_tag(tag: str) -> tuple[str, str | None] | None:
    """A wheel's platform tag -> (catalogue platform, floor of glibc or macOS); ``any`` fits everywhere."""
    if tag == "any":
        return "any", None
    if tag in _WINDOWS:
        return _WINDOWS[tag], None
    if match := _MANYLINUX.fullmatch(tag):
        return f"linux_{match[3]}", f"{match[1]}.{match[2]}"
    if match := _MACOS.fullmatch(tag):
        arch = "arm64" if match[3] == "universal2" else match[3]
        return f"macos_{arch}", f"{match[1]}.{match[2]}"
    head, _, arch = tag.partition("_")
    return (f"linux_{arch}", _LEGACY[head]) if head in _LEGACY else None


def fits_platform(offer: Offer, platform: str | None) -> bool:
    """Whether a wheel is for this platform."""
    places = (platform_of_tag(tag) for tag in offer.platform_tags)
    return any(place is not None and place[0] in {"any", platform} for place in places)


def pythons_of_offer(offer: Offer) -> tuple[str, ...] | None:
    """The Pythons a wheel is for; ``None``: any Python 3 (``py3-none``, ``abi3``)."""
    if offer.abi_tag == "abi3" or any(tag.startswith("py3") for tag in offer.python_tag.split(".")):
        return None
    found = []
    for tag in offer.python_tag.split("."):
        match = _CPYTHON.fullmatch(tag)
        if match:
            threaded = "t" if offer.abi_tag.endswith("t") else ""
            found.append(f"3.{match[1]}{threaded}")
    return tuple(found)


def _not_asked(target: Target, catalog: Catalog, survey: Survey) -> Iterator[Candidate]:
    """Builds of hardware vendors' own channels, which the survey of pip's sources does not cover."""
    asked = {source.url.rstrip("/") for source in survey.sources}
    for row in catalog.by_platform.get(target.platform or "", ()):
        if is_vendor(row) and row.publications[0].url.rstrip("/") not in asked:
            candidate = _published(row)
            yield msgspec.structs.replace(candidate, position=len(survey.sources))


_ByVersion = dict[str, dict[tuple[int, ...], list[Offer]]]  # package -> version


def _offered(target: Target, catalog: Catalog, survey: Survey) -> Iterator[Candidate]:
    usable = [o for o in survey.offers if not o.yanked and fits_platform(o, target.platform)]
    companions: _ByVersion = {}
    groups: dict[tuple[str, str, str], list[Offer]] = {}
    for offer in usable:
        if offer.package == "torch":
            variant = offer.variant or plain_variant(offer.version, target.platform or "", catalog)
            groups.setdefault((offer.version, variant, offer.source), []).append(offer)
        else:
            companions.setdefault(offer.package, {}).setdefault(version_key(offer.version), []).append(offer)
    order = {source.name: index for index, source in enumerate(survey.sources)}
    by_name = {source.name: source for source in survey.sources}
    for (version, variant, source_name), offers in groups.items():
        row = _row_of_offers(version, variant, offers, target, catalog)
        source = by_name.get(source_name, Source(name=source_name, url=offers[0].url))
        plain = offers[0].variant is None
        yield Candidate(
            row=row,
            source=source,
            label=version if plain else f"{version}+{offers[0].variant}",
            companions=_offered_companions(row, companions, plain=plain),
            position=order.get(source_name, len(order)),
        )


def plain_variant(version: str, platform: str, catalog: Catalog) -> str:
    """What is inside a wheel whose name has no local part, that is PyPI's: a catalogue fact of each release.

    A release the catalogue does not know is taken for the kind that the newest known one is.
    """
    if platform.startswith(("macos", "windows")):
        return "cpu"
    plain = _plain_variants(platform, catalog)
    return plain.get(version_key(version)) or next(iter(plain.values()), "cpu")


def _plain_variants(platform: str, catalog: Catalog) -> dict[tuple[int, ...], str]:
    """Release -> variant of PyPI's wheels for a platform, newest first; asked once a wheel, so made once."""
    key = ("plain", platform)
    if key not in catalog.memo:
        found: dict[tuple[int, ...], str] = {}
        for row in catalog.by_platform.get(platform, ()):
            if any(place.name == "pypi" for place in row.publications):
                found.setdefault(version_key(row.torch), row.variant)
        catalog.memo[key] = found
    plain: dict[tuple[int, ...], str] = catalog.memo[key]  # type: ignore[assignment]  # the memo holds any kind
    return plain


def _row_of_offers(version: str, variant: str, offers: list[Offer], target: Target, catalog: Catalog) -> Row:
    platform = target.platform or ""
    known = catalog.by_key.get((version, variant, platform))
    tags = [place for o in offers for place in map(platform_of_tag, o.platform_tags) if place]
    floors = sorted((floor for _, floor in tags if floor), key=version_key)
    listed = {python for o in offers for python in pythons_of_offer(o) or ()}
    pythons = tuple(sorted(listed, key=python_key)) or (known.pythons if known else ())
    size = next((o.size_bytes for o in offers if o.size_bytes), None)
    is_linux = platform.startswith("linux")
    if known is not None:
        size = max(size or 0, known.size_bytes or 0) if known.kind != "cpu" else size or known.size_bytes
        glibc = floors[0] if is_linux and floors else known.glibc
        estimated = known.size_estimated and size == known.size_bytes
        return msgspec.structs.replace(
            known, pythons=pythons, size_bytes=size, size_estimated=estimated, glibc=glibc, certainty=LISTED
        )
    return Row(
        torch=version,
        variant=variant,
        platform=platform,
        pythons=pythons,
        arch_known=variant == "cpu",
        driver=catalog.floors.get(variant),
        glibc=floors[0] if is_linux and floors else None,
        macos=floors[0] if platform.startswith("macos") and floors else None,
        size_bytes=size,
        needs=("numpy",),
        source="index page",
    )


def _offered_companions(row: Row, offers: _ByVersion, *, plain: bool) -> dict[str, Companion]:
    """The companions that the sources really have: right version, same variant."""
    found = {}
    for name, companion in row.companions.items():
        published, wanted = offers.get(name, {}), version_key(companion.version)
        versions = [version for version in published if version >= wanted] if companion.open else [wanted]
        near = (offer for version in versions for offer in published.get(version, ()))
        fits = [offer for offer in near if _is_of_build(offer, companion, row, plain=plain)]
        fits.sort(key=lambda offer: version_key(offer.version), reverse=True)
        if fits:
            pythons = [pythons_of_offer(offer) for offer in fits]
            known = None if None in pythons else tuple({p for group in pythons for p in group or ()})
            label = fits[0].version if fits[0].variant is None else f"{fits[0].version}+{fits[0].variant}"
            found[name] = Companion(version=label, pythons=known, open=companion.open)
    return found


def _is_of_build(offer: Offer, companion: Companion, row: Row, *, plain: bool) -> bool:
    if companion.open:
        return offer.variant in {None, row.variant}
    return offer.variant is None if plain or companion.plain else offer.variant == row.variant
