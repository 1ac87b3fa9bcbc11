"""`torchup catalog refresh`: learn from index pages what the built-in catalogue does not know yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from torchup.catalog import load_catalog
from torchup.catalog.load import read_overlay
from torchup.catalog.stored import overlay_path
from torchup.cli.answer import Answer
from torchup.cli.session import Session, common_options, typed_options
from torchup.cli.variant_type import VariantType
from torchup.cli.verb import Verb
from torchup.encoding import to_builtins, to_json
from torchup.errors import ExitCode, UsageError
from torchup.i18n import printable, render, text
from torchup.model import Request, Secret, message
from torchup.report.style import mark
from torchup.report.table import table
from torchup.sources.outlook import Look, look_outward
from torchup.sources.refresh import Refresh, refresh

if TYPE_CHECKING:
    from torchup.catalog.types import Learned
    from torchup.model import Source
    from torchup.report.style import Style
    from torchup.sources.package_refresh import PackageRefresh

SHOWN = 20  # rows of the diff before "and N more"


@click.command(
    cls=Verb,
    name="refresh",
    help=text(
        "catalog.refresh.help",
        "Check what is newer than the catalogue: builds on the index pages of the configured sources, "
        "companions, toolkits, drivers, vendor indexes, conda-forge and packages. The GPU architectures of a new "
        "build are unknown until its wheel is measured (`torchup catalog measure`). Exits with code 7 if a "
        "required source did not answer.",
    ),
)
@click.option(
    "--mirror", metavar="NAME|URL", help=text("catalog.refresh.mirror", "Mirror to ask first (default: none)")
)
@click.option(
    "--variant", "variants", type=VariantType(), multiple=True, metavar="NAME",
    help=text("catalog.refresh.variant", "Variant whose index to check (repeatable; default: all)"),
)  # fmt: skip
@click.option(
    "--packages", is_flag=True,
    help=text("catalog.refresh.packages", "Check only the packages around torch for newer releases"),
)  # fmt: skip
@click.option("--write", is_flag=True, help=text("catalog.refresh.write", "Save the result in torchup's data folder"))
@common_options
def command(session: Session, *, mirror: str | None, variants: tuple[str, ...], packages: bool, write: bool) -> Answer:
    """`torchup catalog refresh`."""
    if packages:
        _refuse_ignored(typed_options(but={"packages"}))
        return _packages(session)
    path = overlay_path(session.host)
    stored = session.host.read_bytes(path)
    previous = read_overlay(stored) if stored is not None else None
    session.note(message("catalog.refreshing", "reading index pages"))
    request = Request(mirror=Secret.of(mirror))
    found = refresh(session.host, request, load_catalog(previous), previous=previous, variants=variants)
    if write:
        _write(session, path, found)
    # Asked for one variant, only its pages are meant.
    looks = () if variants else (releases_look(found), *look_outward(session.host, request, load_catalog()))
    data = {name: value for name, value in to_builtins(found).items() if name not in {"overlay", "notices"}}
    tables = [to_builtins(look) | {"status": look.status} for look in looks]
    return Answer(
        command="catalog refresh",
        data=data | {"learned": len(found.overlay.learned), "written": path if write else None, "tables": tables},
        text=lambda: "\n\n".join(
            [
                refresh_text(found, path if write else None, session.style),
                *filter(None, [looks_text(looks, session.style)]),
            ]
        ),
        exit_code=ExitCode.NETWORK if any(look.needed and look.status == "unclear" for look in looks) else ExitCode.OK,
        notices=found.notices,
    )


def _refuse_ignored(options: tuple[str, ...]) -> None:
    """Refuse what says something about builds: packages are read from PyPI, and the answer is not saved."""
    if options:
        raise UsageError(
            message(
                "catalog.refresh.packages.alone", "--packages cannot be combined with {options}",
                options=", ".join(options),
            ),
            hint=message(
                "catalog.refresh.packages.alone.hint",
                "run `torchup catalog refresh --packages` to see newer packages, or leave out --packages to "
                "refresh the builds",
            ),
        )  # fmt: skip


def releases_look(found: Refresh) -> Look:
    """The index pages of torch as a look: a variant without an answer may have something new."""
    answered = tuple(source.name for source in found.sources if source.reachable)
    seen = {source.variant for source in found.sources if source.reachable}
    silent = tuple(s.name for s in found.sources if s.reachable is False and s.variant and s.variant not in seen)
    new = tuple(f"{build.torch}+{build.variant} {build.platform}" for build in found.new)
    return Look(table="releases", needed=True, answered=answered, silent=silent, new=new)


def looks_text(looks: tuple[Look, ...], style: Style) -> str:
    """One line for each table: what is new, that nothing is new, or that no source answered."""
    lines = []
    for look in looks:
        sign = mark(style, {"same": "pass", "new": "info", "unclear": "warning"}[look.status])
        lines.append(f"{sign} {look.table}: {printable(_look(look))}")
    return "\n".join(lines)


def _look(look: Look) -> str:
    new = ", ".join(look.new[:SHOWN])
    if look.status == "same":
        return text("catalog.look.same", "nothing new ({names} answered)", names=", ".join(look.answered[:4]))
    silent = ", ".join(look.silent[:4]) + (" ..." if len(look.silent) > 4 else "")  # noqa: PLR2004  # shown
    parts = [text("catalog.look.new", "new: {names}", names=new)] if new else []
    if look.status == "unclear":
        parts.append(_unclear(silent))
    return "; ".join(parts)


def _unclear(silent: str) -> str:
    if not silent:
        return text("catalog.look.none", "not checked: no source answered")
    return text("catalog.look.unclear", "not checked completely (no answer: {names})", names=silent)


def _packages(session: Session) -> Answer:
    """Report releases that the package tables do not have; write nothing."""
    from torchup.catalog.packages import load_packages  # noqa: PLC0415  # only for --packages
    from torchup.sources.configured import read_configuration  # noqa: PLC0415  # same
    from torchup.sources.package_refresh import refresh_packages  # noqa: PLC0415  # same
    from torchup.sources.surveyor import connection_of  # noqa: PLC0415  # same

    session.note(message("catalog.refreshing", "reading index pages"))
    connection, notices = connection_of(session.host, read_configuration(session.host))
    found = refresh_packages(session.host, load_packages(), load_catalog().channels.pypi, connection)
    return Answer(command="catalog refresh", data=found, text=lambda: packages_text(found), notices=notices)


def packages_text(found: PackageRefresh) -> str:
    """What is newer, and how much could be seen."""
    lines = [f"{one.package}  {one.known} -> {one.found}" for one in found.newer]
    lines.append(
        text("catalog.refresh.packages.current", "packages without a newer release: {count}", count=len(found.current))
    )
    if found.untold:
        names = ", ".join(found.untold)
        lines.append(
            text("catalog.refresh.packages.untold", "packages whose newest release is unknown: {names}", names=names)
        )
    return "\n".join(lines)


def _write(session: Session, path: str, found: Refresh) -> None:
    try:
        session.host.write_text(path, to_json(found.overlay))
    except OSError as error:
        reason = message("catalog.refresh.unwritable", "{path} cannot be written: {error}", path=path, error=error)
        hint = message(
            "catalog.refresh.unwritable.hint",
            "check the permissions and the free space of torchup's data folder, or set TORCHUP_HOME to another folder",
        )
        raise UsageError(reason, hint=hint) from error


def refresh_text(found: Refresh, written: str | None, style: Style) -> str:
    """The diff: sources asked, those that were silent and why, new builds, new Pythons, builds that are gone."""
    answered = [source for source in found.sources if source.reachable]
    silent = [source for source in found.sources if source.reachable is False]
    parts = [
        text(
            "catalog.refresh.asked",
            "sources that answered: {answered} of {count} ({names})",
            answered=len(answered),
            count=len(found.sources),
            names=", ".join(source.name for source in answered[:SHOWN]),
        )
    ]
    if silent:
        title = text("catalog.refresh.silent", "No answer")
        lines = [f"  {source.name}: {_reason(source)}" for source in silent[:SHOWN]]
        parts.append("\n".join([title, *lines, *_more(len(silent))]))
    if found.new_variants:
        parts.append(text("catalog.refresh.variants", "New variants: {names}", names=", ".join(found.new_variants)))
    parts += _new(found, style)
    if found.gains:
        lines = [f"  {gain.build}  {gain.platform}  {' '.join(gain.pythons)}" for gain in found.gains[:SHOWN]]
        lines += _more(len(found.gains))
        parts.append("\n".join([text("catalog.refresh.pythons", "New Python versions for known builds"), *lines]))
    if found.confirmed:
        title = text("catalog.refresh.confirmed", "Announced builds that are now on an index")
        lines = [f"  {name}" for name in found.confirmed[:SHOWN]]
        parts.append("\n".join([title, *lines, *_more(len(found.confirmed))]))
    if found.gone:
        title = text("catalog.refresh.gone", "Known builds that are no longer on the index (kept in the catalogue)")
        parts.append("\n".join([title, *(f"  {name}" for name in found.gone[:SHOWN]), *_more(len(found.gone))]))
    if not (found.new or found.gains or found.confirmed):
        look = releases_look(found)
        nothing = text("catalog.refresh.none", "torchup found no new builds")
        unclear = text(
            "catalog.refresh.unclear",
            "torchup could not read some index pages, so it cannot tell whether there are newer builds",
        )
        parts.append(
            f"{mark(style, 'pass')} {nothing}" if look.status == "same" else f"{mark(style, 'warning')} {unclear}"
        )
    elif written is None:
        parts.append(text("catalog.refresh.keep", "Run `torchup catalog refresh --write` to save the result."))
    if written is not None:
        parts.append(text("catalog.refresh.written", "saved: {path}", path=written))
    return "\n\n".join(parts)


def _reason(source: Source) -> str:
    return render(source.detail) if source.detail else text("catalog.refresh.no-reason", "the reason is unknown")


def _new(found: Refresh, style: Style) -> list[str]:
    if not found.new:
        return []
    headers = (
        text("catalog.column.new-build", "New build"), text("catalog.column.platform", "Platform"), "Python",
        text("catalog.column.arch", "GPU code"), text("catalog.column.seen", "Seen on"),
    )  # fmt: skip
    rows = [_row(build) for build in found.new[:SHOWN]]
    return ["\n".join([table(headers, rows, style), *_more(len(found.new))])]


def _row(build: Learned) -> tuple[str, ...]:
    code = "-" if build.variant == "cpu" else text("catalog.arch-unknown", "unknown")
    return f"{build.torch}+{build.variant}", build.platform, " ".join(build.pythons), code, build.source


def _more(count: int) -> list[str]:
    more = message("catalog.more", "  and {count} more (--json shows all)", count=count - SHOWN)
    return [render(more)] if count > SHOWN else []
