"""The one GET."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from torchup.host import RealHost

HOST = RealHost()


class Handler(BaseHTTPRequestHandler):
    """Answers a few paths, each with one way in which networks behave."""

    def do_GET(self):
        """Serve by path."""
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/large")
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


def test_a_file_address_is_read(tmp_path):
    """file:// pages (pip indexes on disk) are read too."""
    (tmp_path / "page.html").write_text("<a>")
    assert HOST.fetch((tmp_path / "page.html").as_uri()).body == b"<a>"
