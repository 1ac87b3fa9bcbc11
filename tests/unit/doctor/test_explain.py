"""Every cause is explained, and the docs page says the same."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from torchup import i18n
from torchup.doctor.cause import order
from torchup.doctor.explain import explanations
from torchup.doctor.signatures import load_signatures
from torchup.i18n import LANGUAGES

ROOT = Path(__file__).parents[3]


def generator():
    """The script that writes the page."""
    spec = importlib.util.spec_from_file_location("generate_causes", ROOT / "scripts" / "generate_causes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_cause_is_explained_in_order():
    """The explanations are those of the files, and no two texts share a code."""
    assert tuple(explanations()) == order()
    codes = [
        words.code
        for entry in explanations().values()
        for words in (entry.title, entry.meaning, entry.see, entry.fix, *entry.on.values())
    ]
    assert len(set(codes)) == len(codes)


def test_a_text_of_one_system_is_labelled_once():
    """The pages print the system's name before each text of a system, so that no text repeats it."""
    script = generator()
    for language in LANGUAGES:
        page = script.page(language)
        before = i18n.current()
        i18n.use(language)
        try:
            for entry in explanations().values():
                for name, words in entry.on.items():
                    said = i18n.render(words)
                    assert not said.startswith((name, f"On {name}", f"在 {name}")), (entry.slug, name)
                    assert any(line.startswith(f"- **{name}**") and line.endswith(said) for line in page.splitlines())
        finally:
            i18n.use(before)


def test_the_pages_of_causes_are_current():
    """docs/reference/causes.md and causes.zh-CN.md are what the generator would write now."""
    script = generator()
    assert set(script.PAGES.values()) == set(LANGUAGES)
    for name, language in script.PAGES.items():
        written = (script.FOLDER / name).read_text("utf-8")
        assert written == script.page(language), "run: python scripts/generate_causes.py"


def test_causes_that_signatures_name_exist():
    """Each row speaks for a cause that is there, once, with its source."""
    rows = load_signatures()
    assert {row.cause for row in rows} <= {*order(), ""}
    assert len({row.code for row in rows}) == len(rows)
    assert all(row.source and row.match for row in rows)
