"""What the page runs on: pinned in ``runtime.toml``, taken from a folder or fetched once, always checked by hash."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from torchup.data_files import read_data
from torchup.envs.paths import join
from torchup.errors import InstallError, NetworkError, UsageError
from torchup.fetch import CONNECTIONS, FileOrder, fetch_all
from torchup.fetch.store import path_of
from torchup.install.places import Reach
from torchup.model import Value, message
from torchup.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.fetch import Progress
    from torchup.host import Host
    from torchup.model import Message


class Piece(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of somebody else's. ``size`` in bytes; ``get``: the command that brings it, mirrors and all."""

    name: str
    version: str
    file: str
    url: str
    sha256: str
    size: int
    get: str
    licence: str
    home: str


class Contents(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of the pieces, of the standard library and of torchup goes into the page."""

    runtime: tuple[str, ...]
    without: tuple[str, ...]
    own_without: tuple[str, ...]


class Runtime(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    piece: tuple[Piece, ...]
    contents: Contents


@cache
def load_runtime() -> Runtime:
    """Read the pins that are in the package."""
    return read_data(Path(__file__).parent / "runtime.toml", Runtime)


def from_folder(host: Host, folder: str) -> dict[str, str]:
    """Name -> path of the pieces in a folder.

    Raises:
        UsageError: one is missing, or is another file than the pinned one.
    """
    return {piece.name: _checked(host, piece, join(folder, piece.file)) for piece in load_runtime().piece}


def _checked(host: Host, piece: Piece, path: str) -> str:
    found = host.sha256(path)
    if found == piece.sha256:
        return path
    if found is None:
        text = message("web.piece.missing", "{file} does not exist", file=path)
    else:
        text = message(
            "web.piece.other",
            "{file} is not the pinned file: its SHA-256 is {found} instead of {wanted}",
            file=path,
            found=found,
            wanted=piece.sha256,
        )
    raise UsageError(text, hint=_by_hand())


def fetched(host: Host, tell: Callable[[Progress], None], *, offline: bool = False) -> dict[str, str]:
    """Name -> path of the pieces in the store; what is not there is fetched.

    Raises:
        NetworkError: one is not there and cannot be fetched, or may not be (``offline``).
        InstallError: the disk does not take it.
    """
    reach = Reach(host)
    orders = {
        piece.name: FileOrder(name=piece.file, sha256=piece.sha256, size=piece.size, places=(reach.place(piece.url),))
        for piece in load_runtime().piece
    }
    missing = [order for order in orders.values() if host.sha256(path_of(host, order)) != order.sha256]
    if missing and offline:
        text = message(
            "web.offline", "the runtime of the page is not on this machine, and --offline allows no download"
        )
        raise NetworkError(text, hint=_by_hand())
    try:
        fetch_all(host, missing, tell=tell, connections=load_settings(host).number("connections", CONNECTIONS))
    except NetworkError as error:
        raise NetworkError(error.text, hint=_by_hand()) from error
    except InstallError as error:
        if error.code in _OF_THE_DISK:
            raise
        raise InstallError(error.text, hint=_by_hand()) from error
    return {name: path_of(host, order) for name, order in orders.items()}


_OF_THE_DISK = {"fetch.full", "fetch.disk"}  # a file that was brought by hand would not fit either


def _by_hand() -> Message:
    lines = "`, `".join(piece.get for piece in load_runtime().piece)
    return message(
        "web.by-hand",
        "run `{lines}` in one folder on a machine with a network, copy the folder here, then run `torchup web "
        "--from FOLDER`",
        lines=lines,
    )
