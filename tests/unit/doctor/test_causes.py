"""The files of the causes: complete, readable, plain, and each data rule fires, stays silent and heeds its guards."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

import torchup
from support.facts import HOLDING, facts
from torchup.compat.questions import load_compat
from torchup.doctor import cause as causes
from torchup.doctor import diagnose
from torchup.doctor.cause import CauseFileError, RemedyKind, System, load_cause, load_words, order
from torchup.doctor.conditions import CONDITIONS, holds
from torchup.doctor.data_rule import VALUES, check_of
from torchup.doctor.rules import CHECKS, RULES, build_rules
from torchup.doctor.signatures import load_signatures

PACKAGE = Path(torchup.__file__).parent
COMPAT = load_compat()
SLUGS = order()
DATA = [slug for slug in SLUGS if load_cause(slug).signs]
# Numbers that are names of errors, not facts of builds or drivers.
ERRORS = re.compile(r"(?:errors?|error code|WinError) \d+(?: to \d+|(?:,| or) \d+)*|\b407 Proxy", re.IGNORECASE)
LITERAL = re.compile(
    r"\d+\.\d+|https?://|\bcu\d{2,3}\b|\brocm\d|\bsm_\d|\bgfx\d|\b[3-6]\d\d\b"
    r"|(?:CUDA|macOS|torch|Python|branch|driver) \d"
)


def codes_made_by_parsers() -> set[str]:
    """Codes of signs that a parser makes itself: ``Sign(code="...")`` anywhere in the package."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Sign":
                found |= {
                    word.value.value
                    for word in node.keywords
                    if word.arg == "code" and isinstance(word.value, ast.Constant)
                }
    return found


def test_every_file_is_in_the_order_and_the_other_way_round():
    """No cause without a place, no place without a file, none twice."""
    assert sorted(path.stem for path in causes.FOLDER.glob("*.toml")) == sorted([*SLUGS, "order"])
    assert len(set(SLUGS)) == len(SLUGS)


def test_every_variant_is_chosen_by_a_rule_and_nothing_else_is():
    """Each text that a rule asks for is in its cause's file, and no file holds a variant that no rule asks for."""
    asked = set()
    for path in (PACKAGE / "doctor").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="text_of"), args=[ast.Constant(value=str(slug)), ast.Constant(value=str(key))]
                ):
                    asked.add((slug, key))
    for slug, key in asked:
        assert causes.text_of(slug, key).template, f"{slug}.toml: {key}"
    of_systems = {f"remedy-in-{system}" for system in System}  # chosen as the commands of a system are
    assert {(slug, key) for slug in SLUGS for key in load_words(slug).variants if key not in of_systems} == {
        (slug, key) for slug, key in asked if "-" in key
    }


def test_rules_word_no_finding_themselves():
    """Summaries and remedies stand in the files of the causes; rules say only what they saw."""
    worded = set()
    for path in (PACKAGE / "doctor" / "rules").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.keyword) or node.arg != "summary":
                continue
            match node.value:  # a message within another one is a value, not a sentence
                case ast.Call(func=ast.Name(id="message"), lineno=line):
                    worded.add(f"{path.name}:{line}")
    assert not worded, "text_of(slug, key) takes them from the file"


def test_every_cause_is_recognised():
    """By its signs or by a function, never by both; every function has its file."""
    recognised = {rule.slug for rule in RULES}
    assert set(SLUGS) == recognised
    assert set(CHECKS) <= set(SLUGS)
    assert not set(CHECKS) & set(DATA)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_file_names_only_what_exists(slug):
    """Superseded slugs, codes of signs and guards are those that there are."""
    cause = load_cause(slug)
    known = {row.code for row in load_signatures()} | codes_made_by_parsers()
    assert set(cause.supersedes) <= set(SLUGS) - {slug}
    assert set(cause.signs) <= known
    assert {guard.removeprefix("not ") for guard in cause.guards} <= CONDITIONS.keys()


