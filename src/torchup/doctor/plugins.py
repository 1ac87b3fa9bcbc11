"""Rules that other packages bring by the entry point group ``torchup.rules``, in torchup's own environment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from torchup.doctor.rule import Rule
from torchup.doctor.rules import RULES
from torchup.model import Notice, Value, message
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.metadata import EntryPoint

    from torchup.host import Host

GROUP = "torchup.rules"
_SLUG = lazy_pattern(r"[a-z0-9]+(-[a-z0-9]+)*")
_LIMIT = 1 << 20  # bytes of one entry_points.txt; the largest known has 20 kB


class Plugins(Value, frozen=True, kw_only=True):
    """What was found: rules that can be run, and a notice for each that cannot."""

    rules: tuple[Any, ...] = ()  # Rule, whose function is not a plain field type
    notices: tuple[Notice, ...] = ()


def plugin_rules(host: Host, folders: Sequence[str] | None = None) -> Plugins:
    """Load the rules of installed packages; report a package that does not load and skip it.

    Args:
        host: where to look.
        folders: places of installed packages (default: those that this Python imports from). The current folder is
            none, so a cloned project cannot bring rules.
    """
    places = [folder for folder in _installed() if _has_rules(host, folder)] if folders is None else list(folders)
    rules: dict[str, Rule] = {}
    notices: list[Notice] = []
    for point in _entry_points(places):
        for found in _loaded(point):
            problem = _problem(found, {*rules, *(rule.slug for rule in RULES)})
            if problem is None:
                rules[found.slug] = found
            else:
                notices.append(_left_out(point, problem))
    return Plugins(rules=tuple(rules.values()), notices=tuple(notices))


def _installed() -> list[str]:
    return [path for path in dict.fromkeys(sys.path) if path.rstrip("/\\").endswith(("site-packages", "dist-packages"))]


def _has_rules(host: Host, folder: str) -> bool:
    """Whether any package there names the group; reading the files costs 1 ms, importlib.metadata 23 ms."""
    packages = (name for name in host.list_dir(folder) or () if name.endswith(".dist-info"))
    files = (host.read_text(f"{folder}/{name}/entry_points.txt", _LIMIT) for name in packages)
    return any(f"[{GROUP}]" in (text or "") for text in files)


def _entry_points(folders: Sequence[str]) -> Iterator[EntryPoint]:
    if folders:
        from importlib import metadata  # noqa: PLC0415  # only where a package brings rules

        for distribution in metadata.distributions(path=list(folders)):
            yield from distribution.entry_points.select(group=GROUP)


def _loaded(point: EntryPoint) -> Sequence[Any]:
    try:
        found = point.load()
    except Exception as error:  # noqa: BLE001  # another package's code raises anything; the doctor goes on without it
        return (error,)
    return found if isinstance(found, (tuple, list)) else (found,)


def _problem(found: object, taken: set[str]) -> str | None:
    if isinstance(found, Exception):
        return f"{type(found).__name__}: {found}"
    if not isinstance(found, Rule):
        return f"{type(found).__name__} is not a torchup.doctor.rule.Rule"
    if not _SLUG.fullmatch(str(found.slug)):
        return f"{found.slug!r} is not a rule's name: lower case, digits, hyphens"
    return f"there is a rule {found.slug} already" if found.slug in taken else None


def _left_out(point: EntryPoint, problem: str) -> Notice:
    package = point.dist.name if point.dist else point.value
    text = message(
        "doctor.plugin.left-out",
        "the rule `{name}` of the package {package} was skipped: {problem}",
        name=point.name,
        package=package,
        problem=problem[:300],
    )
    return Notice(code=text.code, level="warning", text=text)
