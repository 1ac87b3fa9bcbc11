"""The templates of the pages (`templates/*.html.jinja`) and their one environment. Pure.

Whatever a template shows is escaped, and loses control and bidirectional characters first. Markup is what a template
made, a sentence with code in it (`prose`), or a file of the package (`asset`); nothing else.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup

from torchup.i18n import printable, render
from torchup.privacy import redact

if TYPE_CHECKING:
    from jinja2 import Environment

    from torchup.model import Message


def rendered(template: str, /, **values: object) -> Markup:
    """A template filled in. ``template``: its path below the package. A name that it lacks is an error."""
    return Markup(environment().get_template(template).render(values).strip())  # noqa: S704  # escaped by the template


@cache
def asset(name: str) -> Markup:
    """A style or a script of the report, as the file has it."""
    return Markup(files("torchup.report").joinpath(f"assets/{name}").read_text(encoding="utf-8"))  # noqa: S704  # ours


def words(value: Message) -> str:
    """A message in the language in use, without users, hosts and home folders."""
    return redact(render(value))


def prose(sentence: str) -> Markup:
    """A sentence whose `backticks` become code."""
    parts = enumerate(printable(sentence).split("`"))
    return Markup().join(Markup("<code>{}</code>").format(part) if odd % 2 else part for odd, part in parts)


def shown(value: object) -> str:
    """What `{{ value }}` writes, before it is escaped. Floats, which are places in a chart, have two digits at most."""
    if value is None:
        raise TypeError("a template shows None")
    if isinstance(value, Markup):
        return value
    return printable(f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value))


@cache
def environment() -> Environment:
    """Escapes everything; reads templates by their path below the package."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  # most answers have no HTML

    made = Environment(
        loader=PackageLoader("torchup", ""), autoescape=True, undefined=StrictUndefined, finalize=shown,
        trim_blocks=True, lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip
    made.filters |= {"words": words, "render": render, "prose": prose}
    made.globals["asset"] = asset
    return made
