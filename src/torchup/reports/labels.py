"""``Label: value`` lines: collect_env of every year, vLLM's sections, ComfyUI's start, what people type.

Which label states which fact is data (``labels.toml``); how a value is read is `values`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchup.data_files import read_data
from torchup.model import Value
from torchup.patterns import lazy_pattern
from torchup.reports.collected import is_unknown, vendor_of
from torchup.reports.values import READERS, cpu, gpu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.reports.collected import Collected

# A label begins with a letter of any script.
LABEL = lazy_pattern(
    r"\s{0,80}(?:[-*•·+]\s{1,4}|\d{1,3}[.)]\s{1,4})?[*_`]{0,3}\s?([^\W\d_][^:=\n]{0,60})(?::|"
    r"=(?!=))[*_`]{0,3}\s*(.*)"
)
_BARE = lazy_pattern(r"\s{0,80}(pytorch version|torch version|os)\s{1,20}(\S.*)", re.IGNORECASE)
_WHOLE = frozenset({"torch-cuda", "torch-hip", "glibc", "cuda-available"})  # nothing else stands on such a line
_HEADING = lazy_pattern(r"(?:#{1,6} |\*\*)\s?([^\W\d_][^:*#]{0,50}?)\s?\*{0,2}:?\s?\*{0,2}")
_TABLE_ROW = lazy_pattern(r"\|\s?[`*]{0,3}([^\W\d_][^|:]{1,40}?)[`*]{0,3}\s{0,40}\|\s{0,9}([^|]{1,200})\|\s{0,9}")
_REMARK_ON_LABEL = lazy_pattern(r"\s?\([^()]{0,60}\)$")
_CODE = lazy_pattern(r"\s{0,80}(?:if|elif|while|for|assert|return|def|with|else|try)\b.*[(:]")
_REMARK = lazy_pattern(r"\s(?:-->|->|<--|#|←).*")
_LISTS = {"gpu": "gpu", "cpu": "cpu"}  # readers whose values may stand on the lines below the label
_LISTING_LABELS = frozenset(
    {"gpu models and configuration", "gpu 型号和配置", "gpu 型号及配置", "gpu 模型和配置", "cpu"}
)


class Expression(Value, frozen=True, kw_only=True):
    """A Python expression about torch: how it ends, the shape of its value and the reader of that."""

    reader: str
    ends: tuple[str, ...]
    answer: str


class Labels(Value, frozen=True, kw_only=True):
    """The table: label -> reader, patterns of similar labels in their order, and expressions."""

    exact: dict[str, str]
    alike: tuple[tuple[str, str], ...]  # pattern, reader
    expressions: tuple[Expression, ...]


@cache
def load_labels() -> Labels:
    """The rows of ``labels.toml``."""
    data = read_data(Path(__file__).parent / "labels.toml", dict[str, Any])
    return Labels(
        exact={said: row["reader"] for row in data["label"] for said in row["says"]},
        alike=tuple((row["pattern"], row["reader"]) for row in data["alike"]),
        expressions=tuple(
            Expression(reader=row["reader"], ends=tuple(row["ends"]), answer=row["answer"])
            for row in data["expression"]
        ),
    )


def read_labels(collected: Collected, lines: Sequence[str]) -> None:
    """Read every labelled line, and the lists below the labels that have one."""
    listing: str | None = None
    for collected.position, line in enumerate(lines):
        if collected.position in collected.wishes:
            continue
        if line[:1] in "#*" and (heading := _HEADING.fullmatch(line)) is not None:
            below = (text for text in lines[collected.position + 1 : collected.position + 3] if text.strip())
            read_label(collected, f"{heading[1]}: {next(below, '')}")
            continue
        if listing and _read_listed(collected, listing, line):
            continue
        if line[:1] == "|" and (row := _TABLE_ROW.fullmatch(line)) is not None:
            line = f"{row[1]}: {row[2]}"  # noqa: PLW2901  # a row of a Markdown table says the same
        key = read_label(collected, _unglued(collected, line))
        if key is not None:
            listing = load_labels().exact[key] if key in _LISTING_LABELS else None
        elif not line.strip() or LABEL.match(line):
            listing = None


def read_label(collected: Collected, line: str) -> str | None:
    """Read one line if it is a known label; returns the label's key so that list lines below it can be read too."""
    if _CODE.match(line):
        return None
    match = LABEL.match(line) if ":" in line or "=" in line else None
    if match is None:
        match = _BARE.match(line)
        if match is None or (match[1].lower() != "os" and not match[2][0].isdigit()):
            return None
    key, value = _key(match[1]), _value(match[2])
    key = key if key in load_labels().exact else _REMARK_ON_LABEL.sub("", key)
    reader = load_labels().exact.get(key)
    if reader is not None:
        READERS[reader](collected, value)
        if reader in _WHOLE:
            collected.understood.add(collected.position)
        return key
    alike = next((name for pattern, name in load_labels().alike if re.search(pattern, key)), None)
    if alike is not None:
        READERS[alike](collected, value)
    return None


def _key(label: str) -> str:
    key = re.sub(r"[\s_]+", " ", label.lower()).strip(" *`-")
    return key.removesuffix(" used").removeprefix("your ").removeprefix("my ").removeprefix("我的")


def _value(text: str) -> str:
    return _REMARK.sub("", text).strip().strip("*_`").strip()


def _read_listed(collected: Collected, listing: str, line: str) -> bool:
    """A line of the list below "GPU models and configuration", or the one below "CPU:"."""
    text = line.strip()
    if listing == _LISTS["cpu"]:
        if text and ":" not in text and "=" not in text:
            cpu(collected, text)
        return False
    if not text or text.startswith("MIG "):
        return bool(text)
    plain = ":" not in text.split("(", maxsplit=1)[0] and "=" not in text
    if re.match(r"GPU ?\d{1,3}\s?:", text) or (plain and vendor_of(text) is not None and not is_unknown(text)):
        gpu(collected, text)
        return True
    return False


def _unglued(collected: Collected, line: str) -> str:
    """``...pypiROCM Version: Could not collect``: a lost line end before vLLM's section."""
    position = line.find("ROCM Version:")
    if position > 0 and not line[:position].isspace():
        read_label(collected, line[position:])
        return line[:position]
    return line
