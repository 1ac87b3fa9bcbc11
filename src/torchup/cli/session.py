"""What every verb gets: the host, how to answer, whether it may ask; and the options that all verbs share."""

from __future__ import annotations

import functools
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

import click
from click.core import ParameterSource

from torchup.cli.display import DISPLAY, terminal_width
from torchup.host import Host, RealHost
from torchup.i18n import LANGUAGES, render, text
from torchup.privacy import without_secrets
from torchup.report.style import Style, on_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from torchup.cli.answer import Answer
    from torchup.model import Message


@dataclass(kw_only=True)
class Session:
    """One invocation. Mutable only while options are parsed."""

    host: Host = field(default_factory=RealHost)
    as_json: bool = False
    verbose: bool = False
    yes: bool = False
    dry_run: bool = False
    events: bool = False  # stderr is for a program: one JSON object a line

    def note(self, value: Message) -> None:
        """Say something on the way, on stderr; stdout is for data."""
        if self.events:
            from torchup.cli import events  # noqa: PLC0415  # few programs watch

            events.note(value)
        elif not self.as_json or self.verbose:
            say(render(value))

    def confirm(self, question: Message) -> bool:
        """Ask before something is changed. ``--yes`` answers; without a terminal the answer is no."""
        if self.yes:
            return True
        if self.as_json or not self.attended:
            return False
        with DISPLAY.suspended():
            return click.confirm(without_secrets(render(question)), err=True)

    @property
    def style(self) -> Style:
        """What stdout's console can show. Piped output is plain, 80 columns unless COLUMNS says more."""
        return style_of(sys.stdout, self.host.environ())

    @property
    def attended(self) -> bool:
        """Whether somebody is there to answer."""
        return (
            not self.events and sys.stdin is not None and sys.stdin.isatty()
        )  # None: closed before the start (``<&-``)

    @property
    def interactive(self) -> bool:
        """Whether a person watches stderr on a terminal that can rewrite a line: a display makes sense."""
        watched = sys.stderr.isatty() and self.host.environ().get("TERM") != "dumb"
        return watched and not self.as_json and not self.events


def style_of(stream: TextIO, environ: Mapping[str, str]) -> Style:
    """What shows a stream. Colour is for terminals only; NO_COLOR and TERM=dumb turn it off."""
    columns = environ.get("COLUMNS", "")
    width = int(columns) if re.fullmatch("[1-9][0-9]{0,3}", columns) else terminal_width(stream)
    encoding = (stream.encoding or "ascii").lower()
    color = stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return Style(width=max(width, 40), unicode="utf" in encoding or encoding == "gb18030", color=color)


def say(words: str, *, strong: str = "") -> None:
    """Write to stderr; a terminal shows lines that fit, and the words of ``strong`` set off."""
    DISPLAY.close()
    click.echo(shown_on(sys.stderr, words, strong=strong), err=True)


def shown_on(stream: TextIO, words: str, *, strong: str = "") -> str:
    """A text as it goes to a stream: without secrets, and where a terminal shows it, fitted and coloured last."""
    words = without_secrets(words)
    if not stream.isatty():
        return words
    return on_terminal(words, style_of(stream, RealHost().environ()), strong=strong)


def _set(name: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def store(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001  # click's signature
        if value:
            setattr(context.ensure_object(Session), name, True)

    return store


def _flag(*names: str, target: str, help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(*names, is_flag=True, expose_value=False, callback=_set(target), help=help_text)


def common_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb ``--json``, ``--lang``, ``-v`` and the `Session` as its first argument."""

    @click.pass_obj
    @functools.wraps(function)
    def with_session(session: Session, /, *arguments: Any, **options: Any) -> Any:
        return function(session, *arguments, **options)

    decorated: Callable[..., Any] = with_session
    for option in reversed(
        (
            _flag(
                "--json",
                target="as_json",
                help_text=text("cli.option.json", "Print one JSON document and nothing else"),
            ),
            click.option(
                "--lang",
                type=click.Choice(LANGUAGES),
                expose_value=False,
                help=text("cli.option.lang", "Language of messages (default: from the locale)"),
            ),
            _flag("-v", "--verbose", target="verbose", help_text=text("cli.option.verbose", "Show more detail")),
        )
    ):
        decorated = option(decorated)
    return decorated


def typed_options(but: Collection[str] = ()) -> tuple[str, ...]:
    """What of this verb stands on the command line, as it is typed (``--epochs``, ``WORKLOAD``).

    Settings do not count, nor do options that every verb has (``--json``) and the parameters named in ``but``.
    """
    context = click.get_current_context()
    return tuple(
        parameter.opts[-1] if isinstance(parameter, click.Option) else str(parameter.name).upper()
        for parameter in context.command.params
        if parameter.expose_value
        and parameter.name not in but
        and context.get_parameter_source(str(parameter.name)) == ParameterSource.COMMANDLINE
    )


def changing_options(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Give a verb that changes something ``--yes`` and ``--dry-run``."""
    yes = _flag("-y", "--yes", target="yes", help_text=text("cli.option.yes", "Answer yes to all questions"))
    dry_run = _flag(
        "--dry-run", target="dry_run", help_text=text("cli.option.dry-run", "Show what would be done; change nothing")
    )
    return yes(dry_run(function))
