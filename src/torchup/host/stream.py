"""One GET as a stream of bytes. requests brings proxies, SOCKS, netrc, certificates and redirects."""

from __future__ import annotations

import contextlib
import os
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHUNK = 1 << 18  # bytes; large enough that Python costs little at 1 GB/s, small enough to stop within a moment
Trust = tuple[bool, str | None, str | None, str | None, str | None]
# Sessions whose connections stay open, by whom they trust and as whom they come: the library loads certificates into
# the session's one context, so a session that one place's certificate was used in would use it everywhere.
_IDLE: dict[Trust, list[Any]] = {}


class StreamError(OSError):
    """A stream of bytes did not begin or broke off; its text is the reason. ``stalled``: nothing came for too long."""

    def __init__(self, reason: str, *, stalled: bool = False) -> None:
        super().__init__(reason)
        self.stalled = stalled


class Stream:
    """An answer whose body is read piece by piece. ``close`` may be called from another thread to end the reading."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self.status: int = response.status_code
        self.url: str = response.url
        self.headers: dict[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._came = 0

    @property
    def whole(self) -> bool:
        """Whether all of the body was read, so that the connection is fit for another request."""
        return self.headers.get("content-length", "") == str(self._came)

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes, not decompressed; raises `StreamError` when it breaks off."""
        from urllib3.exceptions import HTTPError, ReadTimeoutError  # loaded with requests

        try:
            for piece in self._response.raw.stream(CHUNK, decode_content=False):
                self._came += len(piece)
                yield piece
        except (HTTPError, OSError, ValueError, AttributeError) as error:  # the last two: closed from another thread
            stalled = isinstance(error, (ReadTimeoutError, TimeoutError))
            raise StreamError(reason(error), stalled=stalled) from error

    def close(self) -> None:
        """Give the connection up."""
        with contextlib.suppress(Exception):  # it is being thrown away
            self._response.close()


@contextlib.contextmanager
def open_stream(
    url: str,
    *,
    headers: Mapping[str, str],
    timeout: float,
    certificate: str | None,
    client_certificate: str | None,
    proxy: str | None,
    verify: bool,
) -> Iterator[Stream]:
    """See `Host.stream`."""
    import requests  # 60 ms that only a download pays

    idle = _IDLE.setdefault(_trust(certificate, client_certificate, verify=verify), [])
    session = idle.pop() if idle else _session(verify=verify)  # one thread has it at a time
    try:
        response = session.get(
            url,
            headers={"User-Agent": "torchup", "Accept-Encoding": "identity", **headers},
            stream=True,
            timeout=timeout,
            verify=(certificate or True) if verify else False,
            cert=client_certificate,
            proxies={"http": proxy, "https": proxy} if proxy else None,
            auth=_as_it_is,
        )
    except (requests.RequestException, OSError, ValueError) as error:
        raise StreamError(reason(error), stalled=isinstance(error, requests.Timeout)) from error
    stream = Stream(response)
    try:
        yield stream
    finally:
        stream.close()
        if not stream.whole:
            # closed from another thread, the library may keep the connection: the next answer would begin in this body
            session.close()
        idle.append(session)


def _trust(certificate: str | None, client_certificate: str | None, *, verify: bool) -> Trust:
    """All that a session's context is made of, OpenSSL's own variables included."""
    return verify, certificate, client_certificate, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")


def _session(*, verify: bool) -> Any:
    """A session: it keeps its connection and retries nothing by itself."""
    session = _class()()
    session.hooks["response"].append(_stays_in_tls)
    if not verify:  # the user's own trusted-host setting: a warning a request would tell nothing new
        import urllib3  # loaded with requests

        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    else:
        session.mount("https://", _adapter()())
    return session


def _as_it_is(request: Any) -> Any:
    """Whoever asks names the login: the library would send netrc's entry for all hosts to every server."""
    return request


@cache
def _class() -> Any:
    """The library's session, which on the way to another host sends that host's own login and no other."""
    import requests  # as above

    class Session(requests.Session):  # type: ignore[misc]  # the library has no types
        def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
            if self.should_strip_auth(response.request.url, prepared_request.url):
                prepared_request.headers.pop("Authorization", None)
                if login := _login_of(urlsplit(prepared_request.url).hostname or ""):
                    prepared_request.prepare_auth(login)

    return Session


def _login_of(host: str) -> tuple[str, str] | None:
    """The entry of a host in the user's netrc; the one for all hosts is for none."""
    from netrc import NetrcParseError, netrc  # few redirects need it

    home = os.path.expanduser("~/_netrc" if os.name == "nt" else "~/.netrc")
    try:
        user, _, password = netrc(os.environ.get("NETRC") or home).hosts.get(host) or ("", "", "")
    except (OSError, NetrcParseError, UnicodeDecodeError):
        return None
    return (user, password or "") if user else None


@cache
def _adapter() -> Any:
    """The library's adapter, trusting whom the system trusts too: a company's own issuer is often there alone."""
    import ssl  # 15 ms; loaded with requests

    from requests.adapters import HTTPAdapter  # as above

    class SystemTrust(HTTPAdapter):  # type: ignore[misc]  # the library has no types
        def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
            super().init_poolmanager(*arguments, **options, ssl_context=ssl.create_default_context())

        def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
            return super().proxy_manager_for(proxy, **options, ssl_context=ssl.create_default_context())

    return SystemTrust


def _stays_in_tls(response: Any, **_: object) -> None:
    """Refuse a redirect out of TLS: who can alter an unencrypted page must not take over what was asked for by TLS."""
    import requests  # as above

    target = response.headers.get("location", "") if response.is_redirect else ""
    if response.url.startswith("https:") and urljoin(response.url, target).startswith("http:"):
        raise requests.exceptions.InvalidURL("it sends on to an address without TLS")


def reason(error: BaseException) -> str:
    """The innermost thing that a chain of library errors says, without addresses of memory."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        inner = getattr(current, "reason", None)
        inner = inner if isinstance(inner, BaseException) else next(iter(_exceptions(current)), None)
        current = inner or current.__cause__ or current.__context__
    last = seen[-1]
    return (getattr(last, "strerror", None) or str(last) or type(last).__name__).split("(_ssl", maxsplit=1)[0].strip()


def _exceptions(error: BaseException) -> Iterator[BaseException]:
    yield from (argument for argument in error.args if isinstance(argument, BaseException))
