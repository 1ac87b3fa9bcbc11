"""Compare measurements: ratio with interval, a verdict, and what differs between the two sides. Pure.

Rules (T. Hoefler and R. Belli, SC15; criterion.rs; nvbench's compare): a difference counts only when its interval
excludes 1 *and* it is larger than the noise threshold; an interval inside the threshold on both sides is "same";
everything else is "unclear" and is called so.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from torchup.bench.stats import FEW, percentage, ratio_interval
from torchup.bench.timebase import Timed, common, cut, done, for_request, seconds_for
from torchup.model import Message, Notice, RecipeKind, Result, Value, message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NOISE = 0.02  # a smaller difference is not worth a word, however sure it is
SINGLE_RUN_NOISE = 0.25  # without repeats only a larger difference is believed
QUALITY_SLACK = 0.005  # half a point of accuracy: two seeds of the MNIST run differ by less


class Verdict(StrEnum):
    """What a comparison says of the candidate."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    UNCLEAR = "unclear"


class Labelled(Value, frozen=True, kw_only=True):
    """A result and the name of the run it comes from."""

    run: str
    result: Result


class Side(Value, frozen=True, kw_only=True):
    """One side of a comparison, as far as a reader needs it. Times are seconds of the unit compared."""

    run: str
    recipe: str
    device: str
    device_name: str | None
    world_size: int = 1
    scaling: str | None = None
    setting: dict[str, Any] = {}  # of a sweep
    median: float
    ci95: tuple[float, float] | None
    repeats: int
    measured: bool
    measured_amount: float | None = None  # where less was done than the time is a time of: it is extrapolated from it


class Difference(Value, frozen=True, kw_only=True):
    """One thing that is not the same on both sides: ``machine.cpu.model``, ``torch``, ``precision``..."""

    key: str
    base: str | None
    candidate: str | None


class Comparison(Value, frozen=True, kw_only=True):
    """Candidate against base. ``ratio`` is base time / candidate time: above 1 the candidate is faster."""

    workload: str
    precision: str
    unit: str  # run | epoch | step
    amount: float | None = None  # of units that the times are times of
    base: Side
    candidate: Side
    ratio: float
    interval: tuple[float, float] | None
    verdict: Verdict
    regressed: bool
    differences: tuple[Difference, ...] = ()
    caveats: tuple[Notice, ...] = ()


class Refusal(Value, frozen=True, kw_only=True):
    """Two results that are not compared because they did not do the same work."""

    base: Side
    candidate: Side
    workload: str
    differences: tuple[Difference, ...]


class Report(Value, frozen=True, kw_only=True):
    """All comparisons of two sets of results."""

    comparisons: tuple[Comparison, ...] = ()
    refused: tuple[Refusal, ...] = ()

    @property
    def regressed(self) -> bool:
        """Whether any comparison is slower past the threshold."""
        return any(comparison.regressed for comparison in self.comparisons)


def compare_sets(
    base: Sequence[Labelled],
    candidate: Sequence[Labelled],
    *,
    threshold: float | None = None,
    across: frozenset[str] = frozenset(),
) -> Report:
    """Pair the results of two sets and compare each pair.

    Args:
        base: the results that are the measure.
        candidate: the results to judge.
        threshold: share by which a slower candidate is a regression (0.05 = 5 %); ``None``: there are none.
        across: differences that do not prevent a comparison: ``recipe``, ``precision``, ``kind``, ``parameters``...
    """
    comparisons: list[Comparison] = []
    refused: list[Refusal] = []
    for left, right in _pairs(base, candidate, across):
        blocking = tuple(d for d in work_differences(left.result, right.result) if d.key.split(".")[0] not in across)
        if blocking:
            refused.append(_refusal(left, right, blocking))
        else:
            comparisons.append(compare(left, right, threshold=threshold))
    return Report(comparisons=tuple(comparisons), refused=tuple(refused))


