"""The article's training in other libraries beside torchup's recipes: time a step, and whether they train alike.

    python scripts/compare_training.py [--steps 300] [--rounds 5] [--threads 1]

`nox -s compare_training` fetches what it compares with; a library that is not here is named and left out. Every peer
starts from the same weights, takes the same batches in the same order, and its losses are held against eager PyTorch's.
Peers take turns, so that a slow minute of the machine hits all of them; the ratio is that of pairs of neighbours.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "src" / "torchup" / "worker"))

TOLERANCE = 2e-3  # of the losses of some hundred steps: sums in another order drift apart slowly


def torch_peers(data: Any, steps: int) -> dict[str, Any]:
    """Eager as written, compiled, the written-out step of `resident`, the C++ loop of `fused`."""
    import by_hand  # noqa: PLC0415  # after the path is set
    import lenet  # noqa: PLC0415  # the path is set first
    import torch  # noqa: PLC0415  # same
    from recipes import fused_cpu  # noqa: PLC0415  # same

    images, labels = data
    inputs = lenet.normalised(images)
    flat = inputs.to(memory_format=torch.channels_last)
    parts = [slice(n * lenet.BATCH, (n + 1) * lenet.BATCH) for n in range(steps)]

    def eager() -> list[float]:
        net = lenet.fresh_net(0)
        update = lenet.optimiser(net)
        return [lenet.train_step(net, update, inputs[part], labels[part]).item() for part in parts]

    def written_out() -> list[float]:
        net = lenet.fresh_net(0).to(memory_format=torch.channels_last)
        step = by_hand.Step(list(net.parameters()))
        return torch.stack([step(flat[part], labels[part]) for part in parts]).tolist()

    kernel = fused_cpu.Kernel()

    def fused() -> list[float]:
        weights = [p.data for p in lenet.fresh_net(0).parameters()]
        momenta = [torch.zeros_like(weight) for weight in weights]
        order = torch.arange(steps * lenet.BATCH)
        threads = min(torch.get_num_threads(), kernel.most_threads)
        return kernel.train(weights, momenta, images=images, labels=labels, order=order, threads=threads).tolist()

    loss_of = torch.compile(lambda net, x, y: torch.nn.functional.cross_entropy(net(x), y), dynamic=False)

    def compiled() -> list[float]:
        net = lenet.fresh_net(0)
        update = lenet.optimiser(net, fused=True)
        losses = []
        for part in parts:
            update.zero_grad()
            loss = loss_of(net, inputs[part], labels[part])
            loss.backward()
            update.step()
            losses.append(loss.detach())
        return torch.stack(losses).tolist()

    return {"PyTorch, eager": eager, "PyTorch, compiled": compiled, "resident": written_out, "fused": fused}


def jax_peers(data: Any, steps: int) -> dict[str, Any]:
    """One jitted step called from Python, and the whole run as one scan."""
    import jax  # noqa: PLC0415  # named and left out where it is missing
    import lenet  # noqa: PLC0415  # the path is set first
    from jax import lax  # noqa: PLC0415  # same
    from jax import numpy as jnp  # noqa: PLC0415  # same

    images, labels = data
    x = jnp.asarray(lenet.normalised(images).numpy()).reshape(steps, lenet.BATCH, 1, 28, 28)
    y = jnp.asarray(labels.numpy()).reshape(steps, lenet.BATCH)
    start = [jnp.asarray(p.detach().numpy()) for p in lenet.fresh_net(0).parameters()]

    def block(hidden: Any, weight: Any, bias: Any) -> Any:
        hidden = lax.conv(hidden, weight, (1, 1), "VALID") + bias[None, :, None, None]
        return jax.nn.relu(lax.reduce_window(hidden, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID"))

    def loss_of(weights: Any, part: Any, truth: Any) -> Any:
        w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = weights
        hidden = block(block(part, w1, b1), w2, b2).reshape(part.shape[0], -1)
        hidden = jax.nn.relu(jax.nn.relu(hidden @ w3.T + b3) @ w4.T + b4) @ w5.T + b5
        return -jnp.take_along_axis(jax.nn.log_softmax(hidden), truth[:, None], 1).mean()

    def step(state: Any, batch: Any) -> Any:
        weights, speed = state
        loss, gradients = jax.value_and_grad(loss_of)(weights, *batch)
        speed = [lenet.MOMENTUM * s + g for s, g in zip(speed, gradients, strict=True)]
        return ([w - lenet.LEARNING_RATE * s for w, s in zip(weights, speed, strict=True)], speed), loss

    jitted, scanned = jax.jit(step), jax.jit(lambda state: lax.scan(step, state, (x, y))[1])

    def fresh() -> Any:
        return start, [jnp.zeros_like(w) for w in start]

    def by_step() -> list[float]:
        state, losses = fresh(), []
        for n in range(steps):
            state, loss = jitted(state, (x[n], y[n]))
            losses.append(loss)
        return [float(loss) for loss in losses]

    return {"JAX, jit": by_step, "JAX, scan": lambda: scanned(fresh()).tolist()}


def measure(peers: dict[str, Any], steps: int, rounds: int) -> list[tuple[str, float, float, float]]:
    """(name, microseconds a step, median ratio to eager, largest difference of a loss), peers in turns."""
    reference = peers["PyTorch, eager"]()
    differences = {}
    for name, peer in peers.items():  # the first call compiles
        differences[name] = max(abs(a - b) for a, b in zip(peer(), reference, strict=True))
    times: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, peer in peers.items():
            begin = time.perf_counter()
            peer()
            times[name].append((time.perf_counter() - begin) / steps)
    base = times["PyTorch, eager"]
    return [
        (name, 1e6 * min(found), statistics.median(b / t for b, t in zip(base, found, strict=True)), differences[name])
        for name, found in times.items()
    ]


def main() -> int:
    """Print a Markdown table; 1 where a peer does not train alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    import idx  # noqa: PLC0415  # after the path is set
    import torch  # noqa: PLC0415  # same

    if options.threads:
        torch.set_num_threads(options.threads)
    train, _ = idx.load()
    count = options.steps * 64
    data = train.images[:count].contiguous(), train.labels[:count].contiguous()
    peers: dict[str, Any] = {}
    for name, make in (("PyTorch", torch_peers), ("JAX", jax_peers)):
        try:
            peers |= make(data, options.steps)
        except ImportError as error:
            print(f"{name} is left out: {error}")
    rows = measure(peers, options.steps, options.rounds)
    print("| training | us a step | times as fast as eager | loss differs by |\n|---|---|---|---|")
    for name, step, ratio, difference in rows:
        print(f"| {name} | {step:.0f} | {ratio:.2f} | {difference:.1e} |")
    return int(any(difference > TOLERANCE for *_, difference in rows))


if __name__ == "__main__":
    sys.exit(main())
