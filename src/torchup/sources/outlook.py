"""Looking outward: what is published of companions, toolkits, drivers, vendors' channels, conda and packages.

For each table: which sources answered, what they have that the catalogue does not, and which were silent. Silence is
never "nothing new".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from packaging.version import InvalidVersion, Version

from torchup.catalog.load import DATA
from torchup.catalog.types import is_vendor
from torchup.catalog.versions import version_key
from torchup.data_files import read_data
from torchup.model import Value
from torchup.sources.configured import places, read_configuration
from torchup.sources.index_client import PageRequest, fetch, read_page
from torchup.sources.parallel import in_parallel
from torchup.sources.surveyor import connection_of
from torchup.sources.urls import host_of, page_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from torchup.catalog.types import Catalog
    from torchup.host import Host
    from torchup.model import Request
    from torchup.sources.index_client import Connection
    from torchup.sources.named_places import Place

LIMIT = 60.0  # seconds for all tables together; conda's repodata is the slowest
_JSON_LIMIT = 8 << 20
_REPODATA_LIMIT = 160 << 20  # bytes; conda-forge's current_repodata of one platform has 40 to 90 MB
_TIMEOUT = 15.0
_DRIVER = re.compile(r"\d{3}(?:\.\d{1,3}){1,2}")


class Watch(Value, frozen=True, kw_only=True):
    """One row of outlook.toml."""

    table: str
    kind: str
    needed: bool = False
    packages: tuple[str, ...] = ()
    known: dict[str, str] = {}
    url: str | None = None
    subdirs: dict[str, str] = {}  # of a conda channel -> the catalogue's platform


class Look(Value, frozen=True, kw_only=True):
    """What was seen of one table. ``status``: new | same | unclear (a source was silent)."""

    table: str
    needed: bool
    answered: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    new: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """``unclear`` wins: what was not seen may be new."""
        if self.silent or not self.answered:
            return "unclear"
        return "new" if self.new else "same"


class _Outlook(Value, frozen=True, kw_only=True):
    source: tuple[Watch, ...]


class _Branch(msgspec.Struct):
    driver_info: list[msgspec.Raw] = []


class _Release(msgspec.Struct):
    release_version: str = ""


class _Package(msgspec.Struct):
    name: str
    version: str


class _Repodata(msgspec.Struct):
    packages: dict[str, _Package] = {}
    conda: dict[str, _Package] = msgspec.field(name="packages.conda", default_factory=dict)


class _Asking(Value, frozen=True, kw_only=True):
    """What every question needs."""

    host: Host
    catalog: Catalog
    connection: Connection
    general: tuple[Place, ...]


def look_outward(host: Host, request: Request, catalog: Catalog) -> tuple[Look, ...]:
    """Ask every source of outlook.toml, in parallel; takes about `LIMIT` at most."""
    configuration = read_configuration(host)
    connection, _ = connection_of(host, configuration)
    found = places(host, configuration, request, ())
    general = tuple(
        p for p in found if p.source.general and p.source.kind == "index" and p.source.reachable is not False
    )
    asking = _Asking(host=host, catalog=catalog, connection=connection, general=general)
    watches = read_data(DATA / "outlook.toml", _Outlook).source
    answers = in_parallel(lambda watch: _KINDS[watch.kind](watch, asking), watches, LIMIT)
    silent = (Look(table=watch.table, needed=watch.needed, silent=(watch.url or watch.kind,)) for watch in watches)
    return tuple(answer or late for answer, late in zip(answers, silent, strict=True))


# ---------------------------------------------------------------- one kind of source each


def _pypi(watch: Watch, asking: _Asking) -> Look:
    """Versions of packages on the user's general indexes, the newest wherever it lies."""
    new, silent, answered = [], [], dict[str, None]()
    for package in watch.packages:
        pages = [
            read_page(
                asking.host, PageRequest(source=p.source.name, url=page_of(p.address, package)), asking.connection
            )
            for p in asking.general
        ]
        versions = [version for page in pages for offer in page.offers if (version := _final(offer.version))]
        if not versions:
            silent.append(package)
            continue
        answered |= dict.fromkeys(page.request.source for page in pages if page.offers)
        known = _final(watch.known.get(package) or _known(package, asking.catalog))
        if known is None or _shown(package, max(versions)) > _shown(package, known):
            new.append(f"{package} {max(versions)}")
    return Look(table=watch.table, needed=watch.needed, answered=tuple(answered), silent=tuple(silent), new=tuple(new))


def _known(package: str, catalog: Catalog) -> str:
    """The newest version in the catalogue's own tables."""
    if package == "cuda-toolkit":
        return ".".join(map(str, version_key(catalog.toolkits[0].version)))
    companions = [row.companions[package].version for row in catalog.rows if package in row.companions]
    return max(companions, key=version_key, default="0")


