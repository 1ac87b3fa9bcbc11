"""environment.yml: match specs of conda, or the list of pip inside it. Only the lines of torch are rewritten."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from torchup.documents import DocumentError, read_yaml
from torchup.errors import UsageError
from torchup.model import Value, message
from torchup.project.edits.requirements import edited_lines, refuse_extras
from torchup.project.lines import is_managed, name_of
from torchup.project.original import changes
from torchup.project.wanted import FAMILY, Slot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.project.labels import Labels

# Packages of conda that choose the build of torch: conda-forge's, and those of the channels `pytorch` and `nvidia`.
CHOOSING = ("pytorch", "pytorch-gpu", "pytorch-cpu", "torchvision", "torchaudio", "pytorch-cuda", "cudatoolkit",
            "cuda-version")  # fmt: skip
_OF_THE_SOLVER = "cuda-version"  # where the machines need several, each machine's solver chooses one
ENDED = ("pytorch", "nvidia", "pytorch-nightly", "pytorch-lts")
_SPEC = re.compile(r"(?:[\w./:-]+::)?([A-Za-z0-9._-]+)")


class Item(Value, frozen=True, kw_only=True):
    """One item of a list in the file: its text, its lines (from, to), its indentation, and what stands behind it."""

    text: str
    line: int
    end: int
    indent: int
    behind: str = ""  # a comment, with the blanks before it


def conda_name(spec: str) -> str | None:
    """The package of a match spec: ``pytorch`` of ``conda-forge::pytorch=2.5=cuda*``."""
    found = _SPEC.match(spec.strip())
    return found[1].lower() if found is not None else None


def items_of(text: str, *path: str) -> list[Item]:
    """The items of a list, by its path: ``("dependencies",)``, ``("dependencies", "pip")``, ``("channels",)``."""
    lines = text.split("\n")
    found = []
    for node in _nodes(text, path):
        if isinstance(getattr(node, "value", None), str):
            first, last = lines[node.start_mark.line], lines[node.end_mark.line]
            tail = last[node.end_mark.column :].rstrip()
            found.append(
                Item(
                    text=node.value,
                    line=node.start_mark.line,
                    end=node.end_mark.line,
                    indent=len(first) - len(first.lstrip(" ")),
                    behind=tail if tail.lstrip().startswith("#") else "",
                )
            )
    return found


@lru_cache(maxsize=4)
def _root(text: str) -> Any:
    import yaml  # noqa: PLC0415  # only for conda's files

    return yaml.compose(text, yaml.SafeLoader)


def _nodes(text: str, path: Sequence[str]) -> Iterator[Any]:
    import yaml  # noqa: PLC0415  # only for conda's files

    root = _root(text)
    for name in path:
        pairs = [pair for node in ([root] if isinstance(root, yaml.MappingNode) else getattr(root, "value", ()))
                 if isinstance(node, yaml.MappingNode) for pair in node.value]  # fmt: skip
        root = next((value for key, value in pairs if key.value == name), None)
    if isinstance(root, yaml.SequenceNode) and not root.flow_style:
        yield from root.value


def check(path: str, text: str) -> None:
    """Refuse a file that is not an environment file, or is written in a way that a line cannot be replaced in.

    Raises:
        UsageError: it does not parse, or its lists stand in brackets.
    """
    try:
        data = read_yaml(text)
    except DocumentError as error:
        raise UsageError(
            message("project.broken", "{path} cannot be read: {detail}", path=path, detail=error.text),
            hint=message("project.broken.hint", "correct the file first; torchup did not change it"),
        ) from error
    listed = data.get("dependencies") if isinstance(data, dict) else None
    if not isinstance(listed, list) or not items_of(text, "dependencies"):
        raise UsageError(
            message("project.conda", "{path} has no list of dependencies with one entry per line", path=path),
            hint=message("project.conda.hint", "write the dependencies below `dependencies:`, each after a dash"),
        )


def uses_pip(text: str) -> bool:
    """Whether torch comes from the list of pip inside the file."""
    return any(is_managed(name_of(item.text) or "") for item in items_of(text, "dependencies", "pip"))


def edit(path: str, text: str, slots: Sequence[Slot], labels: Labels) -> str:  # noqa: ARG001  # every editor has it
    """The text of environment.yml with the planned builds.

    Raises:
        UsageError: no environment file, or builds for which it has no room.
    """
    check(path, text)
    refuse_extras(path, slots)
    if uses_pip(text):
        return _edit_pip(text, slots)
    return _edit_conda(path, text, slots)


def _edit_pip(text: str, slots: Sequence[Slot]) -> str:
    items = items_of(text, "dependencies", "pip")
    old = [item.text for item in items]
    new = edited_lines(old, slots)
    new = new[:-1] if new and new[-1] == "" else new
    return _replaced(text, items, old, new)


def _replaced(text: str, items: Sequence[Item], old: Sequence[str], new: Sequence[str]) -> str:
    """The text with another list: items that stay keep their lines, others are written where they belong."""
    lines = text.split("\n")
    indent = " " * items[0].indent
    for a, b, c, d in reversed(changes(old, new)):
        start = items[a].line if a < len(items) else items[-1].end + 1
        end = items[b - 1].end + 1 if b > a else start
        comments = [item.behind for item in items[a:b]]
        fresh = [f"{indent}- {_scalar(line)}" for line in new[c:d]]
        lines[start:end] = [line + (comments[i] if i < len(comments) else "") for i, line in enumerate(fresh)]
    return "\n".join(lines)


def _scalar(text: str) -> str:
    """An item as YAML: plain where it can stand so, in quotes otherwise."""
    import yaml  # noqa: PLC0415  # only for conda's files

    if not any(mark in text for mark in (": ", " #", "\\", '"')) and text[:1] not in "-?:,[]{}#&*!|>'\"%@`":
        return text
    if text.startswith("--"):
        return text
    return str(yaml.safe_dump(text, width=10_000, default_style='"')).strip()


# ---------------------------------------------------------------- conda's own packages


def _edit_conda(path: str, text: str, slots: Sequence[Slot]) -> str:
    specs = _specs(path, text, slots)
    items = items_of(text, "dependencies")
    old = [item.text for item in items]
    new: list[str] = []
    for spec in old:
        name = conda_name(spec)
        if name not in CHOOSING:
            new.append(spec)
        elif name in specs:
            new.append(specs.pop(name))
    new += specs.values()
    changed = _replaced(text, items, old, new)
    channels = items_of(changed, "channels")
    names = [item.text for item in channels]
    kept = [name for name in names if name not in ENDED]
    if channels and kept != names:
        kept = kept if "conda-forge" in kept else ["conda-forge", *kept]
        changed = _replaced(changed, channels, names, kept)
    return changed


def _specs(path: str, text: str, slots: Sequence[Slot]) -> dict[str, str]:
    """What each package is to be asked with. For several platforms without builds: each machine's solver chooses."""
    orders = [slot.plan.conda for slot in slots if slot.plan.conda is not None]  # all: such a file is planned so
    used = {conda_name(item.text) for item in items_of(text, "dependencies")}
    found: list[dict[str, str]] = []
    for order in orders:
        specs = {conda_name(spec) or spec: spec for spec in order.specs}
        found.append({name: spec for name, spec in specs.items() if name in CHOOSING and _asked(name, used)})
    if len(found) == 1:
        return found[0]
    versions = {name: {spec.split("=")[1] for specs in found if (spec := specs.get(name))} for name in found[0]}
    differing = [name for name, found in versions.items() if len(found) > 1 and name != _OF_THE_SOLVER]
    if differing:
        raise UsageError(
            message("project.conda.versions",
                "{path} can contain only one version of {package}, but the machines need several: {versions}",
                    path=path, package=differing[0], versions=", ".join(sorted(versions[differing[0]]))),
            hint=message("project.conda.versions.hint",
                "use `--torch VERSION` with a version that all the machines support, or use one file for each "
                "kind of machine (`--file NAME`)"),
        )  # fmt: skip
    shared = [name for name, each in versions.items() if len(each) == 1 and all(name in specs for specs in found)]
    return {name: f"{name}={next(iter(versions[name]))}" for name in shared}


def _asked(name: str, used: set[str | None]) -> bool:
    """Companions only where the file has them; what chooses the build of torch always."""
    return name not in FAMILY or name in used
