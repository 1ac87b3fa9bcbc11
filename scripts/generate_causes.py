"""Write docs/reference/causes.md and causes.zh-CN.md from the doctor's own explanations; ``--check`` only compares."""

from __future__ import annotations

import sys
from pathlib import Path

from torchup import i18n
from torchup.doctor.cause import load_cause, order
from torchup.doctor.explain import explanations
from torchup.report.explain_text import causes_page

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
PAGES = {"causes.md": "en", "causes.zh-CN.md": "zh"}
OTHER = {"en": "[简体中文](causes.zh-CN.md)", "zh": "[English](causes.md)"}


def page(language: str) -> str:
    """The page as it should be; the Chinese one reads the compiled catalogue (`scripts/messages.py compile`)."""
    before = i18n.current()
    i18n.use(language)
    try:
        severities = {slug: load_cause(slug).severity for slug in order()}
        return causes_page(explanations(), severities, OTHER[language])
    finally:
        i18n.use(before)


def main() -> int:
    """Write the pages, or check them."""
    pages = {FOLDER / name: page(language) for name, language in PAGES.items()}
    if "--check" in sys.argv[1:]:
        stale = [path.name for path, text in pages.items() if not path.is_file() or path.read_text("utf-8") != text]
        print(f"stale: {', '.join(stale)}: run python scripts/generate_causes.py" if stale else "current")
        return 1 if stale else 0
    for path, text in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
