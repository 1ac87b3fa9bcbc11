"""The places that packages may come from on this machine, in the order they are tried. Nothing is contacted here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.model import Secret, Value, message
from torchup.settings import load_settings
from torchup.sources.find_links import absolute
from torchup.sources.mirrors import find_mirror, is_official, load_mirrors
from torchup.sources.named_places import Place, mirror_places, place_of
from torchup.sources.netrc import read_netrc, with_login
from torchup.sources.pip_config import PipConfig, Setting, read_pip_config
from torchup.sources.uv_config import UvConfig, read_uv_config

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torchup.host import Host
    from torchup.model import Request
    from torchup.sources.mirrors import Mirror

WHEELHOUSE = "TORCHUP_WHEELHOUSE"


class Configuration(Value, frozen=True, kw_only=True):
    """What pip and uv are configured to do on this machine."""

    pip: PipConfig
    uv: UvConfig

    @property
    def no_index(self) -> bool:
        """Whether the user switched indexes off: only folders and pages of links count."""
        return self.pip.no_index or self.uv.no_index

    @property
    def certificate(self) -> str | None:
        """The certificate bundle to trust; pip's setting first, as it is for packages only."""
        return self.pip.certificate or self.uv.certificate

    @property
    def trusted_hosts(self) -> tuple[str, ...]:
        """Hosts whose certificates the user does not want checked."""
        return tuple(dict.fromkeys((*self.pip.trusted_hosts, *self.uv.trusted_hosts)))


def read_configuration(host: Host) -> Configuration:
    """Read pip's and uv's configuration."""
    return Configuration(pip=read_pip_config(host), uv=read_uv_config(host))


def places(host: Host, configuration: Configuration, request: Request, variants: Sequence[str]) -> tuple[Place, ...]:
    """Every place in order: the mirror asked for, PyTorch's index, the user's own, PyPI, a wheelhouse.

    Raises:
        UsageError: no mirror has the name asked for.
    """
    mirror = find_mirror(request.mirror) if request.mirror and not is_official(request.mirror) else None
    found = [
        *(mirror_places(mirror, variants) if mirror else ()),
        *_pytorch_places(request, variants),
        *_user_places(host, configuration),
        *_pypi_place(configuration, mirror),
        *_wheelhouse(host),
    ]
    logins = read_netrc(host)
    known = tuple(replace(place, address=with_login(place.address, logins)) for place in _unique(found))
    switched_off = configuration.no_index
    return tuple(_without_index(place) if switched_off and _is_default(place) else place for place in known)


def _is_default(place: Place) -> bool:
    return place.source.kind == "index" and not place.source.name.startswith("mirror:")


def _without_index(place: Place) -> Place:
    detail = message("sources.no-index", "turned off by no-index in the configuration of pip or uv")
    return Place(source=replace(place.source, reachable=False, detail=detail), address=place.address)


def _unique(found: Iterable[Place]) -> tuple[Place, ...]:
    """The first place of an address counts; names are made unique by a number."""
    by_address: dict[str, Place] = {}
    names: Counter[str] = Counter()
    for place in found:
        key = place.source.url.rstrip("/")
        if key in by_address:
            continue
        names[place.source.name] += 1
        number = names[place.source.name]
        name = f"{place.source.name}:{number}" if number > 1 else place.source.name
        by_address[key] = Place(source=replace(place.source, name=name), address=place.address)
    return tuple(by_address.values())


def _pytorch_places(request: Request, variants: Sequence[str]) -> Iterator[Place]:
    template = load_mirrors().official.pytorch_index(request.channel)
    for variant in variants:
        yield place_of(f"pytorch-index:{variant}", template.replace("{variant}", variant), variant=variant)


def _user_places(host: Host, configuration: Configuration) -> Iterator[Place]:
    pip, uv = configuration.pip, configuration.uv
    default = pip.index_url or uv.default_index
    if default is not None:
        yield place_of("index-url", _address(host, default), origin=default.origin, general=True)
    extra = [*pip.extra_index_urls, *uv.indexes]
    if pip.index_url is not None and uv.default_index is not None:
        extra.append(uv.default_index)
    for setting in extra:
        yield place_of("extra-index-url", _address(host, setting), origin=setting.origin, general=True)
    for setting in (*pip.find_links, *uv.find_links):
        yield place_of("find-links", _folder(host, setting), kind="find-links", origin=setting.origin, general=True)


def _address(host: Host, setting: Setting) -> Secret:
    """An index may be a plain folder too; ``file:`` addresses stay as they are."""
    return setting.value.mapped(lambda address: address if "://" in address else absolute(host, address))


def _folder(host: Host, setting: Setting) -> Secret:
    return setting.value.mapped(lambda address: absolute(host, address))


def _pypi_place(configuration: Configuration, mirror: Mirror | None) -> Iterator[Place]:
    has_default = configuration.pip.index_url or configuration.uv.default_index or (mirror and mirror.pypi)
    if not has_default:
        yield place_of("pypi", load_mirrors().official.pypi, general=True)


def _wheelhouse(host: Host) -> Iterator[Place]:
    settings = load_settings(host)
    folder = settings.text("wheelhouse")
    if folder:
        origin = WHEELHOUSE if host.environ().get(WHEELHOUSE) else settings.path
        yield place_of("wheelhouse", absolute(host, folder), kind="find-links", origin=origin, general=True)
