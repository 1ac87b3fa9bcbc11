"""Listings of packages: pip, uv, conda, mamba, pixi, poetry, trees, exports, ``pip show``, and what pip itself says.

A list of what somebody wishes for (requirements.txt, pyproject.toml, environment.yml) is no list of what is installed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.doctor.facts import Package
from torchup.model import Manager
from torchup.package_names import normalise
from torchup.patterns import lazy_pattern
from torchup.reports.commands import without_credentials
from torchup.reports.values import torch_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.reports.collected import Collected

# What rules ask about. Other names would only make chance matches in prose.
RELEVANT = lazy_pattern(
    r"(?:torch(?:vision|audio|text|data|ao|codec|-directml)?|pytorch(?:-cuda|-gpu|-cpu|-mutex|"
    r"-triton.{0,40}|-lightning)?|libtorch|"
    r"triton(?:-\w{1,20})?|numpy|nvidia-(?!smi|driver|settings|persistenced|container|docker)[\w-]{1,60}|"
    r"intel-extension-for-pytorch|cudatoolkit|cuda-version|"
    r"cuda-cudart|cudnn|xformers|flash-attn|vllm|sageattention|ctranslate2|deepspeed|auto-gptq|"
    r"bitsandbytes|intel-openmp|llvm-openmp|mkl|ipex|torch-scatter|torch-sparse|mmcv(?:-full)?|"
    r"onnxruntime-gpu|tensorflow(?:-gpu)?|rocm(?:-sdk[\w-]{0,40})?|vc14-runtime|vs2015-runtime)"
)
_LONG = 260  # no listing has longer lines
_VERSION = r"(\d[\w.!+-]{0,60})"  # one class, no nesting: a hostile line must not cost exponential time
_NAME = r"([A-Za-z_][\w.-]{0,80})"
_LEAD = r"\s{0,40}"
_TAGGED_PIP = lazy_pattern(_LEAD + r"\[pip3?\]\s{0,9}" + _NAME + r"\s{0,40}(?:==|@|\()?\s{0,9}" + _VERSION)
_TAGGED_CONDA = lazy_pattern(
    _LEAD + r"\[conda\]\s{0,9}" + _NAME + r"\s{1,60}" + _VERSION + r"(?:\s{1,40}(\S{1,80}))?(?:\s{1,40}(\S{1,80}))?"
)
_FREEZE = lazy_pattern(_LEAD + _NAME + r"\s{0,9}(?:===?|@)\s{0,9}" + _VERSION + r"\s{0,9}(?:[;#].{0,200})?")
_DASHED = lazy_pattern(_LEAD + r"([A-Za-z]\w{0,40})-(\d{1,4}(?:\.\d{1,6}){1,4}(?:\+[\w.]{1,40})?)\s{0,9}")
_ROW = lazy_pattern(
    _LEAD + r"[*!]?\s?" + _NAME + r"\s{1,80}" + _VERSION + r"(?:\s{1,80}(\S{1,100}))?(?:\s{1,80}(\S{1,100}))?\s{0,9}"
)
_LABELLED = lazy_pattern(
    _LEAD + r"[-*•]?\s{0,4}\*{0,2}([A-Za-z][\w-]{0,40})\*{0,2}(?: version)?\s{0,9}[:=]\s{0,9}v?" + _VERSION + r"\s{0,9}"
)
# libtorch  2.3.1  cpu_mkl_h0bb0d08_100  47.5 MiB  conda  libtorch-2.3.1-cpu_mkl_h0bb0d08_100.conda
_PIXI = lazy_pattern(
    _LEAD
    + _NAME
    + r"\s{1,80}"
    + _VERSION
    + r"\s{1,80}(?:(\S{1,80})\s{1,80})?[\d.]{1,10} ?(?:[KMG]i?B|B)?\s{1,40}(conda|pypi)\b.{0,200}"
)
_TREE = lazy_pattern(
    r"[\s│├└─|`+\\-]{0,80}" + _NAME + r"(?:\[[\w,-]{1,60}\])? v" + _VERSION + r"(?:\s\(.{0,100})?\s{0,9}"
)
_DESCRIBED = lazy_pattern(_LEAD + _NAME + r"\s{1,60}(?:\(!\)\s{1,9})?" + _VERSION + r"\s{1,60}[A-Z].{5,200}")
_EXPORTED = lazy_pattern(r"\s{0,12}- " + _NAME + r"=" + _VERSION + r"=(\S{1,80})\s{0,9}")
_IN_LIST = lazy_pattern(r"\s{0,20}- [\"']?" + _NAME + r"={1,2}" + _VERSION + r"[\"']?\s{0,9}")
_SATISFIED = lazy_pattern(r"Requirement already satisfied: ([\w.-]{1,80})(\S{0,100}) in (\S{1,300})")
_AT_END = lazy_pattern(r"\((\d[\w.+]{0,60})\)\s{0,9}$")  # behind "(from -r requirements.txt (line 1))"
_PINNED = lazy_pattern(r"==([\w.+]{1,60})")
_CONDA_BUILD = lazy_pattern(
    r"^\d{1,4}$|_\d{1,4}$|^py\d|^h[0-9a-f]{7}|pypi|<pip>|^main$|^mkl$|^cuda$|^(?:cpu|gpu|cuda)\w{0,20}_"
)
# A wish: an option of a requirements file, a range, or a table of a project file.
_WISH_OPTION = lazy_pattern(
    r"\s{0,8}(?:-i|-f|-r|-c|--(?:extra-)?index-url|--find-links|--pre|--no-binary)[\s=](.{0,300})"
)
_WISH_RANGE = lazy_pattern(
    _LEAD + r"(?:- )?[\"']?([A-Za-z][\w.-]{0,80}(?:\[[\w,-]{1,60}\])?\s?"
    r"(?:>=|~=|<=|!=|<|>)\s?\d[\w.,<>=!~ *+]{0,60})[\"']?,?\s{0,9}(?:[;#].{0,200})?"
)
_WISH_QUOTED = lazy_pattern(_LEAD + r"[\"']([A-Za-z][\w.-]{0,80}={2,3}\d[\w.+]{0,60})[\"'],?\s{0,9}")
_WISH_TITLE = lazy_pattern(
    r"(?:^|[\s`'\"#/])(?:requirements[\w.-]{0,40}\.(?:txt|in)|pyproject\.toml|environment\.ya?ml|setup\.(?:py|"
    r"cfg)|constraints\.txt)\b|"
    r"^\s{0,8}(?:dependencies|requires|install_requires)\s?="
)
_SHOWN = lazy_pattern(r"\s{0,20}(Name|Version|Location):\s{0,9}(\S.{0,250})")


def is_relevant(name: str) -> bool:
    """Whether rules may ask about a distribution."""
    return RELEVANT.fullmatch(normalise(name)) is not None


def note_wishes(collected: Collected, lines: Sequence[str]) -> None:
    """Find the lines of requirement files before any other reader takes them for what is installed."""
    collected.wishes = frozenset(_wishes(lines))


def read_packages(collected: Collected, lines: Sequence[str]) -> None:
    """Read every line that lists a relevant package."""
    shown: dict[str, str] = {}
    for position, line in enumerate(lines):
        bare = line.lstrip()
        if bare.startswith("[conda]"):
            _add_conda(collected, _TAGGED_CONDA.match(line))
        elif bare.startswith("[pip"):
            _add(collected, _TAGGED_PIP.match(line))
        elif "Successfully installed" in line:
            _read_installed(collected, line)
        elif "already satisfied" in line:
            _read_satisfied(collected, line)
        elif len(line) > _LONG or not bare:
            continue
        elif position in collected.wishes:
            _read_wish(collected, line)
        elif (field := _SHOWN.fullmatch(line)) is not None:
            _read_shown(collected, shown, field)
        elif line[:1] not in "$>#%" or line.startswith("# "):
            _read_plain(collected, line)


def _read_plain(collected: Collected, line: str) -> None:
    if (row := _PIXI.fullmatch(line)) is not None and is_relevant(row[1]):
        _add_pixi(collected, row)
    elif (row := _ROW.fullmatch(line)) is not None and is_relevant(row[1]):
        if row[4] or _CONDA_BUILD.search(row[3] or ""):
            _add_conda(collected, row)
        else:
            _add(collected, row)
    elif (row := _EXPORTED.fullmatch(line)) is not None:
        _add_conda(collected, row)
    else:
        for pattern in (_FREEZE, _DASHED, _LABELLED, _TREE, _IN_LIST):
            if (match := pattern.fullmatch(line)) is not None:
                if pattern is not _LABELLED or normalise(match[1]) not in ("torch", "pytorch"):  # `labels` reads these
                    _add(collected, match)
                return
        described = _DESCRIBED.fullmatch(line)
        if described is not None and "  " in line.strip():
            _add(collected, described)


def _add(collected: Collected, match: re.Match[str] | None) -> None:
    if match is not None and is_relevant(match[1]):
        collected.add_package(Package(name=normalise(match[1]), version=match[2]))


def _add_conda(collected: Collected, match: re.Match[str] | None) -> None:
    if match is None or not is_relevant(match[1]):
        return
    channel = match[4] if (match.re.groups >= 4) else None  # noqa: PLR2004  # an export has no channel
    collected.add_package(
        Package(
            name=normalise(match[1]), version=match[2], origin="conda", build=match[3] or None, channel=channel or None
        )
    )


def _add_pixi(collected: Collected, row: re.Match[str]) -> None:
    collected.manager = collected.manager or Manager.PIXI
    conda = row[4] == "conda"
    build = row[3] if conda else None
    collected.add_package(
        Package(name=normalise(row[1]), version=row[2], origin="conda" if conda else "pip", build=build)
    )


def _read_shown(collected: Collected, shown: dict[str, str], field: re.Match[str]) -> None:
    """``pip show``: the name, its version, later its place."""
    if field[1] == "Name":
        shown.clear()
    shown[field[1]] = field[2].strip()
    name, version = shown.get("Name"), shown.get("Version")
    if not name or not version or not is_relevant(name) or not version[:1].isdigit():
        return
    key = (normalise(name), version, "pip")
    if field[1] == "Location" and key in collected.packages:
        del collected.packages[key]
    collected.add_package(Package(name=normalise(name), version=version, location=shown.get("Location")))


def _read_installed(collected: Collected, line: str) -> None:
    for word in line.partition("Successfully installed ")[2].split():
        name, _, version = word.rpartition("-")
        if version[:1].isdigit() and is_relevant(name):
            _replace(collected, normalise(name), version)


def _replace(collected: Collected, name: str, version: str) -> None:
    """What was installed last is what is there."""
    for key in [key for key in collected.packages if key[0] == name and key[2] == "pip"]:
        del collected.packages[key]
    collected.add_package(Package(name=name, version=version))


def _read_satisfied(collected: Collected, line: str) -> None:
    found = _SATISFIED.search(line)
    if found is None or not is_relevant(found[1]):
        return
    pinned = _PINNED.search(found[2])
    ended = _AT_END.search(line[found.end() :])
    version = ended[1] if ended else pinned[1] if pinned else None
    if version:
        collected.add_package(Package(name=normalise(found[1]), version=version, location=found[3]))
        if normalise(found[1]) == "torch":
            torch_version(collected, version)


_INLINE = lazy_pattern(r"\s{0,20}(?:dependencies|requires)\s?=\s?\[(.{0,600})")
_INLINE_PART = lazy_pattern(r"[\"']([A-Za-z][\w.-]{0,80}(?:\[[\w,-]{1,60}\])?[^\"']{0,80})[\"']")
_INDEX_TABLE = lazy_pattern(r"\s{0,20}url\s?=\s?[\"'](https?://[^\"'\s]{1,300})[\"']\s{0,9}")


def read_project(collected: Collected, lines: Sequence[str]) -> None:
    """A pyproject.toml: dependencies on one line, and the addresses of its indexes."""
    for line in lines:
        if "dependencies" in line and (inline := _INLINE.match(line)) is not None:
            wishes = [wish.strip() for wish in _INLINE_PART.findall(inline[1])]
            collected.requested += [wish for wish in wishes if is_relevant(re.split(r"[^\w.-]", wish)[0])]
        elif "url" in line and (index := _INDEX_TABLE.fullmatch(line)) is not None:
            collected.index_urls.append(without_credentials(index[1]))


def _wishes(lines: Sequence[str]) -> set[int]:
    """The lines of requirement files: blocks with an option or a range among them, or with such a file's name above."""
    wishes: set[int] = set()
    block: list[int] = []
    for position, line in enumerate([*lines, ""]):
        if _is_requirement(line):
            block.append(position)
            continue
        if block and _is_wish(block, lines):
            wishes.update(block)
        block = []
    return wishes


