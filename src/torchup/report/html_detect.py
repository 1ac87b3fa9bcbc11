"""A machine as HTML: the table of `torchup detect`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.i18n import text
from torchup.privacy import redact
from torchup.report.detect_text import machine_rows, problem_line
from torchup.report.html_blocks import Heading
from torchup.report.plan_text import machine_line
from torchup.report.templating import rendered

if TYPE_CHECKING:
    from markupsafe import Markup

    from torchup.model import Machine


def detect_html(machine: Machine) -> Markup:
    """What the machine has, and where each fact comes from."""
    names = [gpu.name or str(gpu.vendor) for gpu in machine.gpus]
    none = text("detect.no-gpu", "No GPU was found: PyTorch runs on the processor.")
    heading = Heading(
        kind="good" if names else "open", badge=text("html.detect.machine", "This machine"),
        title=", ".join(names) or none, below=(machine_line(machine),),
    )  # fmt: skip
    return rendered(
        "report/templates/detect.html.jinja",
        heading=heading,
        rows=[(fact, redact(value), source) for fact, value, source in machine_rows(machine)],
        problems=[redact(problem_line(one)) for one in machine.problems],
    )
