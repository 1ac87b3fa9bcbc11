"""Indexes that fail in every way: nothing crashes, nothing hangs, the rest is used, and the reason is told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from support.index_server import JSON_TYPE, Fault, IndexServer, make_wheel
from support.sources import IsolatedHost
from torchup.cli import main
from torchup.errors import ExitCode
from torchup.host import RealHost
from torchup.model import Machine, Os, Request
from torchup.sources import index_client
from torchup.sources.surveyor import survey

LINUX = Machine(os=Os.LINUX, arch="x86_64")
TORCH = make_wheel("torch", "2.13.0+cpu", python="cp311", platform="manylinux_2_28_x86_64")
NESTED = b'{"files":' + b'{"a":' * 200_000

FAULTS = {
    "404": (Fault(status=404), "no wheels"),
    "403": (Fault(status=403), "no wheels"),
    "401": (Fault(status=401), "user name and a password"),
    "500": (Fault(status=500, body=b"<html>oops"), "HTTP 500"),
    "a login page": (Fault(body=b"<html><a href='/login'>log in</a></html>"), "no wheels"),
    "plain garbage": (Fault(body=b"\x00\xff\xfe not html at all"), "not HTML"),
    "an empty page": (Fault(body=b""), "not HTML"),
    "a JSON bomb": (Fault(body=NESTED, content_type=JSON_TYPE), "not the JSON of an index"),
    "JSON of another kind": (Fault(body=b'{"message": "hi"}', content_type="application/json"), "not the JSON"),
    "a zip file": (Fault(body=b"PK\x03\x04" * 10, content_type="application/zip"), "application/zip"),
    "a page cut off": (Fault(body=b"<html><a href=", cut=True), "cut off"),
    "a redirect in circles": (Fault(redirect="/broken/torch/"), ""),
    "a redirect to a file": (Fault(redirect="file:///etc/passwd"), ""),
    "a redirect to nowhere": (Fault(redirect="http://127.0.0.1:1/"), "redirects to 127.0.0.1:1, and the request"),
}  # fmt: skip


@pytest.fixture
def server():
    """A good index and a broken one on this machine."""
    with IndexServer() as running:
        running.publish("good", TORCH)
        yield running


def look(tmp_path, server, **environ):
    """Survey with a broken index before a good one."""
    variables = {"PIP_INDEX_URL": server.url("broken"), "PIP_EXTRA_INDEX_URL": server.url("good"), **environ}
    result = survey(IsolatedHost(tmp_path, variables), LINUX, Request(), None)
    return result, {source.name: source for source in result.sources}


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_index_does_not_spoil_a_good_one(tmp_path, server, name):
    """Whatever one index does, the other's wheel is found and the reason of the first is told."""
    fault, said = FAULTS[name]
    server.fault("broken/*", fault)
    result, sources = look(tmp_path, server)
    assert [offer.source for offer in result.offers] == ["extra-index-url"]
    assert said in str(sources["index-url"].detail)


@pytest.mark.parametrize("fault", [Fault(stall=True), Fault(dribble=True)], ids=["stall", "dribble"])
def test_an_index_that_keeps_one_waiting_is_given_up(tmp_path, server, monkeypatch, fault):
    """A server that accepts and then is silent, or sends a byte at a time, costs one limit and no more."""
    monkeypatch.setattr(index_client, "PAGE_TIMEOUT", 0.5)
    with IndexServer() as slow:
        slow.fault("*", fault)
        started = time.monotonic()
        result, sources = look(tmp_path, server, PIP_INDEX_URL=slow.url("simple"))
        assert time.monotonic() - started < 3
        assert len(slow.requests) == 1
    assert [offer.source for offer in result.offers] == ["extra-index-url"]
    assert sources["index-url"].reachable is False
    assert "no answer within" in str(sources["index-url"].detail)


def test_a_name_look_up_that_hangs_is_given_up(tmp_path, server, monkeypatch):
    """What cannot be stopped is left behind: the survey ends at its limit."""
    monkeypatch.setattr(index_client, "TOTAL_TIMEOUT", 0.5)

    class Hanging(IsolatedHost):
        def fetch(self, url, **options):
            if "pytorch" in url:
                time.sleep(2)
            return super().fetch(url, **options)

    started = time.monotonic()
    result = survey(Hanging(tmp_path, {"PIP_INDEX_URL": server.url("good")}), LINUX, Request(), None)
    assert time.monotonic() - started < 1.8
    assert len(result.offers) == 1


