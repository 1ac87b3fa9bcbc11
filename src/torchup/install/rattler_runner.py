"""Solve and install conda packages with py-rattler; no conda binary. A program of its own, run by `install.conda`.

``python -m torchup.install.rattler_runner solve|link|check --prefix DIR ...`` runs under torchup's own Python, as a
child process, so that a hang, a crash of native code or Ctrl-C is handled as for any other installer. It prints one
JSON object a line: ``{"event": ...}`` on the way, ``{"error": KIND, "text": ...}`` when it fails, and returns the exit
code of `EXIT`.

``solve`` writes the solution as a lock file (rattler-lock v7, canonical channel URLs, hashes) into the prefix; ``link``
downloads and links exactly that. Between the two stands what py-rattler leaves out: the virtual packages that the
solution needs are checked against what the machine offers.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rattler
from rattler import exceptions as rattler_errors
from rattler.networking import Client
from rattler.networking.middleware import (
    AddHeadersMiddleware,
    AuthenticationMiddleware,
    MirrorMiddleware,
    OciMiddleware,
    RetryMiddleware,
)

from torchup.host import RealHost
from torchup.host.handing import handed
from torchup.sources.conda_config import ADDRESSES, HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LOCK = "torchup-conda.lock"
EXIT = {"solve": 3, "link": 4, "virtual": 5, "network": 7, "internal": 70}
STALL = 120.0  # seconds without a byte or a finished package; a slow line still moves, a dead one never does
RETRIES = 3
# What only a plan decides: kept from an environment that is replaced, a `pytorch-gpu` would forbid the CPU build.
PLANNED = {
    "python",
    "pip",
    "pytorch",
    "pytorch-gpu",
    "pytorch-cpu",
    "libtorch",
    "cuda-version",
    "torchvision",
    "torchaudio",
}


class VirtualPackageError(Exception):
    """The solution is for another machine, or needs something that this one does not have."""


class StalledError(Exception):
    """Nothing has moved for too long."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one action; see the module's text for what it prints and returns."""
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(ACTIONS[options.action](options))
    except KeyboardInterrupt:
        return 130
    except BaseException as error:  # noqa: BLE001  # a panic of the native code is a BaseException, not an Exception
        kind = kind_of(error)
        tell(error=kind, text=without_credentials(str(error) or type(error).__name__))
        return EXIT[kind]
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="torchup.install.rattler_runner")
    parser.add_argument("action", choices=tuple(ACTIONS))
    parser.add_argument("--prefix", required=True, type=Path, help="where files are written")
    parser.add_argument("--final", type=Path, help="the path that installed files must know, if it is another")
    parser.add_argument("--cache", type=Path, help="packages and repodata")
    parser.add_argument("--subdir", required=True)
    parser.add_argument("--channel", action="append", default=[], help="canonical URL; the first has priority")
    parser.add_argument("--mirror", action="append", default=[], help="CANONICAL=URL")
    parser.add_argument("--virtual", action="append", default=[], help="name=version=build that the machine offers")
    parser.add_argument("--keep", type=Path, help="an environment whose packages stay where the new ones allow it")
    parser.add_argument("--stall", type=float, default=STALL)
    parser.add_argument("--files", type=Path, help="JSON: canonical URL -> the file that was fetched")
    parser.add_argument("--spec", action="append", default=[], dest="specs", help="match spec that is asked for")
    return parser


# ---------------------------------------------------------------- actions


async def solve(options: argparse.Namespace) -> None:
    """Choose the packages and write them down as ``PREFIX/torchup-conda.lock``."""
    specs, locked = _with_kept(options)
    channels = [without_credentials(url) for url in options.channel]
    tell(event="solve", channels=channels, specs=[str(spec) for spec in specs])
    index = Growth(options.cache / "repodata")
    try:
        records = await _watched(_solve(options, specs, locked), options.stall, index)
    except rattler_errors.GatewayError as error:
        if "304 Not Modified" not in str(error):
            raise
        # Servers that answer 304 without repeating ETag or Last-Modified (plain file servers do) confuse the cache of
        # py-rattler 0.28: without a cached index there is no conditional request.
        RealHost().remove(str(options.cache / "repodata"))
        records = await _watched(_solve(options, specs, locked), options.stall, index)
    _write_lock(records, options)
    tell(event="solved", packages=[[record.name.normalized, str(record.version)] for record in records])


