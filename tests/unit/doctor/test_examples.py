"""Reports of imagined machines get the diagnosis that an expert gives."""

from __future__ import annotations

import pytest

from support.doctor_examples import EXAMPLES
from torchup.doctor import diagnose, parse_report
from torchup.model import Severity


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_gets_its_cause(name):
    """The primary cause is the expected one; a healthy report raises no error."""
    expected, text = EXAMPLES[name]
    diagnosis = diagnose(parse_report(text))
    assert diagnosis.primary == expected
    assert not [outcome for outcome in diagnosis.outcomes if outcome.status == "crash"]
    if expected is None:
        assert not [finding for finding in diagnosis.findings if finding.severity is Severity.ERROR]
