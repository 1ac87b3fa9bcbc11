"""What a report gives away in passing: the system by its paths, the machine by the words people have for it.

Read last, and only where no tool said it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.model import Os

if TYPE_CHECKING:
    from torchup.reports.draft import Draft

_PATHS: tuple[tuple[Os, str], ...] = (
    (Os.MACOS, r"(?<![\w:])/(?:Users/[^/\s]+/|opt/homebrew/|Library/Frameworks/|usr/local/Cellar/)"),
    (Os.WINDOWS, r"\b[A-Za-z]:\\\w"),
    (Os.LINUX, r"(?<![\w:])/(?:home/[^/\s]+/|root/)|/dist-packages/|-linux-gnu/"),
)
_MAC = r"\b(?:mac ?book|imac|mac mini|mac studio|mac laptop|my mac|mac ?os|os ?x)\b"
_APPLE_SILICON = (
    r"\bapple (?:silicon|m[1-9])\b|\bmac[a-z ]{0,12}[ (,-]{1,2}m[1-9]\b|\bm[1-9] (?:pro|max|ultra|mac\w*|chip)\b"
)
_JETSON = r"(?<![/\w.-])jetson[ -](?:nano|orin|xavier|tx[12]|agx|thor)\b"
_ARM = r"\baarch64\b"
_GPU = (
    r"\b(?:NVIDIA |GeForce |Quadro |Tesla ){0,3}(?:(?:RTX|GTX|GT) ?(?:PRO |A)?\d{3,4}M?(?: ?Ti)?(?: ?SUPER)?|GB10|"
    r"G[BH]200|GB300|[AHBLV][1-3]00|L40S?|Tesla [KMPTV]\d{1,3}[a-z]?)\b"
)
_TORCH = r"(?i:\bpy)?(?i:torch)\W{0,3}(?i:version)?\W{0,3}(\d+\.\d+\.\d+)\+(cpu|xpu|cu\d{2,3}|rocm[\d.]*\d)\b"
_UV_PYTHON = r"You're using CPython (\d\.\d+)"
_UV_PLATFORM = r"You're on \w+ \(`(macosx|manylinux|win)_?(\d+_\d+)?_?(\w+)`\)"


def read_hints(draft: Draft, text: str) -> None:
    """Fill in what the tools of a report left open. ``text`` is the cleaned report, at most `TEXT_LIMIT` of it."""
    lower = text.lower()
    _read_uv(draft, text)
    if draft.os is None:
        _read_paths(draft, text)
    if "mac" in lower or "apple" in lower:
        _read_mac(draft, lower)
    if draft.arch is None and "arch" not in draft.python and draft.os in (None, Os.LINUX) and re.search(_ARM, lower):
        draft.arch = "aarch64"
    if not draft.gpus:
        _read_named_gpu(draft, text)
    if "version" not in draft.torch and not draft.torch_missing and "+" in text:
        _read_named_torch(draft, text)
    if draft.jetson is None and "jetson" in lower and draft.arch in (None, "aarch64") and draft.os in (None, Os.LINUX):
        draft.jetson = "unknown" if re.search(_JETSON, lower) else None


def _read_named_gpu(draft: Draft, text: str) -> None:
    """The one NVIDIA GPU that somebody mentions; of several it is not clear which is in the machine."""
    names = {re.sub(r"[\s-]|nvidia|geforce", "", name.lower()): name for name in re.findall(_GPU, text, re.IGNORECASE)}
    if len(names) == 1 and draft.os is not Os.MACOS:
        draft.add_gpu(names.popitem()[1], vendor="nvidia")


def _read_named_torch(draft: Draft, text: str) -> None:
    """The one torch with a label that is mentioned: ``torch-1.12.1+cpu`` in a banner, ``PyTorch (1.11.0+cpu)``."""
    builds = set(re.findall(_TORCH, text))
    if len(builds) == 1 and not any(name in ("torch", "pytorch") for name, _, _ in draft.packages):
        draft.torch["version"], draft.torch["local"] = builds.pop()


def _read_paths(draft: Draft, text: str) -> None:
    kinds = {kind for kind, pattern in _PATHS if re.search(pattern, text)}
    if len(kinds) == 1:  # the paths of two systems: WSL, a container's host, or a thread of several people
        draft.os = kinds.pop()


def _read_mac(draft: Draft, lower: str) -> None:
    if draft.os is None and re.search(_MAC, lower):
        draft.os = Os.MACOS
    if draft.os is Os.MACOS and draft.apple_silicon is None and re.search(_APPLE_SILICON, lower):
        draft.apple_silicon = True


def _read_uv(draft: Draft, text: str) -> None:
    """The interpreter and the platform tag in uv's hints."""
    text = text.replace("\n", "")  # a console may have cut the hint within a word
    if "You're" not in text:
        return
    if (python := re.search(_UV_PYTHON, text)) is not None:
        draft.first(draft.python, "version", python[1])
    if (platform := re.search(_UV_PLATFORM, text)) is None:
        return
    kind, numbers, arch = platform.groups()
    draft.os = draft.os or {"macosx": Os.MACOS, "manylinux": Os.LINUX, "win": Os.WINDOWS}[kind]
    draft.first(draft.python, "arch", {"amd64": "x86_64", "32": "i686"}.get(arch, arch))
    if kind == "manylinux" and numbers and draft.glibc is None:
        draft.glibc = numbers.replace("_", ".")
