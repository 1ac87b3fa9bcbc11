"""Make the README's terminal pictures from real runs: run torchup, draw what it printed as SVG (rich).

python scripts/make_terminal_pictures.py        # writes docs/assets/*.svg
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

FOLDER = Path(__file__).parents[1] / "docs" / "assets"
WIDTH = 92
MACHINE = "gpu=GTX 1080,driver=580.95.05,os=linux,arch=x86_64,python=3.12"
PICTURES = {
    "plan.svg": ("plan", "--assume", MACHINE),
}


def draw(name: str, arguments: tuple[str, ...]) -> None:
    """Run one command line and write its picture."""
    environment = {**os.environ, "COLUMNS": str(WIDTH), "LC_ALL": "C.UTF-8"}
    completed = subprocess.run(
        [sys.executable, "-m", "torchup", *arguments], capture_output=True, text=True, env=environment, check=True
    )
    console = Console(record=True, width=WIDTH, file=StringIO())
    shown = " ".join(f"'{word}'" if " " in word else word for word in arguments)
    console.print(Text(f"$ torchup {shown}", style="bold"))
    console.print(Text(completed.stdout.rstrip()))
    FOLDER.mkdir(parents=True, exist_ok=True)
    svg = console.export_svg(title="torchup", unique_id=name.split(".", maxsplit=1)[0])
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # the picture loads nothing from elsewhere
    (FOLDER / name).write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for picture, command in PICTURES.items():
        draw(picture, command)
