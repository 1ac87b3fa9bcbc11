"""Regular expressions that cost nothing until they are asked: compiling hundreds takes longer than a short answer."""

from __future__ import annotations

import re
from typing import Any, cast

# For patterns without `re.ASCII`: a letter of Chinese or any script beyond Latin. A range takes 1 to 4 ms to compile.
LETTER_BEYOND_LATIN = r"[^\W\x00-\xff]"
_METHODS = ("match", "fullmatch", "search", "sub", "findall", "finditer", "split", "pattern", "flags", "groups")


class LazyPattern:
    """Stands for the pattern until its first use; from then on its methods are those of the compiled one."""

    def __init__(self, text: str, flags: int = 0) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Reached for what is not there yet, so only once for all methods."""
        if name not in _METHODS:
            raise AttributeError(name)
        compiled = re.compile(self._text, self._flags)
        self.__dict__.update({method: getattr(compiled, method) for method in _METHODS})
        return self.__dict__[name]


def lazy_pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """`re.compile` at the first use; for every pattern that a module keeps."""
    return cast("re.Pattern[str]", LazyPattern(text, flags))
