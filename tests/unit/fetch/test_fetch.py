"""Downloads from servers that behave badly: always the right bytes, little twice, a reason where it ends."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import random
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.file_server import FileServer, Manners
from torchup.errors import InstallError, NetworkError
from torchup.fetch import FileOrder, Patience, Place, StoppedError, fetch_all
from torchup.fetch.blocks import BLOCK, MARK, journal_head, journal_line, read_journal
from torchup.fetch.offered import offered_at
from torchup.fetch.store import digest_of, part_of
from torchup.host.partfile import PartFile
from torchup.host.real import RealHost
from torchup.model import Secret

CONTENT = random.Random(7).randbytes(5 * BLOCK + 12345)  # noqa: S311  # content that no compressor shortens
SIZE = len(CONTENT)
QUICK = Patience(no_byte=0.5, slow_for=2.0, attempts=4, longest_pause=1.0, pause=0.1)


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
        (Manners(wrong_bytes=True), "hash mismatch"),
        (Manners(length_off=5), "bytes instead of"),
        (Manners(statuses=[404] * 9), "HTTP 404"),
        (Manners(statuses=[503] * 99, retry_after="9999"), "asks to wait 9999 s"),
        (Manners(stall_after=1), "timed out"),
        (Manners(changes_after=1), "hash mismatch"),
    ],
    ids=["lies-about-ranges", "wrong-bytes", "wrong-length", "absent", "busy-for-hours", "stalls", "changes"],
)
def test_the_next_place_is_tried_and_a_lonely_failure_says_why(host, manners, why):
    """A place that cannot serve it is left in the middle of the file; where there is no other, its reason is told."""
    with FileServer(CONTENT, manners) as bad, FileServer(CONTENT) as good:
        with pytest.raises((NetworkError, InstallError), match=why):
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


@pytest.mark.parametrize(("statuses", "hint"), [([404] * 9, "--mirror"), ([403] * 9, "repeat the command")])
def test_a_file_that_no_source_has_is_not_asked_for_again(host, statuses, hint):
    """Repeating is advised only where it may help."""
    with FileServer(CONTENT, Manners(statuses=statuses)) as server, pytest.raises(NetworkError) as caught:
        fetch(host, order(server))
    assert hint in str(caught.value.hint)


def test_a_second_run_goes_on_where_the_first_was_stopped(host):
    """What is there of a file that could not be completed is used by the next command."""
    with FileServer(CONTENT, Manners(stall_after=3 * BLOCK)) as server:
        with pytest.raises(NetworkError):
            fetch(host, order(server), connections=1)
        before = server.sent
        server.manners = Manners()
        fetch(host, order(server), connections=1)
        assert server.sent - before <= len(CONTENT) - 2 * BLOCK


def interrupted(host, wanted, after, connections):
    """One run that is stopped after so many bytes of its own; nothing where it was there already."""
    stop, first = threading.Event(), []

    def tell(state):
        first.append(state.all_done)
        if state.all_done - first[0] >= after:
            stop.set()

    with contextlib.suppress(StoppedError):
        fetch_all(host, [wanted], patience=QUICK, connections=connections, stop=stop, tell=tell)


def test_what_was_stopped_leaves_nothing_for_the_next_answer_to_begin_with(host):
    """A connection with an unread rest is given up, whichever thread closed it."""
    with FileServer(CONTENT, Manners(rate=30_000_000)) as server:
        for _ in range(4):
            interrupted(host, unpromised(server), BLOCK, connections=1)
            assert offered_at(host, order(server).places[0], 2.0).size == SIZE


def test_a_begun_block_is_continued_by_the_next_run(host):
    """A slow line that is interrupted again and again gets on, although no block of 4 MB was ever complete."""
    with FileServer(CONTENT, Manners(rate=12_000_000)) as server:
        for _ in range(4):
            interrupted(host, order(server), 3 * MARK, connections=2)
        begun = server.sent
        assert begun < 4 * 2 * BLOCK
        server.manners = Manners()
        fetch(host, order(server))
        assert server.sent < SIZE + 4 * 2 * (MARK + (1 << 18))


@given(st.lists(st.tuples(st.integers(0, 7), st.none() | st.integers(-1, BLOCK + 1)), max_size=30), st.integers(0, 20))
def test_a_journal_promises_only_what_was_written(lines, cut):
    """Whatever stands in it, a part of a line included: a block is there, or so many bytes of it, or nothing."""
    size = 5 * BLOCK + 12345
    text = "".join(journal_line(block, count) for block, count in lines)
    text = text[: len(text) - cut]
    whole = text.rpartition("\n")[0].split("\n")
    blocks = read_journal(journal_head(size, "x") + text, size)
    assert blocks.done == {block for block in range(6) if str(block) in whole}
    for block, count in blocks.filled.items():
        assert block not in blocks.done
        assert journal_line(block, count).strip() in whole
        assert 0 < count < blocks.length(block)


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


def test_a_place_that_drips_is_left_for_another_and_waited_for_alone(host):
    """Below the floor for long enough another place is tried; where there is none it goes on, however slowly."""
    slow = Patience(no_byte=2.0, slow_for=0.2, floor=10_000_000, pause=0.1)
    with FileServer(CONTENT, Manners(rate=4_000_000)) as first, FileServer(CONTENT) as second:
        asked = []

        def elsewhere(wanted):
            asked.append(wanted.name)
            return (Place(name="other", url=second.url),)

        fetch_all(host, [order(first)], patience=slow, connections=1, elsewhere=elsewhere)
        assert asked == ["torch-2.0.0-py3-none-any.whl"]
        assert first.sent
        assert second.sent
    with FileServer(CONTENT[:900_000], Manners(rate=600_000)) as alone:
        wanted = FileOrder(
            name="x.whl", sha256=alone.sha256, size=900_000, places=(Place(name="alone", url=alone.url),)
        )
        fetch_all(host, [wanted], patience=slow)


def test_other_places_are_not_looked_for_where_the_first_is_enough(host):
    """Asking further sources costs time, and is left for when it is needed."""
    with FileServer(CONTENT, Manners(cut_every=BLOCK)) as server:
        fetch(host, order(server), elsewhere=lambda _: pytest.fail("asked"))


def test_small_files_come_beside_the_large_one_and_a_failure_ends_all(host):
    """All arrive, each is announced once; one that cannot be had stops the rest soon, with its own reason."""
    small = [CONTENT[start : start + 50_000] for start in range(0, 400_000, 50_000)]
    servers = [FileServer(content) for content in small]
    with contextlib.ExitStack() as stack:
        for server in servers:
            stack.enter_context(server)
        large = stack.enter_context(FileServer(CONTENT, Manners(rate=10_000_000)))
        wanted = [
            FileOrder(
                name=f"{number}.whl", sha256=server.sha256, size=50_000, places=(Place(name="s", url=server.url),)
            )
            for number, server in enumerate(servers)
        ]
        told, states = [], []
        found = fetch_all(
            host, [order(large), *wanted], ready=lambda one, path: told.append((one.key, path)), tell=states.append
        )
        assert dict(told) == found
        assert len(told) == len(wanted) + 1
        assert states[-1].all_done == states[-1].all_total == len(CONTENT) + 400_000
        servers[3].manners.statuses = [404] * 9
        for path in found.values():
            Path(path).unlink()
        started = time.monotonic()
        with pytest.raises(NetworkError, match=r"3\.whl.*HTTP 404"):
            fetch_all(host, [order(large), *wanted], patience=QUICK)
        assert time.monotonic() - started < 1.5
        stop = threading.Event()
        with pytest.raises(StoppedError):
            fetch_all(host, [order(large)], stop=stop, tell=lambda _: stop.set())


def unpromised(server, size=None):
    """A file whose hash nobody knows."""
    return FileOrder(name="python.tar.gz", size=size, places=(Place(name="s", url=server.url),))


@pytest.mark.parametrize("size", [None, SIZE])
def test_a_file_without_a_promised_hash_is_kept_by_its_own(host, size):
    """A second order for its address finds it by the hash that it turned out to have; a damaged one is fetched anew."""
    with FileServer(CONTENT) as server:
        (path,) = fetch_all(host, [unpromised(server, size)]).values()
        assert Path(path).read_bytes() == CONTENT
        assert digest_of(path) == server.sha256
        asked = len(server.asked)
        assert fetch_all(host, [unpromised(server, size)]) == {unpromised(server).key: path}
        assert len(server.asked) == asked
        with Path(path).open("r+b") as file:
            file.write(b"damage")
        fetch_all(host, [unpromised(server, size)])
        assert host.sha256(path) == server.sha256


def test_a_file_without_a_hash_that_changes_meanwhile_is_fetched_anew(host):
    """No hash would tell that its halves are of two versions: within one run, and from one run to the next."""
    with FileServer(CONTENT, Manners(changes_after=3)) as server:
        (path,) = fetch_all(host, [unpromised(server)], patience=QUICK, connections=2).values()
        assert Path(path).read_bytes() == CONTENT[::-1]
    with FileServer(CONTENT, Manners(rate=30_000_000)) as server:
        interrupted(host, unpromised(server), 2 * BLOCK, connections=1)
        server.manners = Manners(tag='"second"')
        server.content = CONTENT[::-1]
        (path,) = fetch_all(host, [unpromised(server)], patience=QUICK).values()
        assert Path(path).read_bytes() == CONTENT[::-1]


def test_a_file_without_a_hash_goes_on_where_it_is_the_same_version(host):
    """The server's own name for the version tells that the rest belongs to the beginning."""
    with FileServer(CONTENT, Manners(rate=30_000_000)) as server:
        interrupted(host, unpromised(server), 2 * BLOCK, connections=1)
        before = server.sent
        server.manners = Manners()
        (path,) = fetch_all(host, [unpromised(server)], patience=QUICK, connections=1).values()
        assert Path(path).read_bytes() == CONTENT
        assert server.sent - before <= SIZE - 2 * BLOCK + MARK


