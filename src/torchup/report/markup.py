"""HTML and SVG built as text that cannot be injected into: every string is escaped unless it was built here. Pure."""

from __future__ import annotations

from html import escape

from torchup.i18n import printable

VOID = frozenset({"meta", "input", "br", "hr", "link", "img"})


class Markup(str):
    """Text that is markup already. Only `element` and `join` make it from data."""

    __slots__ = ()


def element(name: str, attributes: dict[str, object] | None = None, /, *children: str) -> Markup:
    """An element. Children that are not `Markup` are escaped; attributes always are.

    Attribute values: ``None`` and ``False`` leave the attribute out, ``True`` writes it bare, numbers are rounded to
    a hundredth.
    """
    written = "".join(_attribute(key, value) for key, value in (attributes or {}).items())
    if name in VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: str) -> Markup:
    """Several pieces as one."""
    return Markup("".join(child if isinstance(child, Markup) else escaped(child) for child in children))


def prose(text: str) -> Markup:
    """A sentence whose `backticks` become code."""
    return join(
        *(element("code", None, part) if odd % 2 else escaped(part) for odd, part in enumerate(text.split("`")))
    )


def escaped(text: str) -> Markup:
    """Untrusted text: control and bidirectional characters dropped, markup characters written as entities."""
    return Markup(escape(printable(text), quote=True))


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return f" {key}"
    shown = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f' {key}="{escaped(shown)}"'