@pytest.mark.parametrize("slug", SLUGS)
def test_the_texts_of_a_cause_are_whole_and_state_no_number(slug):
    """Each text says something; versions, drivers, architectures and addresses come from the planner, not from here."""
    words = load_words(slug).text
    texts = {name: getattr(words, name) for name in words.__struct_fields__ if getattr(words, name) is not None}
    for name, text in texts.items():
        assert len(text) > 10, name
        assert LITERAL.search(ERRORS.sub("", text)) is None, f"{slug}.toml: text.{name}"
        assert name in ("summary", "remedy") or not [f for _, f, _, _ in string.Formatter().parse(text) if f]
    rows = [word for table in load_words(slug).commands.values() for row in table for word in row]
    assert not [word for word in rows if LITERAL.search(word)]


@pytest.mark.parametrize("slug", DATA)
def test_a_data_rule_has_what_a_finding_shows(slug):
    """Summary and remedy are there; every field is a value of a sign or of the closed set."""
    found = load_words(slug)
    named = {name for row in load_signatures() for name in re.findall(r"\?P<(\w+)>", row.values or "")} | VALUES.keys()
    texts = [found.text.summary, found.text.remedy, *(w for t in found.commands.values() for row in t for w in row)]
    assert None not in texts
    assert {field for text in texts for _, field, _, _ in string.Formatter().parse(text) if field} <= named
    assert load_cause(slug).remedy is not RemedyKind.RULE
    assert (load_cause(slug).remedy is RemedyKind.COMMANDS) == bool(found.commands)


@pytest.mark.parametrize(("slug", "code"), [(slug, code) for slug in DATA for code in load_cause(slug).signs])
def test_each_sign_makes_its_data_rule_fire(slug, code):
    """One message is enough, and it is the evidence."""
    needed = [guard.removeprefix("not ") for guard in load_cause(slug).guards if guard.startswith("not ")]
    known = {name: value for condition in needed for name, value in HOLDING[condition].items()}
    found = check_of(load_cause(slug))(facts(signs=code, **known), COMPAT)
    assert found is not None
    assert f"message {code}" in str(found.evidence[0])


@pytest.mark.parametrize("slug", DATA)
def test_a_data_rule_is_silent_without_its_signs(slug):
    """Neither empty facts nor the messages of all other causes make it fire."""
    others = [row.code for row in load_signatures() if row.code not in load_cause(slug).signs]
    check = check_of(load_cause(slug))
    assert check(facts(), COMPAT) is None
    assert check(facts(signs=", ".join(others)), COMPAT) is None


@pytest.mark.parametrize(("slug", "guard"), [(slug, guard) for slug in DATA for guard in load_cause(slug).guards])
def test_each_guard_silences_its_data_rule(slug, guard):
    """With every sign there, one condition that holds is enough."""
    known = {} if guard.startswith("not ") else HOLDING[guard]
    assert check_of(load_cause(slug))(facts(signs=", ".join(load_cause(slug).signs), **known), COMPAT) is None


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_holds_where_the_facts_say_so_and_nowhere_else(name):
    """What is unknown holds nothing; `not` turns it round."""
    assert not holds(name, facts())
    assert holds(name, facts(**HOLDING[name]))
    assert not holds(f"not {name}", facts(**HOLDING[name]))


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ('severity = "error', "Unterminated string"),
        ('severity = "awful"\nfamily = "x"\nremedy = "text"\n', "severity"),
        ('severity = "error"\nfamily = "x"\nremedy = "text"\nguard = []\n', "guard"),
        ('severity = "error"\nfamily = "x"\nremedy = "text"\nsigns = ["a"]\nguards = ["sunny"]\n', "sunny"),
        ('severity = "error"\nfamily = "x"\n', "remedy"),
    ],
)
def test_a_broken_file_is_skipped_and_named(tmp_path, monkeypatch, content, key):
    """The rule's outcome is a crash that names file and key; the other rules go on."""
    monkeypatch.setattr(causes, "FOLDER", tmp_path)
    (tmp_path / "order.toml").write_text('order = ["one"]\n')
    (tmp_path / "one.toml").write_text(content)
    for cached in (order, load_cause, load_words):
        cached.cache_clear()
    try:
        outcome = diagnose(facts(), rules=tuple(build_rules())).outcomes[0]
    finally:
        for cached in (order, load_cause, load_words):
            cached.cache_clear()
    assert (outcome.rule, outcome.status) == ("one", "crash")
    assert "one.toml" in outcome.detail
    assert key in outcome.detail


def test_a_missing_file_is_named():
    """A slug without a file is an error of its own kind."""
    with pytest.raises(CauseFileError, match="no-such-cause"):
        load_cause("no-such-cause")