async def link(options: argparse.Namespace) -> None:
    """Download what the lock file names, check the virtual packages, and make the environment."""
    require_platform(options.subdir)
    records = _read_lock(options)
    require_virtual_packages(records, options.virtual)
    reporter = Reporter(sum(record.size or 0 for record in records))
    with _fetched(options) as mirrors:
        work = rattler.install(
            records,
            options.prefix,
            cache_dir=options.cache / "pkgs",
            platform=rattler.Subdir(options.subdir),
            client=client(mirrors),
            reporter=reporter,
            alternative_target_prefix=options.final or options.prefix,
            # py-rattler 0.28 takes the inner object only: MatchSpec itself raises TypeError
            requested_specs=[spec._match_spec for spec in _with_kept(options)[0]],  # noqa: SLF001  # see above
            show_progress=False,
        )
        await _watched(work, options.stall, reporter)
    tell(event="linked", packages=len(records))


async def files(options: argparse.Namespace) -> None:
    """Tell the files of the lock, and which of them the cache holds unpacked."""
    found = [
        {
            "url": str(record.url),
            "sha256": record.sha256.hex() if record.sha256 else "",
            "size": record.size,
            "cached": (options.cache / "pkgs" / _folder(record.file_name)).is_dir(),
        }
        for record in _read_lock(options)
    ]
    tell(event="files", files=[file for file in found if file["sha256"]])


def _folder(name: str) -> str:
    return name.removesuffix(".conda").removesuffix(".tar.bz2")


@contextlib.contextmanager
def _fetched(options: argparse.Namespace) -> Iterator[dict[str, list[str]]]:
    """Mirrors that hand over what was fetched; what is asked for beside it is sent on to where it is."""
    if options.files is None:
        yield _mirrors(options)
        return
    given: dict[str, str] = json.loads(options.files.read_text("utf-8"))
    bases = [url.rstrip("/") for url in options.channel]
    found = {
        f"{number}{url[len(base) :]}": path
        for number, base in enumerate(bases)
        for url, path in given.items()
        if url.startswith(f"{base}/")
    }
    real = _mirrors(options)
    onward = {f"{number}/": real.get(base, [base])[0] + "/" for number, base in enumerate(bases)}
    with handed(found, onward) as address:
        yield {base: [f"{address}/{number}"] for number, base in enumerate(bases)}


async def check(options: argparse.Namespace) -> None:
    """Compare what the packages of an existing environment need with what the machine offers."""
    require_virtual_packages(installed(options.prefix), options.virtual)
    tell(event="checked")


ACTIONS = {"solve": solve, "files": files, "link": link, "check": check}


# ---------------------------------------------------------------- solving


async def _solve(options: argparse.Namespace, specs: list[Any], locked: list[Any]) -> Any:
    return await rattler.solve(
        options.channel,
        specs,
        platforms=[options.subdir, "noarch"],
        gateway=rattler.Gateway(cache_dir=options.cache / "repodata", client=client(_mirrors(options))),
        virtual_packages=[virtual_package(text) for text in options.virtual],
        locked_packages=locked,
    )


def client(mirrors: dict[str, list[str]]) -> Client:
    """A client that takes bytes from mirrors while records keep the canonical URLs.

    The mirror comes first in the chain, so that credentials belong to the host that is really asked; py-rattler's own
    `Client.from_config` authenticates for the canonical host before it turns to the mirror.
    """
    return Client(
        [
            MirrorMiddleware(mirrors),
            RetryMiddleware(RETRIES),
            AddHeadersMiddleware(_headers(RealHost().environ().get(HEADERS, "{}"))),
            AuthenticationMiddleware(),  # the user's own: RATTLER_AUTH_FILE, netrc, keyring
            OciMiddleware(),
        ],
        user_agent="torchup",
    )


