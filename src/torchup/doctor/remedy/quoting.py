"""A command as a person types it: quoted by the rules of sh, cmd.exe or PowerShell, variables as each shell sets them.

In a command (a tuple of words) three forms stand for what a shell does itself, so that JSON stays plain words:
``("export", "NAME=value")`` sets a variable, ``("unset", "NAME")`` removes it, and a word that is only ``$NAME`` is the
value of a variable. `for_shell` turns the first two into the shell's own words, `line` writes the text.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from torchup.model import Shell
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

_VARIABLE = lazy_pattern(r"\$([A-Z_][A-Z0-9_]*)")
# cmd.exe's own signs, and those at which it or the C runtime ends a word (`cmd /?`; Microsoft, "Parsing C command-line
# arguments"). `%` and `!` keep their meaning between quotes, so a caret has to stand before them.
_CMD_PLAIN = lazy_pattern(r"[A-Za-z0-9_./:\\=+\-\[\]@{}~#$*?]+")
_CMD_META = lazy_pattern(r'([()%!^"<>&|])')
# PowerShell 5.1 and 7, about_Parsing: what stays one literal word in argument mode. A word that begins with a dash and
# holds a dot or a colon is split there, so it is quoted.
_PS_PLAIN = lazy_pattern(r"(?!-.*[.:])[A-Za-z0-9_./\\:=+\-*?][A-Za-z0-9_./\\:=+\-*?~]*")
_PS_QUOTES = "'‘’‚‛"


def set_variable(name: str, value: str) -> tuple[str, ...]:
    """The command that sets an environment variable for what is started next from the same shell."""
    return ("export", f"{name}={value}")


def unset_variable(name: str) -> tuple[str, ...]:
    """The command that removes an environment variable."""
    return ("unset", name)


def for_shell(command: Sequence[str], shell: Shell) -> tuple[str, ...]:
    """A command in a shell's own words: ``export`` and ``unset`` are sh's."""
    if shell is Shell.SH or not command or command[0] not in {"export", "unset"}:
        return tuple(command)
    name, _, value = command[1].partition("=")
    if shell is Shell.CMD:
        return ("set", f"{name}={value}")
    return ("Set-Item", f"Env:{name}", value) if command[0] == "export" else ("Remove-Item", f"Env:{name}")


def line(command: Sequence[str], shell: Shell = Shell.SH) -> str:
    """The text to type or paste for one command."""
    words = for_shell(command, shell)
    if shell is Shell.CMD:
        return f'set "{words[1]}"' if words[:1] == ("set",) else " ".join(map(_cmd, words))
    if shell is Shell.POWERSHELL:
        return _powershell(words)
    return " ".join(map(_sh, words))


def _sh(word: str) -> str:
    return f'"{word}"' if _VARIABLE.fullmatch(word) else shlex.quote(word)


def _cmd(word: str) -> str:
    """For cmd.exe and then the C runtime: quotes for spaces and signs; carets where quotes would not hold."""
    if match := _VARIABLE.fullmatch(word):
        return f"%{match[1]}%"
    if _CMD_PLAIN.fullmatch(word):
        return word
    quoted = c_runtime_word(word)
    if any(sign in word for sign in '"%!'):
        return _CMD_META.sub(r"^\1", quoted)
    return quoted


def c_runtime_word(word: str) -> str:
    """One argument as programs built with Microsoft's C runtime read it back: backslashes double before a quote."""
    inside = re.sub(r'(?<!\\)(\\*+)"', r'\1\1\\"', word)
    return '"' + re.sub(r"(?<!\\)(\\++)$", r"\1\1", inside) + '"'


def _powershell(words: Sequence[str]) -> str:
    if words[:1] == ("Set-Item",) and words[1].startswith("Env:"):
        return f"${words[1][0].lower()}{words[1][1:]} = {_ps_literal(words[2])}"
    written = [_ps(word) for word in words]
    call = "& " if written and written[0][:1] in {"'", '"', "$"} else ""
    return call + " ".join(written)


def _ps(word: str) -> str:
    if match := _VARIABLE.fullmatch(word):
        return f"$env:{match[1]}"
    return word if _PS_PLAIN.fullmatch(word) else _ps_literal(word)


def _ps_literal(word: str) -> str:
    """A literal string: only the quote itself, and its typographic kin, needs doubling."""
    return "'" + "".join(sign * 2 if sign in _PS_QUOTES else sign for sign in word) + "'"
