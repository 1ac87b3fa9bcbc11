"""The type of options that take a share: ``0.05`` or ``5%``."""

from __future__ import annotations

import click

from torchup.cli.click_texts import Phrase
from torchup.model import message


class Share(click.ParamType[float]):
    """``0.05`` or ``5%``; a plain ``5`` could mean either and is refused."""

    name = "share"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the text; what is not a share between 0 and 1, or a percentage, is a usage error."""
        plain = str(value).strip()
        try:
            share = float(plain[:-1]) / 100 if plain.endswith("%") else float(plain)
        except ValueError:
            share = -1.0
        if not 0 <= share <= (10 if plain.endswith("%") else 1):  # ten times slower is still a threshold
            bad = message(
                "results.threshold.bad",
                "`{value}` is neither a share from 0 to 1, such as 0.05, nor a percentage up to 1000%, such as 5%",
                value=value,
            )
            self.fail(Phrase(bad), param, ctx)
        return share
