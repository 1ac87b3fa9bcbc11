"""The language that the operating system is set to, where no variable of the shell tells it."""

from __future__ import annotations

import re
import sys

_TIMEOUT = 2.0  # seconds; `defaults` answers in 20 ms, and a language is not worth waiting for
_FIRST = re.compile(r'"?([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]+)*)"?')


def system_language() -> str:
    """A language tag (``zh-Hans-CN``, ``zh_CN``); empty where the system has no setting of its own.

    Windows: the language of the user's interface (GetUserDefaultUILanguage). macOS: the first preferred language.
    """
    if sys.platform == "win32":
        import ctypes  # only systems without a locale variable pay for it
        import locale

        return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
    if sys.platform == "darwin":
        from torchup.host import processes  # see `RealHost.which`

        argv = ("/usr/bin/defaults", "read", "-g", "AppleLanguages")
        said = processes.run(argv, timeout=_TIMEOUT, environment=None, cwd=None, stdin=None, on_line=None)
        return first_language(said.stdout)
    return ""


def first_language(said: str) -> str:
    """The first entry of what ``defaults read -g AppleLanguages`` prints: a list in old plist form."""
    found = _FIRST.search(said)
    return found[1] if found else ""