def test_a_busy_server_is_asked_again_for_a_size(host):
    """The first request of a file of unknown size is as patient as those for its parts."""
    with FileServer(CONTENT, Manners(statuses=[503, 429])) as server:
        fetch_all(host, [unpromised(server)], patience=QUICK)


@pytest.mark.parametrize(
    ("number", "said"), [(errno.ENOSPC, "disk is full"), (errno.EDQUOT, "disk is full"), (errno.EROFS, "cannot write")]
)
def test_a_disk_that_takes_no_more_keeps_what_is_there(host, monkeypatch, number, said):
    """The reason is told; with space again the download goes on and fetches the rest alone."""
    write = PartFile.write_at

    def full(self, offset, data):
        if offset >= 2 * BLOCK:
            raise OSError(number, os.strerror(number))
        write(self, offset, data)

    with FileServer(CONTENT) as server:
        with monkeypatch.context() as crowded:
            crowded.setattr(PartFile, "write_at", full)
            with pytest.raises(InstallError, match=said):
                fetch(host, order(server), connections=1)
        before = server.sent
        fetch(host, order(server), connections=1)
        assert server.sent - before <= SIZE - 2 * BLOCK + (1 << 18)


def test_two_torchups_share_one_download(host):
    """The second waits, says so, and uses what the first has fetched."""
    with FileServer(CONTENT, Manners(rate=20_000_000)) as server:
        told = []
        first = threading.Thread(target=lambda: fetch_all(host, [order(server)], connections=1))
        first.start()
        while not server.asked:
            time.sleep(0.01)
        fetch(host, order(server), tell=told.append)
        first.join()
        assert server.sent <= SIZE + (1 << 18)
        assert any(state.waiting for state in told)
