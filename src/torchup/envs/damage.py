"""What is not as it was installed: files against RECORD or conda-meta, packages against the last verification.

Sizes are compared at once (10,000 files take 0.2 s); with ``deep`` every file is hashed too (1 GB takes 2 s), which
finds what kept its size. What a deep comparison found once is hashed always. No Python of the environment is started.
"""

from __future__ import annotations

import base64
import csv
from collections import Counter
from enum import StrEnum
from functools import reduce
from typing import TYPE_CHECKING

from torchup.envs import conda_prefix, distributions, records, suspects
from torchup.envs.paths import join, split
from torchup.model import Said, Value
from torchup.package_names import normalise

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator, Sequence

    from torchup.envs.conda_prefix import CondaFile, CondaRecord
    from torchup.host import Host

SHOWN = 5  # damaged files that are named
START_TIMEOUT = 20.0  # seconds for a Python that does nothing; the slowest network disk takes 5
RECORD_LIMIT = 16 * 1024 * 1024  # bytes; torch's RECORD has 1.5 MB
_COLUMNS = 3  # path, hash, size (the wheel's RECORD)
# Packages whose files no user edits: what differs there is damage. In others it may be a patch, and is only told.
_WEIGHTY = ("torch", "torchvision", "torchaudio", "triton", "pytorch-triton", "numpy", "nvidia-", "intel-")
# The same in conda's names.
_WEIGHTY_OF_CONDA = (
    "pytorch", "libtorch", "torchvision", "torchaudio", "triton", "numpy", "cuda-", "libcu", "cudnn", "nccl", "mkl",
)  # fmt: skip
# Files that run code at each start and belong to no package's RECORD, but to who made the environment.
_OWN_START_FILES = frozenset({"_virtualenv.pth", "distutils-precedence.pth"})


class DamageKind(StrEnum):
    """How something differs."""

    MISSING = "missing"  # a file of the RECORD is not there
    EMPTIED = "emptied"
    SIZE = "size"
    CONTENT = "content"  # the hash differs, the size does not
    UNREADABLE = "unreadable"
    NO_RECORD = "no-record"  # a package lies there and its dist-info does not
    DRIFT = "drift"  # another version than the one that was verified
    START_FILE = "start-file"  # a .pth of no package runs code at each start


class Damage(Value, frozen=True, kw_only=True):
    """One thing that differs. ``weighs``: torch cannot be trusted with it."""

    kind: DamageKind
    package: str
    file: str | None = None
    detail: str | None = None  # "2.1.0 -> 1.26.4"
    weighs: bool = False
    conda: str | None = None  # conda's package that the file belongs to: "pytorch==2.13.0"


class _EveryFile:
    """A collection of all files."""

    def __contains__(self, file: object) -> bool:
        return True


def find_damage(host: Host, prefix: str, *, deep: bool = False) -> tuple[Damage, ...]:
    """Everything in the environment at ``prefix`` that is not as it was installed, torch's own first."""
    hashed: Container[str] = _EveryFile() if deep else suspects.read(host, prefix)
    linked = conda_prefix.recorded_files(host, prefix) or ()
    owned = Counter(file.path for record in linked for file in record.files or ())
    found = [damage for record in linked for damage in _of_conda(host, prefix, record, owned, hashed)]
    places = {join(prefix, *path.split("/")) for path in owned}
    for folder in distributions.site_packages(host, prefix):
        found += _in_folder(host, folder, places, hashed)
    found += _drift(host, prefix)
    return tuple(sorted(found, key=_order))


def _order(damage: Damage) -> tuple[bool, bool, bool, str]:
    return (
        not damage.weighs,
        damage.kind is not DamageKind.DRIFT,
        damage.package not in {"torch", "pytorch", "libtorch"},
        damage.package,
    )