def _mirrors(options: argparse.Namespace) -> dict[str, list[str]]:
    """Canonical address -> where its bytes come from."""
    whole: dict[str, str] = json.loads(RealHost().environ().get(ADDRESSES, "{}"))  # tokens stand on no command line
    mirrors: dict[str, list[str]] = {}
    for pair in options.mirror:
        canonical, _, url = pair.partition("=")
        mirrors.setdefault(canonical.rstrip("/"), []).append(whole.get(url.rstrip("/"), url.rstrip("/")))
    return mirrors


def _headers(text: str) -> Callable[[str, str], dict[str, str] | None]:
    """Headers by host, from ``{"host": {"Authorization": ...}}``: by environment, never on a command line."""
    known: dict[str, dict[str, str]] = json.loads(text)
    return lambda host, _path: known.get(host)


def virtual_package(text: str) -> Any:
    """``__cuda=12.4=0`` as the solver takes it."""
    name, version, build = text.split("=")
    return rattler.GenericVirtualPackage(
        rattler.PackageName(name), rattler.Version(version), rattler.BuildString(build)
    )


def installed(prefix: Path) -> list[Any]:
    """The records of an environment, from its ``conda-meta``."""
    return [rattler.PrefixRecord.from_path(path) for path in sorted((prefix / "conda-meta").glob("*.json"))]


def _with_kept(options: argparse.Namespace) -> tuple[list[Any], list[Any]]:
    """What is asked for, with the kept environment's own requests; and its records, which the solver prefers."""
    specs = [rattler.MatchSpec(spec) for spec in options.specs]
    if options.keep is None:
        return specs, []
    records = installed(options.keep)
    named = {spec.name.normalized for spec in specs} | PLANNED
    kept = [rattler.MatchSpec(text) for record in records for text in record.requested_specs]
    return specs + [spec for spec in kept if spec.name.normalized not in named], records


def _write_lock(records: Sequence[Any], options: argparse.Namespace) -> None:
    platform = rattler.LockPlatform(options.subdir)
    lock = rattler.LockFile([platform])
    lock.set_channels("default", [rattler.LockChannel(url) for url in options.channel])
    for record in records:
        lock.add_conda_package("default", platform, record)
    options.prefix.mkdir(parents=True, exist_ok=True)
    lock.to_path(options.prefix / LOCK)


def _read_lock(options: argparse.Namespace) -> list[Any]:
    environment = rattler.LockFile.from_path(options.prefix / LOCK).default_environment()
    records = environment.conda_repodata_records() if environment is not None else {}
    return list(records.get(options.subdir, ()))


# ---------------------------------------------------------------- virtual packages


def require_platform(subdir: str) -> None:
    """Raise `VirtualPackageError` where programs of ``subdir`` cannot run.

    Macs and Windows on ARM also run x86_64 programs, and a Python translated by Rosetta calls itself ``osx-64``: there
    only the system must agree.
    """
    here = str(rattler.Subdir.current())
    if (subdir != here) if here.startswith("linux") else (subdir.partition("-")[0] != here.partition("-")[0]):
        raise VirtualPackageError(f"the plan is for {subdir}, this machine is {here}")


def require_virtual_packages(records: Sequence[Any], offered: Sequence[str]) -> None:
    """Raise `VirtualPackageError` naming every package whose ``__`` requirements the machine does not meet."""
    unmet = [f"{name} {version} needs {spec}" for name, version, spec in unmet_requirements(records, offered)]
    if unmet:
        have = ", ".join(text.rpartition("=")[0].replace("=", " ") for text in offered) or "nothing"
        raise VirtualPackageError("; ".join(unmet) + f"; this machine offers {have}")


def unmet_requirements(records: Sequence[Any], offered: Sequence[str]) -> list[tuple[str, str, str]]:
    """(package, version, requirement) for every virtual requirement that does not hold.

    ``depends`` must be met; ``constrains`` only forbids: it holds where the virtual package is absent.
    """
    machine = {text.partition("=")[0]: _as_record(text) for text in offered}
    unmet = []
    for record in records:
        needs = [(text, True) for text in record.depends] + [(text, False) for text in record.constrains]
        for text, must_exist in needs:
            if not text.startswith("__"):
                continue
            present = machine.get(text.split()[0])
            if must_exist if present is None else not rattler.MatchSpec(text).matches(present):
                unmet.append((record.name.normalized, str(record.version), text))
    return unmet


