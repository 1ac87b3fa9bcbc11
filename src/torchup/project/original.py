"""A file as bytes and as text: encoding mark and line ends are kept, so that only changed lines change."""

from __future__ import annotations

import difflib

from torchup.errors import UsageError
from torchup.model import Value, message

SIZE_LIMIT = 128 * 1024  # bytes; a project file has 1 to 20 KB, and the parsers behind are not linear
_MARK = b"\xef\xbb\xbf"


class Original(Value, frozen=True, kw_only=True):
    """The bytes of a file, and its text with LF line ends and without the byte-order mark."""

    path: str
    content: bytes
    text: str


def read_original(path: str, content: bytes) -> Original:
    """Decode a file.

    Raises:
        UsageError: it is too large, or no UTF-8.
    """
    if len(content) > SIZE_LIMIT:
        raise UsageError(
            message("project.large", "{path} is larger than {limit} KB", path=path, limit=SIZE_LIMIT >> 10),
            hint=message("project.large.hint", "such a file is left alone: change it by hand"),
        )
    try:
        text = content.removeprefix(_MARK).decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(
            message("project.encoding", "{path} is not UTF-8", path=path),
            hint=message("project.encoding.hint", "save it as UTF-8; it is left as it is"),
        ) from None
    return Original(path=path, content=content, text=text.replace("\r\n", "\n"))


def restored(original: Original, text: str) -> bytes:
    """The bytes of a changed text: lines that did not change keep their own line ends, new ones take the usual."""
    mark = _MARK if original.content.startswith(_MARK) else b""
    before, ends = _lines(original.content.removeprefix(_MARK).decode("utf-8"))
    after = text.split("\n")
    usual = "\r\n" if ends.count("\r\n") > ends.count("\n") else "\n"
    kept = [usual] * len(after)
    for a, b, size in difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        kept[b : b + size] = [end or usual for end in ends[a : a + size]]
    kept[-1] = ""
    return mark + "".join(line + end for line, end in zip(after, kept, strict=True)).encode()


def _lines(text: str) -> tuple[list[str], list[str]]:
    """Lines without their ends, and the ends; a text that ends with a line end has one empty line more, without end."""
    lines, ends = [], []
    for piece in text.split("\n"):
        carriage = piece.endswith("\r")
        lines.append(piece.removesuffix("\r"))
        ends.append("\r\n" if carriage else "\n")
    ends[-1] = ""
    return lines, ends


def difference(original: Original, text: str) -> str:
    """A unified difference for people, as ``diff -u`` writes it."""
    lines = difflib.unified_diff(
        original.text.splitlines(), text.splitlines(), fromfile=original.path, tofile=original.path, lineterm=""
    )
    return "\n".join(lines)
