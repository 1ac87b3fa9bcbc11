"""A stranger's report, in any mixture and order of tool outputs, prose and messages -> `Facts`.

Every reader sees every line and takes what it knows; none of them can fail on any text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.doctor.facts import Sign
from torchup.doctor.signatures import find_signs
from torchup.model import Os
from torchup.reports.clean import clean
from torchup.reports.draft import Draft, is_unknown, vendor_of
from torchup.reports.hints import read_hints
from torchup.reports.labels import LABEL, read_cpu, read_gpu, read_label
from torchup.reports.listings import read_packages
from torchup.reports.session_text import read_session
from torchup.reports.smi import read_smi

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.doctor.facts import Facts

TEXT_LIMIT = 200_000  # characters that rules may search; no paths of interest come later
_LIST_KEYS = {"gpu models and configuration", "gpu 型号和配置", "cpu"}


def parse_report(text: str) -> Facts:
    """Facts of a pasted report; what it does not say stays unknown."""
    lines = clean(text)
    draft = Draft()
    _read_labels(draft, lines)
    read_smi(draft, lines)
    read_packages(draft, lines)
    read_session(draft, lines)
    draft.signs = find_signs(lines)
    _read_absent(draft, lines)
    _read_device_rules(draft, lines)
    text = "\n".join(lines)[:TEXT_LIMIT]
    read_hints(draft, text)
    _conclude(draft)
    return draft.freeze(text)


def _read_labels(draft: Draft, lines: Sequence[str]) -> None:
    listing: str | None = None
    for line in lines:
        if listing and _read_listed(draft, listing, line):
            continue
        key = read_label(draft, _unglued(draft, line))
        if key is not None:
            listing = key if key in _LIST_KEYS else None
        elif not line.strip() or LABEL.match(line):
            listing = None


def _read_listed(draft: Draft, listing: str, line: str) -> bool:
    """A line of the list below "GPU models and configuration", or the one below "CPU:"."""
    text = line.strip()
    if listing == "cpu":
        if text and ":" not in text and "=" not in text:
            read_cpu(draft, text)
        return False
    if not text or text.startswith("MIG "):
        return bool(text)
    if re.match(r"GPU ?\d+\s*:", text):
        read_gpu(draft, text)
        return True
    if (
        ":" not in text.split("(", maxsplit=1)[0]
        and "=" not in text
        and vendor_of(text) is not None
        and not is_unknown(text)
    ):
        read_gpu(draft, text)
        return True
    return False


def _unglued(draft: Draft, line: str) -> str:
    """``...pypiROCM Version: Could not collect``: a lost line end before vLLM's section."""
    position = line.find("ROCM Version:")
    if position > 0 and not line[:position].isspace():
        read_label(draft, line[position:])
        return line[:position]
    return line


_ABSENT = re.compile(r"^\W*(?:E\s+)?(?:ModuleNotFoundError|ImportError):\s*No module named ['\"]?([\w.]+)")
_NOT_UNRELATED = ("torch", "vllm._", "torch.", "triton")


def _read_absent(draft: Draft, lines: Sequence[str]) -> None:
    """The last module that a traceback misses, unless it is torch itself or a part of it."""
    for line in reversed(lines):
        absent = _ABSENT.match(line)
        if absent is not None and absent[1] != "torch" and not absent[1].startswith(_NOT_UNRELATED):
            draft.signs.append(
                Sign(
                    code="package.absent",
                    cause="python-package-missing",
                    line=line.strip()[:300],
                    values={"module": absent[1]},
                )
            )
            return


_NVIDIA_RULE = re.compile(r"^\s*c 195:")


def _read_device_rules(draft: Draft, lines: Sequence[str]) -> None:
    """Two readings of a container's devices.list: NVIDIA's nodes (major 195) were allowed, and are not any more."""
    lists: list[bool] = []
    for line in lines:
        if "devices.list" in line:
            lists.append(False)
        elif lists and _NVIDIA_RULE.match(line):
            lists[-1] = True
    if len(lists) > 1 and lists[0] and not lists[-1]:
        line = "devices.list: NVIDIA's device nodes (c 195:*) are not allowed any more"
        draft.signs.append(Sign(code="container.rules-lost", cause="container-lost-gpu", line=line))


def _conclude(draft: Draft) -> None:
    """What follows from several facts together."""
    codes = {sign.code for sign in draft.signs}
    if draft.os is None and any(code.startswith(("windows.", "python.win32")) for code in codes):
        draft.os = Os.WINDOWS
    if draft.os is None and codes & {"glibc.missing", "glibc.cxx", "smi.mismatch", "kfd.loaded"}:
        draft.os = Os.LINUX
    if any(code.startswith(("docker.",)) for code in codes):
        draft.container = True
    listed = any(name in ("torch", "pytorch") for name, _, _ in draft.packages)
    if "torch.absent" in codes and "version" not in draft.torch and not (listed and "build.frontend" in codes):
        draft.torch_missing = True
    if draft.jetson and draft.arch is None:
        draft.arch = "aarch64"
    if draft.kernel and draft.os is None:
        draft.os = Os.LINUX
