"""A variant's name on the command line; it becomes part of an address."""

from __future__ import annotations

import re

import click

from torchup.cli.click_texts import Phrase
from torchup.model import message

_NAME = re.compile(r"[a-z][a-z0-9._-]*")


class VariantType(click.ParamType[str]):
    """``cpu``, ``cu126``, ``rocm6.4``, ``xpu`` or one that torchup does not know yet."""

    name = "variant"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what cannot be one: slashes, spaces, dots that climb."""
        if not _NAME.fullmatch(value) or ".." in value:
            bad = message("cli.variant.bad", "`{value}` is not a variant such as cpu or cu126", value=value)
            self.fail(Phrase(bad), param, ctx)
        return value
