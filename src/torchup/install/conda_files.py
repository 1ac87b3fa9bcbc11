"""The packages of a conda lock, fetched by torchup and handed to py-rattler: resumed, with one progress.

What cannot be fetched here (a server that wants a login from a keyring) py-rattler downloads itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.encoding import UNREADABLE, to_json
from torchup.envs.paths import join
from torchup.errors import NetworkError
from torchup.fetch import FileOrder, Place, fetch_all
from torchup.install.base import Event
from torchup.install.conda import events, order_of
from torchup.install.downloading import fetching
from torchup.install.places import Reach
from torchup.model import Secret, Step, Value
from torchup.sources.conda_config import ADDRESSES, HEADERS, conda_environment
from torchup.sources.urls import file_name, host_of

if TYPE_CHECKING:
    from torchup.install.prefetch import Staging
    from torchup.model import CondaOrder

FILES = "torchup-conda-files.json"
WEB = ("http://", "https://")


class CondaFile(Value, frozen=True, kw_only=True):
    """One package of a lock. ``url`` is its canonical one; ``cached``: py-rattler has it unpacked already."""

    url: str
    sha256: str
    size: int | None = None
    cached: bool = False


def fetched_packages(staging: Staging, step: Step) -> Step:
    """The link step, given the files that torchup has fetched.

    Raises:
        InstallError: the disk does not take them.
    """
    files = _locked(staging, step)
    roads = _Roads(staging)
    orders = [FileOrder(name=file_name(file.url), sha256=file.sha256, size=file.size, places=places)
              for file in files if not file.cached and (places := roads.places(file.url))]  # fmt: skip
    if not orders:
        return step
    event = Event(stage="download", text=fetching([order.size for order in orders]))
    staging.tell(event)
    found: dict[str, str] = {}
    try:
        fetch_all(
            staging.host, sorted(orders, key=lambda order: -(order.size or 0)), connections=staging.connections,
            tell=lambda progress: staging.tell(msgspec.structs.replace(event, download=progress)),
            ready=lambda order, path: found.update({order.key: path}),
        )  # fmt: skip
    except NetworkError as error:  # py-rattler has logins that torchup does not know
        staging.tell(Event(stage="download", text=error.text))
    return _handed_over(staging, step, {file.url: found[file.sha256] for file in files if file.sha256 in found})


def _locked(staging: Staging, step: Step) -> tuple[CondaFile, ...]:
    """The files of the lock that the solve step wrote."""
    argv = tuple("files" if word == "link" else word for word in step.argv)
    completed = staging.perform(msgspec.structs.replace(step, argv=argv))
    for event in events(completed.stdout):
        if event.get("event") == "files":
            try:
                return msgspec.convert(event.get("files"), tuple[CondaFile, ...])
            except UNREADABLE:
                break
    return ()


def _handed_over(staging: Staging, step: Step, files: dict[str, str]) -> Step:
    path = join(staging.path, FILES)
    staging.host.write_text(path, to_json(files))
    own = staging.host.environ().get("NO_PROXY") or staging.host.environ().get("no_proxy") or ""
    direct = ",".join(filter(None, (own, "127.0.0.1")))  # they are handed over on the loopback
    environment = {**step.environment, "NO_PROXY": direct, "no_proxy": direct}
    return msgspec.structs.replace(step, argv=(*step.argv, "--files", path), environment=environment)


class _Roads:
    """Where the bytes of a canonical address come from: the mirrors in their order, else the channel itself."""

    def __init__(self, staging: Staging) -> None:
        given = conda_environment(staging.host)
        self._order: CondaOrder = order_of(staging.plan)
        self._whole = msgspec.json.decode(given.get(ADDRESSES) or "{}", type=dict[str, str])
        self._headers = msgspec.json.decode(given.get(HEADERS) or "{}", type=dict[str, dict[str, str]])
        self._proxy = given.get("HTTPS_PROXY") or given.get("HTTP_PROXY")
        self._certificate = given.get("SSL_CERT_FILE")
        self._reach = Reach(staging.host)

    def places(self, url: str) -> tuple[Place, ...]:
        """All that have the file, the first to be asked first."""
        return tuple(self._place(address) for address in self._addresses(url) if address.startswith(WEB))

    def _addresses(self, url: str) -> list[str]:
        for canonical, mirrors in self._order.mirrors.items():
            base = canonical.rstrip("/")
            if url.startswith(f"{base}/"):
                bases = [self._whole.get(mirror.rstrip("/"), mirror.rstrip("/")) for mirror in mirrors]
                return [one + url[len(base) :] for one in bases]
        return [url]

    def _place(self, address: str) -> Place:
        place = self._reach.place(address)
        header = next((own for host, own in self._headers.items() if host in {host_of(address), place.name}), {})
        return msgspec.structs.replace(
            place,
            authorization=Secret(header["Authorization"]) if "Authorization" in header else place.authorization,
            proxy=Secret(self._proxy) if self._proxy else place.proxy,
            certificate=self._certificate or place.certificate,
        )
