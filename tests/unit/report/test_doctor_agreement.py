"""Text, Markdown and JSON of one diagnosis say the same: causes, evidence and commands."""

from __future__ import annotations

import pytest

from support.doctor_examples import EXAMPLES
from torchup.doctor import diagnose
from torchup.encoding import to_builtins
from torchup.privacy import redact
from torchup.report.doctor_text import command_line, doctor_markdown, doctor_text
from torchup.report.style import Style
from torchup.reports import parse_report

WIDE = Style(width=100_000)


@pytest.mark.parametrize("name", list(EXAMPLES)[::3])
def test_the_three_forms_of_a_diagnosis_agree(name):
    """Each finding of the JSON stands in text and Markdown with its cause and every command, as the shell wants it."""
    facts = parse_report(EXAMPLES[name][1])
    diagnosis = diagnose(facts)
    plain, markdown = doctor_text(diagnosis, facts, WIDE), doctor_markdown(diagnosis, facts)
    data = to_builtins(diagnosis)
    assert [found["rule"] for found in data["findings"]] == [found.rule for found in diagnosis.findings]
    for found, told in zip(diagnosis.findings, data["findings"], strict=True):
        assert f"torchup explain {found.rule}" in plain
        assert f"`{found.rule}`" in markdown
        for command in found.remedy.commands if found.remedy else ():
            line = redact(command_line(command, found.remedy.shell))
            assert list(command) in [list(words) for words in told["remedy"]["commands"]]
            assert line in plain
            assert line in markdown
