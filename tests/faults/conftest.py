"""Counting: each fault that is tried is reported with whether it was survived; the table is printed at the end."""

from __future__ import annotations

from collections import defaultdict

import pytest

_TRIED: dict[str, list[bool]] = defaultdict(list)


@pytest.fixture
def survived():
    """A function to call once a fault has been tried: ``survived(kind, True)``."""

    def report(kind: str, well: bool) -> None:
        _TRIED[kind].append(well)

    return report


def pytest_terminal_summary(terminalreporter):
    """Print the fault table, as docs/explanation/reliability.md has it."""
    if not _TRIED:
        return
    terminalreporter.section("faults")
    for kind, outcomes in _TRIED.items():
        terminalreporter.write_line(f"| {kind} | {len(outcomes)} | {sum(outcomes)} |")
    total = [outcome for outcomes in _TRIED.values() for outcome in outcomes]
    terminalreporter.write_line(f"| all | {len(total)} | {sum(total)} |")
