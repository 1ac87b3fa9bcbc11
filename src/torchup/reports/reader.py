"""A stranger's report, in any mixture and order of tool outputs, prose and messages -> `Facts`.

Every reader sees every line and takes what it knows. None of them may fail on any text; where one does, the others go
on, and the answer names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from torchup.doctor.facts import Sign
from torchup.doctor.signatures import find_signs
from torchup.model import Os, Shell
from torchup.patterns import lazy_pattern
from torchup.reports.answers import read_answers
from torchup.reports.cleaning import clean
from torchup.reports.collected import Collected
from torchup.reports.commands import read_commands
from torchup.reports.labels import read_labels
from torchup.reports.listings import note_wishes, read_packages, read_project
from torchup.reports.nvidia_smi import read_smi
from torchup.reports.places import read_places
from torchup.reports.prose import read_prose
from torchup.reports.pythons import read_pythons
from torchup.reports.tools import read_tools
from torchup.reports.variables import read_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.doctor.facts import Facts

T = TypeVar("T")
TEXT_LIMIT = 200_000  # characters that rules may search; no paths of interest come later
# The order matters where two readers state one fact: the first one's word stays.
READERS = (
    note_wishes,
    read_labels,
    read_smi,
    read_packages,
    read_project,
    read_answers,
    read_commands,
    read_variables,
    read_tools,
    read_pythons,
)


def parse_report(text: str) -> Facts:
    """Facts of a pasted report; what it does not say stays unknown."""
    lines = clean(text)
    collected = Collected()
    for read in (*READERS, _read_signs, _read_absent, _read_device_rules):
        _guarded(collected, read, lines)
    text = "\n".join(lines)[:TEXT_LIMIT]
    _guarded(collected, read_places, text)
    _guarded(collected, read_prose, _without(collected.wishes | collected.understood, lines))
    _conclude(collected)
    return collected.freeze(text)


def _guarded(collected: Collected, read: Callable[[Collected, T], None], given: T) -> None:
    """One reader's defect must not take away what the others read."""
    try:
        read(collected, given)
    except Exception as error:  # noqa: BLE001  # named in the answer, as a rule that fails is
        collected.unread[read.__name__.removeprefix("_")] = f"{type(error).__name__}: {error}"


def _read_signs(collected: Collected, lines: Sequence[str]) -> None:
    collected.signs = find_signs(lines)


def _without(positions: frozenset[int], lines: Sequence[str]) -> str:
    return "\n".join(line for position, line in enumerate(lines) if position not in positions)[:TEXT_LIMIT]


_ABSENT = lazy_pattern(
    r"\W{0,40}(?:E\s{1,9})?(?:ModuleNotFoundError|ImportError):\s{0,9}No module named ['\"]?([\w.]{1,100})"
)
_NOT_UNRELATED = ("torch", "vllm._", "torch.", "triton")


def _read_absent(collected: Collected, lines: Sequence[str]) -> None:
    """The last module that a traceback misses, unless it is torch itself or a part of it."""
    for line in reversed(lines):
        absent = _ABSENT.match(line) if "No module named" in line else None
        if absent is not None and absent[1] != "torch" and not absent[1].startswith(_NOT_UNRELATED):
            collected.signs.append(
                Sign(
                    code="package.absent",
                    cause="python-package-missing",
                    line=line.strip()[:300],
                    values={"module": absent[1]},
                )
            )
            return


def _read_met(collected: Collected) -> None:
    """Xformers names the torch that it was built for beside the one that is there: the first is not here."""
    sign = next((sign for sign in collected.signs if sign.code == "extension.built-for"), None)
    built, have = (sign.values.get(name, "") for name in ("built", "have")) if sign is not None else ("", "")
    if have and collected.torch.get("version") == built.partition("+")[0]:
        version, _, label = have.partition("+")
        collected.torch.pop("cuda", None)
        collected.torch |= {"version": version, "local": label}


_NVIDIA_RULE = lazy_pattern(r"\s{0,40}c 195:")


def _read_device_rules(collected: Collected, lines: Sequence[str]) -> None:
    """Two readings of a container's devices.list: NVIDIA's nodes (major 195) were allowed, and are not any more."""
    lists: list[bool] = []
    for line in lines:
        if "devices.list" in line:
            lists.append(False)
        elif lists and _NVIDIA_RULE.match(line):
            lists[-1] = True
    if len(lists) > 1 and lists[0] and not lists[-1]:
        line = "devices.list: NVIDIA's device nodes (c 195:*) are not allowed any more"
        collected.signs.append(Sign(code="container.rules-lost", cause="container-lost-gpu", line=line))


def _conclude(collected: Collected) -> None:
    """What follows from several facts together."""
    _read_met(collected)
    codes = {sign.code for sign in collected.signs}
    if collected.os is None and any(code.startswith(("windows.", "python.win32", "extension.dll")) for code in codes):
        collected.os = Os.WINDOWS
    if collected.os is None and codes & {"glibc.missing", "glibc.cxx", "smi.mismatch", "kfd.loaded"}:
        collected.os = Os.LINUX
    if any(code.startswith("docker.") for code in codes):
        collected.container = True
        collected.container_kind = collected.container_kind or "docker"
    listed = any(name in ("torch", "pytorch") for name, _, _ in collected.packages)
    if "torch.absent" in codes and "version" not in collected.torch and not (listed and "build.frontend" in codes):
        collected.torch_missing = True
    if (collected.jetson or collected.jetpack) and collected.arch is None:
        collected.arch = "aarch64"
    if (collected.kernel or collected.wsl) and collected.os is None:
        collected.os = Os.LINUX
    if collected.os is Os.WINDOWS and not collected.wsl and collected.shell is Shell.SH:
        collected.shell = None  # "$" is how people write any prompt
