"""The article's training in other libraries beside torchup's recipes: time a step, and whether they train alike.

    python scripts/compare_training.py [--steps 300] [--rounds 5] [--threads 1]

`nox -s compare_training` fetches what it compares with; a library that does not install or run is named with its
reason and left out. Every peer starts from the same weights and takes the same batches in the same order, and its loss
at each step is held against eager PyTorch's. A first run of each, which compiles, is outside the clock. Then they take
turns, so that a slow minute of the machine hits all of them; a ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "src" / "torchup" / "worker"))

EAGER, RESIDENT, FUSED = "PyTorch, eager", "resident", "fused"
TOLERANCE = 2e-3  # of the losses of some hundred steps: sums in another order drift apart slowly
MOST_STEPS = 937  # full batches of an epoch
PACKAGES = ("torch", "jax", "mlx", "tinygrad")


def hold_to(processors: int) -> None:
    """Keep this process on so many processors: not every library has a setting for its threads."""
    import torch  # noqa: PLC0415  # heavy, and not needed for --help

    torch.set_num_threads(processors)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:processors])


def reason(error: Exception) -> str:
    """The last line of an error, which is where compilers and import systems say what is missing."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or ['no message'])[-1]}"


def made(data: Any, steps: int) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """Peers that run, and the losses of their first run; the others are named on standard output."""
    import training_peers  # noqa: PLC0415  # it imports torch

    peers: dict[str, Any] = {}
    losses: dict[str, list[float]] = {}
    for library, make in training_peers.LIBRARIES.items():
        try:
            for name, peer in make(data, steps).items():
                losses[name], peers[name] = peer(), peer
        except Exception as error:  # noqa: BLE001  # whatever a library raises, the others are compared
            print(f"left out: {library}: {reason(error)}")
    return peers, losses


def seconds_a_step(peers: dict[str, Any], steps: int, rounds: int) -> dict[str, list[float]]:
    """Seconds a step of each round, peers in turns."""
    times: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, peer in peers.items():
            begin = time.perf_counter()
            peer()
            times[name].append((time.perf_counter() - begin) / steps)
    return times


def ratio(times: dict[str, list[float]], base: str, name: str) -> str:
    """How many times as fast as ``base``; a dash where ``base`` does not run here."""
    if base not in times:
        return "-"
    return f"{statistics.median(b / t for b, t in zip(times[base], times[name], strict=True)):.2f}"


def table(times: dict[str, list[float]], differences: dict[str, float]) -> str:
    """A Markdown table, fastest first."""
    lines = [
        "| training | least µs a step | times as fast as eager | as `resident` | as `fused` | loss differs by |",
        "|---|---|---|---|---|---|",
    ]
    for name in sorted(times, key=lambda name: min(times[name])):
        ratios = " | ".join(ratio(times, base, name) for base in (EAGER, RESIDENT, FUSED))
        lines.append(f"| {name} | {1e6 * min(times[name]):.0f} | {ratios} | {differences[name]:.1e} |")
    return "\n".join(lines)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300, help=f"of 64 images, at most {MOST_STEPS}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--threads", type=int, help="threads and processors for all; without it each takes what it takes"
    )
    options = parser.parse_args()
    if not 1 <= options.steps <= MOST_STEPS or options.rounds < 1 or (options.threads or 1) < 1:
        parser.error(f"steps are 1 to {MOST_STEPS}, rounds and threads at least 1")
    return options


def main() -> int:
    """Print a Markdown table; 1 where a peer does not train alike."""
    options = parsed()
    if options.threads:
        hold_to(options.threads)
    import idx  # noqa: PLC0415  # after the path is set

    train, _ = idx.load()
    count = options.steps * 64
    data = train.images[:count].contiguous(), train.labels[:count].contiguous()
    peers, losses = made(data, options.steps)
    differences = {
        name: max(abs(a - b) for a, b in zip(found, losses[EAGER], strict=True)) for name, found in losses.items()
    }
    times = seconds_a_step(peers, options.steps, options.rounds)
    found = {name for distribution in metadata.distributions() if (name := distribution.name) in PACKAGES}
    print(", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES if name in found), end="\n\n")
    print(table(times, differences))
    unlike = [name for name, difference in differences.items() if not difference <= TOLERANCE]
    print(
        f"\nA loss may differ from eager PyTorch's by {TOLERANCE:g} at a step; outside: {', '.join(unlike) or 'none'}."
    )
    return int(bool(unlike))


if __name__ == "__main__":
    sys.exit(main())
