"""Every cause is explained, and the docs page says the same."""

from __future__ import annotations

import importlib.util
import string
from pathlib import Path

import pytest
from torchup.doctor.explanations import ALL

from torchup.doctor.explain import explanations
from torchup.doctor.rules import RULES
from torchup.doctor.signatures import load_signatures

ROOT = Path(__file__).parents[3]


def generator():
    """The script that writes the page."""
    spec = importlib.util.spec_from_file_location("generate_causes", ROOT / "scripts" / "generate_causes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_rule_has_one_explanation_and_every_explanation_a_rule():
    """No cause without its text, no text without its cause, none twice."""
    assert sorted(entry.slug for entry in ALL) == sorted(rule.slug for rule in RULES)
    assert list(explanations()) == [rule.slug for rule in RULES]


def test_the_page_of_causes_is_current():
    """docs/reference/causes.md is what the generator would write now."""
    script = generator()
    assert script.PAGE.read_text("utf-8") == script.page(), "run: python scripts/generate_causes.py"


@pytest.mark.parametrize("slug", [rule.slug for rule in RULES])
def test_texts_of_an_explanation_are_whole(slug):
    """Each text says something, has a code of its own, and no stray template field."""
    entry = explanations()[slug]
    texts = [entry.title, entry.meaning, entry.see, entry.fix, *entry.on.values()]
    assert len({words.code for words in texts}) == len(texts)
    for words in texts:
        assert slug in words.code
        assert len(str(words)) > 10
        assert not [name for _, name, _, _ in string.Formatter().parse(words.template) if name is not None]


def test_causes_that_rules_order_and_signatures_name_exist():
    """`requires`, `supersedes` and the signatures speak of rules that are there."""
    slugs = {rule.slug for rule in RULES}
    for rule in RULES:
        assert set(rule.requires) | set(rule.supersedes) <= slugs - {rule.slug}
    rows = load_signatures()
    assert {row.cause for row in rows} <= slugs | {""}
    assert len({row.code for row in rows}) == len(rows)
    assert all(row.source and row.match for row in rows)
