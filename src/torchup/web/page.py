"""The page's only door to torchup: a question as JSON in, an answer as JSON out. Runs in a browser (Pyodide). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup import i18n
from torchup.encoding import from_json, to_json
from torchup.envelope import error_document
from torchup.errors import TorchupError
from torchup.privacy import redact
from torchup.report.html_blocks import failure
from torchup.report.templating import words
from torchup.web.answer import PageAnswer
from torchup.web.diagnosing import doctor_answer
from torchup.web.planning import plan_answer
from torchup.web.question import Question, Verb

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWERS: dict[Verb, Callable[[Question], PageAnswer]] = {Verb.PLAN: plan_answer, Verb.DOCTOR: doctor_answer}


def answer(question: str) -> str:
    """Answer a question (JSON of `Question`) with the JSON of a `PageAnswer`; what cannot be answered says why."""
    asked = from_json(question, Question)
    i18n.use(asked.lang)
    try:
        found = ANSWERS[asked.verb](asked)
    except TorchupError as error:
        found = PageAnswer(document=error_document(asked.verb, error), html=failure(error), spoken=words(error.text))
    plain = replace(found, html=str(found.html), paste=redact(asked.paste))  # msgspec writes no kind of text but str
    return to_json(plain, indent=0)


def warm_up() -> None:
    """Load the tables and rules that every answer needs, so that the first question is answered as fast as the rest."""
    answer('{"verb": "plan", "os": "linux", "gpu": "RTX 4090"}')
    answer('{"verb": "doctor", "paste": "torch.cuda.is_available() False"}')
