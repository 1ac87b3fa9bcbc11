"""The one GET."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from torchup.host import RealHost, network

HOST = RealHost()


class Handler(BaseHTTPRequestHandler):
    """Answers a few paths, each with one way in which networks behave."""

    def do_GET(self):
        """Serve by path."""
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/large")
            self.end_headers()
        elif self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
        elif self.path == "/large":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"x" * 100_000)
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.1)
        elif self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.end_headers()
            self.wfile.write(b"abc")
        else:
            self.send_error(404)

    def log_message(self, *arguments):
        """Stay quiet."""


@pytest.fixture(scope="module")
def server():
    """Address of a server on loopback."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def test_redirects_are_followed_and_told(server):
    """The final address is in the answer."""
    response = HOST.fetch(f"{server}/moved", limit=10)
    assert (response.status, response.body, response.final_url) == (200, b"x" * 10, f"{server}/large")


def test_missing_page_has_its_status(server):
    """A 404 is an answer with a status, not an exception."""
    response = HOST.fetch(f"{server}/nothing")
    assert (response.status, response.ok) == (404, False)


def test_a_server_that_drips_is_given_up(server):
    """The limit holds for the whole transfer, not only for each byte."""
    started = time.monotonic()
    response = HOST.fetch(f"{server}/drip", timeout=0.5)
    assert not response.ok
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://name.invalid/", "ftp://x/", "javascript:1", "http://[bad"]
)
def test_what_cannot_be_reached_says_why(url):
    """No answer comes with a reason."""
    response = HOST.fetch(url, timeout=2)
    assert response.status is None
    assert response.error


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "javascript:1"])
def test_a_redirect_leads_to_the_web_only(server, target):
    """A server cannot send torchup to this machine's files or to another protocol."""
    response = HOST.fetch(f"{server}/to/{target}", timeout=2)
    assert (response.ok, response.body) == (False, b"")


def test_a_redirect_never_leaves_tls():
    """From https on to http is refused, since whoever sits in between could then answer; to https it goes on."""
    asked = urllib.request.Request("https://index.example/simple/", headers={"Authorization": "Basic x"})
    follow = network._Redirect().redirect_request
    with pytest.raises(urllib.error.URLError, match="not followed"):
        follow(asked, None, 302, "", {}, "http://index.example/simple/")
    assert follow(asked, None, 302, "", {}, "https://index.example/other/").get_header("Authorization")
    assert follow(asked, None, 302, "", {}, "https://cdn.example/other/").get_header("Authorization") is None


def test_a_file_address_is_read(tmp_path):
    """file:// pages (pip indexes on disk) are read too."""
    (tmp_path / "page.html").write_text("<a>")
    assert HOST.fetch((tmp_path / "page.html").as_uri()).body == b"<a>"
