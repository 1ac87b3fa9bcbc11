"""Public threads as cases (tests/threads): what a careful maintainer says of each, and how answers are judged."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchup.doctor import diagnose
from torchup.encoding import to_builtins
from torchup.reports import decode, parse_report

if TYPE_CHECKING:
    from torchup.compat.questions import Compat

FOLDER = Path(__file__).parents[1] / "threads"
FAULTS = ("cause", "false-cause", "called-healthy", "remedy", "evidence")


def threads(batch: str) -> list[Path]:
    """The reports of a batch."""
    return sorted((FOLDER / batch).glob("*.txt"))


def faults_of(report: Path, compat: Compat) -> set[str]:
    """What is wrong with the doctor's answer to one thread; names of `FAULTS`."""
    wanted = json.loads(report.with_suffix(".json").read_text("utf-8"))
    return judge(wanted, to_builtins(diagnose(parse_report(decode(report.read_bytes())), compat)))


def judge(wanted: dict[str, Any], answer: dict[str, Any]) -> set[str]:
    """The faults of an answer in the form of ``doctor --json``."""
    primary, findings = answer["primary"], answer["findings"]
    faults = set() if primary in {wanted["primary"], *wanted["acceptable"]} else {"cause"}
    errors = {finding["rule"] for finding in findings if finding["severity"] == "error"}
    if errors & set(wanted["must_not"]) or (wanted["healthy"] and (errors or answer["verdict"] == "cause")):
        faults.add("false-cause")
    if not wanted["healthy"] and primary is None and answer["verdict"] != "undetermined":
        faults.add("called-healthy")
    shown = [finding for finding in findings if finding["rule"] == primary] or findings[:1]
    return faults | _faults_of_words(wanted, shown)


def _faults_of_words(wanted: dict[str, Any], shown: list[dict[str, Any]]) -> set[str]:
    remedies = [finding["remedy"] for finding in shown if finding["remedy"]]
    lines = [remedy["text"] for remedy in remedies]
    remedy = "\n".join([*lines, *(" ".join(command) for one in remedies for command in one["commands"])])
    evidence = "\n".join(line for finding in shown for line in finding["evidence"])
    lacking = any(not re.search(pattern, remedy, re.MULTILINE) for pattern in wanted["remedy_must"])
    wrong = any(re.search(pattern, remedy, re.MULTILINE) for pattern in wanted["remedy_must_not"])
    unseen = any(not re.search(pattern, evidence) for pattern in wanted["evidence_must"])
    return ({"remedy"} if lacking or wrong else set()) | ({"evidence"} if unseen else set())
