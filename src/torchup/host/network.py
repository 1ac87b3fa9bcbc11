"""One GET, with limits; the standard library's client follows the usual proxy variables."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from functools import cache
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any

from torchup.host.base import HttpResponse
from torchup.host.threads import thread

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

LOOPBACK = "127.0.0.1"
CUT_OFF = "the answer was cut off"  # `HttpResponse.error` when fewer bytes came than were promised
SCHEMES = ("http://", "https://", "file://")
_OPENING = threading.Lock()  # a cache alone lets threads that start together all read the certificates
# Where a redirect may lead: who can alter an unencrypted page must not take over what was asked for by TLS.
_AFTER = {"http": {"http", "https"}, "https": {"https"}}


def resolves(name: str, timeout: float = 10.0) -> bool:
    """Whether this machine knows the address of a host; a look-up that takes longer (seconds) counts as no."""
    found: list[bool] = []

    def look() -> None:
        try:
            found.append(bool(socket.getaddrinfo(name, None)))
        except (OSError, UnicodeError):
            found.append(False)

    asked = thread(look)
    asked.start()
    asked.join(timeout)
    return found == [True]


def host_of(url: str) -> str:
    """The server that an address names, for people; an address that cannot be read names none."""
    try:
        return urllib.parse.urlsplit(url).hostname or ""
    except ValueError:
        return ""


def free_port(first: int, taken: Collection[int] = ()) -> int:
    """The first port of loopback from ``first`` on that no program has; any free one where the next 50 are taken."""
    for port in range(first, first + 50):
        if port not in taken and _bound(port):
            return port
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _bound(port: int) -> bool:
    """Whether a server could have the port."""
    with socket.socket() as probe:
        if sys.platform != "win32":  # there the option takes ports of others away
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def web_status(port: int, path: str, timeout: float = 5.0) -> int | None:
    """The status that a program of this machine answers with at a port of loopback, without any proxy.

    None: no program takes connections there, or it did not answer in ``timeout`` seconds. 0: it takes connections,
    but does not speak HTTP without TLS.
    """
    connection = HTTPConnection(LOOPBACK, port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except HTTPException:
        return 0
    except OSError:
        return None
    finally:
        connection.close()


class _Redirect(urllib.request.HTTPRedirectHandler):
    """Follows redirects to web addresses, never out of TLS, and never carries credentials to another host."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:  # noqa: PLR0917  # the library's signature
        scheme = urllib.parse.urlsplit(newurl).scheme.lower()
        if scheme not in _AFTER[urllib.parse.urlsplit(req.full_url).scheme]:
            raise urllib.error.URLError(f"it sends on to an address that is not followed ({scheme})")
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None and urllib.parse.urlsplit(newurl).netloc != urllib.parse.urlsplit(req.full_url).netloc:
            request.remove_header("Authorization")
        return request


def fetch(
    url: str,
    *,
    headers: Mapping[str, str] | None,
    timeout: float,
    limit: int,
    certificate: str | None,
    proxy: str | None = None,
    verify: bool = True,
) -> HttpResponse:
    """See `Host.fetch`. ``timeout`` bounds every wait for bytes and, measured between reads, the whole transfer."""
    started = time.monotonic()
    if not url.startswith(SCHEMES):
        return HttpResponse(url=url, error="only http, https and file addresses are read")
    request = None
    try:
        with _OPENING:
            opener = _opener(certificate, proxy, verify)
        request = urllib.request.Request(url, headers={"User-Agent": "torchup", **(headers or {})})  # noqa: S310  # scheme checked above
        with opener.open(request, timeout=timeout) as response:
            body = _read(response, limit, started + timeout)
            return HttpResponse(
                url=url,
                final_url=response.geturl(),
                status=response.status or 200,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=body,
                seconds=time.monotonic() - started,
            )
    except urllib.error.HTTPError as error:
        with error:  # it holds the connection open until it is closed
            return HttpResponse(url=url, status=error.code, error=str(error), seconds=time.monotonic() - started)
    except (OSError, HTTPException, ValueError) as error:
        last = next(reversed(getattr(request, "redirect_dict", {})), None)  # the library's own list of redirects
        return HttpResponse(url=url, final_url=last, error=_reason(error), seconds=time.monotonic() - started)


@cache  # reading the certificates of a machine takes 30 ms, and a survey asks for many pages
def _opener(certificate: str | None, proxy: str | None, verify: bool) -> urllib.request.OpenerDirector:  # noqa: FBT001  # a cache key
    context = ssl.create_default_context(cafile=certificate)
    if not verify:  # the user's own trusted-host setting, for that host only
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    handlers: list[Any] = [urllib.request.HTTPSHandler(context=context), _Redirect()]
    if proxy:
        handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
    return urllib.request.build_opener(*handlers)


def _read(response: Any, limit: int, deadline: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while size < limit:
        # read1 returns what has come; read waits for the whole chunk and hides a stall (file:// has no read1)
        read = getattr(response, "read1", response.read)
        chunk: bytes = read(min(1 << 16, limit - size))
        if not chunk:
            break
        chunks.append(chunk)
        size += len(chunk)
        if time.monotonic() > deadline:
            raise TimeoutError("the transfer outlasted its limit")
    promised = response.headers.get("Content-Length", "")
    if promised.isdecimal() and size < min(int(promised), limit):
        raise OSError(CUT_OFF)
    return b"".join(chunks)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error) or type(error).__name__
