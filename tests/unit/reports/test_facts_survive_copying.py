"""Copying, quoting, logging and translating a report leaves its facts as they are, one by one."""

# ruff: noqa: E501  # the lines are those of tools, which are long

from __future__ import annotations

import msgspec
import pytest

from support.doctor_examples import EXAMPLES
from torchup.reports import parse_report
from torchup.reports.labels import load_labels

ORDINARY = {
    "session": (
        "OS: Ubuntu 24.04\nGPU: NVIDIA GeForce RTX 3060\n\n$ uv pip install torch==2.6.0 --index-url https://a.example/whl/cpu\n"
        "$ export CUDA_VISIBLE_DEVICES=0\n>>> torch.__version__\n'2.6.0+cpu'\n>>> torch.cuda.is_available()\nFalse"
    ),
    "prose": "I run Windows 11 with an RTX 4060, driver 566.36, Python 3.11 and torch 2.5.1+cu121 in Docker Desktop.",
    "Chinese": "环境: Win11\n显卡: RTX 4060 Laptop\n驱动版本: 566.36\nPython版本: 3.10.6\ntorch版本: 2.5.1+cu121\nCUDA是否可用: False",
    "board": "Jetson AGX Orin, JetPack 6.2, L4T R36.4.3\nPython 3.10.12\nImportError: libcudss.so.0: cannot open shared object file",
}
REPORTS = {**{name: text for name, (_, text) in EXAMPLES.items()}, **ORDINARY}


def each_line(before, behind=""):
    """A change that puts something around every line."""
    return lambda text: "\n".join(f"{before}{line}{behind}" for line in text.split("\n"))


CHANGES = {
    "quoted": each_line("> "),
    "quoted twice": each_line("> > "),
    "indented": lambda text: "\n".join(f"    {line}" if line else line for line in text.split("\n")),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "padded": lambda text: "\n".join(line.ljust(140) for line in text.split("\n")),
    "fenced": lambda text: f"```\n{text}\n```",
    "coloured": each_line("\x1b[1;32m", "\x1b[0m"),
    "time stamps": each_line("2026-05-01T10:00:00.1234567Z "),
    "clock": each_line("[10:00:00] "),
    "boxed": lambda text: "\n".join(f"│ {line.ljust(138)} │" for line in text.split("\n")),
    "byte order mark": lambda text: "\ufeff" + text,
    "page source": lambda text: (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    ),
    "lines of a page": lambda text: "<br>\n".join(text.split("\n")),
    "blank lines": lambda text: text.replace("\n\n", "\n\n\n\n\n\n"),
}


def facts(text):
    """All facts but the text itself; evidence by its letters, since its spaces may change."""
    found = msgspec.to_builtins(parse_report(text))
    del found["text"]
    found["signs"] = sorted(sign["code"] for sign in found["signs"])
    return found


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", REPORTS)
def test_copying_changes_no_fact(name, change):
    """Quotes, indents, colours, time stamps, boxes, pages and line ends are none of the report's own."""
    assert facts(CHANGES[change](REPORTS[name])) == facts(REPORTS[name])


TRANSLATED = {
    "PyTorch version": ("PyTorch 版本", "torch版本", "pytorch版本"),
    "CUDA used to build PyTorch": ("构建 PyTorch 所用的 CUDA", "用于构建 PyTorch 的 CUDA"),
    "OS": ("操作系统", "系统"),
    "Python version": ("Python 版本", "Python版本"),
    "Python platform": ("Python 平台",),
    "Is CUDA available": ("CUDA 是否可用", "CUDA是否可用", "GPU是否可用"),
    "CUDA runtime version": ("CUDA 运行时版本",),
    "GPU models and configuration": ("GPU 型号和配置",),
    "Nvidia driver version": ("驱动版本", "NVIDIA 驱动版本", "显卡驱动版本"),
}


@pytest.mark.parametrize("choice", [0, 1, 2])
@pytest.mark.parametrize("name", EXAMPLES)
def test_translated_labels_state_the_same_facts(name, choice):
    """A report whose labels were translated, as Chinese guides and editors do."""
    text = original = EXAMPLES[name][1]
    for label, words in TRANSLATED.items():
        text = text.replace(f"\n{label}:", f"\n{words[min(choice, len(words) - 1)]}：")
    assert facts(text) == facts(original)


def test_every_label_has_a_reader_and_stands_once():
    """A label in two rows would have two meanings; a reader that is not there would crash on the report."""
    from torchup.reports.answers import _SHAPES  # noqa: PLC0415  # the shapes are the table's other column
    from torchup.reports.values import READERS  # noqa: PLC0415  # same

    labels = load_labels()
    readers = {*labels.exact.values(), *(reader for _, reader in labels.alike), *(e.reader for e in labels.expressions)}
    assert readers <= READERS.keys()
    assert {row.answer for row in labels.expressions} <= _SHAPES.keys()
    ends = [end for row in labels.expressions for end in row.ends]
    assert len(ends) == len(set(ends))
    assert all(label == label.lower() and label == " ".join(label.split()) for label in labels.exact)
