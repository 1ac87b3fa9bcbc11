"""Measure a mirror: its index page, the newest torch on it, and who really sends a wheel's first bytes, how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.version import Version

from torchup.model import Message, Secret, Value, message
from torchup.sources.index_client import Connection, Listing, PageRequest, fetch, read_page, why_silent
from torchup.sources.parallel import in_parallel
from torchup.sources.urls import host_of, page_of, without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.host import Host
    from torchup.model import Offer
    from torchup.sources.mirrors import Mirror, Part
    from torchup.sources.urls import Address

_REPODATA = "{}/conda-forge/noarch/repodata.json.zst"
SAMPLE = 1 << 20  # bytes of a wheel that are fetched: enough to leave slow start, little enough for any line
SAMPLE_TIMEOUT = 10.0  # seconds
TOTAL_TIMEOUT = 40.0  # seconds for everything that is tested at once
# Hosts of the originals: a mirror whose page links there is as slow as they are.
UPSTREAM = ("download.pytorch.org", "download-r2.pytorch.org", "files.pythonhosted.org", "conda.anaconda.org")


class MirrorTest(Value, frozen=True, kw_only=True):
    """What one part of a mirror did. Speeds are of one sample of at most `SAMPLE` bytes, now, from here."""

    mirror: str
    part: str  # pytorch | pypi | conda
    url: str
    reachable: bool = False
    problem: Message | None = None
    index_seconds: float | None = None
    newest_torch: str | None = None
    served_by: str | None = None  # the host that sent the bytes of the file, after links and redirects
    upstream: bool | None = None  # those bytes came from the original's host
    sample_bytes: int | None = None
    bytes_per_second: float | None = None

    @property
    def ok(self) -> bool:
        """Whether files can be had from it."""
        return self.reachable and self.problem is None and self.bytes_per_second is not None


class _Task(Value, frozen=True, kw_only=True):
    mirror: str
    part: str
    kind: str
    url: Secret


def measure_mirrors(
    host: Host, mirrors: Sequence[Mirror], variant: str, connection: Connection
) -> tuple[MirrorTest, ...]:
    """Test every part of the mirrors at once, in the order given. Nothing is raised for what a network does."""
    tasks = [task for mirror in mirrors for task in _tasks(mirror, variant)]
    found = in_parallel(lambda task: _measure(host, task, connection), tasks, TOTAL_TIMEOUT)
    silent = message("sources.no-answer", "no answer within {seconds} s", seconds=f"{TOTAL_TIMEOUT:.0f}")
    return tuple(
        test or MirrorTest(mirror=task.mirror, part=task.part, url=without_credentials(task.url), problem=silent)
        for task, test in zip(tasks, found, strict=True)
    )


def _tasks(mirror: Mirror, variant: str) -> Iterator[_Task]:
    same = mirror.pytorch is not None and mirror.pypi is not None and mirror.pytorch.url == mirror.pypi.url
    parts: tuple[tuple[str, Part | None], ...] = (
        ("pytorch", None if same else mirror.pytorch), ("pypi", mirror.pypi), ("conda", mirror.conda),
    )  # fmt: skip
    for name, part in parts:
        if part is not None:
            yield _Task(
                mirror=mirror.name, part=name, kind=part.kind, url=Secret(part.url.replace("{variant}", variant))
            )


def _measure(host: Host, task: _Task, connection: Connection) -> MirrorTest:
    blank = MirrorTest(mirror=task.mirror, part=task.part, url=without_credentials(task.url))
    if task.part == "conda":
        return _sampled(host, blank, _REPODATA.format(without_credentials(task.url).rstrip("/")), task, connection)
    address = task.url if task.kind == "flat" else page_of(task.url, "torch")
    listing = read_page(host, PageRequest(source=task.mirror, url=address), connection)
    newest = newest_wheel(listing)
    if newest is None:
        nothing = message("sources.mirror.no-torch", "there are no torch wheels at this address")
        return replace(blank, reachable=listing.reachable, problem=listing.problem or nothing)
    seen = replace(blank, reachable=True, index_seconds=listing.seconds, newest_torch=newest.version)
    return _sampled(host, seen, newest.url, task, connection)


def newest_wheel(listing: Listing) -> Offer | None:
    """The newest final release on a page, yanked files left out."""
    torches = [offer for offer in listing.offers if offer.package == "torch" and not offer.yanked]
    finals = [offer for offer in torches if not Version(offer.version).is_prerelease]
    return max(finals or torches, key=lambda offer: Version(offer.version), default=None)


def _sampled(host: Host, seen: MirrorTest, url: str, task: _Task, connection: Connection) -> MirrorTest:
    """Fetch the first bytes of a file; the credentials of the index go along only to the same host."""
    secret: Address = task.url if host_of(task.url) == host_of(url) else url
    response = fetch(
        host, url, connection, secret=secret, headers={"Range": f"bytes=0-{SAMPLE - 1}"}, timeout=SAMPLE_TIMEOUT,
        limit=SAMPLE,
    )  # fmt: skip
    served_by = host_of(response.final_url or url) or None
    if response.status is None:
        return replace(
            seen,
            reachable=seen.reachable,
            problem=why_silent(response.error or "", SAMPLE_TIMEOUT),
            served_by=served_by,
        )
    if not response.ok or not response.body:
        problem = (
            message("sources.mirror.empty-file", "the server answered with an empty test file")
            if response.ok
            else message(
                "sources.mirror.no-file", "the server did not serve the test file (HTTP {status})",
                status=response.status,
            )
        )  # fmt: skip
        return replace(seen, reachable=True, problem=problem, served_by=served_by)
    return replace(
        seen,
        reachable=True,
        served_by=served_by,
        upstream=served_by in UPSTREAM,
        sample_bytes=len(response.body),
        bytes_per_second=len(response.body) / max(response.seconds or 0.0, 1e-6),
    )
