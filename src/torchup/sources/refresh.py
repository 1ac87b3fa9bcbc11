"""Learn from index pages what the catalogue does not know: new versions, variants, Pythons and platforms.

Nothing is guessed: what is compiled into a new build stays unknown, and a wheel whose name does not say its variant
(PyPI's) is counted only when its own metadata says it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.version import Version

from torchup.catalog.expand import PLATFORMS
from torchup.catalog.types import LISTED, Learned, Overlay
from torchup.catalog.versions import python_key, variant_key, version_key
from torchup.errors import NetworkError
from torchup.model import Source, Value, message
from torchup.plan.candidates import platform_of_tag, pythons_of_offer
from torchup.sources.configured import places, read_configuration
from torchup.sources.index_client import Connection, PageRequest, fetch, read_page
from torchup.sources.mirrors import find_mirror, load_mirrors
from torchup.sources.surveyor import ask, connection_of, told
from torchup.sources.urls import host_of, page_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torchup.catalog.types import Catalog
    from torchup.host import Host
    from torchup.model import Notice, Offer, Request
    from torchup.sources.named_places import Place

_VARIANT = re.compile(r"cpu|cu\d{2,4}|rocm\d[\d.]*|xpu")
_RUNTIME = re.compile(
    r"^Requires-Dist:\s*(?:cuda-toolkit(?:\[[^\]]*\])?|nvidia-cuda-runtime(?:-cu\d+)?)\s*==\s*(\d+)\.(\d+)",
    re.MULTILINE,
)
_GPU_PACKAGES = re.compile(r"^Requires-Dist:\s*(?:nvidia|cuda|rocm|intel|triton)", re.MULTILINE)
_METADATA_LIMIT = 1 << 20
CPU_WHEEL_LIMIT = 400_000_000  # bytes; CPU wheels of Linux have 120 to 250 MB, those with CUDA inside 700 and more


class Gain(Value, frozen=True, kw_only=True):
    """Pythons that a known build is now published for."""

    build: str  # 2.14.1+cu126
    platform: str
    pythons: tuple[str, ...]


class Refresh(Value, frozen=True, kw_only=True):
    """What a refresh found, beside the catalogue it was compared with."""

    as_of: str
    sources: tuple[Source, ...]
    new: tuple[Learned, ...] = ()  # builds that the catalogue does not have
    gains: tuple[Gain, ...] = ()
    confirmed: tuple[str, ...] = ()  # known builds that no index had shown before: "2.15.0+cu130 linux_x86_64"
    new_variants: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()  # known builds that their own index answered without: "2.0.0+cu117 linux_x86_64"
    overlay: Overlay
    notices: tuple[Notice, ...] = ()


def refresh(
    host: Host, request: Request, catalog: Catalog, *, previous: Overlay | None = None, variants: Sequence[str] = ()
) -> Refresh:
    """Read the pages of torch on every configured index and compare them with the catalogue.

    Args:
        host: reaches the network.
        request: its mirror and channel count.
        catalog: the current one, earlier refreshes included.
        previous: the overlay of earlier refreshes; what it learned is kept.
        variants: ask only for these; by default for every known one and those that the base index names.

    Raises:
        NetworkError: no source answered with wheels of torch.
        UsageError: the mirror asked for does not exist.
    """
    configuration = read_configuration(host)
    connection, notices = connection_of(host, configuration)
    wanted = tuple(variants) or discovered(host, request, catalog, connection)
    found = places(host, configuration, request, wanted)
    answers = ask(host, found, connection, packages=("torch",))
    sources = tuple(told(place.source, answers.get(place.source.name, ())) for place in found)
    offers = [offer for listings in answers.values() for listing in listings for offer in listing.offers]
    if not offers:
        raise _nothing(sources)
    learner = _Learner(host, catalog, connection, found)
    builds = learner.builds(offers)
    new = tuple(build for build in builds if _key(build) not in catalog.by_key)
    gains = tuple(_gains(builds, catalog))
    confirmed = tuple(build for build in builds if _is_confirmed(build, catalog))
    changed = {(g.build, g.platform) for g in gains}
    kept = [b for b in builds if b in new or b in confirmed or (f"{b.torch}+{b.variant}", b.platform) in changed]
    return Refresh(
        as_of=learner.as_of,
        sources=sources,
        new=tuple(sorted(new, key=lambda b: (version_key(b.torch), b.variant, b.platform), reverse=True)),
        gains=gains,
        confirmed=tuple(f"{build.torch}+{build.variant} {build.platform}" for build in confirmed),
        new_variants=tuple(sorted({build.variant for build in new} - set(catalog.variants))),
        gone=tuple(_gone(sources, offers, catalog)),
        overlay=Overlay(as_of=learner.as_of, learned=_merged(previous.learned if previous else (), kept)),
        notices=notices,
    )


def _nothing(sources: Sequence[Source]) -> NetworkError:
    silent = [f"{source.name} ({source.detail})" for source in sources if source.detail is not None]
    return NetworkError(
        message("refresh.nothing", "no source answered with torch wheels"),
        hint=message(
            "refresh.nothing.hint", "check the network and these sources: {sources}", sources=", ".join(silent[:6])
        ),
    )


def discovered(host: Host, request: Request, catalog: Catalog, connection: Connection) -> tuple[str, ...]:
    """Every variant worth asking for: the catalogue's, and those in the file names of the base index.

    The base index (without a variant) does not list every build, but new variants show there.
    """
    mirror = find_mirror(request.mirror) if request.mirror else None
    templates = [load_mirrors().official.pytorch_index(request.channel)]
    if mirror is not None and mirror.pytorch is not None and mirror.pytorch.kind == "index":
        templates.insert(0, mirror.pytorch.url)
    bases = [template.split("/{variant}", maxsplit=1)[0] for template in templates if "/{variant}" in template]
    names: dict[str, None] = dict.fromkeys(catalog.variants)
    for base in bases:
        listing = read_page(host, PageRequest(source="base", url=page_of(base, "torch")), connection)
        names |= dict.fromkeys(o.variant for o in listing.offers if o.variant and _VARIANT.fullmatch(o.variant))
    return tuple(names)


def _key(build: Learned) -> tuple[str, str, str]:
    return build.torch, build.variant, build.platform


class _Learner:
    """Turns offers into builds: one a (torch, variant, platform), described by the first source that has it."""

    def __init__(self, host: Host, catalog: Catalog, connection: Connection, found: Sequence[Place]) -> None:
        self.host = host
        self.catalog = catalog
        self.connection = connection
        self.urls = {place.source.name: place.source.url for place in found}
        self.as_of = host.now().date().isoformat()
        self.oldest = catalog.rows[-1].torch  # what is older is out of the catalogue's scope

    def builds(self, offers: Iterable[Offer]) -> tuple[Learned, ...]:
        """Every final, unyanked build whose variant is certain."""
        groups: dict[tuple[str, str | None, str], list[tuple[Offer, str | None]]] = defaultdict(list)
        for offer in offers:
            if offer.yanked or not self._is_in_scope(offer.version):
                continue
            for platform, floor in filter(None, map(platform_of_tag, offer.platform_tags)):
                if platform in PLATFORMS:
                    groups[offer.version, offer.variant, platform].append((offer, floor))
        found: dict[tuple[str, str, str], Learned] = {}
        for (_, _, platform), members in groups.items():
            build = self._build(platform, members)
            if build is not None:
                found[_key(build)] = _joined(found[_key(build)], build) if _key(build) in found else build
        return tuple(found.values())

    def _is_in_scope(self, version: str) -> bool:
        return not Version(version).is_prerelease and version_key(version) >= version_key(self.oldest)

    def _build(self, platform: str, members: list[tuple[Offer, str | None]]) -> Learned | None:
        first = members[0][0]
        variant = first.variant or self._plain_variant(first, platform)
        pythons = {python for offer, _ in members for python in pythons_of_offer(offer) or ()}
        if variant is None or not _VARIANT.fullmatch(variant) or not pythons:
            return None
        url = self.urls[first.source]
        floor = min((floor for _, floor in members if floor), key=version_key, default=None)
        return Learned(
            torch=first.version,
            variant=variant,
            platform=platform,
            pythons=tuple(sorted(pythons, key=python_key)),
            source=f"index page of {host_of(url) or url}, {self.as_of}",
            url=url,
            local=first.variant is not None,
            glibc=floor if platform.startswith("linux") else None,
            macos=floor if platform.startswith("macos") else None,
            size_bytes=max((offer.size_bytes for offer, _ in members if offer.size_bytes), default=None),
            released=min((offer.uploaded[:10] for offer, _ in members if offer.uploaded), default=None),
        )

    def _plain_variant(self, offer: Offer, platform: str) -> str | None:
        """What a wheel without a local version is: the catalogue's fact, else what its own metadata requires."""
        rows = self.catalog.by_platform.get(platform, ())
        known = (r for r in rows if r.torch == offer.version and any(p.name == "pypi" for p in r.publications))
        if row := next(known, None):
            return row.variant
        response = fetch(
            self.host, offer.url + ".metadata", self.connection, secret=offer.url, headers={}, timeout=6.0,
            limit=_METADATA_LIMIT,
        )  # fmt: skip
        variant = variant_of_metadata(response.body.decode("utf-8", errors="replace")) if response.ok else None
        # A Linux wheel that asks for no CUDA package may bring its own CUDA along, as old ones did: its size tells.
        is_small = offer.size_bytes is not None and offer.size_bytes < CPU_WHEEL_LIMIT
        return variant if variant != "cpu" or is_small or not platform.startswith("linux") else None