def _shown(package: str, version: Version) -> Version:
    """Toolkits differ by major and minor: NVIDIA's update numbers are not those of the package."""
    return Version(f"{version.major}.{version.minor}") if package == "cuda-toolkit" else version


def _final(text: str) -> Version | None:
    try:
        version = Version(text)
    except InvalidVersion:
        return None
    return None if version.is_prerelease else version


def _drivers(watch: Watch, asking: _Asking) -> Look:
    """Branches and drivers of NVIDIA's list that are newer than the table's."""
    body = _get(watch.url or "", asking, _JSON_LIMIT)
    try:
        branches = msgspec.json.decode(body or b"", type=dict[str, _Branch])
    except (msgspec.DecodeError, RecursionError):
        branches = {}
    if not branches:
        return Look(table=watch.table, needed=watch.needed, silent=(host_of(watch.url or ""),))
    known = asking.catalog.branches
    newest = max(map(int, known))
    new = [
        f"R{name} {max(versions, key=version_key)}"
        for name in sorted(branches)
        if name.isdecimal() and name not in known and int(name) > newest
        if (versions := _versions(branches[name].driver_info))
    ]
    for name, support in known.items():
        versions = _versions(branches.get(name, _Branch()).driver_info)
        if support.newest and versions and max(versions, key=version_key) != support.newest:
            latest = max(versions, key=version_key)
            new += [latest] if version_key(latest) > version_key(support.newest) else []
    return Look(table=watch.table, needed=watch.needed, answered=(host_of(watch.url or ""),), new=tuple(new))


def _versions(rows: Sequence[msgspec.Raw]) -> list[str]:
    found = []
    for raw in rows:
        try:
            version = msgspec.json.decode(raw, type=_Release).release_version
        except msgspec.DecodeError:
            continue
        found += [version] if _DRIVER.fullmatch(version) else []
    return found


def _channels(watch: Watch, asking: _Asking) -> Look:
    """Torch on the channels of AMD, NVIDIA's Jetson people and other vendors."""
    vendors = [row for row in asking.catalog.rows if is_vendor(row) and not row.file]
    urls = dict.fromkeys(row.publications[0].url for row in vendors)
    new, silent, answered = [], [], []
    for url in urls:
        page = read_page(asking.host, PageRequest(source=url, url=page_of(url, "torch")), asking.connection)
        if not page.offers:
            silent.append(url)
            continue
        answered.append(url)
        known = max((row.torch for row in vendors if row.publications[0].url == url), key=version_key)
        seen = {offer.version for offer in page.offers if _final(offer.version)}
        labels = {o.variant for o in page.offers if o.variant}
        have = {row.variant for row in vendors if row.publications[0].url == url}
        new += [f"{version} ({url})" for version in sorted(seen) if version_key(version) > version_key(known)]
        new += [f"{label} ({url})" for label in sorted(labels - have) if any(have) and label.startswith(("cu", "rocm"))]
    return Look(table=watch.table, needed=watch.needed, answered=tuple(answered), silent=tuple(silent), new=tuple(new))


def _conda(watch: Watch, asking: _Asking) -> Look:
    """The newest pytorch of conda-forge's repodata for every platform that plans are made for."""
    base, subdirs = asking.catalog.channels.conda_forge, list(watch.subdirs)
    newest = in_parallel(lambda subdir: _newest_conda(f"{base}/{subdir}", asking), subdirs, LIMIT)
    known = {
        subdir: max((r.torch for r in asking.catalog.conda if r.platform == platform), key=version_key, default="0")
        for subdir, platform in watch.subdirs.items()
    }
    seen = {subdir: version for subdir, version in zip(subdirs, newest, strict=True) if version is not None}
    return Look(
        table=watch.table,
        needed=watch.needed,
        answered=tuple(f"{host_of(base)} {subdir}" for subdir in seen),
        silent=tuple(f"{host_of(base)} {subdir}" for subdir in subdirs if subdir not in seen),
        new=tuple(f"pytorch {found} {subdir}" for subdir, found in seen.items() if found > Version(known[subdir])),
    )


def _newest_conda(folder: str, asking: _Asking) -> Version | None:
    body = _get(f"{folder}/current_repodata.json", asking, _REPODATA_LIMIT)
    try:
        data = msgspec.json.decode(body or b"", type=_Repodata)
    except (msgspec.DecodeError, RecursionError):
        return None
    packages: Iterable[_Package] = (*data.packages.values(), *data.conda.values())
    found = [version for package in packages if package.name == "pytorch" and (version := _final(package.version))]
    return max(found, default=None)


def _get(url: str, asking: _Asking, limit: int) -> bytes | None:
    response = fetch(asking.host, url, asking.connection, secret=url, headers={}, timeout=_TIMEOUT, limit=limit)
    return response.body if response.ok and len(response.body) < limit else None


_KINDS: dict[str, Callable[[Watch, _Asking], Look]] = {
    "pypi": _pypi,
    "drivers": _drivers,
    "index": _channels,
    "conda": _conda,
}
