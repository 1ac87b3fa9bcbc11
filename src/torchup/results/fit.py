"""Make a run fit into a result file: whatever is written can be read again. Pure.

The bounds are those that reading holds a stranger's file to. Curves are what grows (a time for each of 20,000 steps);
they are thinned evenly, the first and the last point kept.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import msgspec

from torchup.encoding import from_builtins, to_builtins
from torchup.results.run import Run

T = TypeVar("T")

TEXT_LIMIT = 2000  # characters of any string
ITEM_LIMIT = 400_000  # values in a file
DEPTH_LIMIT = 12
PARAMETER_DEPTH = 4  # of dicts and lists in a result's parameters
CURVE_LIMIT = 2000  # points of one curve
LIST_LIMIT = 2000  # entries of a list in a result's parameters
CURVES_SHARE = 0.5  # of the values in a file
RAW_SHARE = 0.2  # same, of the samples of small workloads
_A_POINT = 3  # values: a pair and its two numbers


def fitted(run: Run) -> Run:
    """The run within the bounds of a result file."""
    curves = sum(len(result.curves) for result in run.results)
    most = min(CURVE_LIMIT, int(ITEM_LIMIT * CURVES_SHARE / _A_POINT / max(1, curves)))
    points = sum(len(result.raw) for result in run.results)
    samples = min(LIST_LIMIT, int(ITEM_LIMIT * RAW_SHARE / max(1, points)))
    results = tuple(
        msgspec.structs.replace(
            result,
            curves={name: thinned(_finite_points(points), most) for name, points in result.curves.items()},
            raw={name: thinned(_finite(taken), samples) for name, taken in result.raw.items()},
            quality={name: value for name, value in result.quality.items() if math.isfinite(value)},
            parameters=_bounded(result.parameters),
        )
        for result in run.results
    )
    return from_builtins(_short(to_builtins(msgspec.structs.replace(run, results=results))), Run)


def thinned(points: tuple[T, ...], most: int) -> tuple[T, ...]:
    """At most ``most`` points, evenly chosen, the first and the last among them."""
    if len(points) <= most:
        return points
    if most < 2:  # noqa: PLR2004  # both ends
        return points[:most]
    return tuple(points[round(number * (len(points) - 1) / (most - 1))] for number in range(most))


def _finite_points(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    return tuple(point for point in points if all(math.isfinite(value) for value in point))


def _finite(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(value for value in values if math.isfinite(value))


def _bounded(value: Any, depth: int = 0) -> Any:
    """Parameters with lists of bounded length and depth, and numbers that JSON knows."""
    if depth >= PARAMETER_DEPTH and isinstance(value, dict | list | tuple):
        return str(value)
    if isinstance(value, dict):
        return {str(name): _bounded(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_bounded(item, depth + 1) for item in thinned(tuple(value), LIST_LIMIT)]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _short(value: Any) -> Any:
    """Every string within its bound."""
    if isinstance(value, str):
        return value if len(value) <= TEXT_LIMIT else value[: TEXT_LIMIT - 1] + "…"
    if isinstance(value, dict):
        return {_short(name): _short(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_short(item) for item in value]
    return value
