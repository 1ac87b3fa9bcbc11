"""A file as bytes and as text: encoding mark and line ends are kept, so that only changed lines change."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from torchup.errors import UsageError
from torchup.model import Value, message

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE_LIMIT = 64 * 1024  # bytes; a project file has 1 to 20 KB, and the parsers behind are not linear
MIDDLE = 400  # lines; of a longer part between what two texts begin and end with, nothing is matched: that is quadratic
CONTEXT = 3  # lines shown around a change
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
            hint=message("project.large.hint", "check or edit the file by hand"),
        )
    try:
        text = content.removeprefix(_MARK).decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(
            message("project.encoding", "{path} is not UTF-8", path=path),
            hint=message("project.encoding.hint", "save the file as UTF-8"),
        ) from None
    return Original(path=path, content=content, text=text.replace("\r\n", "\n"))


def restored(original: Original, text: str) -> bytes:
    """The bytes of a changed text: lines that did not change keep their own line ends, new ones take the usual."""
    mark = _MARK if original.content.startswith(_MARK) else b""
    before, ends = _lines(original.content.removeprefix(_MARK).decode("utf-8"))
    after = text.split("\n")
    usual = "\r\n" if ends.count("\r\n") > ends.count("\n") else "\n"
    kept = [usual] * len(after)
    for a, b, size in matching(before, after):
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


def matching(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int, int]]:
    """Blocks of equal lines: (position in the one, in the other, length), in their order."""
    head, tail = _common(before, after)
    blocks = [(0, 0, head)] if head else []
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    if max(len(old), len(new)) <= MIDDLE:
        found = difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        blocks += [(a + head, b + head, size) for a, b, size in found if size]
    return [*blocks, (len(before) - tail, len(after) - tail, tail)] if tail else blocks


def _common(before: Sequence[str], after: Sequence[str]) -> tuple[int, int]:
    """How many lines two texts begin with alike, and of the rest how many they end with alike."""
    most = min(len(before), len(after))
    head = next((i for i in range(most) if before[i] != after[i]), most)
    left = most - head
    tail = next((i for i in range(left) if before[-1 - i] != after[-1 - i]), left)
    return head, tail


def difference(original: Original, text: str) -> str:
    """A unified difference for people, as ``diff -u`` writes it; empty where there is none."""
    before, after = original.text.splitlines(), text.splitlines()
    changed = changes(before, after)
    lines = [f"--- {original.path}", f"+++ {original.path}"] if changed else []
    for group in _hunks(changed):
        first, last = group[0], group[-1]
        start, end = max(first[0] - CONTEXT, 0), min(last[1] + CONTEXT, len(before))
        new_start = first[2] - (first[0] - start)
        count = (end - start) + sum((d - c) - (b - a) for a, b, c, d in group)
        lines.append(f"@@ -{start + 1},{end - start} +{new_start + 1},{count} @@")
        at = start
        for a, b, c, d in group:
            lines += [f" {line}" for line in before[at:a]]
            lines += [f"-{line}" for line in before[a:b]] + [f"+{line}" for line in after[c:d]]
            at = b
        lines += [f" {line}" for line in before[at:end]]
    return "\n".join(lines)


def changes(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """What stands in place of what: from, to in the one, from, to in the other."""
    found, a, b = [], 0, 0
    for start, other, size in [*matching(before, after), (len(before), len(after), 0)]:
        if (a, b) != (start, other):
            found.append((a, start, b, other))
        a, b = start + size, other + size
    return found


def _hunks(changed: Sequence[tuple[int, int, int, int]]) -> list[list[tuple[int, int, int, int]]]:
    """Changes that are near each other, together."""
    groups: list[list[tuple[int, int, int, int]]] = []
    for one in changed:
        if groups and one[0] - groups[-1][-1][1] <= 2 * CONTEXT:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups
