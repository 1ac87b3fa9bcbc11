"""`torchup catalog`: what is known of published builds; show it, check it, refresh it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from torchup.catalog.check import LAWS, check
from torchup.cli.answer import Answer
from torchup.cli.catalog_measure import command as measure_command
from torchup.cli.catalog_refresh import command as refresh_command
from torchup.cli.groups import VerbGroup
from torchup.cli.plan import current_catalog
from torchup.cli.session import Session, common_options
from torchup.errors import ExitCode, UsageError
from torchup.i18n import render, text
from torchup.model import message
from torchup.report.catalog_text import catalog_text
from torchup.report.style import mark

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog, Row
    from torchup.model import Message


@click.group(
    cls=VerbGroup,
    name="catalog",
    help=text("catalog.help", "Show, check and refresh the catalogue of published builds"),
)
@common_options
def command(session: Session) -> None:
    """Only subcommands; each does its own work."""
    del session


@command.command(
    name="show",
    help=text(
        "catalog.show.help", "Show the builds; without --torch, --variant or --all, only the newest of each variant"
    ),
)
@click.option(
    "--torch",
    metavar="VERSION",
    help=text(
        "catalog.option.torch",
        "torch version to show, e.g. 2.14 or '>=2.12' (default: the newest of each variant; all with --variant)",
    ),
)
@click.option(
    "--variant",
    metavar="NAME",
    help=text("catalog.option.variant", "Variant to show, e.g. cu126 or cpu (default: all)"),
)
@click.option(
    "--platform",
    metavar="NAME",
    help=text(
        "catalog.option.platform", "Platform of the builds to show, e.g. linux_x86_64 or macos_arm64 (default: all)"
    ),
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help=text("catalog.option.all", "Show every build, not only the newest of each variant"),
)
@common_options
def show_command(
    session: Session, *, torch: str | None, variant: str | None, platform: str | None, everything: bool
) -> Answer:
    """`torchup catalog show`."""
    catalog = current_catalog(session)
    rows = select(catalog, torch=torch, variant=variant, platform=platform)
    if not (everything or torch or variant):
        rows = newest_of_each(rows)
    return Answer(
        command="catalog show",
        data={"as_of": catalog.as_of, "rows": rows, "sources": catalog.sources},
        text=lambda: catalog_text(rows, session.style),
    )


def select(catalog: Catalog, *, torch: str | None, variant: str | None, platform: str | None) -> list[Row]:
    """The rows that fit the filters, newest first.

    Raises:
        UsageError: a filter that nothing in the catalogue fits.
    """
    from torchup.plan.wanted import version_matches  # noqa: PLC0415  # only filters need it

    platforms = {row.platform for row in catalog.rows}
    if platform is not None and platform not in platforms:
        raise UsageError(
            message("catalog.platform.unknown", "the catalogue has no builds for the platform `{name}`", name=platform),
            hint=message("catalog.platform.unknown.hint", "choose one of: {names}", names=", ".join(sorted(platforms))),
        )
    known = (*catalog.rows, *catalog.conda)
    rows = [
        row
        for row in known
        if (platform is None or row.platform == platform)
        and (variant is None or row.variant == variant)
        and (torch is None or version_matches(row.torch, torch))
    ]
    if not rows:
        wanted = " ".join(filter(None, (torch, variant, platform)))
        raise UsageError(
            message("catalog.nothing", "the catalogue has no build for {wanted}", wanted=wanted),
            hint=_choices([row for row in known if platform is None or row.platform == platform], torch, variant),
        )
    return rows


def _choices(rows: list[Row], torch: str | None, variant: str | None) -> Message:
    """What to filter by instead: another release where there is none such, else a variant that the release has.

    A variant that other releases have is kept, too: its own list names them.
    """
    from torchup.catalog.versions import variant_key, version_key  # noqa: PLC0415  # only where nothing fits
    from torchup.plan.wanted import version_matches  # noqa: PLC0415  # same

    fitting = [row for row in rows if torch is None or version_matches(row.torch, torch)]
    if not fitting:
        releases = sorted({row.torch for row in rows}, key=version_key)
        return message(
            "catalog.nothing.releases",
            "run `torchup catalog show --all` to see the releases, from {oldest} to {newest}",
            oldest=releases[0],
            newest=releases[-1],
        )
    names = ", ".join(sorted({row.variant for row in fitting}, key=variant_key, reverse=True))
    if torch is not None and any(row.variant == variant for row in rows):
        return message(
            "catalog.nothing.either",
            "choose one of these variants: {names}; or run `torchup catalog show --variant {variant}` to see the "
            "releases that have {variant}",
            names=names,
            variant=variant,
        )
    return message("catalog.nothing.hint", "choose one of these variants: {names}", names=names)


def newest_of_each(rows: list[Row]) -> list[Row]:
    """The newest row of every (variant, platform, publisher)."""
    first: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        first.setdefault((row.variant, row.platform, row.publications[0].name), row)
    return list(first.values())


@command.command(name="check", help=text("catalog.check.help", "Check that the catalogue is consistent"))
@common_options
def check_command(session: Session) -> Answer:
    """`torchup catalog check`."""
    catalog = current_catalog(session)
    breaches = check(catalog)

    def lines() -> str:
        if not breaches:
            done = text(
                "catalog.check.fine",
                "{rows} rows, as of {date}, pass all {laws} checks",
                rows=len(catalog.rows) + len(catalog.conda),
                date=catalog.as_of,
                laws=len(LAWS),
            )
            return f"{mark(session.style, 'pass')} {done}"
        return "\n".join(f"{mark(session.style, 'error')} {render(breach.text)}" for breach in breaches)

    return Answer(
        command="catalog check",
        data={"as_of": catalog.as_of, "rows": len(catalog.rows) + len(catalog.conda), "breaches": breaches},
        text=lines,
        exit_code=ExitCode.FINDINGS if breaches else ExitCode.OK,
    )


command.add_command(refresh_command)
command.add_command(measure_command)
