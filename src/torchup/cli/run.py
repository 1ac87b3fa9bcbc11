"""Start, catch, print: `main` is the only place that turns values and errors into output and an exit code."""

from __future__ import annotations

import contextlib
import errno
import io
import signal
import sys
import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import click

from torchup import i18n, privacy
from torchup.cli.answer import Answer, envelope
from torchup.cli.app import make_app
from torchup.cli.click_texts import translate_click
from torchup.cli.display import DISPLAY, watching
from torchup.cli.help_format import use_columns
from torchup.cli.session import Session, say, shown_on
from torchup.envelope import error_document
from torchup.errors import ExitCode, InterruptedByUserError, TorchupError, UsageError
from torchup.host import RealHost
from torchup.model import message
from torchup.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence


_ASCII = {"ascii", "us-ascii", "ansi_x3.4-1968", "646"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code (see `errors.ExitCode`)."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    session = Session()
    privacy.forget()
    privacy.remember_environment(session.host.environ())
    _never_fail_to_print()
    threading.excepthook = _quiet_threads
    i18n.use(_language(argv, session))
    translate_click()
    use_columns()
    with contextlib.suppress(ValueError):  # only the main thread may set handlers; elsewhere there is nothing to end
        signal.signal(signal.SIGTERM, _terminate)
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
            signal.signal(signal.SIGHUP, _terminate)
    with watching(lambda: session.interactive):
        return _run(argv, session)


def _run(argv: list[str], session: Session) -> int:
    """Answer, or say what went wrong."""
    try:
        return _show(_invoke(argv, session), session)
    except TorchupError as error:
        return _show_error(error, session, argv)
    except (KeyboardInterrupt, click.Abort):
        DISPLAY.close()
        if sys.stderr.isatty():
            click.echo(err=True)  # the line of a question or of a bar is still open
        return _show_error(_interrupted(argv), session, argv)
    except BrokenPipeError:
        return ExitCode.OK  # the reader (`| head`) has what it wanted
    except _OutputError as error:
        sys.stdout = io.StringIO()  # nothing more can be written there, not even at the program's end
        written = message("cli.output", "the answer cannot be written: {reason}", reason=error)
        hint = message("cli.output.hint", "free some space on the output's disk, or write the output elsewhere")
        return _show_error(UsageError(written, hint=hint), session, ())
    except Exception as error:  # noqa: BLE001  # the last line of defence: a person gets a sentence and a log, never a traceback
        told = _no_memory() if _is_no_memory(error) else _internal(error, argv)
        return _show_error(told, session, argv)


def answer_of(arguments: Sequence[str]) -> Answer | None:
    """Run one command line inside another program (a notebook): its answer, not printed; ``None``: it has printed.

    Raises:
        TorchupError: what `main` would have told.
    """
    session = Session()
    privacy.forget()
    privacy.remember_environment(session.host.environ())
    i18n.use(_language(arguments, session))
    translate_click()
    try:
        return _invoke(list(arguments), session)
    except (KeyboardInterrupt, click.Abort) as error:
        raise _interrupted(arguments) from error


# These remove files one by one; every other verb undoes what it began.
_REMOVALS = {("self", "uninstall"), ("cache", "prune"), ("env", "remove"), ("kernel", "remove")}


def _interrupted(argv: Sequence[str]) -> InterruptedByUserError:
    """What an interruption leaves behind."""
    from torchup.cli.usage import command_path  # noqa: PLC0415  # only an interruption pays for it

    if command_path(make_app(), argv) in _REMOVALS:
        return InterruptedByUserError(
            message(
                "cli.interrupted.removal",
                "interrupted; if some files were already removed, repeat the command to remove the rest",
            )
        )
    return InterruptedByUserError(message("cli.interrupted", "interrupted; no environment was left half made"))


def _is_no_memory(error: BaseException | None) -> bool:
    """Whether a limit (``ulimit -v``, ``-u``, a container's) is behind an error; Python says it in three ways."""
    return (
        isinstance(error, MemoryError)
        or "can't start new thread" in str(error)
        or (isinstance(error, OSError) and error.errno in {errno.ENOMEM, errno.EAGAIN})
    )


def _no_memory() -> TorchupError:
    text = message("cli.memory", "torchup needs more memory or more threads than this system allows")
    return UsageError(
        text,
        hint=message(
            "cli.memory.hint",
            "close other programs, or raise the limits (on Linux and macOS: `ulimit -v`, `ulimit -u`)",
        ),
    )


def _quiet_threads(told: threading.ExceptHookArgs) -> None:
    """A thread that a limit ends says nothing: the main thread tells it."""
    if not _is_no_memory(told.exc_value):
        threading.__excepthook__(told)


class _OutputError(Exception):
    """What stands in for stdout is full or broken."""


def _print(words: str) -> None:
    DISPLAY.close()
    try:
        click.echo(privacy.without_secrets(words), nl=False)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _OutputError(error.strerror or str(error)) from error


def _language(argv: Sequence[str], session: Session) -> str:
    """The language asked for: flag, TORCHUP_LANG, torchup.toml, locale. The verb reports a broken file later."""
    environ = session.host.environ()
    if not environ.get("TORCHUP_LANG"):
        with contextlib.suppress(UsageError):
            chosen = load_settings(session.host).text("lang")
            environ = {**environ, "TORCHUP_LANG": chosen} if chosen else environ
    chosen = i18n.choose(argv, environ, session.host.language)
    return chosen if _can_show(chosen) else "en"


def _can_show(language: str) -> bool:
    """Whether the consoles have the language's characters; question marks would not help.

    ASCII counts as able: click takes such a stream for one that is set up wrongly, and writes UTF-8 to it.
    """
    for stream in (sys.stdout, sys.stderr):
        encoding = getattr(stream, "encoding", None) or "utf-8"
        try:
            i18n.SAMPLES[language].encode("utf-8" if encoding.lower() in _ASCII else encoding)
        except (UnicodeEncodeError, LookupError):
            return False
    return True


def _invoke(argv: list[str], session: Session) -> Answer | None:
    app = make_app()
    if session.host.environ().get("_TORCHUP_COMPLETE", "").startswith("powershell"):
        from torchup.cli.completion import know_powershell  # noqa: PLC0415  # only a press of Tab pays for it

        know_powershell()
    try:
        result = app.main(args=argv, prog_name="torchup", standalone_mode=False, obj=session)
    except click.exceptions.NoArgsIsHelpError as error:
        _print(error.format_message() + "\n")
        return None
    except OSError as error:
        if error.errno == errno.ENOSPC and error.filename is None:  # click's own printing: --help, --version
            raise _OutputError(error.strerror) from error
        raise
    except click.ClickException as error:
        from torchup.cli.usage import command_path, usage_error  # noqa: PLC0415  # only a mistake pays for it

        context = getattr(error, "ctx", None)
        typed = " ".join(("torchup", *command_path(app, argv)))
        raise usage_error(error, context.command_path if context is not None else typed) from error
    return result if isinstance(result, Answer) else None


def _show(answer: Answer | None, session: Session) -> int:
    if answer is None:
        return ExitCode.OK
    if session.as_json:
        _print(envelope(answer))
    else:
        if shown := answer.text():  # `env run` has shown what there is: the program's own output
            _print((shown if answer.document else shown_on(sys.stdout, shown, strong=answer.strong())) + "\n")
        for notice in answer.notices:
            session.note(notice.text) if session.events else say(i18n.render(notice.text))
    return int(answer.exit_code)


def _show_error(error: TorchupError, session: Session, argv: Sequence[str]) -> int:
    if session.as_json or "--json" in argv:
        from torchup.cli.usage import command_path  # noqa: PLC0415  # only a mistake pays for it

        command = " ".join(command_path(make_app(), argv)) or "torchup"
        with contextlib.suppress(_OutputError):  # stderr reports the same
            _print(error_document(command, error))
    if session.events or _asks_for_events(argv):
        from torchup.cli import events  # noqa: PLC0415  # few programs watch

        hint = str(error.hint) if error.hint is not None else None
        told = events.ProgressError(code=error.code, text=str(error.text), hint=hint, exit_code=int(error.exit_code))
        events.write(told)
        return int(error.exit_code)
    say(i18n.text("cli.error", "error: {text}", text=error.text))
    if error.hint is not None:
        say("\n" + i18n.text("cli.hint", "hint: {text}", text=error.hint))
    if session.verbose and error.exit_code != ExitCode.INTERNAL and (path := _write_log(error, argv)) is not None:
        say(i18n.text("cli.log", "log: {path}", path=path))
    return int(error.exit_code)


def _asks_for_events(argv: Sequence[str]) -> bool:
    """Whether a command line that could not be read to its end has ``--progress json``: a program reads stderr."""
    own = argv[: argv.index("--")] if "--" in argv else argv
    return "--progress=json" in own or ("--progress", "json") in pairwise(own)


def _internal(error: Exception, argv: Sequence[str]) -> TorchupError:
    path = _write_log(error, argv)
    if path is None:
        return TorchupError(
            message(
                "cli.internal.printed",
                "Internal error; the log cannot be written, so the details of the error are on stderr",
            ),
            hint=message(
                "cli.internal.printed.hint",
                "report this error to torchup's developers; attach these details and the output of `torchup "
                "doctor --format md`",
            ),
        )
    text = message("cli.internal", "Internal error; the details are in {path}", path=path)
    hint = message(
        "cli.internal.hint",
        "report this error to torchup's developers; attach the file with the details, and the output of `torchup "
        "doctor --format md`",
    )
    return TorchupError(text, hint=hint)


def _write_log(error: Exception, argv: Sequence[str]) -> str | None:
    """The file with the trace; ``None``: it cannot be written, so the trace is in stderr."""
    import traceback  # noqa: PLC0415  # 3 ms that only a defect pays for

    host = RealHost()
    path = f"{host.folders().log}/torchup-{host.now():%Y%m%dT%H%M%S}.log"
    trace = "".join(traceback.format_exception(error))
    content = privacy.redact(f"torchup {' '.join(argv)}\n\n{trace}")  # it is sent to strangers
    try:
        host.write_text(path, content)
    except OSError:
        sys.stderr.write(content)  # the disk is full or read-only: the terminal is the only place left
        return None
    return path


def _never_fail_to_print() -> None:
    """A console that cannot encode a character (cp936, C locale) shows a stand-in instead of ending the program.

    A stream that was closed before the start (``>&-``) accepts what is written and discards it.
    """
    sys.stdout = sys.stdout or io.StringIO()
    sys.stderr = sys.stderr or io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _terminate(_: int, __: object) -> None:
    raise KeyboardInterrupt
