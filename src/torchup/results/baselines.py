"""Published results that ship with torchup, marked as not measured by it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchup.data_files import read_data
from torchup.encoding import from_builtins
from torchup.model import Origin, Result
from torchup.results.run import Run

if TYPE_CHECKING:
    from collections.abc import Mapping

BASELINES = ("article",)  # each is a file results/data/NAME.toml
SAMPLES_PER_EPOCH = 60_000  # MNIST's training set


@cache
def load_baseline(name: str) -> Run:
    """One of `BASELINES` as a run."""
    table = read_data(Path(__file__).parent / "data" / f"{name}.toml", dict[str, Any])
    results = tuple(_published({**table["shared"], **row}) for row in table["result"])
    return Run(id=table["id"], origin=Origin.BASELINE, title=table["title"], source=table["source"], results=results)


def _published(row: Mapping[str, object]) -> Result:
    result = from_builtins({**row, "measured": False}, Result)
    samples = SAMPLES_PER_EPOCH * result.parameters["epochs"]
    rate = samples / result.seconds
    more = {
        "measured": False,
        "samples_per_second": rate,
        "epochs": result.parameters["epochs"],
        "seconds_for_request": result.seconds,
    }
    return from_builtins({**row, **more}, Result)
