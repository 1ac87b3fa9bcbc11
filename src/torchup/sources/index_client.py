"""Asking sources what they have: pages in parallel, each with a limit. What goes wrong is a `Listing` that says so."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from torchup.host import HttpResponse
from torchup.model import Message, Offer, Secret, Value, message
from torchup.privacy import without_secrets
from torchup.sources.index_page import ACCEPT, PageError, parse_page
from torchup.sources.parallel import in_parallel
from torchup.sources.urls import authorization, host_of, local_path, without_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torchup.host import Host
    from torchup.sources.urls import Address

PAGE_TIMEOUT = 6.0  # seconds for one page; PyPI's page of torch, the largest, takes 0.1 to 2 s
TOTAL_TIMEOUT = 15.0  # seconds for a whole survey, name look-ups that hang included
PAGE_LIMIT = 8 * 1024 * 1024  # bytes; the largest page known (torch on PyPI) has 0.4 MB
NOT_FOUND = (403, 404, 410)  # object stores say 403 for what is not there
UNAUTHORIZED, FORBIDDEN = 401, 403
CUT_OFF = "the answer was cut off"  # `host.fetch`'s word for an answer that ended before its length


class Connection(Value, frozen=True, kw_only=True):
    """How the user's configuration says to reach the network."""

    certificate: str | None = None
    proxy: Secret | None = None
    trusted_hosts: tuple[str, ...] = ()

    def trusts(self, url: Address) -> bool:
        """Whether the user switched verification off for a host (pip's trusted-host, with or without its port)."""
        host = host_of(url)
        return host in self.trusted_hosts or host.rsplit(":", 1)[0] in self.trusted_hosts


class PageRequest(Value, frozen=True, kw_only=True):
    """One page to ask for. ``url`` may hold credentials."""

    source: str
    url: Secret


class Listing(Value, frozen=True, kw_only=True):
    """One page's answer. ``reachable`` is about the host, ``found`` about the page; ``problem`` says what was wrong."""

    request: PageRequest
    offers: tuple[Offer, ...] = ()
    reachable: bool = True
    found: bool = True
    problem: Message | None = None
    served_by: str | None = None  # the host that really sent it
    seconds: float | None = None


def read_pages(host: Host, requests: Sequence[PageRequest], connection: Connection) -> tuple[Listing, ...]:
    """Ask for pages in parallel; a host that does not answer is asked once, not once a page.

    Takes about `TOTAL_TIMEOUT` at most: what has not answered by then counts as silent.
    """
    first: dict[str, PageRequest] = {}
    for request in requests:
        first.setdefault(host_of(request.url), request)
    started = host.monotonic()
    answers = _ask(host, tuple(first.values()), connection, TOTAL_TIMEOUT)
    alive = [r for r in requests if r not in answers and answers[first[host_of(r.url)]].reachable]
    answers |= _ask(host, alive, connection, max(1.0, TOTAL_TIMEOUT - (host.monotonic() - started)))
    return tuple(answers.get(r) or _as_silent_as(answers[first[host_of(r.url)]], r) for r in requests)


def _ask(
    host: Host, requests: Sequence[PageRequest], connection: Connection, limit: float
) -> dict[PageRequest, Listing]:
    listings = in_parallel(lambda request: read_page(host, request, connection), requests, limit)
    return {
        request: listing
        or _silent(request, message("sources.no-answer", "no answer within {seconds} s", seconds=f"{limit:.0f}"))
        for request, listing in zip(requests, listings, strict=True)
    }


def _as_silent_as(first: Listing, request: PageRequest) -> Listing:
    return Listing(request=request, reachable=False, found=False, problem=first.problem)


def _silent(request: PageRequest, problem: Message) -> Listing:
    return Listing(request=request, reachable=False, found=False, problem=problem)


def read_page(host: Host, request: PageRequest, connection: Connection) -> Listing:
    """Ask for one page; a ``file:`` address is a folder laid out like an index, or a page."""
    path = local_path(request.url)
    if path is not None:
        folder = posixpath.dirname(path.rstrip("/"))
        if not host.is_dir(folder):
            problem = message("sources.no-folder", "cannot read the folder {path}", path=folder)
            return Listing(request=request, found=False, problem=problem)
        return _listing(request, _read_file(host, path, without_credentials(request.url)))
    response = _fetch_page(host, request.url, connection)
    return _listing(request, response)


def _fetch_page(host: Host, url: Secret, connection: Connection) -> HttpResponse:
    accept = {"Accept": ACCEPT}
    return fetch(host, url, connection, secret=url, headers=accept, timeout=PAGE_TIMEOUT, limit=PAGE_LIMIT)


def fetch(
    host: Host,
    url: Address,
    connection: Connection,
    *,
    secret: Address,
    headers: Mapping[str, str],
    timeout: float,
    limit: int,
) -> HttpResponse:
    """One GET as the user's configuration wants it; ``secret`` is the address whose credentials are sent."""
    return host.fetch(
        without_credentials(url),
        headers={**headers, **authorization(secret)},
        timeout=timeout,
        limit=limit,
        certificate=connection.certificate,
        proxy=connection.proxy.reveal() if connection.proxy else None,
        verify=not connection.trusts(url),
    )


def _read_file(host: Host, path: str, url: str) -> HttpResponse:
    page = posixpath.join(path, "index.html") if host.is_dir(path) else path
    body = host.read_bytes(page, PAGE_LIMIT)
    status = 404 if body is None else 200
    return HttpResponse(url=url, final_url=url, status=status, body=body or b"", seconds=0.0)


def _listing(request: PageRequest, response: HttpResponse) -> Listing:
    if response.status is None:
        return _no_answer(request, response)
    served_by = host_of(response.final_url or request.url) or None
    problem = _problem(response)
    offers: tuple[Offer, ...] = ()
    if problem is None:
        try:
            offers = parse_page(
                response.body,
                response.headers.get("content-type", ""),
                response.final_url or without_credentials(request.url),
                request.source,
            )
        except PageError as error:
            problem = error.text
    return Listing(
        request=request,
        offers=offers,
        found=problem is None,
        problem=problem,
        served_by=served_by,
        seconds=response.seconds,
    )


def _no_answer(request: PageRequest, response: HttpResponse) -> Listing:
    """The host is silent; or it did answer, but sent on to one that is, or stopped half-way."""
    why = why_silent(response.error or "", PAGE_TIMEOUT)
    sent_on = host_of(response.final_url or "")
    if sent_on and sent_on != host_of(request.url):
        why = message(
            "sources.sent-on",
            "the server redirects to {host}, and the request to that host failed: {why}",
            host=sent_on,
            why=why,
        )
    elif response.error != CUT_OFF:
        return _silent(request, why)
    return Listing(request=request, found=False, problem=why)


def why_silent(error: str, timeout: float) -> Message:
    """The library's words for no answer at all, put plainly where they are known; ``timeout``: seconds waited."""
    if error == CUT_OFF:
        return message("sources.cut-off", "the answer was cut off")
    lowered = error.lower()
    if any(
        words in lowered
        for words in ("name or service not known", "nodename nor servname", "getaddrinfo", "temporary failure in name")
    ):
        return message("sources.no-such-host", "the host name cannot be resolved")
    if "timed out" in lowered or "outlasted" in lowered:
        return message("sources.no-answer", "no answer within {seconds} s", seconds=f"{timeout:.0f}")
    if "certificate" in lowered:
        return message(
            "sources.certificate",
            "the server's certificate is not trusted here: {error}",
            error=without_secrets(error)[:200],
        )
    return message("sources.no-connection", "no connection: {error}", error=without_secrets(error)[:200] or "unknown")


def _problem(response: HttpResponse) -> Message | None:
    if len(response.body) >= PAGE_LIMIT:
        return message("sources.page-too-large", "the page is larger than {limit} MB", limit=PAGE_LIMIT >> 20)
    if not response.ok and local_path(response.url) is not None:
        return message("sources.no-page", "the folder has no page or folder of this package")
    return None if response.ok else why_nothing(response, PAGE_TIMEOUT)


def why_nothing(response: HttpResponse, timeout: float) -> Message:
    """Why a request that failed brought nothing: the host is silent, or what its status means."""
    if response.status is None:
        return why_silent(response.error or "", timeout)
    if response.status == FORBIDDEN:
        return message("sources.forbidden", "not found, or not allowed (HTTP 403)")
    if response.status in NOT_FOUND:
        return message("sources.not-there", "not found (HTTP {status})", status=response.status)
    if response.status == UNAUTHORIZED:
        return message("sources.unauthorized", "the server asks for a user name and a password (HTTP 401)")
    return message("sources.http-error", "the server answered HTTP {status}", status=response.status)
