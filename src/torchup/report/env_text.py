"""Environments as text: the list, one in detail, what an upgrade changed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.i18n import render, text
from torchup.model import UNKNOWN, RungStatus
from torchup.report.style import mark
from torchup.report.table import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torchup.model import Change, Environment, Verification
    from torchup.report.style import Style

LONGEST_LIST = 12  # rows of changes shown; a CUDA upgrade changes 30 packages that the user did not ask about


def list_text(environments: Sequence[Environment], chosen: str, style: Style) -> str:
    """A table of environments; ``chosen`` (the one used when none is named) has a star."""
    if not environments:
        return text("env.list.empty", "no environments yet; run `torchup up` to make one")
    headers = (
        text("env.list.name", "name"),
        text("env.list.torch", "torch"),
        text("env.list.python", "Python"),
        text("env.list.verified", "verified"),
        text("env.list.path", "path"),
    )
    rows = [
        (
            f"{environment.name} *" if environment.name == chosen else environment.name,
            torch_label(environment),
            environment.python or "-",
            (environment.verified_at or "-")[:10],
            environment.path,
        )
        for environment in environments
    ]
    return table(headers, rows, style)


def torch_label(environment: Environment) -> str:
    """``2.13.0+cu126``, ``-`` if there is no torch or the folder no longer exists."""
    if environment.torch is None:
        return "-"
    torch, _, label = environment.torch.partition("+")  # a record of another tool may have the label in both places
    return "+".join(filter(None, (torch, environment.variant or label)))


def show_text(
    environment: Environment,
    verification: Verification | None,
    activation: Mapping[str, str],
    style: Style,
    *,
    previous: str | None = None,
) -> str:
    """One environment: what is in it, from where, verified when, how to use it. ``previous`` is the older torch."""
    rows = [
        (text("env.show.torch", "torch"), torch_label(environment)),
        (text("env.show.python", "Python"), environment.python or render(UNKNOWN)),
        (text("env.show.path", "path"), environment.path),
        (text("env.show.source", "source"), _origin(environment)),
        (text("env.show.created", "created"), environment.created_at or render(UNKNOWN)),
        (text("env.show.verified", "verified"), _verified(environment, verification, style)),
        (text("env.show.requested", "requested packages"), ", ".join(environment.requested) or "-"),
        (text("env.show.packages", "packages"), str(len(environment.packages))),
    ]
    if previous is not None:
        rows.append((text("env.show.previous", "previous torch"), previous))
    # Whole lines below the table: a command that is wrapped cannot be copied.
    commands = list(_addresses(environment))
    commands += [(text("env.show.run", "run a program"), f"torchup env run {environment.name} -- python")]
    commands += [
        (text("env.show.activate", "activate ({shell})", shell=shell), line) for shell, line in activation.items()
    ]
    return "\n".join(
        (
            environment.name,
            table(("", ""), rows, style),
            "",
            *(" " + text("env.show.line", "{what}: {line}", what=what, line=line) for what, line in commands),
        )
    )


def _addresses(environment: Environment) -> Iterator[tuple[str, str]]:
    """Packages that came from an address of their own, with the hash and whether anyone had promised it."""
    for package, origin in environment.origins.items():
        url, _, digest = origin.partition("#sha256=")
        if digest:
            first = package in environment.first_use
            told = text("env.show.address", "{url}, SHA-256 {digest}", url=url, digest=digest)
            again = text("env.show.first-use", "{file} (hash recorded at the first download)", file=told)
            yield package, again if first else told


def changes_text(changes: Sequence[Change], style: Style) -> str:
    """What an installation changed: ``torch 2.12.0 -> 2.13.0``; the torch family first, the rest counted if long."""
    if not changes:
        return text("env.changes.none", "no package changed")
    arrow = "→" if style.unicode else "->"
    ordered = sorted(changes, key=lambda change: (not change.name.startswith("torch"), change.name))
    lines = [
        f"  {change.name} {change.before or '-'} {arrow} {change.after or '-'}" for change in ordered[:LONGEST_LIST]
    ]
    if len(ordered) > LONGEST_LIST:
        lines.append(text("env.changes.more", "  and {count} more", count=len(ordered) - LONGEST_LIST))
    return "\n".join((text("env.changes", "changed:"), *lines))


def _origin(environment: Environment) -> str:
    if environment.adopted:
        return text("env.show.adopted", "adopted (not installed by torchup)")
    source = environment.source or render(UNKNOWN)
    return f"{source} ({environment.installer.value})" if environment.installer else source


def _verified(environment: Environment, verification: Verification | None, style: Style) -> str:
    if environment.verified_at is None:
        return text(
            "env.show.not-verified",
            "not recorded; run `torchup verify --env {name}` to verify the environment now",
            name=environment.name,
        )
    if verification is None:
        return environment.verified_at
    passed = sum(rung.status == RungStatus.PASS for rung in verification.rungs)
    tried = sum(rung.status != RungStatus.SKIP for rung in verification.rungs)
    count = text("env.show.rungs", "{passed} of {total} checks passed", passed=passed, total=tried)
    return f"{mark(style, 'pass')} {environment.verified_at}  {count}"
