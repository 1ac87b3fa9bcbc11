"""`torchup mirror`: what mirrors there are, what they carry, and how they do from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from torchup.catalog.stored import stored_catalog
from torchup.cli.answer import Answer
from torchup.cli.groups import VerbGroup
from torchup.cli.session import Session, common_options
from torchup.cli.variant_type import VariantType
from torchup.errors import ExitCode
from torchup.i18n import current, render, text
from torchup.model import Notice, message
from torchup.privacy import shown_address
from torchup.report.style import mark
from torchup.report.table import table
from torchup.settings import load_settings
from torchup.sources.configured import read_configuration
from torchup.sources.mirror_test import MirrorTest, measure_mirrors
from torchup.sources.mirrors import Mirror, Part, find_mirror, load_mirrors, official_mirror
from torchup.sources.surveyor import connection_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.report.style import Style


@click.group(
    cls=VerbGroup, name="mirror", help=text("mirror.help", "List mirrors, and measure their speed from this machine")
)
@common_options
def command(session: Session) -> None:
    """Only subcommands; each does its own work."""
    del session


@command.command(name="list", help=text("mirror.list.help", "List every mirror and what it offers"))
@common_options
def list_command(session: Session) -> Answer:
    """`torchup mirror list`."""
    mirrors = load_mirrors().mirror
    chosen = shown_address(load_settings(session.host).text("mirror") or "") or None
    return Answer(
        command="mirror list",
        data={"mirrors": [_in_english(one) for one in mirrors], "in_use": chosen},
        text=lambda: list_text(mirrors, chosen, session.style, verbose=session.verbose),
    )


@command.command(
    name="test",
    help=text(
        "mirror.test.help",
        "Download the index and the first bytes of a file from each mirror. The table shows which server sent "
        "the file, how fast it was, and the newest torch of each mirror. Without names, test all mirrors and the "
        "official sources.",
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME|URL]...")
@click.option(
    "--variant",
    default="cpu",
    show_default=True,
    type=VariantType(),
    help=text("mirror.test.variant", "Variant whose index is tested"),
)
@common_options
def test_command(session: Session, names: tuple[str, ...], variant: str) -> Answer:
    """`torchup mirror test`."""
    mirrors = [find_mirror(name) for name in names] or [official_mirror(), *load_mirrors().mirror]
    connection, notices = connection_of(session.host, read_configuration(session.host))
    session.note(message("mirror.testing", "measuring mirrors: {count}", count=len(mirrors)))
    tests = measure_mirrors(session.host, mirrors, variant, connection)
    newest = stored_catalog(session.host, session.note).newest_torch
    works = any(test.ok for test in tests)
    return Answer(
        command="mirror test",
        data={"variant": variant, "newest_known": newest, "tests": tests},
        text=lambda: test_text(tests, newest, session.style),
        exit_code=ExitCode.OK if works else ExitCode.NETWORK,
        notices=(*notices, *(() if works else (_nothing_works(),))),
    )


def _nothing_works() -> Notice:
    reason = message(
        "mirror.none",
        "none of the tested mirrors served a file; if none of them answered, check the network, the proxy and "
        "the certificate",
    )
    return Notice(code="mirror.none", level="error", text=reason)


def list_text(mirrors: Sequence[Mirror], chosen: str | None, style: Style, *, verbose: bool) -> str:
    """The mirrors as a table; with ``verbose`` also addresses, state and the source of each row."""
    headers = (
        text("mirror.column.name", "name"), text("mirror.column.title", "mirror"),
        text("mirror.column.pytorch", "PyTorch wheels"), "PyPI", "conda",
    )  # fmt: skip
    rows = [(one.name, _title(one), _kind(one.pytorch), _yes(one.pypi), _yes(one.conda)) for one in mirrors]
    parts = [table(headers, rows, style)]
    if verbose:
        parts += [_details(mirror) for mirror in mirrors]
    used = chosen or text("mirror.none-chosen", "none (set --mirror NAME, TORCHUP_MIRROR or `mirror` in torchup.toml)")
    parts.append(text("mirror.in-use", "In use: {name}", name=used))
    return "\n\n".join(parts)


def _title(mirror: Mirror) -> str:
    return _spoken(mirror.title, mirror.title_zh) or mirror.name


def _spoken(english: str | None, chinese: str | None) -> str | None:
    """A text of the table in the language in use; JSON has the English one."""
    return chinese or english if current() == "zh" else english


def _in_english(mirror: Mirror) -> Mirror:
    parts = {name: msgspec.structs.replace(part, state_zh=None) for name, part in _parts(mirror)}
    return msgspec.structs.replace(mirror, title_zh=None, lacks_pytorch_zh=None, **parts)


def _parts(mirror: Mirror) -> list[tuple[str, Part]]:
    found: list[tuple[str, Part | None]] = [
        (name, getattr(mirror, name)) for name in ("pytorch", "pypi", "conda", "miniforge")
    ]
    return [(name, part) for name, part in found if part is not None]


def _kind(part: Part | None) -> str:
    if part is None:
        return "-"
    return text("mirror.kind.flat", "page of links") if part.kind == "flat" else text("mirror.kind.index", "index")


def _yes(part: Part | None) -> str:
    return "-" if part is None else text("mirror.has", "yes")


def _details(mirror: Mirror) -> str:
    lines = [f"{mirror.name}: {_title(mirror)}"]
    for name, part in _parts(mirror):
        guess = text("mirror.inferred", " (inferred)") if part.inferred else ""
        state = _spoken(part.state, part.state_zh)
        lines += [f"  {name}: {part.url}", *([f"    {state}"] if state else [])]
        lines += [text("mirror.or", "    or {url}", url=part.alternative)] if part.alternative else []
        lines += (
            [text("mirror.seen", "    variants seen there: {variants}", variants=" ".join(part.variants))]
            if part.variants
            else []
        )
        lines.append(f"    [{part.source}]{guess}")
    lacks = _spoken(mirror.lacks_pytorch, mirror.lacks_pytorch_zh)
    return "\n".join([*lines, *([f"  {lacks}"] if lacks else [])])


def test_text(tests: Sequence[MirrorTest], newest: str, style: Style) -> str:
    """The measurements as a table, the fastest first, those that failed last with their reason."""
    ranked = sorted(tests, key=lambda test: (not test.ok, -(test.bytes_per_second or 0.0)))
    headers = (
        "", text("mirror.column.mirror", "mirror"), text("mirror.column.carries", "part"),
        text("mirror.column.newest", "newest torch"), text("mirror.column.speed", "speed"),
        text("mirror.column.served", "served by"),
    )  # fmt: skip
    return table(headers, [_row(test, newest, style) for test in ranked], style)


def _row(test: MirrorTest, newest: str, style: Style) -> tuple[str, ...]:
    if not test.ok:
        return (mark(style, "error"), test.mirror, test.part, "", "", render(test.problem) if test.problem else "")
    version = test.newest_torch or ""
    if version and version != newest:
        version = text("mirror.behind", "{version} (newest known: {newest})", version=version, newest=newest)
    served: Any = test.served_by or text("mirror.this-machine", "this machine")
    if test.upstream and test.mirror != official_mirror().name:
        served = text("mirror.upstream", "{host} (the official source, not the mirror)", host=served)
    sign = "warning" if test.upstream and test.mirror != official_mirror().name else "pass"
    return (mark(style, sign), test.mirror, test.part, version, _speed(test.bytes_per_second or 0.0), served)


def _speed(bytes_per_second: float) -> str:
    return f"{bytes_per_second / 1e6:.1f} MB/s"