def variant_of_metadata(text: str) -> str | None:
    """The variant that a wheel's METADATA tells: its CUDA runtime, or ``cpu`` when it asks for nothing of a GPU's."""
    if not text.startswith("Metadata-Version:"):
        return None
    if match := _RUNTIME.search(text):
        return f"cu{match[1]}{match[2]}"
    return None if _GPU_PACKAGES.search(text) else "cpu"


def _is_confirmed(build: Learned, catalog: Catalog) -> bool:
    """Whether the catalogue has a build only by announcement, so that to see it on a page is news worth keeping."""
    row = catalog.by_key.get(_key(build))
    return row is not None and row.certainty != LISTED


def _gains(builds: Iterable[Learned], catalog: Catalog) -> Iterable[Gain]:
    for build in builds:
        row = catalog.by_key.get(_key(build))
        more = [python for python in build.pythons if row is not None and python not in row.pythons]
        if more:
            yield Gain(build=f"{build.torch}+{build.variant}", platform=build.platform, pythons=tuple(more))


def _gone(sources: Sequence[Source], offers: Sequence[Offer], catalog: Catalog) -> Iterable[str]:
    listed: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for offer in offers:
        for place in filter(None, map(platform_of_tag, offer.platform_tags)):
            listed[offer.source].add((offer.version, place[0]))
    for source in sources:
        if source.variant is None or not listed[source.name] or not source.name.startswith("pytorch-index"):
            continue
        for row in catalog.rows:
            on_index = any(place.name == "pytorch-index" for place in row.publications)
            if row.variant == source.variant and on_index and (row.torch, row.platform) not in listed[source.name]:
                yield f"{row.label} {row.platform}"


def _joined(one: Learned, other: Learned) -> Learned:
    pythons = tuple(sorted({*one.pythons, *other.pythons}, key=python_key))
    return replace(one, pythons=pythons, released=one.released or other.released)


def _merged(previous: Iterable[Learned], learned: Iterable[Learned]) -> tuple[Learned, ...]:
    """What earlier refreshes learned, newer sightings in front."""
    table = {_key(build): build for build in previous}
    for build in learned:
        table[_key(build)] = _joined(build, table[_key(build)]) if _key(build) in table else build
    return tuple(
        sorted(table.values(), key=lambda b: (version_key(b.torch), variant_key(b.variant), b.platform), reverse=True)
    )
