"""What a worker says: a code and its values. The sentence is made where the user's language is known.

A code stands in torchup's table of sentences (`torchup/i18n/sentences.py`); a test holds the two together. What a
library says in an exception travels as the value ``text`` of the code ``raised``.
"""

from typing import Any, Dict

LONGEST = 600  # characters of a foreign error that are passed on

Said = Dict[str, Any]


def said(code: str, **values: Any) -> Said:
    """A code with its values: numbers stay numbers, another `said` stays one, the rest becomes text."""
    return {
        "code": code,
        "values": {
            name: value if isinstance(value, (int, float, dict)) else str(value) for name, value in values.items()
        },
    }


class SaidError(Exception):
    """An error with a code and values instead of a sentence."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__("%s %s" % (code, values) if values else code)
        self.said = said(code, **values)


class GivenError(SaidError):
    """An error whose reason another part has found already."""

    def __init__(self, reason: Said) -> None:
        super().__init__(reason["code"], **reason["values"])


def reason(error: BaseException, *, longest: int = LONGEST, whole: bool = False) -> Said:
    """What an exception says: its own code, or the text of a foreign one (its first line unless ``whole``)."""
    if isinstance(error, SaidError):
        return error.said
    text = str(error) or type(error).__name__
    return said("raised", text=(text if whole else text.splitlines()[0])[:longest])