def compare(base: Labelled, candidate: Labelled, *, threshold: float | None = None) -> Comparison:
    """Compare two results of the same work; their raw samples decide."""
    amount = common((base.result, candidate.result))
    left, right = seconds_for(base.result, amount), seconds_for(candidate.result, amount)
    before, after = left.samples, right.samples
    ratio = left.seconds / right.seconds
    interval = ratio_interval(before, after)
    verdict = judge(ratio, interval, fewest=min(len(before), len(after)))
    return Comparison(
        workload=base.result.workload,
        precision=candidate.result.precision,
        unit=amount.unit if amount is not None else "run",
        amount=amount.count if amount is not None else None,
        base=_side(base, left),
        candidate=_side(candidate, right),
        ratio=ratio,
        interval=interval,
        verdict=verdict,
        regressed=threshold is not None and verdict is Verdict.SLOWER and 1 / ratio > 1 + threshold,
        differences=tuple(differences(base.result, candidate.result)),
        caveats=tuple(_caveats(base.result, candidate.result, fewest=min(len(before), len(after)))),
    )


def judge(ratio: float, interval: tuple[float, float] | None, *, fewest: int) -> Verdict:
    """The verdict for a ratio (above 1: faster) with its interval; ``fewest`` is the smaller number of repeats."""
    if interval is None or fewest < FEW:
        low, high = ratio / (1 + SINGLE_RUN_NOISE), ratio * (1 + SINGLE_RUN_NOISE)
    else:
        low, high = interval
    if low >= 1 - NOISE and high <= 1 + NOISE:
        return Verdict.SAME
    if low > 1 and ratio > 1 + NOISE:
        return Verdict.FASTER
    if high < 1 and ratio < 1 - NOISE:
        return Verdict.SLOWER
    return Verdict.UNCLEAR


# ---------------------------------------------------------------- pairing


def _pairs(
    base: Sequence[Labelled], candidate: Sequence[Labelled], across: frozenset[str]
) -> Iterator[tuple[Labelled, Labelled]]:
    """Same workload and recipe; the same device type where the other side has it, any device where not.

    A published baseline has one result a machine, so its results are paired with everything.
    """
    for right in candidate:
        rivals = [
            left
            for left in base
            if left.result.workload == right.result.workload
            and ("recipe" in across or left.result.recipe == right.result.recipe)
        ]
        alike = [left for left in rivals if _device_type(left.result) == _device_type(right.result)]
        published = [left for left in rivals if not left.result.measured or not right.result.measured]
        chosen = published or _closest(alike or rivals, right)
        yield from ((left, right) for left in chosen)


def _closest(rivals: list[Labelled], right: Labelled) -> list[Labelled]:
    """Of rivals on the same kind of device those that did the same work; all of them (to be refused) when none did."""
    same = [left for left in rivals if not list(work_differences(left.result, right.result))]
    return same or rivals


def _device_type(result: Result) -> str:
    return result.device.split(":")[0]


# ---------------------------------------------------------------- what differs

# Parameters that say which training was done; the others (workers, threads, budget) only say how.
TRAINING = (
    "scaling",
    "sweep",
    "program",
    "images",
    "batch",
    "batch_size",
    "learning_rate",
    "momentum",
    "optimiser",
    "model",
    "size",
    "sizes",
    "sequence",
    "dataset",
)


def work_differences(base: Result, candidate: Result) -> Iterator[Difference]:
    """What makes two results different work, so that their times must not be set against each other."""
    for key in ("workload", "recipe", "kind", "precision", "world_size"):
        if key == "kind" and {base.kind, candidate.kind} <= {RecipeKind.REPLICA, RecipeKind.SAME_MATH}:
            continue  # two ways to run the same mathematics
        yield from _difference(key, getattr(base, key), getattr(candidate, key))
    for key in TRAINING:
        if key in base.parameters and key in candidate.parameters:
            yield from _difference(f"parameters.{key}", base.parameters[key], candidate.parameters[key])


