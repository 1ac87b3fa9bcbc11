"""`best`: prepare every fast recipe that the device supports, time each on a small epoch, run the fastest."""

from typing import Any, Dict, Optional

import devices
import idx
from said import Said, SaidError, reason, said

import recipes
from recipes import fused, graph, resident
from recipes.base import BaseRecipe

CANDIDATES = {"fused": fused.Recipe, "graph": graph.Recipe, "resident": resident.Recipe}
TRIAL_SAMPLES = 64 * 64 + 32  # 64 full batches and a tail


class Recipe(BaseRecipe):
    """Holds the winner and passes everything on to it."""

    @staticmethod
    def refusal(device: str) -> Optional[Said]:
        return resident.Recipe.refusal(device)

    def prepare(self) -> None:
        tried: Dict[str, float] = {}
        winner: Any = None
        for name, kind in CANDIDATES.items():
            if recipes.refusal(name, self.task.device, self.task.precision) or self._is_pointless(name, tried):
                continue
            try:
                recipe, seconds = self._trial(kind)
            except Exception as error:  # noqa: BLE001  # whatever breaks one way of running leaves the others
                self.notes.append(said("left-out", name=name, why=reason(error)))
                continue
            if not tried or seconds < min(tried.values()):
                winner, self.facts["chosen"] = recipe, name
            tried[name] = seconds
        if winner is None:
            raise SaidError(
                "no-recipe", device=self.task.device, why=self.notes[-1] if self.notes else said("raised", text="-")
            )
        self.facts["trial_seconds"] = tried
        self.compile_seconds = winner.compile_seconds
        self._winner = winner
        self._winner.task = self.task
        if hasattr(self._winner, "resize"):
            self._winner.resize()
        self.notes += self._winner.notes
        self.facts.update(self._winner.facts)

    def _is_pointless(self, name: str, tried: Dict[str, float]) -> bool:
        """On a CPU torch.compile compiles for longer than the hand-written loop needs to train."""
        return name == "graph" and devices.kind(self.task.device) == "cpu" and "fused" in tried

    def _trial(self, kind: Any) -> Any:
        """A prepared recipe on a part of the data, and the seconds of its second epoch there."""
        train = idx.Split(self.task.train.images[:TRIAL_SAMPLES], self.task.train.labels[:TRIAL_SAMPLES])
        recipe = kind(self.task._replace(train=train))
        recipe.prepare()
        recipe.start()
        recipe.load()
        recipe.epoch()
        with devices.Stopwatch(self.task.device) as watch:
            recipe.epoch()
        return recipe, watch.seconds

    def start(self) -> None:
        self._winner.start()
        self.net = self._winner.net

    def load(self) -> None:
        self._winner.load()

    def epoch(self) -> Any:
        return self._winner.epoch()