def find_start_files(host: Host, prefix: str) -> tuple[Damage, ...]:
    """The ``.pth`` files of no package that run code whenever Python starts: one that hangs holds everything up."""
    found: list[Damage] = []
    for folder in distributions.site_packages(host, prefix):
        names = host.list_dir(folder) or ()
        records_ = [join(folder, name, "RECORD") for name in names if name.endswith(".dist-info")]
        pths = any(name.endswith(".pth") and name not in _OWN_START_FILES for name in names)
        recorded = {row[0] for file in records_ if pths for row in _rows(host, file) or ()}
        found += _start_files(host, folder, names, recorded)
    return tuple(found)


def blocking_start_files(host: Host, python: str) -> tuple[Damage, ...]:
    """The files of `find_start_files` where Python does not start with them; asked only where there are any."""
    suspects = find_start_files(host, prefix_of(python))
    starts = not suspects or host.run((python, "-I", "-c", ""), timeout=START_TIMEOUT).ok
    return () if starts else suspects


def _of_conda(
    host: Host, prefix: str, record: CondaRecord, owned: Counter[str], hashed: Container[str]
) -> Iterator[Damage]:
    """One package of conda's; what pip put into the same environment has a RECORD like anywhere.

    A file that two packages brought is as the later one left it, and nothing says which that was.
    """
    name, pin = record.package, f"{record.package}=={record.version}"
    if record.files is None:
        yield Damage(kind=DamageKind.NO_RECORD, package=name, file=record.file, conda=pin)
    for linked in record.files or ():
        file = join(prefix, *linked.path.split("/"))
        kind = _difference_of_conda(host, file, linked, hashed) if owned[linked.path] == 1 else None
        if kind is not None:
            yield Damage(kind=kind, package=name, file=file, weighs=name.startswith(_WEIGHTY_OF_CONDA), conda=pin)


def _difference_of_conda(host: Host, file: str, linked: CondaFile, hashed: Container[str]) -> DamageKind | None:
    if (kind := _difference(host, file, linked.size)) is not None:
        return kind
    if linked.holds and host.size(file) == 0:
        return DamageKind.EMPTIED
    if file in hashed and linked.sha256 and host.sha256(file) != linked.sha256.lower():
        return DamageKind.CONTENT
    return None


def weighs(package: str) -> bool:
    """Whether torch cannot work without a package's own files."""
    return package.startswith(_WEIGHTY)


def _in_folder(host: Host, folder: str, owned: Collection[str], hashed: Container[str]) -> Iterator[Damage]:
    names = host.list_dir(folder) or ()
    recorded: set[str] = set()
    for name in names:
        if not name.endswith(".dist-info"):
            continue
        if join(folder, name, "METADATA") in owned:  # conda's own record of it was compared
            recorded |= {row[0] for row in _rows(host, join(folder, name, "RECORD")) or ()}
            continue
        package = normalise(name.removesuffix(".dist-info").rpartition("-")[0])
        rows = _rows(host, join(folder, name, "RECORD"))
        if rows is None:
            yield Damage(kind=DamageKind.NO_RECORD, package=package, file=join(folder, name, "RECORD"))
            continue
        recorded |= {row[0] for row in rows}
        for row in rows:
            yield from _compared(host, folder, package, row, hashed)
    if "torch" in names and not any(_is_of_torch(name) for name in names):
        yield Damage(kind=DamageKind.NO_RECORD, package="torch", file=join(folder, "torch"), weighs=True)
    of_conda = {name for name in names if join(folder, name) in owned}
    yield from _start_files(host, folder, names, recorded | of_conda)


def _is_of_torch(name: str) -> bool:
    return name.startswith("torch-") and name.endswith((".dist-info", ".egg-info"))


def _rows(host: Host, file: str) -> list[list[str]] | None:
    """The rows that name a file inside the folder with its hash; ``None`` where the RECORD cannot be read."""
    text = host.read_text(file, RECORD_LIMIT)
    if text is None:
        return None
    try:
        rows = [row for row in csv.reader(text.splitlines()) if len(row) == _COLUMNS]
    except csv.Error:
        return None
    return [row for row in rows if ".." not in row[0].split("/") and not row[0].startswith("/")] or None


