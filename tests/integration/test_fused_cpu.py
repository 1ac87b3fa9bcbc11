"""The hand-written CPU kernel: its gradients are those of exact arithmetic, however it is built and shared out."""

from __future__ import annotations

import json

import pytest

from support.bench import inside, torch_python

pytestmark = pytest.mark.slow

# One step from zero momentum leaves the gradient in the momentum. The reference is autograd in float64.
GRADIENTS = """
import json, torch, compiler, lenet
from recipes import fused_cpu
torch.set_num_threads(1)

def build(tuning):
    compiler.TUNING = tuning
    try:
        return fused_cpu.Kernel()
    except compiler.CompilerError:  # another processor does not know the option
        return None

def wanted(net, images, labels, table):
    exact = lenet.Net().double()
    exact.load_state_dict(net.state_dict())
    loss = torch.nn.functional.cross_entropy(exact(table.double()[images.long()].unsqueeze(1)), labels)
    loss.backward()
    return float(loss.detach()), [p.grad for p in exact.parameters()]

def found(kernel, net, images, labels, threads):
    weights = [p.detach().clone() for p in net.parameters()]
    momenta = [torch.zeros_like(p) for p in weights]
    order = torch.arange(len(labels))
    losses = kernel.train(weights, momenta, images=images, labels=labels, order=order, threads=threads)
    return float(losses[0]), momenta

def compare(kernel, seed, images, labels, threads, table):
    net = lenet.fresh_net(seed)
    kernel._table = table
    loss, exact = wanted(net, images, labels, table)
    got, gradients = found(kernel, net, images, labels, threads)
    worst = max(float((g - e).norm() / e.norm()) for g, e in zip(gradients, exact) if e.norm() > 0)
    return max(worst, abs(got - loss))

def data(kind, count, seed):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, 28, 28), generator=generator).to(torch.uint8)
    if kind == "constant":  # every position under a pooled one is as large as the others
        images[:] = torch.arange(count).to(torch.uint8).view(-1, 1, 1)
    if kind == "blocks":  # plains, with edges between them
        images = images[:, ::7, ::7].repeat_interleave(7, 1).repeat_interleave(7, 2).contiguous()
    return images, torch.randint(0, 10, (count,), generator=generator)

own = compiler.TUNING
kernels = {"own": build(own), "plain": build((("-march=native", "-mno-avx512f"),))}
table = lenet.normalised(torch.arange(256, dtype=torch.uint8).view(1, 16, 16)).flatten().contiguous()
out = {}
for name, kernel in kernels.items():
    if kernel is None: continue
    for threads in range(1, kernel.most_threads + 1):
        for kind, count in [("noise", n) for n in (64, 32, 19, 1)] + [("constant", 64), ("blocks", 64)]:
            images, labels = data(kind, count, threads)
            key = f"{name}, {threads} threads, {count} of {kind}"
            out[key] = compare(kernel, threads, images, labels, threads, table)
    images, labels = data("noise", 64, 5)
    out[name + ", another table"] = compare(kernel, 5, images, labels, 2, (table * table - 0.3).contiguous())
    if kernel.lanes == 16:  # the bars below are held against a lost part too
        wrong = images.clone()
        wrong[0] = 255 - wrong[0]
        net = lenet.fresh_net(5)
        exact, got = wanted(net, images, labels, table)[1], found(kernel, net, wrong, labels, 1)[1]
        out["wrong"] = float((got[0] - exact[0]).norm() / exact[0].norm())
print(json.dumps(out))
"""


def test_gradients_are_those_of_exact_arithmetic_for_every_build_and_number_of_threads():
    """Transformed and plain convolutions, full and short batches, ties in pooling, pixels by formula and by table."""
    found = json.loads(inside(torch_python(), GRADIENTS).splitlines()[-1])
    assert found.pop("wrong", 1.0) > 1e-3
    assert len(found) >= 13
    assert {name: share for name, share in found.items() if not share < 2e-5} == {}
