"""Languages: `Message` -> text in English or Simplified Chinese.

English is the template in the code; Chinese is looked up with gettext, the message's code as context. The catalogue is
``locale/zh_CN/LC_MESSAGES/torchup.po`` (babel extracts and compiles it, see CONTRIBUTING.md).
"""

from __future__ import annotations

import gettext
import string
import unicodedata
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from torchup.model import Message, message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LANGUAGES = ("en", "zh")
SAMPLES = {"en": "a", "zh": "\u4e2d"}  # a character that a console has to have
_LOCALES = {"zh": "zh_CN"}
_current: ContextVar[str] = ContextVar("language", default="en")


def use(language: str) -> None:
    """Set the language of this context; anything but a known one is English."""
    _current.set(language if language in LANGUAGES else "en")


def current() -> str:
    """The language in use."""
    return _current.get()


def choose(arguments: Sequence[str], environ: Mapping[str, str], system: Callable[[], str] = str) -> str:
    """The language asked for: ``--lang``, TORCHUP_LANG, the POSIX locale variables, the system's own, else English.

    Args:
        arguments: the command line.
        environ: the environment variables.
        system: the language that the operating system is set to; asked only where no variable says one.
    """
    for position, argument in enumerate(arguments):
        if argument == "--lang" and position + 1 < len(arguments):
            return _known(arguments[position + 1])
        if argument.startswith("--lang="):
            return _known(argument.removeprefix("--lang="))
    return _known(environ.get("TORCHUP_LANG") or _locale(environ) or system())


def _locale(environ: Mapping[str, str]) -> str:
    """The locale for texts. LANGUAGE, a list, goes before it, but not before the C locale (gettext's rule)."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environ[name] for name in names if environ.get(name)), "")
    preferred = environ.get("LANGUAGE", "").split(":")[0]
    return preferred if preferred and locale.partition(".")[0] not in {"", "C", "POSIX"} else locale


def _known(name: str) -> str:
    return "zh" if name.lower().startswith("zh") else "en"


def render(value: Message, language: str | None = None) -> str:
    """Write a message in a language (default: the current one), its values made safe for a terminal."""
    chosen = language or current()
    template = (
        _catalogue(chosen).pgettext(value.code, value.template) if value.code and chosen != "en" else value.template
    )
    values = {name: _show(item, chosen) for name, item in value.values}
    return string.Formatter().vformat(template, (), values)


def text(code: str, template: str, /, **values: object) -> str:
    """`message` and `render` in one: a text in the current language, for help and prompts."""
    return render(message(code, template, **values))


def _show(item: object, language: str) -> str:
    return render(item, language) if isinstance(item, Message) else printable(str(item))


_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls, format and bidirectional marks, halves of pairs, line separators


def printable(untrusted: str) -> str:
    """Drop what could steer a terminal (control, format and bidirectional characters); keep line ends and tabs."""
    if untrusted.isascii() and untrusted.isprintable():
        return untrusted
    return "".join(c for c in untrusted if c in "\n\t" or unicodedata.category(c) not in _UNSAFE)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    folder = Path(__file__).parent / "locale"
    return gettext.translation("torchup", folder, languages=[_LOCALES.get(language, language)], fallback=True)
