"""pip and conda listings: ``[pip3] torch==2.6.0``, ``pip list``, freeze, ``conda list``, pip's own messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.doctor.facts import Package
from torchup.reports.labels import read_torch_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.reports.draft import Draft

# What rules ask about. Other names would only make chance matches in prose.
RELEVANT = re.compile(
    r"(?:torch(?:vision|audio|text|data|ao|codec|-directml)?|pytorch(?:-cuda|-gpu|-cpu|-mutex|"
    r"-triton.*|-lightning)?|libtorch|"
    r"triton(?:-\w+)?|numpy|nvidia-[\w-]+|intel-extension-for-pytorch|cudatoolkit|cuda-version|"
    r"cuda-cudart|cudnn|xformers|flash-attn|vllm|"
    r"bitsandbytes|intel-openmp|llvm-openmp|mkl|ipex|torch-scatter|torch-sparse|mmcv(?:-full)?|"
    r"onnxruntime-gpu|tensorflow(?:-gpu)?)"
)
_VERSION = r"(\d[\w.!+-]*)"  # one class, no nesting: a hostile line must not cost exponential time
_TAGGED_PIP = r"^\s*\[pip3?\]\s*([A-Za-z][\w.-]*)\s*(?:==|@|\()?\s*" + _VERSION
_TAGGED_CONDA = r"^\s*\[conda\]\s*([A-Za-z_][\w.-]*)\s+" + _VERSION + r"\s*(\S*)\s*(\S*)"
_FREEZE = r"^\s*([A-Za-z][\w.-]*?)\s*(?:===?|@)\s*" + _VERSION + r"\s*(?:[;#].*)?$"
_DASHED = r"^\s*([A-Za-z]\w*)-(\d+(?:\.\d+)+(?:\+[\w.]+)?)\s*$"
_ROW = r"^\s*([A-Za-z_][\w.-]*)\s{1,}" + _VERSION + r"(?:\s+(\S+))?(?:\s+(\S+))?\s*$"
_LABELLED = r"^\s*[-*•]?\s*\**([A-Za-z][\w-]*)\**(?: version)?\s*[:=]\s*v?" + _VERSION + r"\s*$"
_SATISFIED = r"Requirement already satisfied: ([\w.-]+)\S* in (\S+).*?(?:\((\d[\w.+]*)\))?\s*$"
_INSTALLED = r"Successfully installed (.+)"
_WHEEL = r"\b(torch|torchvision|torchaudio)-(\d[\w.]*(?:(?:\+|%2B)[\w.]+)?)-c?p[py\d]"
_ATTRIBUTE = r"(torch\w*)\.__version__"


def read_packages(draft: Draft, lines: Sequence[str]) -> None:
    """Read every line that lists a relevant package."""
    for line in lines:
        if line.lstrip().startswith("[conda]"):
            _read_conda(draft, re.match(_TAGGED_CONDA, line))
        elif line.lstrip().startswith("[pip"):
            _add(draft, re.match(_TAGGED_PIP, line))
        elif "Successfully installed" in line:
            _read_installed(draft, line)
        elif "already satisfied" in line:
            _read_satisfied(draft, line)
        elif line[:1] not in "$>#%" or line.startswith("# "):
            _read_plain(draft, line)


def _read_plain(draft: Draft, line: str) -> None:
    if len(line) > _LONG:
        return
    if (row := re.match(_ROW, line)) is not None and RELEVANT.fullmatch(normal(row[1])):
        build = row[3] or ""
        if row[4] or re.search(r"^\d{1,4}$|_\d+$|^py\d|^h[0-9a-f]{7}|pypi|<pip>|^main$|^mkl$|^cuda$", build):
            _read_conda(draft, row)
        else:
            _add(draft, row)
        return
    for pattern in (_FREEZE, _DASHED, _LABELLED):
        if (match := re.match(pattern, line)) is not None:
            _add(draft, match)
            return


_LONG = 200  # no listing has longer lines


def _add(draft: Draft, match: re.Match[str] | None) -> None:
    if match is not None and RELEVANT.fullmatch(normal(match[1])):
        draft.add_package(Package(name=normal(match[1]), version=match[2]))


def _read_conda(draft: Draft, match: re.Match[str] | None) -> None:
    if match is None or not RELEVANT.fullmatch(normal(match[1])):
        return
    build, channel = match[3] or None, match[4] or None
    package = Package(name=normal(match[1]), version=match[2], origin="conda", build=build, channel=channel)
    draft.add_package(package)


def _read_installed(draft: Draft, line: str) -> None:
    found = re.search(_INSTALLED, line)
    for word in found[1].split() if found else ():
        name, _, version = word.rpartition("-")
        if RELEVANT.fullmatch(normal(name)) and version[:1].isdigit():
            _replace(draft, normal(name), version)


def _replace(draft: Draft, name: str, version: str) -> None:
    """What was installed last is what is there."""
    for key in [key for key in draft.packages if key[0] == name and key[2] == "pip"]:
        del draft.packages[key]
    draft.add_package(Package(name=name, version=version))


def _read_satisfied(draft: Draft, line: str) -> None:
    found = re.search(_SATISFIED, line)
    if found is None:
        return
    name = normal(re.split(r"[=<>!~\[]", found[1])[0])
    pinned = re.search(r"==([\w.+]+)", line)
    version = found[3] or (pinned[1] if pinned else None)
    if version and RELEVANT.fullmatch(name):
        draft.add_package(Package(name=name, version=version, location=found[2]))
        if name == "torch":
            read_torch_version(draft, version)


def normal(name: str) -> str:
    """The normalised name of a distribution (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
