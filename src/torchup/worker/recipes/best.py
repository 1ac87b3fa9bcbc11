"""`best`: try every fast recipe that the device supports on a small epoch, run the fastest.

On a GPU each candidate is tried in a process of its own: an error there can spoil the device's context for all that
follows. On a CPU they are tried here, in turns.
"""

from typing import Any, Dict, Optional

import devices
import idx
import measure
import trial
from said import Said, SaidError, reason, said

import recipes
from recipes import resident
from recipes.base import BaseRecipe

CANDIDATES = ("fused", "graph", "resident")
ROUNDS = 2


class Recipe(BaseRecipe):
    """Holds the winner and passes everything on to it."""

    @staticmethod
    def refusal(device: str) -> Optional[Said]:
        return resident.Recipe.refusal(device)

    def prepare(self) -> None:
        device, label = self.task.device, self.task.precision
        refused = {name: recipes.refusal(name, device, label) for name in CANDIDATES}
        able = [name for name in CANDIDATES if refused[name] is None]
        tried = self._here(able) if devices.kind(device) == "cpu" else self._in_children(able)
        if not tried:
            why = self.notes[-1] if self.notes else next(why for why in refused.values() if why is not None)
            raise SaidError("no-recipe", device=device, why=why)
        chosen = min(tried, key=lambda name: tried[name])
        self.facts.update(chosen=chosen, trial_seconds=tried)
        self._winner = recipes.load(chosen)(self.task)
        self._winner.prepare()
        self.compile_seconds = self._winner.compile_seconds
        self.notes += self._winner.notes
        self.facts.update(self._winner.facts)

    def _in_children(self, able: Any) -> Dict[str, float]:
        tried: Dict[str, float] = {}
        shared = {"device": self.task.device, "precision": self.task.precision, "threads": self.task.threads}
        for name in able:
            try:
                tried[name] = trial.in_child({"recipe": name, **shared})
            except Exception as error:  # noqa: BLE001  # whatever breaks one way of running leaves the others
                self.notes.append(said("left-out", name=name, why=reason(error)))
        return tried

    def _here(self, able: Any) -> Dict[str, float]:
        """In turns, the best of some rounds; torch.compile compiles for longer than the written loop trains."""
        if "fused" in able:
            able = [name for name in able if name != "graph"]
        train = idx.Split(self.task.train.images[: trial.SAMPLES], self.task.train.labels[: trial.SAMPLES])
        ready: Dict[str, Any] = {}
        for name in able:
            try:
                ready[name] = recipes.load(name)(self.task._replace(train=train))
                ready[name].prepare()
                ready[name].start()
                ready[name].load()
                ready[name].epoch()
            except Exception as error:  # noqa: BLE001  # whatever breaks one way of running leaves the others
                del ready[name]
                self.notes.append(said("left-out", name=name, why=reason(error)))
        tried: Dict[str, float] = {}
        for _ in range(ROUNDS if len(ready) > 1 else 1):
            for name, recipe in ready.items():
                seconds = measure.steady(self.task.device, recipe.epoch)
                tried[name] = min(tried.get(name, seconds), seconds)
        return tried

    def rehearse(self) -> None:
        self._winner.rehearse()

    def start(self) -> None:
        self._winner.start()
        self.net = self._winner.net

    def load(self) -> None:
        self._winner.load()

    def epoch(self) -> Any:
        self._winner.stop_at = self.stop_at
        losses = self._winner.epoch()
        self.warm_at = self._winner.warm_at
        return losses
