"""Torch, or what is missing, is in another interpreter than the one that runs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.cause import RemedyKind, text_of
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import plain, quoted, remedy_of, said
from torchup.model import Remedy, message

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Message

SLUG = "other-interpreter"


def other_interpreter(facts: Facts, compat: Compat) -> Found | None:
    """Torch is in another interpreter than the one that runs: notebook kernel, user site, a program's own Python."""
    bundled = facts.sign("python.bundled-pip")
    if bundled is not None and not facts.works:
        return Found(
            summary=text_of("other-interpreter", "summary-bundled"),
            evidence=(said(bundled),),
            remedy=_with_own_pip(facts),
            certainty=Certainty.SAID,
        )
    listed = facts.torch.version is not None or bool(facts.versions("torch"))
    if facts.sign("torch.absent") is None or facts.sign("build.frontend") is not None or facts.live:
        return None
    if not facts.other_pythons and not listed:
        return None
    return Found(
        summary=text_of(SLUG, "summary"),
        evidence=(*quoted(facts, "torch.absent"), *_pythons(facts)),
        remedy=_remedy(facts, compat),
        certainty=Certainty.PROVEN if listed else Certainty.SAID,
    )


def _pythons(facts: Facts) -> tuple[Message, ...]:
    """The interpreters of the report: first the one that fails."""
    paths = (facts.interpreter or facts.python.version, *(p.path or p.version for p in facts.other_pythons))
    known = [plain(path) for path in dict.fromkeys(paths) if path]
    return tuple(message("doctor.other-python.seen", "Python: {python}", python=path) for path in known)


def _remedy(facts: Facts, compat: Compat) -> Remedy | None:
    """Make a kernel of the Python that has torch; outside of notebooks run that one."""
    other = next((python.path for python in facts.other_pythons if python.path), None)
    notebook = facts.sign("notebook.cell") is not None
    kind = RemedyKind.COMMANDS if notebook else RemedyKind.TEXT
    return remedy_of(SLUG, facts, compat, {"other": other or "python"}, kind=kind)


def _with_own_pip(facts: Facts) -> Remedy:
    """The user's own pip command, run by the Python that the program includes, in that program's folder."""
    from torchup.doctor import remedy  # noqa: PLC0415  # see `remedy_of`

    installs = (tuple(command.split()) for command in facts.commands if command.startswith("pip install "))
    own = next(((r".\python.exe", "-s", "-m", *words) for words in installs), None)
    text = text_of("other-interpreter", "remedy-bundled")
    return Remedy(text=text, commands=(own,) if own else (), shell=remedy.shell_of(facts))