def _is_requirement(line: str) -> bool:
    if len(line) > _LONG or not line.strip():
        return False
    patterns = (_FREEZE, _WISH_RANGE, _WISH_QUOTED, _IN_LIST)
    return line.lstrip().startswith("#") or bool(_WISH_OPTION.match(line)) or any(p.fullmatch(line) for p in patterns)


def _is_wish(block: list[int], lines: Sequence[str]) -> bool:
    above = " ".join(lines[max(0, block[0] - 2) : block[0] + 1])
    if "freeze" in above or any(_EXPORTED.fullmatch(line) for line in lines[max(0, block[0] - 40) : block[0]]):
        return False
    own = [lines[position] for position in block]
    return bool(_WISH_TITLE.search(above)) or any(
        _WISH_OPTION.match(line) or _WISH_RANGE.fullmatch(line) or _WISH_QUOTED.fullmatch(line) for line in own
    )


def _read_wish(collected: Collected, line: str) -> None:
    option = _WISH_OPTION.match(line)
    if option is not None:
        if "//" in option[1]:
            collected.index_urls.append(without_credentials(option[1].strip()))
        return
    text = line.split("#", maxsplit=1)[0].strip().removeprefix("- ").strip("\"', ")
    name = re.match(r"[\w.-]{1,80}", text)
    if name is not None and is_relevant(name[0]):
        collected.requested.append(re.sub(r"\s", "", text.split(";", maxsplit=1)[0]))
