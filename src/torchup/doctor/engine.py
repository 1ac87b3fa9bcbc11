"""Run the rules over the facts: order, skip, crash guard, time, and at most one primary cause."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from torchup.doctor.cause import CURED_BY_PLAN, load_cause, order
from torchup.doctor.rule import Certainty, Found, Rule, finding
from torchup.doctor.verdict import Judgement, judge
from torchup.model import Diagnosis, Message, RuleOutcome, Severity, Verdict, message

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Finding

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
    chosen = [rule for rule in rules if _is_chosen(rule, only, ignore)]
    chosen.sort(key=lambda rule: rule.last_resort)
    outcomes = [RuleOutcome(rule=name, status="crash", seconds=0.0, detail=why) for name, why in facts.unread.items()]
    found: dict[str, tuple[Rule, Found]] = {}
    for rule in chosen:
        outcome, result = _run(rule, facts, compat, found, clock)
        outcomes.append(outcome)
        if result is not None:
            found[rule.slug] = (rule, result)
    return _conclude(facts, compat, found, outcomes)


def _is_chosen(rule: Rule, only: Collection[str], ignore: Collection[str]) -> bool:
    """Whether to run a rule; the last resort only with all others, or where it is named."""
    wanted = any(rule.slug.startswith(part) for part in only) or (not only and not (ignore and rule.last_resort))
    return wanted and not any(rule.slug.startswith(part) for part in ignore)


def _run(
    rule: Rule, facts: Facts, compat: Compat, found: dict[str, tuple[Rule, Found]], clock: Callable[[], float]
) -> tuple[RuleOutcome, Found | None]:
    if rule.last_resort and (error := _first_error(found)) is not None:
        return RuleOutcome(rule=rule.slug, status="skip", seconds=0.0, detail=error), None
    started = clock()
    try:
        result = _checked(rule.check(facts, compat))
    except Exception as error:  # noqa: BLE001  # one broken rule must not hide what the others found
        detail = f"{type(error).__name__}: {error}"
        return RuleOutcome(rule=rule.slug, status="crash", seconds=clock() - started, detail=detail), None
    status = "pass" if result is None else "finding"
    return RuleOutcome(rule=rule.slug, status=status, seconds=clock() - started), result


def _first_error(found: dict[str, tuple[Rule, Found]]) -> str | None:
    """The slug of an error that was found already."""
    errors = (slug for slug, (rule, result) in found.items() if (result.severity or rule.severity) is Severity.ERROR)
    return next(errors, None)


def _checked(result: object) -> Found | None:
    """What a rule may give back; another package's rule may give anything, and would break the report only later."""
    if result is None or (isinstance(result, Found) and isinstance(result.summary, Message)):
        return result
    raise TypeError(
        f"a rule gives Found, with a message as its summary, or None; this one gave {type(result).__name__}"
    )


def _conclude(
    facts: Facts, compat: Compat, found: dict[str, tuple[Rule, Found]], outcomes: list[RuleOutcome]
) -> Diagnosis:
    found = _without_blame_for_what_fits(found, facts, compat)
    hidden = {slug for rule, result in found.values() if _stands(result) for slug in rule.supersedes}
    kept = [(rule, result) for rule, result in found.values() if rule.slug not in hidden]
    primary = choose_primary(kept)
    ranked = sorted(kept, key=lambda pair: (pair[0].slug != primary, -_weight(*pair)[0], -_weight(*pair)[1]))
    findings = tuple(_placed(finding(rule, result), facts) for rule, result in ranked)
    judged = _admitting(judge(facts, findings, primary, compat), outcomes)
    return Diagnosis(
        primary=primary,
        verdict=judged.verdict,
        seen=judged.seen,
        missing=judged.missing,
        findings=findings,
        outcomes=tuple(outcomes),
    )


def _placed(one: Finding, facts: Facts) -> Finding:
    """The finding with a remedy for where the commands are typed: in a container, or on the machine itself."""
    if one.remedy is None or not facts.system.container:
        return one
    from torchup.doctor.host_commands import for_container  # noqa: PLC0415  # only containers need its table

    return msgspec.structs.replace(one, remedy=for_container(one.remedy, facts))


def _admitting(judged: Judgement, outcomes: Sequence[RuleOutcome]) -> Judgement:
    """The verdict, which is not "healthy" where a reader or a rule failed: what it would have found is unknown."""
    failed = [outcome.rule for outcome in outcomes if outcome.status == "crash"]
    if not failed or judged.verdict is not Verdict.HEALTHY:
        return judged
    asked = message(
        "doctor.ask.crashed",
        "report these failed checks to torchup's developers: {names}; attach the report or this output",
        names=", ".join(failed),
    )
    return msgspec.structs.replace(judged, verdict=Verdict.UNDETERMINED, missing=(*judged.missing, asked))


def _without_blame_for_what_fits(
    found: dict[str, tuple[Rule, Found]], facts: Facts, compat: Compat
) -> dict[str, tuple[Rule, Found]]:
    """What was found, but for causes whose cure is the build that is there already: a message is another program's."""
    blaming = {slug for slug in found if slug in order() and load_cause(slug).remedy in CURED_BY_PLAN}
    if not blaming or facts.torch.version is None or facts.torch.variant is None:
        return found
    from torchup.doctor.remedy import is_planned  # noqa: PLC0415  # loads the planner

    if not is_planned(facts, compat.catalog):
        return found
    return {slug: pair for slug, pair in found.items() if slug not in blaming}


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
