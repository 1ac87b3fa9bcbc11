"""`torchup explain CODE`: what a finding means, how to see it, how to fix it; and the answers to common questions."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import click

from torchup.cli.answer import Answer
from torchup.cli.explain_wheel import wheel_answer
from torchup.cli.session import Session, common_options
from torchup.cli.verb import Verb
from torchup.compat.questions import load_compat
from torchup.doctor.cause import CauseFileError, order
from torchup.doctor.explain import Explanation, explanation, explanations
from torchup.doctor.plugins import plugin_rules
from torchup.doctor.topics import nearest_topics
from torchup.errors import UsageError
from torchup.i18n import LANGUAGES, render, text
from torchup.install import conda_texts
from torchup.model import message, verbatim
from torchup.near_names import did_you_mean
from torchup.own_commands import reinstall_torchup
from torchup.plan.questions import questions
from torchup.report.explain_text import explanation_text, index_text, question_text

if TYPE_CHECKING:
    from torchup.model import Message


def answers() -> dict[str, tuple[Message, ...]]:
    """Slug -> title and paragraphs of every question."""
    return questions(load_compat()) | conda_texts.QUESTIONS


@click.command(
    "explain",
    cls=Verb,
    help=text(
        "explain.help",
        "Explain a finding and how to fix it, find topics by words, or show what a wheel file is for; without an "
        "argument, list all topics",
    ),
)
@click.argument("words", metavar="[CODE|FILE.whl|WORDS...]", nargs=-1)
@click.option(
    "--env", metavar="NAME", default="default",
    help=text("explain.option.env",
        "Environment to check the wheel file against (default: TORCHUP_ENV or `env` in torchup.toml, else "
        "`default`)"),
)  # fmt: skip
@common_options
def command(session: Session, words: tuple[str, ...], env: str) -> Answer:
    """Look up, render."""
    code = " ".join(words).strip()
    if not code:
        return _index(session, _titles())
    slug = code.lower()
    if slug.endswith(".whl"):
        return wheel_answer(session, code, env)
    if slug in order():
        entry = _explained(slug)
        return Answer(command="explain", data=entry, text=lambda: explanation_text(entry, session.style))
    answer = answers().get(slug)
    if answer is not None:
        data = {"slug": slug, "title": answer[0], "answer": answer[1:]}
        return Answer(command="explain", data=data, text=lambda: question_text(slug, answer, session.style))
    brought = _brought(session, slug)
    if brought is not None:
        return brought
    return _found(session, code)


def _index(session: Session, titles: dict[str, Message]) -> Answer:
    return Answer(command="explain", data={"codes": titles}, text=lambda: index_text(titles, session.style))


def _found(session: Session, question: str) -> Answer:
    """The topics nearest to a free question. A mistyped code has no blank: its error offers the right one."""
    titles = _titles()
    near = did_you_mean(question, titles, cutoff=0.5)
    topics = [] if near is not None and " " not in question else nearest_topics(question, _texts())
    if not topics:
        everything = message("explain.unknown.hint", "run `torchup explain` to list all topics")
        unknown = message("explain.unknown", "there is no topic `{code}`", code=question)
        raise UsageError(unknown, hint=near or everything)
    return _index(session, {slug: titles[slug] for slug in topics})


def _texts() -> dict[str, tuple[str, str]]:
    """Slug -> title and text of every topic, in both languages: people paste English errors into Chinese questions."""
    causes = {slug: (entry.title, entry.meaning, entry.see, entry.fix) for slug, entry in explanations().items()}
    both = {
        slug: [" ".join(render(part, language) for language in LANGUAGES) for part in parts]
        for slug, parts in (causes | answers()).items()
    }
    return {slug: (parts[0], " ".join(parts[1:])) for slug, parts in both.items()}


def _explained(slug: str) -> Explanation:
    try:
        return explanation(slug)
    except CauseFileError as error:
        raise UsageError(
            message("explain.broken", "the file for this cause is broken: {problem}", problem=error),
            hint=message("explain.broken.hint", "reinstall torchup: `{command}`", command=reinstall_torchup()),
        ) from error


def _brought(session: Session, slug: str) -> Answer | None:
    """The rule of another package, by what its function says of itself."""
    rule = next((rule for rule in plugin_rules(session.host).rules if rule.slug == slug), None)
    if rule is None:
        return None
    title, _, rest = inspect.cleandoc(rule.check.__doc__ or slug).partition("\n\n")
    answer = [verbatim(part) for part in (title, rest) if part]
    data = {"slug": slug, "title": answer[0], "answer": answer[1:]}
    return Answer(command="explain", data=data, text=lambda: question_text(slug, answer, session.style))


def _titles() -> dict[str, Message]:
    causes = {slug: entry.title for slug, entry in explanations().items()}
    return causes | {slug: answer[0] for slug, answer in answers().items()}
