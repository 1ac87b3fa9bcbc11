"""From what a user names (a file, an address, ``torch==2.15.0``) to the wheel that is meant."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from torchup.catalog.versions import python_key, version_key
from torchup.errors import NetworkError, UsageError
from torchup.model import Value, message
from torchup.plan.candidates import fits_platform, platform_of_tag, pythons_of_offer
from torchup.sources.configured import places, read_configuration
from torchup.sources.surveyor import ask, connection_of, told
from torchup.sources.urls import local_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.host import Host
    from torchup.model import Message, Notice, Offer, Request
    from torchup.sources.index_client import Connection
    from torchup.sources.named_places import Place

_PINNED = re.compile(r"torch==(\d[\w.]{0,30})(?:\+([a-z0-9.]{2,20}))?", re.IGNORECASE)


class Asked(Value, frozen=True, kw_only=True):
    """A version of torch as the user wrote it."""

    version: str
    variant: str | None = None


class Found(Value, frozen=True, kw_only=True):
    """The wheel to read, and how this machine reaches the network."""

    address: str
    offer: Offer | None = None
    connection: Connection
    indexes: tuple[Place, ...] = ()  # general ones, where requirements are looked up
    notices: tuple[Notice, ...] = ()


def pinned(text: str) -> Asked | None:
    """``torch==2.15.0`` or ``torch==2.14.1+cu126``; ``None`` for anything else."""
    match = _PINNED.fullmatch(text.replace(" ", ""))
    return Asked(version=match[1], variant=match[2]) if match else None


def find_wheel(host: Host, named: str, request: Request, *, platform: str, usual: str | None = None) -> Found:
    """The wheel that is meant; of a version the one for a platform and a Python.

    ``request.python`` is the Python asked for; without it ``usual`` where there is such a wheel, else the newest.

    Raises:
        UsageError: not a wheel, not a version, no such wheel.
        NetworkError: no source answered.
    """
    configuration = read_configuration(host)
    connection, notices = connection_of(host, configuration)
    asked = pinned(named)
    variants = (asked.variant,) if asked and asked.variant else ()
    found = places(host, configuration, request, variants)
    indexes = tuple(place for place in found if place.source.general and place.source.kind == "index")
    if asked is None:
        return Found(address=_address(host, named), connection=connection, indexes=indexes, notices=notices)
    answers = ask(host, found, connection, packages=("torch",))
    offers = [offer for listings in answers.values() for listing in listings for offer in listing.offers]
    if not offers:
        sources = [told(place.source, answers.get(place.source.name, ())) for place in found]
        names = ", ".join(f"{source.name} ({source.detail})" for source in sources if source.detail)
        raise NetworkError(
            message("refresh.nothing", "no source answered with torch wheels"),
            hint=message("refresh.nothing.hint", "check the network and these sources: {sources}", sources=names),
        )
    offer = _chosen(offers, asked, platform, request.python, usual)
    return Found(address=offer.url, offer=offer, connection=connection, indexes=indexes, notices=notices)


def _address(host: Host, named: str) -> str:
    path = local_path(named)
    if path is None:
        return named
    if not path.endswith(".whl"):
        raise UsageError(
            message("measure.unknown", "`{name}` is neither a wheel nor torch==VERSION", name=named),
            hint=message("measure.unknown.hint", "use a file or address that ends in .whl, or torch==2.15.0"),
        )
    return path if posixpath.isabs(path) or path[1:3] in {":/", ":\\"} else posixpath.join(host.cwd(), path)


def _chosen(offers: Sequence[Offer], asked: Asked, platform: str, python: str | None, usual: str | None) -> Offer:
    same = [o for o in offers if version_key(o.version) == version_key(asked.version) and o.version == asked.version]
    same = [o for o in same if asked.variant is None or o.variant == asked.variant]
    here = [o for o in same if fits_platform(o, platform)]
    fitting = [o for o in here if python is None or python in (pythons_of_offer(o) or (python,))]
    if fitting:
        return max(fitting, key=lambda o: (o.variant is None, _preference(o, usual)))
    pythons = sorted({p for o in here for p in pythons_of_offer(o) or ()}, key=python_key)
    label = f"{asked.version}+{asked.variant}" if asked.variant else asked.version
    raise UsageError(
        message(
            "measure.none", "your sources have no wheel of torch {label} for {platform}", label=label, platform=platform
        )
        if not here
        else message(
            "measure.none-python",
            "your sources have no wheel of torch {label} for this platform and Python {python}",
            label=label,
            python=python,
        ),
        hint=_choice(offers, same, pythons),
    )


def _preference(offer: Offer, usual: str | None) -> tuple[object, ...]:
    """The usual Python first, plain builds before free-threaded ones, then the newest."""
    python = (pythons_of_offer(offer) or ("3.0",))[-1]
    return python == usual, not python.endswith("t"), python_key(python)


MOST_NAMED = 8  # builds in a hint


def _choice(offers: Sequence[Offer], same: Sequence[Offer], pythons: Sequence[str]) -> Message:
    """The Pythons that a build has wheels for on the platform, else its platforms, else the newest builds there are."""
    if pythons:
        return message(
            "measure.none-python.hint", "use --python with a Python that has a wheel: {names}",
            names=", ".join(pythons),
        )  # fmt: skip
    if same:
        platforms = (platform_of_tag(tag) for offer in same for tag in offer.platform_tags)
        return message(
            "measure.none.hint", "use --platform with a platform that has a wheel: {names}",
            names=", ".join(sorted({platform for platform, _ in filter(None, platforms)})),
        )  # fmt: skip
    labels = {f"{o.version}+{o.variant}" if o.variant else o.version: version_key(o.version) for o in offers}
    newest = sorted(labels, key=lambda label: (labels[label], label), reverse=True)[:MOST_NAMED]
    return message("measure.none-build.hint", "choose one of these builds: {names}", names=", ".join(newest))