def _as_record(text: str) -> Any:
    name, version, build = text.split("=")
    return rattler.PackageRecord(
        name=name,
        version=version,
        build=rattler.BuildString(build),
        build_number=0,
        subdir="noarch",
        arch=None,
        platform=None,
    )


# ---------------------------------------------------------------- progress and failure


class Reporter:
    """Tells how many bytes have come and which packages are linked; py-rattler calls it from its own threads."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.moved_at: float = time.monotonic()
        self._names: dict[int, str] = {}
        self._bytes: dict[int, int] = {}
        self._told = 0.0

    def on_transaction_start(self, total_operations: int) -> None:
        """The first thing that rattler says."""
        tell(event="link", operations=total_operations)

    def on_populate_cache_start(self, operation: int, package_name: str) -> int:
        """A package is looked up in the cache."""
        self._names[operation] = package_name
        return operation

    def on_download_start(self, cache_entry: int) -> int:
        """A download begins; its token is the cache entry's."""
        return cache_entry

    def on_download_progress(self, download_idx: int, progress: int, total: int | None) -> None:
        """Bytes have come; told at most ten times a second."""
        del total
        self.moved_at = time.monotonic()
        self._bytes[download_idx] = progress
        if self.moved_at - self._told >= 0.1:  # noqa: PLR2004  # seconds
            self._told = self.moved_at
            name = self._names.get(download_idx, "")
            tell(event="download", package=name, bytes=sum(self._bytes.values()), total=self.total)

    def on_link_start(self, operation: int, package_name: str) -> int:
        """A package is linked."""
        self.moved_at = time.monotonic()
        tell(event="package", package=package_name)
        return operation

    def on_link_complete(self, index: int) -> None:
        """Unpacking and linking a large package is movement, too."""
        del index
        self.moved_at = time.monotonic()


class Growth:
    """Movement of what reports none: the size of the folder that it downloads into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._size = -1
        self._grown_at = time.monotonic()

    @property
    def moved_at(self) -> float:
        """When the folder was last seen to have another size."""
        size = 0
        for file in self.folder.rglob("*"):
            with contextlib.suppress(OSError):  # temporary files come and go
                size += file.stat().st_size
        if size != self._size:
            self._size, self._grown_at = size, time.monotonic()
        return self._grown_at


async def _watched(work: Any, stall: float, watched: Reporter | Growth) -> Any:
    """Await ``work``; give up when nothing has moved for ``stall`` seconds.

    Also when torchup itself was killed: no process would use what is made here.
    """
    task = asyncio.ensure_future(work)
    parent = os.getppid()
    while not task.done():
        await asyncio.wait((task,), timeout=min(1.0, stall / 4))
        if os.getppid() != parent:
            raise StalledError("torchup has gone")
        if not task.done() and time.monotonic() - watched.moved_at > stall:
            raise StalledError(f"nothing has come for {stall:.0f} s")
    return task.result()


def kind_of(error: BaseException) -> str:
    """Which of `EXIT` an exception is."""
    if isinstance(error, rattler_errors.SolverError):
        return "solve"
    if isinstance(error, VirtualPackageError):
        return "virtual"
    if isinstance(error, (StalledError, rattler_errors.GatewayError, rattler_errors.FetchRepoDataError)):
        return "network"
    if isinstance(error, rattler_errors.InstallerError):
        return "network" if _NETWORK.search(str(error)) else "link"
    return "link" if isinstance(error, OSError) else "internal"


# rattler's InstallerError carries its cause as text only (rattler_networking and reqwest words)
_NETWORK = re.compile(r"error sending request|failed to fetch|HTTP status|connection|timed out|dns", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_TOKEN = re.compile(r"(?<=/t/)[^/\s]+(?=/)")


def without_credentials(text: str) -> str:
    """Hide ``user:password@`` and anaconda's ``/t/TOKEN/`` in addresses."""
    return _TOKEN.sub("***", _USERINFO.sub("***@", text))


def tell(**values: object) -> None:
    """One JSON object on one line of stdout."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Not sys.exit: after a failure py-rattler's threads may still call into Python, and dismantling the interpreter
    # under them ends in a segmentation fault (seen with 0.28.0 after a package that could not be unpacked).
    os._exit(main())
