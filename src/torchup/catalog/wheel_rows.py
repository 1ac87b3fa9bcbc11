"""Rows of the wheel tables -> `Wheel`; file names -> `Wheel`; and the address of a wheel for one build of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.schema import Table
from torchup.catalog.spans import MINOR
from torchup.model import Value
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILE_TORCH = lazy_pattern(r"torch(\d+\.\d+(?:\.\d+)?|\d{3,4})(andhigher)?")
_FILE_CUDA = lazy_pattern(r"cu(\d{3})(?!\d)")
_MANYLINUX = lazy_pattern(r"manylinux_(\d+)_(\d+)_(\w+)")
_MACOS = lazy_pattern(r"macosx_(\d+)_(\d+)_(\w+)")
_LEGACY = {"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17"}
_WINDOWS = {"win_amd64": "windows_x86_64", "win_arm64": "windows_arm64"}


class Grammar(Table, frozen=True, kw_only=True):
    """How a publisher names files and where they lie."""

    id: str
    cuda: str  # label | major: what of CUDA the name carries
    built_on: str | None = None  # glibc of the build system, where the platform tag promises none
    stable_from: str | None = None  # from this release on, a wheel is of torch's stable ABI
    file: str | None = None
    url: str | None = None
    requirement: str | None = None
    index: str | None = None
    find_links: str | None = None
    source: str


class WheelTable(Table, frozen=True, kw_only=True):
    """One table of rows or of exact file names."""

    package: str
    version: str | None = None
    grammar: str = "files"
    publisher: str | None = None  # None: the project itself
    repo: str | None = None
    base: str | None = None  # of exact file names
    platform: str  # tags of the file name, parted by spaces; "any"
    min_capability: str | None = None
    gfx: str = ""
    stable_from: str | None = None
    kernels: bool = True  # False: the pure part, without compiled kernels
    evidence: str
    source: str
    cxx11abi: str | None = None
    note: str | None = None
    rows: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Wheel(Value, frozen=True, kw_only=True):
    """One wheel, or several that differ in CUDA, Python and string ABI only."""

    package: str
    version: str
    torch: str  # span of releases
    cuda: tuple[str, ...]  # "130", "13", "cpu", "rocm7.2", "-", "any"
    pythons: tuple[str, ...]  # "3.12", "3.13t"; empty: not known
    abi3: str | None = None  # the stable CPython ABI from this Python on
    platform: str  # key of the catalogue, or "any"
    platform_tag: str
    glibc: str | None = None
    macos: str | None = None
    min_capability: str | None = None
    gfx: tuple[str, ...] = ()
    stable_from: str | None = None
    kernels: bool = True
    tag: str
    publisher: str | None = None
    repo: str | None = None
    url: str | None = None  # of an exact file
    evidence: str
    source: str
    grammar: Grammar


def wheels_of(table: WheelTable, grammar: Grammar) -> Iterator[Wheel]:
    """Every wheel of a table, one a torch and platform tag.

    Raises:
        ValueError: a row or file name that cannot be read.
    """
    for tag in table.platform.split():
        for row in table.rows:
            yield from _of_row(row, tag, table, grammar)
        for file in table.files:
            yield _of_file(file, tag, table, grammar)


def _of_row(row: str, platform_tag: str, table: WheelTable, grammar: Grammar) -> Iterator[Wheel]:
    tag, cells, pythons = (part.strip() for part in row.split("|"))
    tags, abi3 = _pythons(pythons)
    for cell in cells.split():
        torch, _, labels = cell.rpartition(":")
        yield _wheel(
            table,
            grammar,
            platform_tag,
            version=table.version or tag.removeprefix("v"),
            tag=tag,
            torch=torch,
            cuda=tuple(labels.split(",")),
            pythons=tags,
            abi3=abi3,
        )


def _of_file(file: str, platform_tag: str, table: WheelTable, grammar: Grammar) -> Wheel:
    torch, cuda = _FILE_TORCH.search(file), _FILE_CUDA.search(file)
    version, python, abi = file.split("-")[1:4]
    if torch is None:
        raise ValueError(file)
    minor = minor_of_name(torch[1])
    abi3 = python_of_tag(python) if abi in {"abi3", "none"} else None
    return _wheel(
        table,
        grammar,
        platform_tag,
        version=version.partition("+")[0],
        tag=(table.base or "").rstrip("/").rpartition("/")[2],
        torch=f">={minor}" if torch[2] else minor,
        cuda=(cuda[1] if cuda else "-",),
        pythons=() if abi3 else (python_of_tag(abi),),
        abi3=abi3,
        url=f"{table.base}{file.replace('+', '%2B')}",
        stable_from=minor if torch[2] else table.stable_from,
    )


def _wheel(table: WheelTable, grammar: Grammar, platform_tag: str, **parts: object) -> Wheel:
    platform, glibc, macos = platform_of(platform_tag)
    common = {
        "package": table.package,
        "platform": platform,
        "platform_tag": platform_tag,
        "glibc": glibc or (grammar.built_on if platform.startswith("linux") else None),
        "macos": macos,
        "min_capability": table.min_capability,
        "gfx": tuple(table.gfx.split()),
        "stable_from": table.stable_from or grammar.stable_from,
        "kernels": table.kernels,
        "publisher": table.publisher,
        "repo": table.repo,
        "evidence": table.evidence,
        "source": table.source,
        "grammar": grammar,
    }
    return Wheel(**(common | parts))  # type: ignore[arg-type]  # the two tables of parts are complete


def _pythons(text: str) -> tuple[tuple[str, ...], str | None]:
    """``310-312 314t`` -> the Pythons; ``39+abi3`` -> the floor of the stable ABI."""
    found: list[str] = []
    abi3 = None
    for word in text.split():
        if word.endswith("+abi3"):
            abi3 = python_of_tag(word.removesuffix("+abi3"))
            continue
        low, _, high = word.partition("-")
        free = "t" if low.endswith("t") else ""
        ends = int(low.removesuffix("t")[1:]), int((high or low).removesuffix("t")[1:])
        found += [f"3.{minor}{free}" for minor in range(ends[0], ends[1] + 1)]
    return tuple(found), abi3


def python_of_tag(tag: str) -> str:
    """``cp312`` -> ``3.12``, ``cp313t`` -> ``3.13t``, ``py39`` -> ``3.9``."""
    digits = tag.removeprefix("cp").removeprefix("py")
    return f"{digits[0]}.{digits[1:] or '0'}"


def minor_of_name(text: str) -> str:
    """The release in a file name: ``2.10.0`` and ``2100`` -> ``2.10``, ``271`` -> ``2.7``."""
    if "." in text:
        return ".".join(text.split(".")[:MINOR])
    return f"{text[0]}.{text[1:-1]}"


def platform_of(tag: str) -> tuple[str, str | None, str | None]:
    """(platform key, glibc floor, macOS floor) of a platform tag; of several tags in one the lowest floor."""
    if tag == "any":
        return "any", None, None
    if tag in _WINDOWS:
        return _WINDOWS[tag], None, None
    if match := _MACOS.fullmatch(tag):
        return f"macos_{match[3]}", None, f"{match[1]}.{match[2]}"
    floors = [_linux(part) for part in tag.split(".")]
    known = sorted((floor for _, floor in floors if floor), key=lambda floor: int(floor.split(".")[1]))
    return f"linux_{floors[0][0]}", known[0] if known else None, None


def _linux(tag: str) -> tuple[str, str | None]:
    if match := _MANYLINUX.fullmatch(tag):
        return match[3], f"{match[1]}.{match[2]}"
    name, _, arch = tag.partition("_")
    return arch, _LEGACY.get(name)


# ---------------------------------------------------------------- addresses


class Place(Value, frozen=True, kw_only=True):
    """Where a wheel is had from: an address, or a requirement and the index or page that serves it."""

    requirement: str
    url: str | None = None
    index: str | None = None
    find_links: str | None = None


def place_of(wheel: Wheel, *, torch: str, variant: str, label: str, python: str | None, new_abi: bool) -> Place:
    """Where the wheel for one build of torch is.

    Args:
        wheel: the wheel.
        torch: the release that it was built for, a minor.
        variant: the variant of torch: ``cu130``.
        label: of `Wheel.cuda`, the one to take.
        python: a Python of `Wheel.pythons`; nothing where the stable ABI of CPython is used.
        new_abi: whether torch has the new string ABI.
    """
    fields = _fields(wheel, torch, variant, label, python, new_abi=new_abi)
    fill = wheel.grammar
    if wheel.url is not None:
        return Place(requirement=f"{wheel.package} @ {wheel.url}", url=wheel.url)
    if fill.file is not None and fill.url is not None:
        file = fill.file.format(**fields).replace("+", "%2B")
        url = fill.url.format(file=file, **fields)
        return Place(requirement=f"{wheel.package} @ {url}", url=url)
    return Place(
        requirement=(fill.requirement or "{package}").format(**fields),
        index=fill.index.format(**fields) if fill.index else None,
        find_links=fill.find_links.format(**fields) if fill.find_links else None,
    )


def _fields(
    wheel: Wheel, torch: str, variant: str, label: str, python: str | None, *, new_abi: bool
) -> dict[str, str | None]:
    digits = label if label.isdigit() else ""
    return {
        "package": wheel.package,
        "name": wheel.package.replace("-", "_"),
        "version": wheel.version,
        "tag": wheel.tag,
        "repo": wheel.repo,
        "platform": wheel.platform_tag,
        "torch": torch,
        "digits": torch.replace(".", "") + "0",
        "cuda": label,
        "cuda_dotted": f"{digits[:-1]}.{digits[-1:]}",
        "variant": f"cu{label}" if len(digits) > MINOR else label if label == "cpu" else variant,
        "abi": "TRUE" if new_abi else "FALSE",
        "python": _python_tags(wheel, python),
    }


def _python_tags(wheel: Wheel, python: str | None) -> str:
    if wheel.abi3 is not None or python is None:
        return f"cp{(wheel.abi3 or '3').replace('.', '')}-abi3"
    tag = python.replace(".", "")
    return f"cp{tag.removesuffix('t')}-cp{tag}"
