"""``--find-links``: a folder of wheels, one wheel, or a page of links anywhere."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from torchup.model import message
from torchup.sources.index_client import Listing, PageRequest
from torchup.sources.index_page import parse_filename
from torchup.sources.urls import file_url, local_path

if TYPE_CHECKING:
    from torchup.host import Host
    from torchup.model import Offer


def absolute(host: Host, address: str) -> str:
    """A folder of the configuration made absolute (pip reads relative ones from the current folder); addresses stay."""
    path = local_path(address)
    if path is None:
        return address
    if path.startswith(("/", "\\")) or path[1:3] in {":/", ":\\"}:
        return path
    return posixpath.join(host.cwd(), path)


def list_folder(host: Host, request: PageRequest) -> Listing | None:
    """The wheels in a local folder, or the one wheel named; ``None`` where the address is a page to fetch."""
    path = local_path(request.url)
    if path is None or path.lower().endswith((".html", ".htm")):
        return None
    names = host.list_dir(path)
    if names is not None:
        offers = tuple(
            offer for name in names if (offer := _offer(posixpath.join(path, name), request.source)) is not None
        )
        return Listing(request=request, offers=offers)
    if path.endswith(".whl") and host.exists(path):
        offer = _offer(path, request.source)
        return Listing(request=request, offers=(offer,) if offer else ())
    if path.endswith(".whl"):
        problem = message("sources.no-wheel", "the wheel {path} does not exist", path=path)
    else:
        problem = message("sources.no-folder", "cannot read the folder {path}", path=path)
    return Listing(request=request, reachable=False, found=False, problem=problem)


def _offer(path: str, source: str) -> Offer | None:
    return parse_filename(posixpath.basename(path.replace("\\", "/")), file_url(path), source)
