"""A verb with subverbs: they keep their order, are listed with whole sentences, and a misspelt one gets a guess."""

from __future__ import annotations

import re

import click

from torchup.cli.verb import Verb, write_examples
from torchup.errors import UsageError
from torchup.i18n import text
from torchup.model import message
from torchup.near_names import did_you_mean

_SENTENCE_END = re.compile(r"(?<=\.)\s+|(?<=。)")


class VerbGroup(click.Group):
    """What ``torchup env``, ``results`` and the like are made of."""

    command_class: type[click.Command] | None = Verb

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """End the help with the examples."""
        write_examples(ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The subverbs in the order of their definition, which is that of a first use."""
        del ctx
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a guess for a mistyped subverb."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            raise _unknown(args[0], ctx.command_path, known)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List each subverb with the first sentence of its help, never cut short."""
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            help_text = (command.help if command else None) or ""
            rows.append((name, _SENTENCE_END.split(help_text, maxsplit=1)[0]))
        with formatter.section(text("cli.help.commands", "Commands")):
            formatter.write_dl(rows)


def _unknown(name: str, path: str, known: list[str]) -> UsageError:
    return UsageError(
        message("cli.verb.unknown", "there is no command `{name}`", name=f"{path} {name}"),
        hint=did_you_mean(name, known, prefix=f"{path} ")
        or message("cli.subverb.known", "choose a subcommand of `{path}`: {names}", path=path, names=", ".join(known)),
    )
