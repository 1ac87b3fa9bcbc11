"""The article's training step in PyTorch, JAX, MLX and tinygrad, for compare_training.py.

Each function takes (images, labels) as uint8 and int64 tensors and the number of steps, and returns functions by name:
one call trains from the same initial weights through the same batches in the same order and returns a loss a step.
Data are uploaded and normalised before that, and the first call compiles: neither is in a later call.
"""

from __future__ import annotations

import os
from typing import Any

import lenet
import torch

FILTERS = 4  # dimensions of a convolution's weights


def _slices(steps: int) -> list[slice]:
    return [slice(n * lenet.BATCH, (n + 1) * lenet.BATCH) for n in range(steps)]


def _initial_weights() -> list[Any]:
    return [parameter.detach().numpy() for parameter in lenet.fresh_net(0).parameters()]


def torch_peers(data: Any, steps: int) -> dict[str, Any]:
    """Eager as the article writes it, and compiled with the fused optimiser."""
    images, labels = data
    inputs, parts = lenet.normalised(images), _slices(steps)

    def eager() -> list[float]:
        net = lenet.fresh_net(0)
        update = lenet.optimiser(net)
        return [lenet.train_step(net, update, inputs[part], labels[part]).item() for part in parts]

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

    return {"PyTorch, eager": eager, "PyTorch, compiled": compiled}


def torchup_peers(data: Any, steps: int) -> dict[str, Any]:
    """The written-out step of `resident` and the C++ loop of `fused`."""
    import by_hand  # noqa: PLC0415  # a peer that cannot be imported is left out alone
    from recipes import fused_cpu  # noqa: PLC0415  # same

    images, labels = data
    flat, parts = lenet.normalised(images).to(memory_format=torch.channels_last), _slices(steps)

    def resident() -> list[float]:
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

    return {"resident": resident, "fused": fused}


def jax_peers(data: Any, steps: int) -> dict[str, Any]:
    """One jitted step called from Python, and the whole run as one scan."""
    import jax  # noqa: PLC0415  # a peer that cannot be imported is left out alone
    from jax import lax  # noqa: PLC0415  # same
    from jax import numpy as jnp  # noqa: PLC0415  # same

    images, labels = data
    x = jnp.asarray(lenet.normalised(images).numpy()).reshape(steps, lenet.BATCH, 1, 28, 28)
    y = jnp.asarray(labels.numpy()).reshape(steps, lenet.BATCH)
    start = [jnp.asarray(weight) for weight in _initial_weights()]

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


def mlx_peers(data: Any, steps: int) -> dict[str, Any]:
    """MLX's step on a CPU, as it comes and compiled; images and filters have their channels last there."""
    import mlx.core as mx  # noqa: PLC0415  # a peer that cannot be imported is left out alone
    from mlx import nn  # noqa: PLC0415  # same

    mx.set_default_device(mx.cpu)
    images, labels = data
    x = mx.array(lenet.normalised(images).reshape(steps, lenet.BATCH, 28, 28, 1).numpy())
    y = mx.array(labels.reshape(steps, lenet.BATCH).numpy())
    batches = [(x[n], y[n]) for n in range(steps)]
    start = [mx.array(weight) for weight in _initial_weights()]
    start = [mx.contiguous(w.transpose(0, 2, 3, 1)) if w.ndim == FILTERS else w for w in start]
    mx.eval(batches, start)
    pool = nn.MaxPool2d(2, 2)

    def loss_of(weights: Any, part: Any, truth: Any) -> Any:
        w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = weights
        hidden = pool(nn.relu(mx.conv2d(part, w1) + b1))
        hidden = pool(nn.relu(mx.conv2d(hidden, w2) + b2))
        hidden = hidden.transpose(0, 3, 1, 2).reshape(len(part), -1)
        hidden = nn.relu(nn.relu(hidden @ w3.T + b3) @ w4.T + b4) @ w5.T + b5
        return nn.losses.cross_entropy(hidden, truth, reduction="mean")

    def step(weights: Any, speed: Any, part: Any, truth: Any) -> Any:
        loss, gradients = mx.value_and_grad(loss_of)(weights, part, truth)
        speed = [lenet.MOMENTUM * s + g for s, g in zip(speed, gradients, strict=True)]
        return loss, [w - lenet.LEARNING_RATE * s for w, s in zip(weights, speed, strict=True)], speed

    def run(one_step: Any) -> list[float]:
        weights, speed, losses = start, [mx.zeros_like(w) for w in start], []
        for part, truth in batches:
            loss, weights, speed = one_step(weights, speed, part, truth)
            mx.eval(loss, weights, speed)
            losses.append(loss)
        return [loss.item() for loss in losses]

    compiled = mx.compile(step)
    return {"MLX": lambda: run(step), "MLX, compiled": lambda: run(compiled)}


def tinygrad_peers(data: Any, steps: int) -> dict[str, Any]:
    """One step under TinyJit; tinygrad's CPU backend calls clang, or what CC names."""
    os.environ["DEV"] = "CPU"  # read at the import; by itself it takes a GPU where there is one
    from tinygrad import Tensor, TinyJit  # noqa: PLC0415  # a peer that cannot be imported is left out alone

    images, labels = data
    inputs, truths = lenet.normalised(images).numpy(), labels.int().numpy()
    batches = [(Tensor(inputs[part]).realize(), Tensor(truths[part]).realize()) for part in _slices(steps)]
    start = _initial_weights()
    weights = [Tensor(weight).realize() for weight in start]
    speed = [Tensor.zeros(*weight.shape).contiguous().realize() for weight in start]

    def forward(part: Tensor) -> Tensor:
        w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = weights
        hidden = part.conv2d(w1, b1).relu().max_pool2d()
        hidden = hidden.conv2d(w2, b2).relu().max_pool2d().flatten(1)
        return hidden.linear(w3.T, b3).relu().linear(w4.T, b4).relu().linear(w5.T, b5)

    @TinyJit
    def step(part: Tensor, truth: Tensor) -> Tensor:
        loss = forward(part).sparse_categorical_crossentropy(truth)
        for w, s, gradient in zip(weights, speed, loss.gradient(*weights), strict=True):
            s.assign(lenet.MOMENTUM * s + gradient)
            w.assign(w - lenet.LEARNING_RATE * s)
        return loss.realize(*weights, *speed)

    def run() -> list[float]:
        for w, s, value in zip(weights, speed, start, strict=True):
            w.assign(Tensor(value)).realize()
            s.assign(s.zeros_like()).realize()
        return [step(part, truth).item() for part, truth in batches]

    return {"tinygrad, TinyJit": run}


LIBRARIES = {
    "PyTorch": torch_peers,  # first: its eager run is what the others are held against
    "torchup": torchup_peers,
    "JAX": jax_peers,
    "MLX": mlx_peers,
    "tinygrad": tinygrad_peers,
}
