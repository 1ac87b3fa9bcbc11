"""The doctor on public threads: what is right stays right (docs/explanation/testing.md has what unseen ones said)."""

from __future__ import annotations

from collections import Counter

import pytest

from support.threads import faults_of, judge, threads
from torchup.compat.questions import load_compat

# Threads without any fault, and false causes, as reached. A better doctor moves them; a worse one fails.
REACHED = {"first": (68, 0), "second": (67, 1), "third": (38, 0), "fourth": (40, 0)}
SIZES = {"first": 69, "second": 69, "third": 40, "fourth": 40}
ANSWER = {"primary": "x", "verdict": "cause", "findings": [{"rule": "x", "severity": "error", "evidence": ["e"]}]}
ANSWER["findings"][0]["remedy"] = {"text": "do it", "commands": [["pip", "install", "y"]]}
WANTED = {"healthy": False, "primary": "x", "acceptable": [], "must_not": [], "remedy_must": [], "remedy_must_not": []}
WANTED |= {"evidence_must": []}


@pytest.mark.parametrize("batch", REACHED)
def test_a_batch_keeps_what_was_reached(batch):
    """No thread loses its cause, no broken one is called healthy, and no false cause comes."""
    compat = load_compat()
    faults = {report.stem: faults_of(report, compat) for report in threads(batch)}
    tally = Counter(fault for several in faults.values() for fault in several)
    least, most_false = REACHED[batch]
    wrong = {name: sorted(several) for name, several in faults.items() if several}
    assert len(faults) == SIZES[batch]
    assert tally["called-healthy"] == 0
    assert tally["false-cause"] <= most_false, wrong
    assert len(faults) - len(wrong) >= least, wrong


@pytest.mark.parametrize(
    ("wanted", "answer", "expected"),
    [
        ({}, {}, set()),
        ({"primary": "z"}, {}, {"cause"}),
        ({"must_not": ["x"]}, {}, {"false-cause"}),
        ({"primary": None, "acceptable": ["x"], "healthy": True}, {}, {"false-cause"}),
        ({"primary": None}, {"primary": None, "verdict": "healthy", "findings": []}, {"called-healthy"}),
        ({"primary": None}, {"primary": None, "verdict": "undetermined", "findings": []}, set()),
        ({"remedy_must": ["^pip install y$"], "evidence_must": ["^e$"]}, {}, set()),
        ({"remedy_must_not": ["pip"]}, {}, {"remedy"}),
        ({"remedy_must": ["conda"], "evidence_must": ["driver"]}, {}, {"remedy", "evidence"}),
    ],
)
def test_the_judge_sees_each_fault(wanted, answer, expected):
    """Each rule of judgement alone."""
    assert judge(WANTED | wanted, ANSWER | answer) == expected
