"""What a project's file says of torch, whatever its kind: packages with their platforms, indexes, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from torchup.errors import UsageError
from torchup.model import Value, message
from torchup.project.edits import conda, pixi, requirements_toml
from torchup.project.edits.poetry import specifier_of
from torchup.project.edits.requirements import OPTION, bare
from torchup.project.edits.toml import parse, plain, table
from torchup.project.kinds import Kind
from torchup.project.labels import is_torch_index, label_of
from torchup.project.lines import is_managed, name_of, parsed
from torchup.project.platforms import ALL, where
from torchup.project.wanted import FAMILY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


MOST = 200  # lines about torch; each is held against every build that the catalogue has


class Wish(Value, frozen=True, kw_only=True):
    """One line that asks for a package: which versions, on which platforms, from which index."""

    name: str
    specifier: str  # PEP 440; empty: any
    platforms: tuple[str, ...]
    extra: str | None = None
    index: str | None = None  # address of its own index; None: wherever packages come from
    marked: bool = False  # a marker limits it

    @property
    def label(self) -> str | None:
        """The build that it names: in the version, or by its index."""
        for part in SpecifierSet(self.specifier):
            if "+" in part.version:
                return part.version.partition("+")[2]
        return label_of(self.index) if self.index else None


class Place(Value, frozen=True, kw_only=True):
    """An index that the file defines. ``alone``: it serves only packages tied to it; ``main``: it replaces PyPI."""

    url: str
    name: str | None = None
    alone: bool = False
    main: bool = False


class Declared(Value, frozen=True, kw_only=True):
    """Everything that is looked at."""

    kind: str
    wishes: tuple[Wish, ...] = ()
    places: tuple[Place, ...] = ()
    others: bool = False  # packages besides torch's
    strategy: str | None = None  # uv's index-strategy
    python: str | None = None  # requires-python, as a specifier
    unknown: tuple[tuple[str, str], ...] = ()  # package, name of an index that the file does not define
    unused: tuple[str, ...] = ()  # sources of packages that the file does not ask for
    conflicts: tuple[tuple[str, ...], ...] = ()  # extras that are declared to exclude each other
    channels: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()  # match specs


def declared(kind: Kind, path: str, text: str) -> Declared:
    """Read a file.

    Raises:
        UsageError: it does not parse.
    """
    found = _READERS[kind](path, text)
    if len(found.wishes) > MOST:
        raise UsageError(
            message("project.many", "{path} asks for torch in more than {limit} lines", path=path, limit=MOST),
            hint=message("project.large.hint", "check or edit the file by hand"),
        )
    return found


def _pep440(text: str) -> str:
    try:
        return str(SpecifierSet(text))
    except InvalidSpecifier:
        return ""


def _of_line(line: str, extra: str | None = None) -> Wish | None:
    found = parsed(line)
    if found is None or not is_managed(canonicalize_name(found.name)):
        return None
    marker = str(found.marker) if found.marker else None
    return Wish(
        name=canonicalize_name(found.name),
        specifier=str(found.specifier),
        platforms=tuple(sorted(where(marker))),
        extra=extra,
        marked=marker is not None,
    )


def _lists(document: Any) -> tuple[list[Wish], bool]:
    wishes, others = [], False
    for path, items in requirements_toml.lists(document):
        extra = path[-1] if path[:-1] == ("project", "optional-dependencies") else None
        for item in items:
            wish = _of_line(str(item), extra) if isinstance(item, str) else None
            wishes += [wish] if wish is not None else []
            others = others or wish is None
    return wishes, others


def _python(document: Any) -> str | None:
    found = (table(document, "project") or {}).get("requires-python")
    return _pep440(str(found)) or None if isinstance(found, str) else None


# ---------------------------------------------------------------- uv, plain


def _uv(path: str, text: str) -> Declared:
    document = parse(path, text)
    uv = plain(table(document, "tool", "uv")) or {}
    wishes, others = _lists(document)
    places = [
        Place(url=str(t.get("url")), name=t.get("name"), alone=t.get("explicit") is True, main=t.get("default") is True)
        for t in uv.get("index") or () if isinstance(t, dict)
    ]  # fmt: skip
    places += [Place(url=str(url)) for url in uv.get("extra-index-url") or ()]
    places += [Place(url=str(uv["index-url"]), main=True)] if uv.get("index-url") else []
    sources: dict[str, Any] = {
        canonicalize_name(k): v for k, v in (uv.get("sources") or {}).items() if is_managed(canonicalize_name(k))
    }
    listed: dict[str, list[Any]] = {name: v if isinstance(v, list) else [v] for name, v in sources.items()}
    urls = {place.name: place.url for place in places if place.name}
    asked = {wish.name for wish in wishes}
    conflicts = [tuple(str(one.get("extra")) for one in group if "extra" in one) for group in uv.get("conflicts") or ()]
    return Declared(
        kind="uv",
        wishes=tuple(one for wish in wishes for one in _tied(wish, listed.get(wish.name, ()), urls, "marker", "index")),
        places=tuple(places),
        others=others,
        strategy=uv.get("index-strategy"),
        python=_python(document),
        unknown=tuple(_unknown(listed, urls, "index")),
        unused=tuple(name for name in listed if name not in asked),
        conflicts=tuple(conflicts),
    )


def _unknown(sources: dict[str, Any], urls: dict[str, str], key: str) -> Iterator[tuple[str, str]]:
    for name, entries in sources.items():
        for entry in entries:
            if isinstance(entry, dict) and key in entry and entry[key] not in urls and entry[key] != "pypi":
                yield name, str(entry[key])


def _tied(wish: Wish, entries: Sequence[Any], urls: dict[str, str], marker: str, key: str) -> Iterator[Wish]:
    """A wish parted by the source entries that apply to it."""
    left = set(wish.platforms)
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("extra") not in (None, wish.extra):
            continue
        here = left & where(entry.get(marker))
        if here and entry.get(key) in urls:
            left -= here
            yield _with(wish, here, urls[entry[key]], marked=marker in entry or wish.marked)
    if left:
        yield _with(wish, left, None, marked=wish.marked)


def _with(wish: Wish, platforms: Iterable[str], index: str | None, *, marked: bool) -> Wish:
    return Wish(name=wish.name, specifier=wish.specifier, platforms=tuple(sorted(platforms)), extra=wish.extra,
                index=index, marked=marked)  # fmt: skip


# ---------------------------------------------------------------- poetry, pdm


def _poetry(path: str, text: str) -> Declared:
    document = parse(path, text)
    poetry = plain(table(document, "tool", "poetry")) or {}
    places = tuple(
        Place(url=str(t.get("url")), name=t.get("name"), alone=t.get("priority") == "explicit",
              main=t.get("priority") in {"primary", "default"} or t.get("default") is True)
        for t in poetry.get("source") or () if isinstance(t, dict)
    )  # fmt: skip
    urls = {place.name: place.url for place in places if place.name}
    wishes, others = _lists(document)
    entries: dict[str, list[Any]] = {
        canonicalize_name(k): v if isinstance(v, list) else [v] for k, v in (poetry.get("dependencies") or {}).items()
    }
    for group in (poetry.get("group") or {}).values():
        inner = group.get("dependencies") if isinstance(group, dict) else None
        entries |= {canonicalize_name(k): v if isinstance(v, list) else [v] for k, v in (inner or {}).items()}
    python = next((str(one) for one in entries.pop("python", ())), None)
    modern = {wish.name for wish in wishes}
    found = [one for wish in wishes for one in _tied(wish, entries.get(wish.name, ()), urls, "markers", "source")]
    for name, values in entries.items():
        others = others or not is_managed(name)
        for value in values if is_managed(name) and name not in modern else ():
            entry = value if isinstance(value, dict) else {"version": str(value)}
            specifier = specifier_of(str(entry.get("version", "*")))
            found.append(Wish(
                name=name, specifier=str(specifier) if specifier is not None else "", marked="markers" in entry,
                platforms=tuple(sorted(where(entry.get("markers")))), index=urls.get(entry.get("source", "")),
            ))  # fmt: skip
    managed: dict[str, Any] = {name: values for name, values in entries.items() if is_managed(name)}
    lowest = specifier_of(python) if python else None
    return Declared(
        kind="poetry", wishes=tuple(found), places=places, others=others,
        unknown=tuple(_unknown(managed, urls, "source")),
        python=str(lowest) if lowest is not None else _python(document),
    )  # fmt: skip


def _pdm(path: str, text: str) -> Declared:
    document = parse(path, text)
    pdm = plain(table(document, "tool", "pdm")) or {}
    wishes, others = _lists(document)
    places = tuple(
        Place(url=str(t.get("url")), name=t.get("name"), alone=bool(t.get("include_packages")))
        for t in pdm.get("source") or () if isinstance(t, dict) and t.get("url")
    )  # fmt: skip
    return Declared(kind="pdm", wishes=tuple(wishes), places=places, others=others, python=_python(document))


# ---------------------------------------------------------------- pixi, conda, requirements


def _pixi(path: str, text: str) -> Declared:
    document = parse(path, text)
    root = plain(table(document, *pixi.prefix_of(path))) or {}
    options = root.get("pypi-options") or {}
    places = [Place(url=str(url)) for url in options.get("extra-index-urls") or ()]
    places += [Place(url=str(options["index-url"]), main=True)] if options.get("index-url") else []
    subdirs = {name: platform for platform, name in pixi.SUBDIRS.items()}
    targets = root.get("target") or {}
    wishes: list[Wish] = []
    own = {name: {p for s, p in subdirs.items() if name in ((targets.get(s) or {}).get("pypi-dependencies") or {})}
           for name in root.get("pypi-dependencies") or {}}  # fmt: skip
    for name, value in (root.get("pypi-dependencies") or {}).items():
        wishes += _pixi_wish(name, value, ALL - own[name], marked=False)
    for subdir, inner in targets.items():
        if isinstance(inner, dict) and subdir in subdirs:
            for name, value in (inner.get("pypi-dependencies") or {}).items():
                wishes += _pixi_wish(name, value, {subdirs[subdir]}, marked=True)
    channels = tuple(map(str, (root.get("workspace") or root.get("project") or {}).get("channels") or ()))
    names = [*(root.get("dependencies") or {}), *(root.get("pypi-dependencies") or {})]
    return Declared(
        kind="pixi", wishes=tuple(wishes), places=tuple(places), strategy=options.get("index-strategy"),
        channels=channels, others=any(not is_managed(canonicalize_name(name)) for name in names),
    )  # fmt: skip


def _pixi_wish(name: str, value: Any, platforms: Iterable[str], *, marked: bool) -> list[Wish]:
    if not is_managed(canonicalize_name(name)) or not platforms:
        return []
    version = value.get("version") if isinstance(value, dict) else value
    text = _pep440(str(version)) if version not in (None, "*") else ""
    index = value.get("index") if isinstance(value, dict) else None
    return [Wish(name=canonicalize_name(name), specifier=text, platforms=tuple(sorted(platforms)), index=index,
                 marked=marked)]  # fmt: skip


def _conda(path: str, text: str) -> Declared:
    conda.check(path, text)
    lines = [item.text for item in conda.items_of(text, "dependencies", "pip")]
    found = _from_lines("conda", lines)
    specs = tuple(item.text for item in conda.items_of(text, "dependencies"))
    return Declared(kind="conda", wishes=found.wishes, places=found.places, others=found.others, conda=specs,
                    channels=tuple(item.text for item in conda.items_of(text, "channels")))  # fmt: skip


def _requirements(path: str, text: str) -> Declared:
    del path
    return _from_lines("requirements", text.split("\n"))


def _from_lines(kind: str, lines: Iterable[str]) -> Declared:
    wishes: list[Wish] = []
    places: list[Place] = []
    others = False
    for line in map(bare, lines):
        option = OPTION.fullmatch(line)
        if option is not None:
            places.append(Place(url=option[2], main=option[1] in {"-i", "--index-url"}))
        elif line:
            wish = _of_line(line)
            wishes += [wish] if wish is not None else []
            others = others or (wish is None and name_of(line) is not None)
    return Declared(kind=kind, wishes=tuple(wishes), places=tuple(places), others=others)


_READERS = {
    Kind.UV: _uv, Kind.PLAIN: _uv, Kind.POETRY: _poetry, Kind.PDM: _pdm, Kind.PIXI: _pixi, Kind.CONDA: _conda,
    Kind.REQUIREMENTS: _requirements,
}  # fmt: skip


def lowest_python(found: Declared) -> str | None:
    """The oldest Python that a file allows, ``3.10``; ``None``: it names none."""
    lows = [part.version for part in SpecifierSet(found.python or "") if part.operator in {">=", "==", "~=", "==="}]
    numbers = [version.removesuffix(".*").split(".")[:2] for version in lows]
    return ".".join(numbers[0]) if numbers and len(numbers[0]) > 1 else None


def torch_specifier(found: Declared) -> str | None:
    """What the file allows of torch, where it says one thing everywhere; labels left out."""
    said = {wish.specifier for wish in found.wishes if wish.name == FAMILY[0]}
    if len(said) != 1 or not (text := said.pop()) or "+" in text:
        return None
    return text


def torch_places(found: Declared) -> tuple[Place, ...]:
    """The indexes of PyTorch among those that the file defines."""
    return tuple(place for place in found.places if is_torch_index(place.url))
