"""Run the rules over the facts: order, skip, crash guard, time, and at most one primary cause."""

from __future__ import annotations

import time
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from torchup.doctor.rule import Certainty, Found, Rule, finding
from torchup.model import Diagnosis, Message, RuleOutcome, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts

_RANK = {Severity.ERROR: 2, Severity.WARNING: 1, Severity.INFO: 0}


def diagnose(
    facts: Facts,
    compat: Compat | None = None,
    *,
    rules: Sequence[Rule] | None = None,
    only: Collection[str] = (),
    ignore: Collection[str] = (),
    clock: Callable[[], float] = time.perf_counter,
) -> Diagnosis:
    """Name the root cause of what is wrong in an environment.

    Args:
        facts: what is known, from a report or live probes.
        compat: the tables that rules ask (default: the built-in ones).
        rules: the rules to run (default: every one of the registry).
        only: slugs or their beginnings; empty runs all.
        ignore: slugs or their beginnings to leave out.
        clock: seconds, to time each rule.
    """
    if rules is None:
        from torchup.doctor.rules import RULES  # noqa: PLC0415  # the registry imports every rule

        rules = RULES
    if compat is None:
        from torchup.compat.questions import load_compat  # noqa: PLC0415  # reads tables from disk

        compat = load_compat()
    chosen = [rule for rule in ordered(rules) if _is_chosen(rule.slug, only, ignore)]
    outcomes: list[RuleOutcome] = []
    found: dict[str, tuple[Rule, Found]] = {}
    for rule in chosen:
        outcome, result = _run(rule, facts, compat, found, clock)
        outcomes.append(outcome)
        if result is not None:
            found[rule.slug] = (rule, result)
    return _conclude(found, outcomes)


def ordered(rules: Sequence[Rule]) -> list[Rule]:
    """The rules so that each stands behind those it requires; otherwise as registered."""
    table = {rule.slug: rule for rule in rules}
    graph = {rule.slug: [slug for slug in rule.requires if slug in table] for rule in rules}
    return [table[slug] for slug in TopologicalSorter(graph).static_order()]


def _is_chosen(slug: str, only: Collection[str], ignore: Collection[str]) -> bool:
    wanted = not only or any(slug.startswith(part) for part in only)
    return wanted and not any(slug.startswith(part) for part in ignore)


def _run(
    rule: Rule, facts: Facts, compat: Compat, found: dict[str, tuple[Rule, Found]], clock: Callable[[], float]
) -> tuple[RuleOutcome, Found | None]:
    blocker = next((slug for slug in rule.requires if slug in found), None)
    if blocker is not None:
        return RuleOutcome(rule=rule.slug, status="skip", seconds=0.0, detail=blocker), None
    started = clock()
    try:
        result = _checked(rule.check(facts, compat))
    except Exception as error:  # noqa: BLE001  # one broken rule must not hide what the others found
        detail = f"{type(error).__name__}: {error}"
        return RuleOutcome(rule=rule.slug, status="crash", seconds=clock() - started, detail=detail), None
    status = "pass" if result is None else "finding"
    return RuleOutcome(rule=rule.slug, status=status, seconds=clock() - started), result


def _checked(result: object) -> Found | None:
    """What a rule may give back; another package's rule may give anything, and would break the report only later."""
    if result is None or (isinstance(result, Found) and isinstance(result.summary, Message)):
        return result
    raise TypeError(
        f"a rule gives Found, with a message as its summary, or None; this one gave {type(result).__name__}"
    )


def _conclude(found: dict[str, tuple[Rule, Found]], outcomes: list[RuleOutcome]) -> Diagnosis:
    hidden = {slug for rule, result in found.values() if _stands(result) for slug in rule.supersedes}
    kept = [(rule, result) for rule, result in found.values() if rule.slug not in hidden]
    primary = choose_primary(kept)
    ranked = sorted(kept, key=lambda pair: (pair[0].slug != primary, -_weight(*pair)[0], -_weight(*pair)[1]))
    return Diagnosis(
        primary=primary,
        findings=tuple(finding(rule, result) for rule, result in ranked),
        outcomes=tuple(outcomes),
    )


def _stands(result: Found) -> bool:
    return result.primary and result.certainty > Certainty.TABLE


def _weight(rule: Rule, result: Found) -> tuple[int, int]:
    return (_RANK[result.severity or rule.severity], result.certainty)


def choose_primary(found: Sequence[tuple[Rule, Found]]) -> str | None:
    """The cause that the others follow from: what a program said before what a table says, then the worse, then order.

    A finding that only a table speaks for is the primary one only when nothing else was said.
    """
    candidates = [(rule, result) for rule, result in found if result.primary]
    if not candidates:
        return None
    rule, _ = max(candidates, key=lambda pair: (pair[1].certainty, _RANK[pair[1].severity or pair[0].severity]))
    return rule.slug
