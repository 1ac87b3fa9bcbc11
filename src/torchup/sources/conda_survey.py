"""Where conda-forge is fetched from: the mirror asked for, what conda's configuration names, or its own address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.model import UNKNOWN, Message, Notice, Secret, Source, Survey, message
from torchup.sources.conda_config import addresses, read_conda_config
from torchup.sources.configured import places
from torchup.sources.index_client import why_nothing
from torchup.sources.mirrors import find_mirror, load_mirrors
from torchup.sources.private import shown
from torchup.sources.urls import authorization, is_address, without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.host import Host
    from torchup.model import Request
    from torchup.sources.conda_config import CondaConfig
    from torchup.sources.configured import Configuration
    from torchup.sources.urls import Address

# Every channel has one of these for noarch (CEP 16 and its predecessors); its first byte proves that it answers.
_INDEXES = ("repodata_shards.msgpack.zst", "repodata.json.zst", "repodata.json")
_TIMEOUT = 10.0


def survey_conda(host: Host, request: Request, configuration: Configuration) -> Survey:
    """The places of conda-forge in the order they are tried; the first that answers serves the bytes.

    Behind them pip's general places, for what only pip has; those are not contacted. With ``request.offline`` nothing
    is contacted and the first one is taken as it is.

    Raises:
        UsageError: the mirror asked for does not exist.
    """
    config = read_conda_config(host)
    notices = [*config.notices]
    sources: list[Source] = []
    chosen: str | None = None
    for source, address in _places(request, config, notices):
        told = source if chosen or request.offline else _asked(host, source, address)
        sources.append(told)
        if chosen is None and told.reachable is not False:
            chosen = source.url
    if chosen is None:
        text = message(
            "sources.conda.nowhere", "conda-forge cannot be reached: {detail}", detail=sources[-1].detail or UNKNOWN
        )
        notices.append(Notice(code="sources.conda.nowhere", level="warning", text=text))
    canonical = load_mirrors().official.conda_forge
    mirrors: dict[str, tuple[str, ...]] = {canonical: (chosen,)} if chosen is not None and chosen != canonical else {}
    general = (place.source for place in places(host, configuration, replace(request, mirror=None), ()))
    sources += [source for source in general if source.general]
    return Survey(
        sources=tuple(sources), certificate=configuration.certificate, conda_mirrors=mirrors, notices=tuple(notices)
    )


def _places(request: Request, config: CondaConfig, notices: list[Notice]) -> Iterator[tuple[Source, Secret]]:
    """(source as shown, address as used); the address of a mirror given by URL is the channel's own."""
    if request.mirror and is_address(request.mirror):
        yield _place("mirror", request.mirror, "--mirror")
    elif request.mirror:
        mirror = find_mirror(request.mirror)
        if mirror.conda is not None:
            yield _place(f"mirror:{mirror.name}", f"{mirror.conda.url.rstrip('/')}/conda-forge", None)
        else:
            text = message("sources.conda.no-mirror", "{mirror} has no copy of conda-forge", mirror=mirror.title)
            notices.append(Notice(code="sources.conda.no-mirror", level="warning", text=text))
    for setting in addresses(config):
        yield _place("condarc", setting.value, setting.origin)
    yield _place("conda-forge", load_mirrors().official.conda_forge, None)


def _place(name: str, address: Address, origin: str | None) -> tuple[Source, Secret]:
    given = address if isinstance(address, Secret) else Secret(address)
    plain = given.mapped(lambda url: url.rstrip("/"))
    return Source(name=name, url=shown(plain), kind="conda", origin=origin, general=True), plain


def _asked(host: Host, source: Source, address: Secret) -> Source:
    problem: Message | None = None
    for index in _INDEXES:
        answer = host.fetch(
            f"{without_credentials(address)}/noarch/{index}", headers=authorization(address), timeout=_TIMEOUT, limit=1
        )
        if answer.ok:
            return replace(source, reachable=True)
        problem = why_nothing(answer, _TIMEOUT)
        if answer.status is None:
            break  # the server does not answer: the other names would not be found either
    return replace(source, reachable=False, detail=problem)
