"""The page's diagnosis: the JSON of `torchup doctor --report FILE --json`, HTML to read, Markdown to paste. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor import diagnose
from torchup.envelope import document
from torchup.jobs.diagnose import doctor_data, examine_report, exit_code_of
from torchup.report.doctor_text import doctor_markdown, headline
from torchup.report.html_doctor import doctor_html
from torchup.report.style import Style
from torchup.web.answer import PageAnswer

if TYPE_CHECKING:
    from torchup.web.question import Question


def doctor_answer(question: Question) -> PageAnswer:
    """Diagnose the pasted text. Raises `UsageError` if it contains nothing to read."""
    examined = examine_report(question.paste.encode("utf-8", "replace"))
    facts = examined.facts
    found = diagnose(facts)
    return PageAnswer(
        document=document(
            "doctor",
            doctor_data(found, facts),
            exit_code=exit_code_of(found, examined),
            notices=examined.notices,
        ),
        html=doctor_html(found, facts, notices=[notice.text for notice in examined.notices], interactive=True),
        spoken=headline(found, Style(), live=False).partition(" ")[2],
        markdown=doctor_markdown(found, facts),
    )
