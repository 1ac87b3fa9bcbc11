"""Write docs/reference/causes.md from the doctor's own explanations; ``--check`` only says whether it is current."""

from __future__ import annotations

import sys
from pathlib import Path

from torchup.doctor.cause import load_cause, order
from torchup.doctor.explain import explanations
from torchup.report.explain_text import causes_page

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "causes.md"


def page() -> str:
    """The page as it should be."""
    return causes_page(explanations(), {slug: str(load_cause(slug).severity) for slug in order()})


def main() -> int:
    """Write the page, or check it."""
    if "--check" in sys.argv[1:]:
        current = PAGE.is_file() and PAGE.read_text("utf-8") == page()
        print("current" if current else "stale: run python scripts/generate_causes.py")
        return 0 if current else 1
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
