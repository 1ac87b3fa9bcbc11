"""A machine as HTML: the table of `torchup detect`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.i18n import text
from torchup.privacy import redact
from torchup.report.detect_text import machine_rows, problem_line
from torchup.report.html_blocks import head
from torchup.report.markup import Markup, element, join
from torchup.report.plan_text import machine_line

if TYPE_CHECKING:
    from torchup.model import Machine


def detect_html(machine: Machine) -> Markup:
    """What the machine has, and where each fact comes from."""
    names = [gpu.name or str(gpu.vendor) for gpu in machine.gpus]
    none = text("detect.no-gpu", "No GPU was found: PyTorch will run on the processor.")
    rows = (
        element(
            "tr",
            None,
            element("th", {"scope": "row"}, fact),
            element("td", None, redact(value)),
            element("td", {"class": "soft"}, source),
        )
        for fact, value, source in machine_rows(machine)
    )
    problems = (element("li", {"class": "warning"}, redact(problem_line(one))) for one in machine.problems)
    return join(
        head(
            "good" if names else "open",
            text("html.detect.machine", "This machine"),
            ", ".join(names) or none,
            machine_line(machine),
        ),
        element("table", None, element("tbody", None, *rows)),
        element("ul", {"class": "advice"}, *problems) if machine.problems else Markup(),
    )
