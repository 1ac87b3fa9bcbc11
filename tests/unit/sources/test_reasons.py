"""Why a source brought nothing: what happened, not what another failure looks like."""

from __future__ import annotations

import pytest

from support.sources import IsolatedHost
from torchup.host import HttpResponse
from torchup.host.network import CUT_OFF
from torchup.model import Secret
from torchup.sources import index_client
from torchup.sources.index_client import Connection, PageRequest, read_page, why_nothing, why_silent
from torchup.sources.mirror_test import SAMPLE_TIMEOUT, MirrorTest, _sampled, _Task


@pytest.mark.parametrize("seconds", [6.0, 10.0, 30.0])
def test_a_silence_is_as_long_as_it_was_waited_for(seconds):
    """Each request has its own limit, and the sentence names that one."""
    assert str(why_silent("the read timed out", seconds)) == f"no answer within {seconds:.0f} s"


def test_an_answer_that_was_cut_off_is_not_called_a_missing_connection():
    """There was a connection; `host.fetch` has one word for it."""
    assert CUT_OFF == index_client.CUT_OFF
    assert str(why_silent(CUT_OFF, 6.0)) == "the answer was cut off"


@pytest.mark.parametrize(("status", "said"), [(403, "not allowed"), (404, "not found (HTTP 404)"), (500, "HTTP 500")])
def test_a_refusal_is_not_only_called_not_found(status, said):
    """403 is both: object stores say it for what is not there, servers for what is not allowed."""
    assert said in str(why_nothing(HttpResponse(url="https://x.example", status=status), 6.0))


@pytest.mark.parametrize(("place", "said"), [("missing/simple", "missing/simple"), ("there", "no page or folder")])
def test_a_local_folder_has_no_http_status(tmp_path, place, said):
    """Nothing went over HTTP: the missing folder is named, and a folder without the package has no page."""
    (tmp_path / "there").mkdir()
    request = PageRequest(source="x", url=Secret(f"file://{tmp_path}/{place}/torch/"))
    listing = read_page(IsolatedHost(tmp_path), request, Connection())
    assert not listing.found
    assert said in str(listing.problem)
    assert "HTTP" not in str(listing.problem)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": 200}, "empty test file"),
        ({"status": 404}, "did not serve the test file (HTTP 404)"),
        ({"status": None, "error": "timed out"}, f"no answer within {SAMPLE_TIMEOUT:.0f} s"),
    ],
)
def test_a_test_file_that_did_not_come_says_why(tmp_path, monkeypatch, answer, said):
    """A good status without bytes is an empty file, not a refusal."""
    url = "https://x.example/a.whl"
    monkeypatch.setattr("torchup.sources.mirror_test.fetch", lambda *_, **__: HttpResponse(url=url, **answer))
    task = _Task(mirror="m", part="pypi", kind="index", url=Secret(url))
    blank = MirrorTest(mirror="m", part="pypi", url=url)
    assert said in str(_sampled(IsolatedHost(tmp_path), blank, url, task, Connection()).problem)
