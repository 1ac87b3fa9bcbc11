"""Reports of imagined machines get the diagnosis that an expert gives."""

from __future__ import annotations

import pytest

from support.doctor_examples import EXAMPLES
from support.doctor_messages import MESSAGES
from torchup.doctor import diagnose
from torchup.doctor.rules import RULES
from torchup.model import Severity
from torchup.reports import parse_report


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_gets_its_cause(name):
    """The primary cause is the expected one; a healthy report raises no error."""
    expected, text = EXAMPLES[name]
    diagnosis = diagnose(parse_report(text))
    assert diagnosis.primary == expected
    assert not [outcome for outcome in diagnosis.outcomes if outcome.status == "crash"]
    if expected is None:
        assert not [finding for finding in diagnosis.findings if finding.severity is Severity.ERROR]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_gets_its_cause(name):
    """One message or listing is enough for its cause, and what only looks like one is not."""
    expected, text = MESSAGES[name]
    diagnosis = diagnose(parse_report(text))
    assert diagnosis.primary == expected
    if expected is None:
        assert not [finding for finding in diagnosis.findings if finding.severity is Severity.ERROR]


# What no report shows as its main cause; tests/unit/doctor/rules builds the facts by hand.
BY_FACTS = {
    "job-without-gpu", "container-runtime-too-old", "prebuilt-wheel-exists", "compiler-missing",
    "python-headers-missing", "triton-missing",
}  # fmt: skip


def test_the_examples_show_every_cause():
    """There is an example of each slug."""
    shown = {expected for expected, _ in (*EXAMPLES.values(), *MESSAGES.values())}
    assert {rule.slug for rule in RULES} <= shown | BY_FACTS
