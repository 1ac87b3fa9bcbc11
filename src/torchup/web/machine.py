"""The machine that a question is about: pasted, filled in, or both (what is filled in goes before). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.detect.pretend import assume, load_machine
from torchup.doctor.remedy.machine import Imagined, machine_of
from torchup.errors import UsageError
from torchup.jobs.diagnose import examine_report
from torchup.model import Machine, Os, message
from torchup.web.question import assumptions

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog
    from torchup.web.question import Question


def machine_asked(question: Question, catalog: Catalog) -> Imagined:
    """The machine, and what was taken for granted of it.

    Raises:
        UsageError: nothing is known of it, the pasted text says nothing, or a field holds no such value.
    """
    items = assumptions(question)
    found = _pasted(question.paste, catalog) if question.paste.strip() else None
    if found is None and not items:
        raise UsageError(
            message("web.nothing", "the machine is not described yet"),
            hint=message(
                "web.nothing.hint",
                "enter the system, and the name of the GPU if there is one, or paste what a tool prints on that "
                "machine",
            ),
        )
    if not items:
        return found or Imagined(machine=_BLANK)
    changed = assume(found.machine if found else _BLANK, items)
    return Imagined(machine=changed, assumed=found.assumed if found else ())


_BLANK = Machine(os=Os.LINUX, arch="x86_64")  # the form's system is laid over it


def _pasted(text: str, catalog: Catalog) -> Imagined:
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return Imagined(machine=load_machine(text.lstrip("\ufeff")))
    examined = examine_report(text.encode("utf-8", "replace"))
    if examined.empty:
        raise UsageError(examined.notices[0].text, hint=examined.notices[1].text)
    return machine_of(examined.facts, catalog)