def _compared(host: Host, folder: str, package: str, row: list[str], hashed: Container[str]) -> Iterator[Damage]:
    name, digest, size = row
    if not digest:
        return  # RECORD itself, byte code, what an installer wrote later
    file = join(folder, *name.split("/"))
    length = int(size) if size.isdecimal() and len(size) < 16 else None  # noqa: PLR2004  # digits of a petabyte
    kind = _difference(host, file, length)
    known = digest.startswith("sha256=") and file in hashed
    if kind is None and known and _sha256(host, file) != digest.removeprefix("sha256="):
        kind = DamageKind.CONTENT
    if kind is not None:
        yield Damage(kind=kind, package=package, file=file, weighs=weighs(package))


def _difference(host: Host, file: str, size: int | None) -> DamageKind | None:
    found = host.size(file)
    if found is None:
        return DamageKind.UNREADABLE if host.exists(file) else DamageKind.MISSING
    if size is not None and found != size:
        return DamageKind.SIZE if found else DamageKind.EMPTIED
    access = host.access(file)
    return DamageKind.UNREADABLE if access is not None and not access[0] else None


def _sha256(host: Host, file: str) -> str:
    digest = bytes.fromhex(host.sha256(file) or "")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _start_files(host: Host, folder: str, names: tuple[str, ...], recorded: set[str]) -> Iterator[Damage]:
    for name in names:
        if name.endswith(".pth") and name not in recorded and name not in _OWN_START_FILES:
            text = host.read_text(join(folder, name), 1 << 16) or ""
            if any(line.startswith(("import ", "import\t")) for line in text.splitlines()):
                yield Damage(kind=DamageKind.START_FILE, package=name, file=join(folder, name))


def _drift(host: Host, prefix: str) -> Iterator[Damage]:
    record = records.read(host, prefix)
    if record is None or record.environment.verified_at is None:
        return
    now = distributions.versions(host, prefix)
    for name, then in record.environment.packages.items():
        if now.get(name) != then:
            detail = f"{then} -> {now[name]}" if name in now else then
            yield Damage(kind=DamageKind.DRIFT, package=name, detail=detail, weighs=name == "torch")


def prefix_of(python: str) -> str:
    """The environment of an interpreter: the folder above ``bin`` or ``Scripts``; conda's on Windows its own."""
    folder, _ = split(python)
    parent, last = split(folder)
    return parent if last.lower() in {"bin", "scripts"} else folder


def said(damage: Damage) -> Said:
    """One thing as a code and its values; `i18n.sentences` makes the sentence."""
    if damage.kind is DamageKind.DRIFT and " -> " in (damage.detail or ""):
        return Said(code="file-drift", values={"package": damage.package, "detail": damage.detail or ""})
    if damage.kind is DamageKind.DRIFT:
        return Said(code="file-removed", values={"package": damage.package, "version": damage.detail or ""})
    place = damage.file or damage.package
    if damage.kind is DamageKind.NO_RECORD and split(place)[1] == damage.package:  # the package's own folder
        return Said(code="file-unlisted", values={"package": damage.package, "file": place})
    return Said(code=f"file-{damage.kind}", values={"package": damage.package, "file": place})


def said_of(found: Sequence[Damage]) -> Said | None:
    """Several in one sentence, the first `SHOWN` of them; ``None``: nothing differs."""
    told = [said(one) for one in found[:SHOWN]]
    if not told:
        return None
    all_of_them = reduce(lambda one, other: Said(code="both", values={"one": one, "other": other}), told)
    if len(found) <= SHOWN:
        return all_of_them
    return Said(code="and-more", values={"detail": all_of_them, "count": len(found) - SHOWN})