def test_a_port_that_nobody_listens_on(tmp_path, server):
    """A refused connection is a reason in words."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = taken.getsockname()[1]
    _, sources = look(tmp_path, server, PIP_INDEX_URL=f"http://127.0.0.1:{free}/simple")
    assert sources["index-url"].reachable is False
    assert "no connection" in str(sources["index-url"].detail)


def test_addresses_that_are_none(tmp_path, server):
    """Nonsense in the configuration is skipped with a reason, never a crash."""
    words = "http://[::1 http://:0/ ftp://x/simple https://exa mple/ not-an-address ://"
    result, _ = look(
        tmp_path, server, PIP_EXTRA_INDEX_URL=f"{words} {server.url('good')}", PIP_FIND_LINKS="::: //x http://["
    )
    assert len(result.offers) == 1
    assert all(source.detail for source in result.sources if source.reachable is False)


def test_a_page_larger_than_the_limit_is_not_read_to_its_end(tmp_path, server, monkeypatch):
    """A page without end is cut and named."""
    monkeypatch.setattr(index_client, "PAGE_LIMIT", 1000)
    server.fault("broken/*", Fault(body=b"<a href=x>" * 1000))
    _, sources = look(tmp_path, server)
    assert "larger than" in str(sources["index-url"].detail)


@pytest.mark.parametrize("name", ["401", "500", "plain garbage", "a JSON bomb", "a zip file"])
def test_an_index_that_answers_wrongly_is_not_given_to_an_installer(tmp_path, server, name):
    """What no installer could read counts as not reachable; an index that merely lacks torch stays."""
    server.fault("broken/*", FAULTS[name][0])
    _, sources = look(tmp_path, server)
    assert sources["index-url"].reachable is False
    server.fault("broken/*", FAULTS["404"][0])
    assert look(tmp_path, server)[1]["index-url"].reachable is True


def test_nothing_else_serves_is_exit_7(tmp_path, server, monkeypatch, capsys):
    """`torchup plan` on a machine whose only index is broken ends with the network's code and the reason."""
    server.fault("broken/*", FAULTS["500"][0])
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", server.url("broken"))
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    real = RealHost.fetch

    def only_here(self, url, **options):
        return real(self, url, **(options if "127.0.0.1" in url else {**options, "proxy": "http://127.0.0.1:1"}))

    monkeypatch.setattr(RealHost, "fetch", only_here)
    assert main(["plan", "--cpu", "--json"]) == ExitCode.NETWORK
    output = capsys.readouterr()
    assert json.loads(output.out)["exit_code"] == ExitCode.NETWORK
    assert "HTTP 500" in output.err
    assert "Traceback" not in output.err


def test_a_mirror_that_is_down_ends_in_the_network_exit_code(capsys, monkeypatch):
    """`torchup mirror test` on a dead address prints the reason and exits 7, without a traceback."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    assert main(["mirror", "test", "http://127.0.0.1:1/whl/{variant}"]) == ExitCode.NETWORK
    output = capsys.readouterr()
    assert "no connection" in " ".join(output.out.split())
    assert "Traceback" not in output.err


HOSTILE = b"<a " + b"x" * (7 << 20)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("fault", [Fault(stall=True), Fault(body=HOSTILE)], ids=["a silent index", "a hostile page"])
def test_a_signal_ends_a_verb_within_two_seconds(tmp_path, fault, name):
    """An index page once held `plan` for ever, deaf to INT and TERM; a hang-up counts as TERM."""
    with IndexServer() as slow:
        slow.fault("*", fault)
        quiet = {"TORCHUP_HOME": str(tmp_path), "UV_NO_CONFIG": "1", "PIP_CONFIG_FILE": os.devnull}
        environ = {**os.environ, "PIP_INDEX_URL": slow.url("simple"), **quiet}
        argv = [sys.executable, "-m", "torchup", "plan", "--json"]
        with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            deadline = time.monotonic() + 30
            while not slow.requests and time.monotonic() < deadline and child.poll() is None:
                time.sleep(0.02)
            child.send_signal(getattr(signal, name))
            started = time.monotonic()
            child.communicate(timeout=30)
            assert time.monotonic() - started < 2.0
            assert child.returncode in ({130} if fault.stall else {130, 0, 3, 7})  # the page may be read by then


@pytest.mark.slow
def test_a_hostile_page_costs_no_more_than_a_large_one(tmp_path, server):
    """40 KB of letters in a tag took 25 s, 5 MB had no end: 7 MB are read, refused as empty, and passed over."""
    with IndexServer() as hostile:
        hostile.fault("*", Fault(body=HOSTILE))
        started = time.monotonic()
        look(tmp_path, server, PIP_INDEX_URL=hostile.url("simple"))
        assert time.monotonic() - started < 5
