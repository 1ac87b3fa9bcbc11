"""Downloads from servers that behave badly: always the right bytes, little twice, a reason where it ends."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from support.file_server import FileServer, Manners
from torchup.errors import NetworkError
from torchup.fetch import FileOrder, Patience, Place, fetch_all
from torchup.fetch.blocks import BLOCK
from torchup.fetch.store import part_of
from torchup.host.real import RealHost
from torchup.model import Secret

CONTENT = random.Random(7).randbytes(5 * BLOCK + 12345)  # noqa: S311  # content that no compressor shortens
SIZE = len(CONTENT)
QUICK = Patience(no_byte=0.3, slow_for=2.0, attempts=4, longest_pause=1.0)


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A machine with an empty cache."""
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "home"))
    return RealHost()


def order(*servers, size=SIZE):
    """The file, as all these servers have it."""
    places = tuple(Place(name=f"place-{number}", url=server.url) for number, server in enumerate(servers))
    return FileOrder(
        name="torch-2.0.0-py3-none-any.whl", sha256=hashlib.sha256(CONTENT).hexdigest(), size=size, places=places
    )


def fetch(host, wanted, **options):
    """The bytes that arrive."""
    (path,) = fetch_all(host, [wanted], patience=QUICK, **options).values()
    assert host.sha256(path) == wanted.sha256
    return path


@pytest.mark.parametrize(
    "manners",
    [
        Manners(),
        Manners(ranges=False),
        Manners(cut_every=BLOCK // 2 + 7),
        Manners(ranges=False, cut_every=3 * BLOCK, cuts=2),
        Manners(statuses=[503, 429, 500], retry_after="0"),
        Manners(most_connections=1),
        Manners(statuses=[503], retry_after="Mon, 30 Nov 2026 00:00:00 GMT"),
    ],
    ids=["well", "no-ranges", "cuts", "cuts-no-ranges", "busy", "one-at-a-time", "busy-until-a-date"],
)
@pytest.mark.parametrize("connections", [1, 4])
def test_the_bytes_arrive_whatever_the_server_does(host, manners, connections):
    """Every server that has the file gives it in the end."""
    with FileServer(CONTENT, manners) as server:
        fetch(host, order(server), connections=connections)


def test_a_cut_line_costs_almost_nothing_twice(host):
    """After a broken connection the next request goes on at the very byte."""
    with FileServer(CONTENT, Manners(cut_every=BLOCK + 999)) as server:
        fetch(host, order(server))
        assert server.sent < len(CONTENT) * 1.01 + 4 * (1 << 18)


@pytest.mark.parametrize(
    ("manners", "why"),
    [
        (Manners(wrong_range=True), "another range"),
        (Manners(wrong_bytes=True), "another hash"),
        (Manners(length_off=5), "bytes instead of"),
        (Manners(statuses=[404] * 9), "HTTP 404"),
        (Manners(statuses=[503] * 99, retry_after="9999"), "asks to wait 9999 s"),
        (Manners(stall_after=1), "timed out"),
        (Manners(changes_after=1), "another hash"),
    ],
    ids=["lies-about-ranges", "wrong-bytes", "wrong-length", "absent", "busy-for-hours", "stalls", "changes"],
)
def test_the_next_place_is_tried_and_a_lonely_failure_says_why(host, manners, why):
    """A place that cannot serve it is left in the middle of the file; where there is no other, its reason is told."""
    with FileServer(CONTENT, manners) as bad, FileServer(CONTENT) as good:
        with pytest.raises(NetworkError, match=why):
            fetch(host, order(bad))
        bad.manners = Manners(**{**manners.__dict__, "statuses": list(manners.statuses)})
        fetch(host, order(bad, good))


def test_what_one_place_sent_is_not_fetched_from_the_next(host):
    """A mirror that stalls near the end is left, and the other sends only the rest."""
    with FileServer(CONTENT, Manners(stall_after=4 * BLOCK)) as first, FileServer(CONTENT) as second:
        fetch(host, order(first, second), connections=1)
        assert second.sent <= len(CONTENT) - 4 * BLOCK + BLOCK


def test_a_fetched_file_is_not_fetched_again_but_a_damaged_one_is(host):
    """The store answers by hash, and looks at the bytes before it does."""
    with FileServer(CONTENT) as server:
        path = fetch(host, order(server))
        asked = len(server.asked)
        fetch(host, order(server))
        assert len(server.asked) == asked
        with Path(path).open("r+b") as file:
            file.write(b"damage")
        fetch(host, order(server))
        assert len(server.asked) > asked


def test_a_second_run_goes_on_where_the_first_was_stopped(host):
    """What is there of a file that could not be completed is used by the next command."""
    with FileServer(CONTENT, Manners(stall_after=3 * BLOCK)) as server:
        with pytest.raises(NetworkError):
            fetch(host, order(server), connections=1)
        before = server.sent
        server.manners = Manners()
        fetch(host, order(server), connections=1)
        assert server.sent - before <= len(CONTENT) - 2 * BLOCK


def test_bytes_that_lie_on_the_disk_wrongly_are_found_and_fetched_anew(host):
    """After a power cut the journal may promise what the disk lost; the hash tells, and the file comes whole."""
    with FileServer(CONTENT, Manners(stall_after=3 * BLOCK)) as server:
        wanted = order(server)
        with pytest.raises(NetworkError):
            fetch(host, wanted, connections=1)
        part, _ = part_of(host, wanted)
        with Path(part).open("r+b") as file:
            file.write(bytes(1000))
        server.manners = Manners()
        fetch(host, wanted)


def test_a_redirect_to_another_host_carries_no_credentials(host):
    """The header of one host never reaches another."""
    with FileServer(CONTENT, host="127.0.0.1") as target, FileServer(CONTENT) as first:
        target_url = target.url.replace("127.0.0.1", "localhost")
        first.manners.redirect_to = target_url
        place = Place(name="index", url=first.url, authorization=Secret("Basic c2VjcmV0"))
        wanted = FileOrder(name="x.whl", sha256=target.sha256, size=len(CONTENT), places=(place,))
        fetch(host, wanted)
        assert all("authorization" in headers for _, headers in first.asked)
        assert not any("authorization" in headers for _, headers in target.asked)


def test_a_server_on_ipv6_alone_serves(host):
    """Addresses in brackets work."""
    with FileServer(CONTENT, host="::1") as server:
        fetch(host, order(server))


def test_the_size_is_asked_for_where_the_listing_has_none(host):
    """Index pages often tell no size; the server does."""
    with FileServer(CONTENT) as server:
        fetch(host, order(server, size=None))


def test_progress_counts_over_all_files_up_to_the_end(host):
    """Bytes never go back within a file, and the last state is all of it."""
    states = []
    with FileServer(CONTENT, Manners(rate=40_000_000)) as server:
        fetch(host, order(server), tell=states.append)
    done = [state.all_done for state in states]
    assert done == sorted(done)
    assert states[-1].all_total == len(CONTENT)
