"""What is wrong with a project's file as it stands: each rule asks the catalogue, none knows a version itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from torchup.catalog.types import kind_of
from torchup.catalog.versions import minor, version_key
from torchup.compat.published import has_labels
from torchup.model import Message, Severity, Value, message
from torchup.project.declared import Declared, Wish, lowest_python, torch_places
from torchup.project.edits.conda import conda_name
from torchup.project.labels import label_of
from torchup.project.platforms import PLATFORMS
from torchup.project.wanted import FAMILY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torchup.catalog.types import Catalog, Row
    from torchup.compat.questions import Compat


class Flaw(Value, frozen=True, kw_only=True):
    """One thing that is wrong, and what to do."""

    rule: str
    severity: Severity
    summary: Message
    fix: Message


class Asked(Value, frozen=True, kw_only=True):
    """What the rules look at."""

    found: Declared
    catalog: Catalog
    compat: Compat


SYNC = message(
    "project.fix.sync", "run `torchup project sync` to correct the file, with the same options as this check"
)


def check(found: Declared, catalog: Catalog, compat: Compat) -> tuple[Flaw, ...]:
    """Every flaw of a file, errors first; the same one is named once."""
    asked = Asked(found=found, catalog=catalog, compat=compat)
    flaws = dict.fromkeys(flaw for rule in RULES for flaw in rule(asked))
    return tuple(sorted(flaws, key=lambda flaw: list(Severity).index(flaw.severity)))


def _flaw(rule: str, summary: Message, fix: Message = SYNC, severity: Severity = Severity.ERROR) -> Flaw:
    return Flaw(rule=rule, severity=severity, summary=summary, fix=fix)


def _systems(platforms: tuple[str, ...]) -> list[str]:
    """The operating systems that are wholly among some platforms."""
    names = dict.fromkeys(PLATFORMS[platform][2] for platform in platforms)
    return [name for name in names if all(p in platforms for p in _platforms(name))]


def _platforms(system: str) -> list[str]:
    return [platform for platform, row in PLATFORMS.items() if row[2] == system]


_SHOWN = {"Darwin": "macOS"}  # how people call what platform_system says


# ---------------------------------------------------------------- indexes


def _label_unknown(asked: Asked) -> Iterator[Flaw]:
    urls = [place.url for place in asked.found.places] + [wish.index for wish in asked.found.wishes if wish.index]
    labels = [label for url in urls if (label := label_of(url))]
    labels += [wish.label for wish in asked.found.wishes if wish.label]
    for label in dict.fromkeys(labels):
        if not asked.compat.label_exists(label):
            yield _flaw("label-unknown", message("project.flaw.label", "no build of torch has the label `{label}`",
                                                 label=label))  # fmt: skip


def _index_without_marker(asked: Asked) -> Iterator[Flaw]:
    for wish in asked.found.wishes:
        label = label_of(wish.index) if wish.index else None
        if label is None or kind_of(label) == "cpu" or not asked.compat.label_exists(label):
            continue
        none = [
            system for system in _systems(wish.platforms)
            if not any(asked.compat.on_platform(label, p) for p in _platforms(system))
        ]  # fmt: skip
        if none:
            yield _flaw("index-without-marker", message(
                "project.flaw.marker",
                "`{package}` is also tied to {label} on {systems}, for which no such build was published",
                package=wish.name, label=label, systems=", ".join(_SHOWN.get(name, name) for name in none),
            ))  # fmt: skip


def _index_not_explicit(asked: Asked) -> Iterator[Flaw]:
    if asked.found.kind not in {"uv", "poetry", "pdm"}:
        return
    for place in torch_places(asked.found):
        if not place.alone:
            yield _flaw("index-not-explicit", message(
                "project.flaw.explicit", "the index {url} is used for every package, not only for torch",
                url=place.url,
            ), severity=Severity.WARNING)  # fmt: skip


def _index_replaces_pypi(asked: Asked) -> Iterator[Flaw]:
    for place in torch_places(asked.found):
        if place.main and asked.found.others:
            yield _flaw("index-replaces-pypi", message(
                "project.flaw.main", "{url} replaces PyPI, but offers only torch and related packages",
                url=place.url,
            ))  # fmt: skip


def _index_missing(asked: Asked) -> Iterator[Flaw]:
    for package, name in asked.found.unknown:
        yield _flaw("index-missing", message("project.flaw.index",
            "`{package}` uses the index `{name}`, which the file does not define",
            package=package, name=name))  # fmt: skip


def _source_unused(asked: Asked) -> Iterator[Flaw]:
    for name in asked.found.unused:
        yield _flaw(
            "source-unused",
            message("project.flaw.unused",
                "the source of `{package}` has no effect: the file does not require the package",
                    package=name),
            message("project.flaw.unused.fix",
                "add `{package}` to the dependencies: uv applies sources only to those",
                    package=name),
            Severity.WARNING,
        )  # fmt: skip


def _unsafe_best_match(asked: Asked) -> Iterator[Flaw]:
    if asked.found.strategy == "unsafe-best-match":
        yield _flaw(
            "unsafe-best-match",
            message("project.flaw.strategy",
                "`unsafe-best-match` installs every package from the index with the newest version, so anyone "
                "who publishes a package of the same name on any of the indexes can replace it"),
            message("project.flaw.strategy.fix", "tie torch to an explicit index, then remove the setting"),
            Severity.WARNING,
        )  # fmt: skip


def _conflicts_missing(asked: Asked) -> Iterator[Flaw]:
    if asked.found.kind != "uv":  # the other tools have no such declaration that is read here
        return
    places: dict[str, set[tuple[str, str | None]]] = {}
    for wish in asked.found.wishes:
        if wish.name == FAMILY[0] and wish.extra:
            places.setdefault(wish.extra, set()).update((platform, wish.index) for platform in wish.platforms)
    extras = sorted(places)
    for position, one in enumerate(extras):
        for other in extras[position + 1 :]:
            clash = any(p == q and i != j for p, i in places[one] for q, j in places[other])
            if clash and not any({one, other} <= set(group) for group in asked.found.conflicts):
                yield _flaw("conflicts-missing", message(
                    "project.flaw.conflicts",
                    "the extras `{one}` and `{other}` want different builds of torch but are not declared as "
                    "conflicts", one=one, other=other,
                ))  # fmt: skip


# ---------------------------------------------------------------- versions


def _label_on_macos(asked: Asked) -> Iterator[Flaw]:
    for wish in asked.found.wishes:
        labelled = any("+" in part.version for part in SpecifierSet(wish.specifier))
        if labelled and any(not has_labels(platform) for platform in wish.platforms):
            yield _flaw("label-on-macos", message(
                "project.flaw.macos", "`{package}{version}` is also required on macOS, but macOS builds have no label",
                package=wish.name, version=wish.specifier,
            ))  # fmt: skip


def _rows(asked: Asked, wish: Wish) -> Iterator[tuple[str, list[Row]]]:
    """For each platform of a wish for torch: the published builds of its label that it allows, newest first."""
    specifier = SpecifierSet(",".join(str(p) for p in SpecifierSet(wish.specifier) if "+" not in p.version))
    exact = [p.version.partition("+")[0] for p in SpecifierSet(wish.specifier) if "+" in p.version]
    for platform in wish.platforms:
        rows = asked.catalog.by_platform.get(platform, ())
        yield platform, [
            row for row in rows
            if (row.variant == wish.label if wish.label else any(w.name == "pypi" for w in row.publications))
            and specifier.contains(row.torch) and (not exact or row.torch in exact)
        ]  # fmt: skip


def _version_unpublished(asked: Asked) -> Iterator[Flaw]:
    oldest = min((row.torch for row in asked.catalog.rows), key=version_key)
    for wish in asked.found.wishes:
        named = [part.version for part in SpecifierSet(wish.specifier) if part.operator == "=="]
        if wish.name != FAMILY[0] or not wish.label or not asked.compat.label_exists(wish.label):
            continue
        known = all(version_key(version) >= version_key(oldest) and asked.compat.is_listed(version.partition("+")[0])
                    for version in named)  # fmt: skip
        if known and not any(rows for _, rows in _rows(asked, wish)):
            yield _flaw("version-unpublished", message(
                "project.flaw.version",
                "no torch{version} was published as {label} for the platforms of this entry", version=wish.specifier,
                label=wish.label,
            ))  # fmt: skip


def _python_unpublished(asked: Asked) -> Iterator[Flaw]:
    python = lowest_python(asked.found)
    for wish in asked.found.wishes if python else ():
        if wish.name != FAMILY[0]:
            continue
        rows = [row for _, found in _rows(asked, wish) for row in found]
        if rows and not any(python in row.pythons for row in rows):
            newest = rows[0]
            yield _flaw(
                "python-unpublished",
                message("project.flaw.python",
                    "the file allows Python {python}, but no torch that the file allows has wheels for that "
                    "Python: {build} supports {pythons}", python=python, build=newest.label,
                        pythons=newest.python_range),
                message("project.flaw.python.fix",
                    "change the Python versions or the torch versions that the file allows"),
            )  # fmt: skip
            return


def _pair_mismatch(asked: Asked) -> Iterator[Flaw]:
    torch = _exact(asked, FAMILY[0])
    for name in FAMILY[1:]:
        for version in _exact(asked, name):
            pairs = [asked.compat.companion(one, name) for one in torch]
            if pairs and all(pair is not None and not pair.fits(version) for pair in pairs):
                wanted = ", ".join(dict.fromkeys(pair.minor for pair in pairs if pair is not None))
                yield _flaw("pair-mismatch", message(
                    "project.flaw.pair",
                    "{package} {version} does not match torch {torch}, which needs version {wanted}",
                    package=name, version=version, torch=", ".join(torch), wanted=wanted,
                ))  # fmt: skip


def _exact(asked: Asked, name: str) -> list[str]:
    """The versions that are asked for exactly, without labels."""
    parts = [p for wish in asked.found.wishes if wish.name == name for p in SpecifierSet(wish.specifier)]
    return list(dict.fromkeys(p.version.partition("+")[0] for p in parts if p.operator in {"==", "==="}
                              and not p.version.endswith(".*")))  # fmt: skip


def _companion_elsewhere(asked: Asked) -> Iterator[Flaw]:
    """Torchvision of another build than torch loads, and then misses its operators."""
    for torch in (wish for wish in asked.found.wishes if wish.name == FAMILY[0]):
        for other in (wish for wish in asked.found.wishes if wish.name in FAMILY[1:] and wish.extra == torch.extra):
            shared = [p for p in other.platforms if p in torch.platforms]
            if not shared or other.label == torch.label or not _is_bound(asked, torch, other, shared):
                continue
            yield _flaw("companion-elsewhere", message(
                "project.flaw.companion",
                "`{package}` is the {there} build, but torch is the {own} build: the two must be the same",
                package=other.name, there=other.label or "PyPI", own=torch.label or "PyPI",
            ))  # fmt: skip


def _is_bound(asked: Asked, torch: Wish, other: Wish, shared: list[str]) -> bool:
    """Whether the companion of the newest torch that is allowed comes only as the same build."""
    if asked.found.kind in {"requirements", "conda"} and not (torch.label and other.label):
        return False  # pip takes the label's wheel where both have the version
    pypi = dict.fromkeys(shared, asked.compat.pypi_variant)
    for platform, rows in _rows(asked, torch):
        if platform not in shared or not rows:
            continue
        companion = rows[0].companions.get(other.name)
        same = (torch.label or pypi[platform](rows[0].torch, platform)) == (
            other.label or pypi[platform](rows[0].torch, platform)
        )
        if companion is not None and not companion.plain and not companion.open and not same:
            return True
    return False


def _label_not_pinned(asked: Asked) -> Iterator[Flaw]:
    """An extra index beside PyPI chooses nothing: pip takes the newest version, wherever it lies."""
    if asked.found.kind not in {"requirements", "conda"}:
        return
    labels = [label for place in torch_places(asked.found) if not place.main and (label := label_of(place.url))]
    for wish in asked.found.wishes:
        if wish.name != FAMILY[0] or wish.label:
            continue
        newest = {minor(rows[0].torch) for _, rows in _rows(asked, wish) if rows}
        for label in labels:
            own = Wish(name=wish.name, specifier=wish.specifier, platforms=wish.platforms, index=f"/{label}")
            there = {minor(rows[0].torch) for _, rows in _rows(asked, own) if rows}
            if newest and there and max(map(version_key, newest)) > max(map(version_key, there)):
                yield _flaw("label-not-pinned", message(
                    "project.flaw.label-open",
                    "the requirement for `torch` has no label such as `+{label}`, so an installer takes torch "
                    "{newest} from PyPI; the newest {label} build is only torch {there}",
                    newest=max(newest, key=version_key), label=label, there=max(there, key=version_key),
                ))  # fmt: skip


def _channel_ended(asked: Asked) -> Iterator[Flaw]:
    last, ended = asked.catalog.channels.ended_conda
    names = [name.rstrip("/").rpartition("/")[2] for name in asked.found.channels]
    specs = [spec for spec in asked.found.conda if conda_name(spec) == "pytorch-cuda"]
    if "pytorch" in names or specs:
        yield _flaw("channel-ended", message(
            "project.flaw.channel", "conda's channel `pytorch` ended in {ended} with torch {last}", ended=ended,
            last=last,
        ))  # fmt: skip


RULES: tuple[Callable[[Asked], Iterator[Flaw]], ...] = (
    _label_unknown, _index_without_marker, _index_not_explicit, _index_replaces_pypi, _index_missing, _source_unused,
    _unsafe_best_match, _conflicts_missing, _label_on_macos, _version_unpublished, _python_unpublished, _pair_mismatch,
    _companion_elsewhere, _label_not_pinned, _channel_ended,
)  # fmt: skip
