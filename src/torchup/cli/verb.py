"""What every verb is made of: a command whose help ends with examples."""

from __future__ import annotations

import click

from torchup.i18n import render, text


def write_examples(ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """End a command's help with its examples: what to type, and what it is for."""
    from torchup.cli.examples import EXAMPLES  # noqa: PLC0415  # only help pays for it

    with formatter.section(text("cli.help.examples", "Examples")):
        for line, purpose in EXAMPLES.get(ctx.command_path, ()):
            formatter.write(f"{'':{formatter.current_indent}}{line}\n")
            with formatter.indentation(), formatter.indentation():
                formatter.write_text(render(purpose))


class Verb(click.Command):
    """A verb without subverbs."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """End the help with the examples."""
        write_examples(ctx, formatter)
