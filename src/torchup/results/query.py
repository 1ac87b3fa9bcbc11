"""Choose results: `RUN`, `RUN:RECIPE`, `RUN:RECIPE@DEVICE`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import Result, Value

if TYPE_CHECKING:
    from collections.abc import Iterable


class Selector(Value, frozen=True, kw_only=True):
    """What part of which run is meant; ``None`` means every one."""

    run: str
    recipe: str | None = None
    device: str | None = None

    @classmethod
    def parse(cls, text: str) -> Selector:
        """Read ``latest:script@cpu``; a colon that belongs to a path (a drive letter) is left alone."""
        run, colon, tail = text.rpartition(":")
        if not colon or not run or "\\" in tail or "/" in tail or tail.endswith(".json") or len(run) == 1:
            return cls(run=text)
        recipe, _, device = tail.partition("@")
        return cls(run=run, recipe=recipe or None, device=device or None)

    def choose(self, results: Iterable[Result]) -> tuple[Result, ...]:
        """The results that are meant."""
        return tuple(
            result
            for result in results
            if self.recipe in {None, result.recipe}
            and self.device in {None, result.device, result.device.split(":")[0]}
        )


def only(
    results: Iterable[Result], *, workload: str | None = None, recipe: str | None = None, device: str | None = None
) -> tuple[Result, ...]:
    """Results of one workload, recipe or device (``cuda`` means every ``cuda:N``)."""
    part = Selector(run="", recipe=recipe, device=device)
    return tuple(result for result in part.choose(results) if workload in {None, result.workload})
