"""The files that a plan has by their address, fetched into the store and put in the addresses' place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote

import msgspec

from torchup.errors import InstallError, NetworkError
from torchup.fetch import store
from torchup.fetch.answers import PlaceError, StatusError
from torchup.fetch.offered import size_at
from torchup.host.base import GONE
from torchup.install.direct import DirectFile, direct_files, url_of
from torchup.install.downloading import ASKING, Downloading
from torchup.install.space import check_space
from torchup.model import Value, message
from torchup.privacy import shown_address
from torchup.sources.parallel import in_parallel
from torchup.sources.urls import file_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.host import Host
    from torchup.install.base import Progress
    from torchup.install.lockfile import LockedFile
    from torchup.model import Plan


class AddressError(NetworkError):
    """A file that is had by its own address did not come: another source of torch does not help."""


class FetchedFile(Value, frozen=True, kw_only=True):
    """A wheel that is there now."""

    file: DirectFile
    path: str
    sha256: str  # of its bytes

    @property
    def requirement(self) -> str:
        """For uv and pip: the file where it lies, which they compare with its hash."""
        return f"{self.file.requirement} @ {quote(file_url(self.path), safe=':/')}#sha256={self.sha256}"


def fetch_direct(
    host: Host, plan: Plan, path: str, tell: Progress, connections: int, *, unpacked: bool = True
) -> tuple[FetchedFile, ...]:
    """Fetch the file of every address of a plan, and compare it.

    Args:
        host: the machine.
        plan: what is installed.
        path: the environment in the making, or a folder beside which the files go, for the free space.
        tell: receives what happens.
        connections: to one server at a time.
        unpacked: whether the files are unpacked there, not copied.

    Raises:
        AddressError: an address does not answer, or has no file any more.
        InstallError: what it has is another file than was promised or recorded; there is too little space.
    """
    files = direct_files(host, plan)
    if not files:
        return ()
    downloading = Downloading(host, plan, tell, connections)
    paths = {file.url: store.path_of(host, downloading.order(file.locked)) for file in files}
    missing = [file for file in files if host.sha256(paths[file.url]) != store.digest_of(paths[file.url])]
    if missing:
        sized = list(_sized(downloading, missing))
        check_space(host, downloading.reach, sized, path, unpacked=unpacked)
        paths |= _fetched(downloading, sized, missing)
    return tuple(
        FetchedFile(file=file, path=paths[file.url], sha256=store.digest_of(paths[file.url])) for file in files
    )


def _fetched(downloading: Downloading, sized: Sequence[LockedFile], files: Sequence[DirectFile]) -> dict[str, str]:
    """Address -> path in the store."""
    try:
        found = downloading.fetch(sized)
    except NetworkError as error:
        raise AddressError(error.text, hint=error.hint) from error
    except InstallError as error:
        _say_which(error, files)
    return {file.url or "": found[downloading.order(file).key] for file in sized}


def with_files(plan: Plan, found: Sequence[FetchedFile]) -> Plan:
    """The plan with files in place of their addresses."""
    lines = {one.file.url: one.requirement for one in found}

    def local(line: str) -> str:
        return lines.get(url_of(line), line)

    wheels = tuple(msgspec.structs.replace(wheel, requirement=local(wheel.requirement)) for wheel in plan.wheels)
    return msgspec.structs.replace(plan, packages=tuple(map(local, plan.packages)), wheels=wheels)


def _sized(downloading: Downloading, files: Sequence[DirectFile]) -> Iterator[LockedFile]:
    """The files with their sizes; the first that is gone ends it before anything is downloaded."""

    def ask(file: DirectFile) -> int | StatusError | None:
        try:
            return size_at(downloading.host, downloading.reach.place(file.url), ASKING / 3)
        except StatusError as error:
            return error
        except PlaceError:
            return None  # the download itself tells why

    for file, answer in zip(files, in_parallel(ask, files, ASKING), strict=True):
        if isinstance(answer, StatusError) and answer.status in GONE:
            raise _gone(file, answer.status)
        yield msgspec.structs.replace(file.locked, size=answer if isinstance(answer, int) else None)


def _gone(file: DirectFile, status: int) -> AddressError:
    return AddressError(
        message(
            "direct.gone",
            "the file of {package} is not at its address (HTTP {status}): {url}",
            package=file.package,
            status=status,
            url=shown_address(file.url),
        ),
        hint=message(
            "direct.gone.hint",
            "leave {package} out, or use another file; `torchup wheel {package}` finds one if torchup knows {package}",
            package=file.package,
        ),
    )


def _say_which(error: InstallError, files: Sequence[DirectFile]) -> NoReturn:
    """An error of the fetcher, in the words of who promised the hash."""
    name = dict(error.text.values).get("file")
    file = next((file for file in files if file.name == name), None)
    if error.code != "fetch.hash" or file is None:
        raise error
    if file.environment is None:
        raise InstallError(
            message(
                "direct.not-promised",
                "the file at {url} is not the expected one: its SHA-256 is not {digest}",
                url=shown_address(file.url),
                digest=file.sha256,
            ),
            hint=message(
                "direct.not-promised.hint", "do not install the file until its publisher explains why it was replaced"
            ),
        ) from error
    raise InstallError(
        message(
            "direct.replaced",
            "{url} no longer serves the file that the environment `{name}` was made with (SHA-256 of that file: "
            "{digest})",
            url=shown_address(file.url),
            name=file.environment,
            digest=file.sha256,
        ),
        hint=message(
            "direct.replaced.hint",
            "ask the publisher of the file why it was replaced; if you trust the new file, run `torchup env "
            "remove {name}`, then `torchup up --env {name}` with the options that you made the environment with",
            name=file.environment,
        ),
    ) from error
