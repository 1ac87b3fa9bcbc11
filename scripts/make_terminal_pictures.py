"""Make the README's terminal pictures from real runs: run torchup, draw what it printed as SVG.

python scripts/make_terminal_pictures.py        # writes docs/assets/*.svg

rich can export SVG too, but gives a Chinese character the place of one cell where a terminal gives it two.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from html import escape
from itertools import groupby
from pathlib import Path

from rich.cells import cell_len

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "assets"
COLUMNS = 92
ENDINGS = {"": "en", ".zh-CN": "zh"}
# A machine that has not to be at hand; all that the plan asks for is said, so that the picture is the same anywhere.
MACHINE = {
    "os": "linux", "arch": "x86_64", "distribution": "ubuntu", "os_version": "24.04", "glibc": "2.39",
    "python": "3.12.3",
    "gpus": [{"vendor": "nvidia", "name": "NVIDIA GeForce GTX 1080", "memory_bytes": 8 << 30}],
    "drivers": [{"vendor": "nvidia", "version": "580.95.05", "cuda_api": "13.0"}],
}  # fmt: skip
# What a stranger pastes: a driver from before the build.
REPORT = """\
PyTorch version: 2.13.0+cu130
CUDA used to build PyTorch: 13.0
OS: Ubuntu 24.04.2 LTS (x86_64)
Python version: 3.12.3 (64-bit runtime)
Is CUDA available: False
GPU models and configuration: GPU 0: NVIDIA GeForce RTX 3090
Nvidia driver version: 550.144.03
[pip3] torch==2.13.0+cu130
"""
PICTURES = {
    f"{verb}{ending}.svg": (verb, language) for verb in ("plan", "doctor") for ending, language in ENDINGS.items()
}
CELL, LINE, EDGE, BAR = 10, 24, 16, 40  # width of a cell, height of a line, margin, height of the title bar
FONTS = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def printed(verb: str, language: str) -> list[str]:
    """What stands in a terminal: the line that is typed, and what torchup prints of the machine or the report."""
    with tempfile.TemporaryDirectory() as folder:
        machine, report = Path(folder) / "machine.json", Path(folder) / "pasted.txt"
        machine.write_text(json.dumps(MACHINE), encoding="utf-8")
        report.write_text(REPORT, encoding="utf-8")
        what = {"plan": ["--machine", str(machine)], "doctor": ["--report", str(report)]}[verb]
        environment = {**os.environ, "COLUMNS": str(COLUMNS), "LC_ALL": "C.UTF-8", "TORCHUP_HOME": folder}
        command = [sys.executable, "-m", "torchup", "--lang", language, verb, *what]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    typed = {"plan": "$ torchup plan", "doctor": "$ torchup doctor --report pasted.txt"}[verb]
    return [typed, *done.stdout.rstrip().splitlines()]


def picture(lines: list[str]) -> str:
    """A terminal window with these lines; it loads nothing."""
    columns = max(COLUMNS, *(cell_len(line) for line in lines))  # a command is never parted
    width, height = columns * CELL + 2 * EDGE, len(lines) * LINE + BAR + EDGE
    dots = zip((20, 40, 60), ("#ff5f57", "#febc2e", "#28c840"), strict=True)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<style>text {{ font: 16.5px {FONTS}; fill: #d6d9de; white-space: pre }}",
        ".typed { font-weight: bold } .cause { fill: #ff7b72 } .command { fill: #7ee787 }</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#23272e"/>',
        *(f'<circle cx="{x}" cy="20" r="6" fill="{colour}"/>' for x, colour in dots),
    ]
    for number, line in enumerate(lines):
        parts += _line(line, BAR + LINE * number + LINE * 0.75, _style(line, number))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _style(line: str, number: int) -> str:
    """What a terminal sets off: the typed line, the cause, and a command to copy."""
    if number == 0:
        return " class='typed'"
    if line.startswith("✗"):
        return " class='cause'"
    return " class='command'" if line.startswith(" " * 8) and line.strip().startswith(("python ", "pip ")) else ""


def _line(line: str, y: float, style: str) -> list[str]:
    """One text a run of characters of the same width: each starts at its cell and is as wide as its cells."""
    parts, cell = [], 0
    for wide, run in groupby(line, key=lambda character: cell_len(character) > 1):
        text = "".join(run)
        cells = len(text) * (2 if wide else 1)
        if text.strip():
            start = cell + len(text) - len(text.lstrip())
            shown = text.strip()
            length = cell_len(shown) * CELL
            place = f'x="{EDGE + start * CELL}" y="{y:g}" textLength="{length}" lengthAdjust="spacing"'
            parts.append(f"<text {place}{style}>{escape(shown)}</text>")
        cell += cells
    return parts


def main() -> None:
    """Write every picture."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (verb, language) in PICTURES.items():
        svg = picture(printed(verb, language))
        (FOLDER / name).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
