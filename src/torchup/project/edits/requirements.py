"""requirements.txt: the label in the version, the index as an option, markers for each platform."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.errors import UsageError
from torchup.model import message
from torchup.project.labels import is_torch_index, label_of, same_url
from torchup.project.lines import change, is_managed, name_of
from torchup.project.wanted import FAMILY, Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.project.labels import Labels

_COMMENT = re.compile(r"(?:^|(?<!\s)\s+)#.*$")
OPTION = re.compile(r"\s*(-i|--index-url|--extra-index-url|--find-links|-f)[\s=]++(\S++)\s*+")


def edit(path: str, text: str, slots: Sequence[Slot], labels: Labels) -> str:  # noqa: ARG001  # every editor has it
    """The text of a requirements file with the planned builds.

    Raises:
        UsageError: one platform needs several builds, or the file has hashes.
    """
    refuse_extras(path, slots)
    lines = text.split("\n")
    if any("--hash" in line for line in lines):
        raise UsageError(
            message("project.hashes", "{path} has hashes, so it was compiled from another file", path=path),
            hint=message(
                "project.hashes.hint",
                "use `--file NAME` to sync the file that the requirements were compiled from, then compile them again",
            ),
        )
    return "\n".join(edited_lines(lines, slots))


def refuse_extras(path: str, slots: Sequence[Slot]) -> None:
    """Refuse several builds on one platform, for which a list of requirements has no room.

    Raises:
        UsageError: a slot has an extra.
    """
    several = [slot for slot in slots if slot.extra]
    if several:
        labels = ", ".join(dict.fromkeys(slot.label for slot in several))
        raise UsageError(
            message("project.several", "{path} can contain one build per platform, but several are needed: {labels}",
                    path=path, labels=labels),
            hint=message("project.several.hint",
                "use one file for each build (`--file NAME`), or use a pyproject.toml for uv, where extras "
                "separate the builds"),
        )  # fmt: skip


def edited_lines(lines: Sequence[str], slots: Sequence[Slot]) -> list[str]:
    """Lines of a requirements file with the planned builds; comments and everything else stay where they are."""
    out: list[list[str]] = [[line] for line in lines]
    names = {position: name for position, line in enumerate(lines) if (name := _name(line)) and is_managed(name)}
    wanted = [name for name in FAMILY if name in names.values()] or [FAMILY[0]]
    wanted += [name for slot in slots for name in slot.needs]
    added: list[str] = []
    for name in dict.fromkeys((*wanted, *names.values())):
        positions = [position for position, found in names.items() if found == name]
        found = change(name, [bare(lines[p]) for p in positions], slots, local=True)
        for position, kept in zip(positions, found.kept, strict=True):
            out[position] = _with_comment(lines[position], kept)
        added += found.added
    _options(lines, out, slots)
    return _appended([line for piece in out for line in piece], added)


def _name(line: str) -> str | None:
    return name_of(bare(line))


def bare(line: str) -> str:
    """The requirement of a line, without its comment."""
    return _COMMENT.sub("", line).strip()


def _with_comment(line: str, kept: Sequence[str]) -> list[str]:
    """The lines in place of one; its comment and indentation go with the first."""
    if tuple(kept) == (bare(line),):
        return [line]
    comment = _COMMENT.search(line)
    tail = comment[0] if comment else ""
    return [text + (tail if position == 0 else "") for position, text in enumerate(kept)] or (
        [tail.strip()] if tail.strip() else []
    )


def _options(lines: Sequence[str], out: list[list[str]], slots: Sequence[Slot]) -> None:
    """Name each index that the slots need; the index of another build gives its line, an unneeded one goes."""
    needed = list(dict.fromkeys(slot.index for slot in slots if slot.index is not None))
    missing = list(needed)
    stale = []
    for position, line in enumerate(lines):
        found = OPTION.fullmatch(bare(line))
        if found is None or not is_torch_index(found[2]):
            continue
        same = next((url for url in missing if same_url(url, found[2])), None)
        if same is not None and "extra" in found[1]:
            missing.remove(same)
        elif not _still_used(found[2], out):
            stale.append(position)
    for position in stale:
        out[position] = _with_comment(lines[position], [f"--extra-index-url {missing.pop(0)}"] if missing else [])
    first = next((p for p, line in enumerate(lines) if bare(line)), len(lines) if lines != [""] else 0)
    if missing:
        fresh = [f"--extra-index-url {url}" for url in missing]
        if first < len(out):
            out[first] = [*fresh, *out[first]]
        else:
            out.append(fresh)


def _still_used(url: str, out: Sequence[Sequence[str]]) -> bool:
    """Whether a pin that stays names the label of an index."""
    label = label_of(url)
    return any(f"+{label}" in bare(line) for piece in out for line in piece if _name(line)) if label else True


def _appended(lines: list[str], added: Sequence[str]) -> list[str]:
    """Further requirements behind the last line that holds something."""
    if not added:
        return lines
    last = max((p for p, line in enumerate(lines) if line.strip()), default=-1)
    out = [*lines[: last + 1], *added, *lines[last + 1 :]]
    return out if out[-1] == "" else [*out, ""]
