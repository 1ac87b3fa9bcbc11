"""Index pages as text -> offers. Pure: PEP 503 HTML, PEP 691 JSON, and flat pages of links (``--find-links``).

What does not parse is left out, never raised: a page is somebody else's text. `PageError` says that nothing in it
can be a page at all.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import msgspec
from packaging.version import Version

from torchup.encoding import UNREADABLE, decode_problem
from torchup.model import Message, Offer, message
from torchup.package_names import normalise
from torchup.sources.urls import file_name, without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
# The standard library's HTMLParser is not used: on Python 3.11 it needs 13 s for 40 KB of "<a <a <a" and the square of
# the length for five more texts (CVE-2025-6069 is one). Both patterns below give back nothing that they took.
# A tag ends at its first ">" outside quotes. Another tag's beginning ends the try, so that a page of "<a <a <a" costs
# no more than its length; "<4" inside quotes is a version that somebody forgot to escape.
_ANCHOR = re.compile(
    r"""<(a|base)\s((?:[^<>"']+|"(?:[^"<]+|<(?![a-z/!]))*+"|'(?:[^'<]+|<(?![a-z/!]))*+')*+)>""", re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"""([^\s"'>/=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))?)?""")
_SHA256 = re.compile(r"[#&]sha256=([0-9a-f]{64})")
_NETWORK = ("https://", "http://")
_FILE_NAME = re.compile(r"[^\s/\\]+\.whl")  # a name that leaves or hides a folder is not a wheel's name
_WHEEL_PARTS = (5, 6)  # without and with a build tag (PEP 427)
_NAME_LIMIT = 255  # characters of a file's name; no file system keeps more
_ADDRESS_LIMIT = 4096  # characters of a link; no server takes more
FILE_LIMIT = 20_000  # files of one page, 1.5 s of work; the longest known page (a nightly index's torch) has 6,000


class PageError(ValueError):
    """What came is not an index page; ``text`` says what it is."""

    def __init__(self, text: Message) -> None:
        super().__init__(str(text))
        self.text = text


class _File(msgspec.Struct):
    filename: str
    url: str
    hashes: dict[str, Any] = {}
    requires_python: str | None = msgspec.field(name="requires-python", default=None)
    size: int | None = None
    uploaded: Any = msgspec.field(name="upload-time", default=None)
    yanked: bool | str = False


class _Page(msgspec.Struct):
    files: list[msgspec.Raw]


_PAGE = msgspec.json.Decoder(_Page)
_FILE = msgspec.json.Decoder(_File)


def parse_page(body: bytes, content_type: str, url: str, source: str) -> tuple[Offer, ...]:
    """Read a page of either kind.

    Args:
        body: what the server sent.
        content_type: its Content-Type header; empty for files.
        url: where it came from, the base of relative links.
        source: name of the `Source` that the offers belong to.

    Raises:
        PageError: it is neither HTML nor the JSON of PEP 691.
    """
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    if kind.endswith("json") or (not kind and body.lstrip()[:1] == b"{"):
        return parse_json(body, url, source)
    if kind and not kind.endswith(("html", "text/plain")):
        raise PageError(message("sources.page.kind", "the answer is {kind}, not an index page", kind=kind[:60]))
    return parse_html(body.decode("utf-8", errors="replace"), url, source)


def parse_json(body: bytes, url: str, source: str) -> tuple[Offer, ...]:
    """Read the JSON of PEP 691; one bad file does not spoil the rest. Raises `PageError` when it is something else."""
    try:
        page = _PAGE.decode(body)
    except UNREADABLE as error:
        problem = decode_problem(error)
        raise PageError(
            message("sources.page.json", "the answer is not the JSON of an index: {problem}", problem=problem)
        ) from None
    if len(page.files) > FILE_LIMIT:
        raise _too_many()
    return tuple(offer for raw in page.files if (offer := _json_offer(raw, url, source)) is not None)


def _too_many() -> PageError:
    return PageError(message("sources.page.files", "the page lists more than {limit} files", limit=FILE_LIMIT))


def _json_offer(raw: msgspec.Raw, url: str, source: str) -> Offer | None:
    try:
        file = _FILE.decode(raw)
    except UNREADABLE:
        return None
    digest = file.hashes.get("sha256")
    return parse_filename(
        file.filename,
        _join(url, file.url),
        source,
        sha256=digest if isinstance(digest, str) else None,
        size_bytes=file.size,
        uploaded=file.uploaded if isinstance(file.uploaded, str) else None,
        yanked=file.yanked is not False,
        requires_python=file.requires_python,
    )


def parse_html(text: str, url: str, source: str) -> tuple[Offer, ...]:
    """Read the links of an HTML page: PEP 503, or any page that lists wheels."""
    if "<" not in text:
        raise PageError(message("sources.page.html", "the answer is not HTML"))
    return tuple(
        offer
        for target, attributes, yanked in _links(text, url)
        if (
            offer := parse_filename(
                file_name(target),
                target.split("#", 1)[0],
                source,
                sha256=match[1] if (match := _SHA256.search(target)) else None,
                yanked=yanked,
                requires_python=attributes.get("data-requires-python"),
            )
        )
        is not None
    )


def _links(text: str, url: str) -> Iterator[tuple[str, dict[str, str], bool]]:
    base = url
    for number, match in enumerate(_ANCHOR.finditer(text), 1):
        if number > FILE_LIMIT:
            raise _too_many()
        attributes = {
            name.lower(): _plain(double or single or bare)
            for name, double, single, bare in _ATTRIBUTE.findall(match[2])
        }
        target = attributes.get("href")
        if target is None:
            continue
        if match[1].lower() == "base":
            base = _join(url, target) or url
        else:
            yield _join(base, target), attributes, "data-yanked" in attributes


def _plain(value: str) -> str:
    return html.unescape(value) if "&" in value else value


def _join(base: str, target: str) -> str:
    if len(target) > _ADDRESS_LIMIT:
        return ""
    if target.startswith(_NETWORK) and "@" not in target:
        return target.strip()  # most links of PyPI; a page has a thousand
    try:
        address = without_credentials(urljoin(without_credentials(base), target.strip()))
    except ValueError:  # an invalid address ("http://[")
        return ""
    # A page of the network names files of the network: not this machine's (file:), not a program (javascript:).
    local = not base.startswith(_NETWORK)
    return address if local or address.startswith(_NETWORK) else ""


def parse_filename(
    filename: str,
    url: str,
    source: str,
    *,
    sha256: str | None = None,
    size_bytes: int | None = None,
    uploaded: str | None = None,
    yanked: bool = False,
    requires_python: str | None = None,
) -> Offer | None:
    """A wheel's file name -> what it offers (PEP 427), or ``None`` for anything but a wheel."""
    if len(filename) > _NAME_LIMIT or not _FILE_NAME.fullmatch(filename) or not url:
        return None
    parts = filename[:-4].split("-")
    version = _version(parts[1]) if len(parts) in _WHEEL_PARTS else None
    if version is None:
        return None
    return Offer(
        package=normalise(parts[0]),
        version=version[0],
        variant=version[1],
        python_tag=parts[-3],
        abi_tag=parts[-2],
        platform_tags=tuple(parts[-1].split(".")),
        filename=filename,
        url=url,
        sha256=sha256,
        size_bytes=size_bytes,
        uploaded=uploaded,
        yanked=yanked,
        requires_python=requires_python,
        source=source,
    )


@lru_cache(maxsize=4096)
def _version(text: str) -> tuple[str, str | None] | None:
    """(public, local) of a version (PEP 440), or ``None``."""
    try:
        version = Version(text)
    except ValueError:  # no version at all, or one of more digits than Python counts
        return None
    return version.public, version.local
