"""Addresses that nobody listed are asked for first; binaries of third parties need a word; hashes are kept."""

from __future__ import annotations

import json

import pytest

from support.sources import IsolatedHost
from torchup.catalog import load_catalog
from torchup.catalog.packages import load_packages
from torchup.cli.up import _trusted
from torchup.compat.packages import Wish
from torchup.errors import UsageError
from torchup.host import HttpResponse
from torchup.install.hashes import sha256, with_hashes
from torchup.jobs.wheel import find_wheel
from torchup.model import Build, Machine, Os, PackageWheel, Plan, Request

CATALOG, TABLES = load_catalog(), load_packages()
LINUX = Machine(os=Os.LINUX, arch="x86_64", glibc="2.39")
WISH = Wish(torch="2.10.0", variant="cu130", python="3.12")


class Answering(IsolatedHost):
    """A network in which every address answers with one status; ``None``: nobody answers."""

    def __init__(self, home, status):
        super().__init__(home)
        self.status = status

    def fetch(self, url, **options):
        """The same answer for all; one byte is asked for."""
        self.fetched.append((url, options["headers"]["Range"]))
        return HttpResponse(url=url, status=self.status, error=None if self.status else "no route")


def ask(tmp_path, status, *, look=True):
    """The answer for mamba-ssm, whose files are known from a build matrix, and what was asked for."""
    host = Answering(tmp_path, status)
    return find_wheel(host, TABLES.get("mamba-ssm"), LINUX, WISH, CATALOG, look=look), host.fetched


def test_an_address_that_answers_is_named_with_that(tmp_path):
    """One byte of it is asked for, once."""
    found, asked = ask(tmp_path, 206)
    assert found.checked is True
    assert asked == [(found.url, "bytes=0-0")]


def test_an_address_that_is_gone_is_never_named(tmp_path):
    """The next row is tried, and the next; in the end there is none."""
    found, asked = ask(tmp_path, 404)
    assert len({url for url, _ in asked}) == len(asked) > 1
    assert found.url not in {url for url, _ in asked}


@pytest.mark.parametrize("status", [None, 403, 500, 429])
def test_no_answer_is_not_an_answer(status, tmp_path):
    """It is neither there nor gone: it could not be checked."""
    found, asked = ask(tmp_path, status)
    assert found.url == asked[0][0]
    assert found.checked is None


def test_nobody_is_asked_without_leave(tmp_path):
    """Offline nothing is contacted."""
    assert ask(tmp_path, 200, look=False)[1] == []


def test_yes_does_not_accept_third_parties():
    """Their name has to be said; the project's own files need no word."""
    wheel = PackageWheel(package="flash-attn", requirement="flash-attn @ https://x", publisher="unsloth")
    plan = Plan(build=Build(torch="2.14.1", variant="cu130"), python="3.13", wheels=(wheel,))
    with pytest.raises(UsageError) as error:
        _trusted(Request(), plan)
    assert "--trust unsloth" in str(error.value.hint)
    _trusted(Request(trust=("unsloth",)), plan)


def test_hashes_are_kept_in_either_form():
    """Pip writes `hashes`, older tools `hash`; what is neither is nothing."""
    digest = "ab" * 32
    for archive in ({"hashes": {"sha256": digest}}, {"hash": f"sha256={digest}"}):
        text = json.dumps({"url": "https://x", "archive_info": archive})
        assert sha256(text) == digest
    wheel = PackageWheel(package="flash-attn", requirement="flash-attn @ https://x", url="https://x")
    plan = Plan(build=Build(torch="2.14.1", variant="cu130"), python="3.13", wheels=(wheel,))
    assert with_hashes(plan, {"flash-attn": text}).wheels[0].sha256 == digest
    assert [sha256(text) for text in ("", "[]", "{}", '{"archive_info": {"hash": 1}}', "\x00")] == [None] * 5
