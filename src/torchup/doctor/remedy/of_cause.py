"""The remedy that a cause's file names, with its text and the values that the rule found. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import version_key
from torchup.doctor.cause import Cause, RemedyKind, System, filled, load_cause, load_words, text_of
from torchup.doctor.package_tools import uses_apt
from torchup.doctor.remedy.commands import CommandRow, RemedyRow, make
from torchup.model import Os, Remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torchup.catalog.types import Catalog
    from torchup.doctor.facts import Facts

_SYSTEMS: Mapping[System, Callable[[Facts], bool]] = {
    System.CONTAINER: lambda facts: facts.system.container,
    System.WSL: lambda facts: facts.system.wsl,
    System.DEBIAN: uses_apt,
    System.LINUX: lambda facts: facts.system.os is Os.LINUX,
    System.WINDOWS: lambda facts: facts.system.os is Os.WINDOWS,
    System.MACOS: lambda facts: facts.system.os is Os.MACOS,
    System.ANY: lambda _: True,
}


def remedy_of(
    slug: str,
    facts: Facts,
    catalog: Catalog,
    values: Mapping[str, str] | None = None,
    *,
    kind: RemedyKind | None = None,
) -> Remedy | None:
    """What a cause's file says to do, for this user; ``None``: nothing is broken.

    Args:
        slug: the cause.
        facts: what is known of machine and environment.
        catalog: the published builds.
        values: for ``{name}`` in text and commands; a command whose value is unknown is left out.
        kind: where the rule knows better than its file.
    """
    cause = load_cause(slug)
    if (kind or cause.remedy) is RemedyKind.NONE:
        return None
    known = values or {}
    text = filled(text_of(slug, _key(slug, facts)), known)
    return make(_row(cause, facts, kind or cause.remedy), facts, catalog, text, known)


def _key(slug: str, facts: Facts) -> str:
    """The name of the text: ``remedy-in-SYSTEM`` for the first system that applies and has its own, else ``remedy``."""
    variants = load_words(slug).variants
    own = (f"remedy-in-{system}" for system, applies in _SYSTEMS.items() if applies(facts))
    return next((key for key in own if key in variants), "remedy")


def _row(cause: Cause, facts: Facts, kind: RemedyKind) -> RemedyRow:
    return RemedyRow(
        kind=kind,
        commands=tuple(CommandRow(argv=row) for row in _rows(cause.slug, facts)),
        packages=cause.packages,
        names=cause.names,
        variables=cause.variables,
        needs_root=cause.needs_root,
        needs_reboot=cause.needs_reboot,
    )


def _rows(slug: str, facts: Facts) -> tuple[tuple[str, ...], ...]:
    """The commands of the file for the first system that applies; none for a release that lacks their packages."""
    words = load_words(slug)
    table = words.commands if not words.releases or _has_packages(words.releases, facts) else {}
    return next((table[system] for system, applies in _SYSTEMS.items() if system in table and applies(facts)), ())


def _has_packages(releases: Mapping[str, str], facts: Facts) -> bool:
    """Whether the distribution is known to have the packages; an unknown one, or an unknown release, is not."""
    name = (facts.system.distribution or "").lower()
    floor = next((oldest for known, oldest in releases.items() if known in name), None)
    version = facts.system.os_version
    return floor is not None and version is not None and version_key(version) >= version_key(floor)
