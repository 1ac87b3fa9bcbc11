"""What another index than the main one would override: installers take the newest version, wherever it lies.

That is pip's rule, and the user's own configuration names the further index; so nothing is forbidden, but of what
torchup itself asks for nothing comes from there in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from torchup.model import Notice, message
from torchup.package_names import normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torchup.model import Offer
    from torchup.sources.index_client import Listing
    from torchup.sources.named_places import Place

_BUILD_TAG_PARTS = 6  # of a wheel's name (PEP 427); a build tag wins over the same version without one
_BUILT = ("torch", "torchvision", "torchaudio")


def foreign_places(found: Sequence[Place]) -> tuple[Place, ...]:
    """The user's further indexes and pages: not the main index, not PyTorch's own, not a mirror asked for."""
    return tuple(
        place
        for place in found
        if place.source.name.startswith(("extra-index-url", "find-links")) and place.source.reachable is not False
    )


def main_place(found: Sequence[Place]) -> Place | None:
    """The index that serves any package: the user's own, a mirror's, or PyPI."""
    return next((p for p in found if p.source.kind == "index" and p.source.general and p not in foreign_places(found)),
                None)  # fmt: skip


def overrides(
    found: Sequence[Place], names: Iterable[str], ask: Callable[..., Mapping[str, tuple[Listing, ...]]]
) -> tuple[Notice, ...]:
    """A warning for each package that a further index has newer than the main one, or in its place.

    Args:
        found: every place.
        names: what torchup asks for: requirement lines or names.
        ask: gives the listings of places for packages, by the name of the source.
    """
    foreign, main = foreign_places(found), main_place(found)
    wanted = tuple(dict.fromkeys((*_BUILT, *filter(None, map(_name, names)))))
    if not foreign or main is None:
        return ()
    official = [place for place in found if place.source.variant is not None and place not in foreign]
    listings = ask((main, *official, *foreign), wanted)
    trusted = [o for p in (main, *official) for o in _offers(listings, p)]
    notices = [_compared(place, name, trusted, _offers(listings, place)) for place in foreign for name in wanted]
    return tuple(notice for notice in notices if notice is not None)


def _offers(listings: Mapping[str, tuple[Listing, ...]], place: Place) -> list[Offer]:
    return [offer for one in listings.get(place.source.name, ()) for offer in one.offers if not offer.yanked]


def _compared(place: Place, name: str, trusted: Sequence[Offer], foreign: Sequence[Offer]) -> Notice | None:
    ours = [offer for offer in trusted if offer.package == name]
    theirs = [offer for offer in foreign if offer.package == name]
    if not ours or not theirs:
        return None
    newest = max(theirs, key=_rank)
    if name in _BUILT:  # their version is planned: only a build tag lets another file of it win
        known = {(offer.version, offer.variant) for offer in ours}
        tagged = [
            o for o in theirs if (o.version, o.variant) in known and o.filename.count("-") == _BUILD_TAG_PARTS - 1
        ]
        return _notice(place, name, max(tagged, key=_rank)) if tagged else None
    return _notice(place, name, newest) if _rank(newest) > max(map(_rank, ours)) else None


def _rank(offer: Offer) -> tuple[bool, Version]:
    version = Version(offer.version)
    return not version.is_prerelease, version


def _notice(place: Place, name: str, offer: Offer) -> Notice:
    text = message(
        "sources.override",
        "{url} (from {source}) offers {file}, which an installer prefers to {name} from the main index",
        source=place.source.origin or place.source.name,
        url=place.source.url,
        file=offer.filename,
        name=name,
    )
    return Notice(code="sources.override", level="warning", text=text)


def _name(line: str) -> str:
    """The package of a requirement line; empty for an address or an invalid name in a bundle."""
    head = line.partition("@")[0].partition(";")[0]
    for sign in "[<>=!~ ":
        head = head.partition(sign)[0]
    return normalise(head.strip())
