"""What to run and paste next (``data/ask.toml``), and the failures in a text whose cause no rule knows. Pure."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchup.data_files import read_data
from torchup.doctor.conditions import holds
from torchup.doctor.program_errors import own_lines, ways_out
from torchup.model import Vendor, message
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.doctor.facts import Facts
    from torchup.model import Message

_SYSTEMS = {"container": "container", "wsl": "wsl", "linux": "on-linux", "windows": "on-windows", "macos": "on-mac"}
_BUILDS = {Vendor.AMD: "hip-build", Vendor.INTEL: "xpu-build", Vendor.APPLE: "on-mac", Vendor.NVIDIA: "cuda-build"}
_SMI = ("nvidia-smi",)  # not asked for again where it answered
_QUOTED = 3  # failures that are shown
_LENGTH = 300  # characters of one
_FAILURE = lazy_pattern(
    r"(?:[\w.]{0,80}(?:Error|Exception)\b|Segmentation fault|Memory access fault|Fatal Python error"
    r"|Windows fatal exception|Process finished with exit code -?(?!0\b)\d|terminate called"
    r"|╰─▶ )"  # uv and pixi say below it why they refuse
)


@cache
def _tables() -> dict[str, Any]:
    return read_data(Path(__file__).parent / "data" / "ask.toml", dict[str, Any])


def vendor_of(facts: Facts) -> Vendor | None:
    """Whose GPU the question is about: that of the build, else the one in sight, else ``None``."""
    seen = next((vendor for vendor in Vendor if facts.of(vendor)), None)
    built = next((vendor for vendor, condition in _BUILDS.items() if holds(condition, facts)), None)
    return built or seen or (Vendor.NVIDIA if facts.nvidia.driver else None)


def commands_to_ask(facts: Facts) -> tuple[tuple[str, ...], ...]:
    """The commands whose output would name the cause; they only read."""
    vendor = vendor_of(facts)
    tables = [_tables()[str(vendor)]] if vendor is not None else []
    tables += [_tables()["torch"]] if not facts.torch.version or vendor is None else []
    rows = (tuple(row) for table in tables for row in _rows(table, facts))
    return tuple(row for row in rows if not (facts.nvidia.smi_worked and row == _SMI))


def _rows(table: dict[str, Any], facts: Facts) -> list[list[str]]:
    keys = [key for key, condition in _SYSTEMS.items() if key in table and holds(condition, facts)]
    rows: list[list[str]] = table[keys[0] if keys else "any"]
    return rows


def missing(facts: Facts) -> tuple[Message, ...]:
    """What to run and paste next, a line each."""
    if facts.live and facts.torch.installed is None:
        return (
            message(
                "doctor.missing.environment",
                "use --python PATH to examine a Python on this machine, or run `torchup doctor` on the machine "
                "that you want to examine",
            ),
        )
    asked = tuple(
        message("doctor.missing.run", "run `{command}` and paste its output", command=_typed(command))
        for command in commands_to_ask(facts)
    )
    return (*ways_out(facts), *asked)


def _typed(command: tuple[str, ...]) -> str:
    """Quoted by the one rule that sh, cmd and PowerShell share."""
    return " ".join(f'"{word}"' if " " in word else word for word in command)


def failures(facts: Facts) -> tuple[str, ...]:
    """Lines of the text in which something of torch or the GPU fails, and it is not the program's own mistake."""
    is_own = own_lines(facts)
    lines = (line for line in _failing(facts.text) if not is_own(line))
    return tuple(dict.fromkeys(lines))[:_QUOTED]


def _failing(text: str) -> Iterator[str]:
    table = _tables()["failure"]
    for line in text.splitlines():
        match = _FAILURE.search(line[:_LENGTH])
        lower = line.lower()
        if match is None or not any(word in lower for word in table["subjects"]):
            continue
        if not any(word in lower for word in table["program"]):
            yield line[match.start() : match.start() + _LENGTH].strip()