def differences(base: Result, candidate: Result) -> Iterator[Difference]:
    """Everything that differs between two sides: work first, then machine, software, processes."""
    yield from work_differences(base, candidate)
    yield from _difference("device", base.device, candidate.device)
    yield from _difference("device_name", base.device_name, candidate.device_name)
    yield from _difference("torch", base.torch, candidate.torch)
    yield from _difference("code_hash", base.code_hash, candidate.code_hash, both=True)
    for room in ("machine", "environment"):
        left, right = dict(_flat(getattr(base, room), room)), dict(_flat(getattr(candidate, room), room))
        for key in sorted(left.keys() & right.keys()):
            yield from _difference(key, left[key], right[key])


def _difference(key: str, base: object, candidate: object, *, both: bool = False) -> Iterator[Difference]:
    if base != candidate and not (both and (base is None or candidate is None)):
        yield Difference(key=key, base=_show(base), candidate=_show(candidate))


def _show(value: object) -> str | None:
    return None if value is None else str(value)


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, object]]:
    """Leaves of nested dicts and lists with dotted names."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}")
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _flat(item, f"{prefix}.{position}")
    else:
        yield prefix, value


# ---------------------------------------------------------------- caveats


def _caveats(base: Result, candidate: Result, *, fewest: int) -> Iterator[Notice]:
    if not (base.measured and candidate.measured):
        yield _caveat(
            message("compare.not-measured", "at least one side is a published number that torchup did not measure")
        )
    if fewest < FEW:
        text = message(
            "compare.few-repeats",
            "too few repeats ({count}): a difference below {percent} is reported as unclear",
            count=fewest,
            percent=percentage(SINGLE_RUN_NOISE, 0),
        )
        yield _caveat(text)
    if done(base) != done(candidate):
        text = message(
            "compare.epochs",
            "the runs trained for different numbers of epochs or steps; torchup scales their times to the same number",
        )
        yield _caveat(text)
    if base.parameters.get("torchvision") != candidate.parameters.get("torchvision"):
        both = "torchvision" in base.parameters and "torchvision" in candidate.parameters
        if both:
            yield _caveat(message("compare.torchvision", "only one side used torchvision to transform its samples"))
    yield from _quality_caveats(base, candidate)
    if False in {base.stable, candidate.stable}:
        yield _caveat(message("compare.unstable", "at least one side was not stable: measure it again"))


def _quality_caveats(base: Result, candidate: Result) -> Iterator[Notice]:
    before, after = base.quality.get("test_accuracy"), candidate.quality.get("test_accuracy")
    # Accuracies after other numbers of epochs say nothing of each other, and those of a few steps nothing at all.
    same = done(base) == done(candidate) and cut(base) is None and cut(candidate) is None
    if same and before is not None and after is not None and after < before - QUALITY_SLACK:
        text = message(
            "compare.accuracy",
            "the candidate is less accurate ({after} instead of {before})",
            after=percentage(after, 2),
            before=percentage(before, 2),
        )
        yield _caveat(text)


def _caveat(text: Message) -> Notice:
    return Notice(code=text.code, level="warning", text=text)


def _side(labelled: Labelled, timed: Timed) -> Side:
    result = labelled.result
    return Side(
        run=labelled.run,
        recipe=result.recipe,
        device=result.device,
        device_name=result.device_name,
        world_size=result.world_size,
        scaling=result.parameters.get("scaling"),
        setting=setting if isinstance(setting := result.parameters.get("sweep"), dict) else {},
        median=timed.seconds,
        ci95=timed.interval,
        repeats=len(timed.samples),
        measured_amount=timed.measured,
        measured=result.measured,
    )


def _refusal(base: Labelled, candidate: Labelled, blocking: Iterable[Difference]) -> Refusal:
    return Refusal(
        base=_side(base, for_request(base.result)),
        candidate=_side(candidate, for_request(candidate.result)),
        workload=base.result.workload,
        differences=tuple(blocking),
    )
