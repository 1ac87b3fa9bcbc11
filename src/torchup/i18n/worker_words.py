"""What the programs inside an environment say, in the user's language.

`worker/` imports nothing of torchup, so its sentences come as English text. Those that it can say are listed here (a
test holds the list to its source); what a library says in an exception stays as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.model import Message, message, verbatim

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAID: tuple[tuple[str, Message], ...] = (
    # what a rung proves
    ("numpy and torch share memory", message("worker.numpy", "numpy and torch share memory")),
    (
        "(?P<name>.*) fits this torch",
        message("worker.companion", "{name} fits this torch"),
    ),
    # what a rung found
    (
        r"`import torch` found something that is not PyTorch \((?P<place>.*)\)",
        message("worker.not-torch", "`import torch` found something that is not PyTorch ({place})"),
    ),
    (
        "(?P<what>torch|the build|torchvision|torchaudio|numpy) is (?P<found>.*), planned was (?P<planned>.*)",
        message("worker.other", "{what} is {found}, planned was {planned}"),
    ),
    ("an? (?P<kind>.*) build sees no Intel GPU", message("worker.no-intel", "an {kind} build sees no Intel GPU")),
    ("a (?P<kind>.*) build sees no GPU: (?P<why>.*)", message("worker.no-gpu", "a {kind} build sees no GPU: {why}")),
    (
        "the GPU is (?P<gpu>.*), the build has (?P<list>.*)",
        message("worker.arch", "the GPU is {gpu}, the build has {list}"),
    ),
    (
        "a 32 x 32 matrix product of integers came out wrong",
        message("worker.matmul", "a 32 x 32 matrix product of integers came out wrong"),
    ),
    (
        "a 256 x 256 matrix product is off by (?P<error>.*)",
        message("worker.matmul-off", "a 256 x 256 matrix product is off by {error}"),
    ),
    (
        "convolution (?P<name>.*) is off by (?P<error>.*) of its largest value",
        message("worker.conv", "convolution {name} is off by {error} of its largest value"),
    ),
    (
        "an optimiser step left the weights as they were",
        message("worker.optimiser", "an optimiser step left the weights as they were"),
    ),
    (
        "the loss went from (?P<before>.*) to (?P<after>.*) in twenty steps",
        message("worker.loss", "the loss went from {before} to {after} in twenty steps"),
    ),
    (
        "only CUDA and ROCm compile single operations at run time",
        message("worker.no-jit", "only CUDA and ROCm compile single operations at run time"),
    ),
    (
        "an operation compiled at run time gave a wrong answer",
        message("worker.jit", "an operation compiled at run time gave a wrong answer"),
    ),
    ("a DataLoader worker returned (?P<got>.*)", message("worker.dataloader", "a DataLoader worker returned {got}")),
    (
        "(?P<name>.*) was planned and is not installed",
        message("worker.missing", "{name} was planned and is not installed"),
    ),
    ("not installed", message("worker.not-installed", "not installed")),
    (
        r"torchvision\.ops\.nms gave a wrong answer",
        message("worker.nms", "torchvision.ops.nms gave a wrong answer"),
    ),
    (
        "torch and numpy do not share memory rightly",
        message("worker.numpy-wrong", "torch and numpy do not share memory rightly"),
    ),
    (r"this torch has no torch\.compile", message("worker.no-compile", "this torch has no torch.compile")),
    # how a recipe ran, or why it cannot
    (
        "torchvision does not import here: the same per-sample steps are done with Pillow and torch",
        message(
            "worker.no-torchvision",
            "torchvision does not import here: the same per-sample steps are done with Pillow and torch",
        ),
    ),
    (
        r"torchvision does not import here: the same per-sample steps are done with torch alone \(Pillow.*\)",
        message(
            "worker.no-pillow",
            "torchvision and Pillow do not import here: the same per-sample steps are done with torch alone",
        ),
    ),
    ("(?P<name>.*) left out: (?P<why>.*)", message("worker.left-out", "{name} left out: {why}")),
    ("no hand-written kernel for (?P<kind>.*)", message("worker.no-kernel", "no hand-written kernel for {kind}")),
    ("torch records no graphs on (?P<kind>.*)", message("worker.no-graphs", "torch records no graphs on {kind}")),
    (
        "host and device are the same memory: only the copy is measured",
        message("worker.same-memory", "host and device are the same memory: only the copy is measured"),
    ),
    (
        "made-up images of CIFAR-10's shape; --data DIR takes the real ones",
        message("worker.cifar", "made-up images of CIFAR-10's shape; --data DIR takes the real ones"),
    ),
    # what was not watched during a measurement
    ("measured on the CPU", message("worker.on-cpu", "measured on the CPU")),
    ("there is no sensor of the CPU", message("worker.no-sensor", "there is no sensor of the CPU")),
    ("the system has no CPU frequency policy", message("worker.no-policy", "the system has no CPU frequency policy")),
    ("there is no battery, or nobody tells", message("worker.no-battery", "there is no battery, or nobody tells")),
    (
        r"this machine offers no RAPL counters \(virtual machines hide them\)",
        message("worker.no-rapl", "this machine offers no RAPL counters (virtual machines hide them)"),
    ),
    (
        "the RAPL counters can be read by root only",
        message("worker.rapl-root", "the RAPL counters can be read by root only"),
    ),
    (
        "made-up tokens: the loss says only that training runs",
        message("worker.tokens", "made-up tokens: the loss says only that training runs"),
    ),
)


def told_all(sentences: Sequence[Message]) -> Message:
    """Several in one line."""
    names = [f"part{position}" for position in range(len(sentences))]
    return Message("", "; ".join(f"{{{name}}}" for name in names), tuple(zip(names, sentences, strict=True)))


def told(sentence: str) -> Message:
    """A sentence of the worker as a message; what is not known is told as it is."""
    for form, known in _SAID:
        found = re.fullmatch(form, sentence, re.DOTALL)
        if found:
            return Message(known.code, known.template, tuple(found.groupdict().items()))
    return verbatim(sentence)
