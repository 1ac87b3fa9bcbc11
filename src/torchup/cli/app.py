"""The top-level command: knows the verbs by name, imports one only when it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click

import torchup
from torchup.cli.defaults import defaults_for
from torchup.cli.registry import VERBS
from torchup.cli.session import Session, common_options
from torchup.cli.verb import write_examples
from torchup.i18n import render, text

if TYPE_CHECKING:
    from torchup.host import Host


def _sweep(host: Host) -> None:
    """Remove logins that a killed run left."""
    if any(name.startswith("netrc-") for name in host.list_dir(host.folders().cache) or ()):
        from torchup.sources.child_environment import sweep  # noqa: PLC0415  # only what was killed pays for it

        sweep(host)


class LazyGroup(click.Group):
    """A group whose commands are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the order of the registry: the order of a first use."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module and return its ``command``."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(VERBS[cmd_name][0]).command
        if isinstance(ctx.obj, Session) and not ctx.resilient_parsing:  # not for help or completion
            _sweep(ctx.obj.host)
            ctx.default_map = {**(ctx.default_map or {}), cmd_name: defaults_for(command, cmd_name, ctx.obj.host)}
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a guess for a mistyped verb."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from torchup.cli.unknown_verb import unknown_verb  # noqa: PLC0415  # only a mistake pays for it

            raise unknown_verb(args[0])
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """As click does, without its empty line at Ctrl-C: stderr may be for a program, and `run` ends open lines."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise click.Abort from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs from the registry's summaries."""
        del ctx
        with formatter.section(text("cli.help.commands", "Commands")):
            formatter.write_dl([(name, render(summary)) for name, (_, summary) in VERBS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """End the help with the examples."""
        write_examples(ctx, formatter)


def _group(session: Session, **_: Any) -> None:
    """Only options; each verb does the work."""
    del session


def make_app() -> click.Group:
    """Build the group in the current language."""
    return LazyGroup(
        name="torchup",
        callback=common_options(_group),
        help=text(
            "cli.help",
            "Set up a PyTorch that really runs on your GPU: choose the build, install it, verify it by running "
            "kernels, measure it, and explain what is wrong if it does not work.",
        ),
        context_settings={"help_option_names": ["-h", "--help"]},
        params=[
            click.Option(
                ["--version"],
                is_flag=True,
                expose_value=False,
                is_eager=True,
                callback=_print_version,
                help=text("cli.option.version", "Print the version"),
            ),
            *common_options_params(),
        ],
    )


def common_options_params() -> list[click.Parameter]:
    """The shared options again, for use before the verb."""

    @common_options
    def probe(session: Session) -> Any:
        return session

    return list(reversed(getattr(probe, "__click_params__", [])))


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001  # click's signature
    if value:
        click.echo(f"torchup {torchup.__version__}")
        context.exit()
