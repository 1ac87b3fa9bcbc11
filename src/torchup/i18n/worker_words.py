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
        "FFmpeg's shared libraries are not on this machine; torchcodec needs them",
        message("worker.no-ffmpeg", "FFmpeg's shared libraries are not on this machine; torchcodec needs them"),
    ),
    ("its kernels need a GPU", message("worker.needs-gpu", "its kernels need a GPU")),
    ("its result is off by (?P<error>.*)", message("worker.package-off", "its result is off by {error}")),
    ("its result is not finite", message("worker.not-finite", "its result is not finite")),
    (
        "a second of sound had (?P<count>.*) samples",
        message("worker.sound", "a second of sound had {count} samples"),
    ),
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
        "whether (?P<gpu>.*) runs (?P<list>.*) is not known",
        message("worker.arch-unknown", "it is not known whether {gpu} runs {list}"),
    ),
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
    # a precision that cannot be had
    (
        r"the environment variable (?P<variable>\S*) overrules (?P<label>.*)",
        message("worker.precision-forced", "the environment variable {variable} overrules {label}"),
    ),
    (
        "tf32 is a format of NVIDIA's and AMD's matrix units; (?P<device>.*) computes float32 in full",
        message(
            "worker.no-tf32", "tf32 is a format of NVIDIA's and AMD's matrix units; {device} computes float32 in full"
        ),
    ),
    (
        "(?P<device>.*) has no TF32",
        message("worker.no-tf32-gpu", "{device} has no TF32"),
    ),
    (
        r"TF32 came with compute capability 8\.0; this is (?P<capability>.*)",
        message("worker.old-tf32", "TF32 came with compute capability 8.0; this is {capability}"),
    ),
    (
        "fp16 needs loss scaling, and this torch has none for (?P<device>.*)",
        message("worker.no-scaling", "fp16 needs loss scaling, and this torch has none for {device}"),
    ),
    (
        "no (?P<label>bf16|fp16) on (?P<device>.*?): (?P<why>.*)",
        message("worker.no-autocast", "no {label} on {device}: {why}"),
    ),
    (
        "autocast does not do (?P<label>.*) on (?P<device>.*) here; a product came out as (?P<got>.*)",
        message("worker.autocast-off", "autocast does not do {label} on {device} here; a product came out as {got}"),
    ),
    (
        "(?P<device>.*) has no bf16",
        message("worker.no-bf16", "{device} has no bf16"),
    ),
    (
        r"(?P<name>\S*) has no form for (?P<label>.*): it is made for (?P<labels>.*)",
        message("worker.no-form", "{name} has no form for {label}: it is made for {labels}"),
    ),
    (
        r"(?P<name>\S*) does no arithmetic that (?P<label>.*) would change",
        message("worker.no-arithmetic", "{name} does no arithmetic that {label} would change"),
    ),
    (
        r"(?P<name>\S*) does not know precisions: (?P<label>.*) was not in force",
        message("worker.no-label", "{name} does not know precisions: {label} was not in force"),
    ),
    # the user's data
    (
        "there is no folder (?P<name>.*)",
        message("worker.no-folder", "there is no folder {name}"),
    ),
    (
        "there are neither IDX files nor folders of images in (?P<name>.*)",
        message("worker.no-data", "there are neither IDX files nor folders of images in {name}"),
    ),
    (
        "there are neither CIFAR-10's binary files nor folders of images in (?P<name>.*)",
        message("worker.no-colour-data", "there are neither CIFAR-10's binary files nor folders of images in {name}"),
    ),
    (
        "these are CIFAR-10's files: the workload cifar-resnet takes them",
        message("worker.cifar-files", "these are CIFAR-10's files: the workload cifar-resnet takes them"),
    ),
    (
        r"there is one class only \((?P<name>.*)\): nothing to tell apart",
        message("worker.one-class", "there is one class only ({name}): nothing to tell apart"),
    ),
    (
        "the folder of class (?P<name>.*) holds no PNG or JPEG",
        message("worker.empty-class", "the folder of class {name} holds no PNG or JPEG"),
    ),
    (
        "class (?P<name>.*) is in (?P<where>.*) and not in train",
        message("worker.strange-class", "class {name} is in {where} and not in train"),
    ),
    (
        "images of one size are needed: (?P<name>.*) is (?P<size>.*), others are (?P<other>.*)",
        message("worker.mixed-sizes", "images of one size are needed: {name} is {size}, others are {other}"),
    ),
    (
        "cannot read (?P<name>.*) as an image: (?P<why>.*)",
        message("worker.no-image", "cannot read {name} as an image: {why}"),
    ),
    (
        "PNG and JPEG need Pillow or torchvision in this environment",
        message("worker.no-decoder", "PNG and JPEG need Pillow or torchvision in this environment"),
    ),
    (
        r"(?P<count>\d+) images are too few: one of (?P<share>\d+) is kept for testing",
        message("worker.too-few", "{count} images are too few: one of {share} is kept for testing"),
    ),
    (
        r"(?P<count>\d+) images of (?P<size>.*) need more than (?P<most>\d+) GiB",
        message("worker.too-many", "{count} images of {size} need more than {most} GiB"),
    ),
    (
        r"(?P<count>\d+) images are fewer than one batch of (?P<batch>\d+)",
        message("worker.no-batch", "{count} images are fewer than one batch of {batch}"),
    ),
    (
        (
            r"the article's network takes 28 x 28 images of at most 10 classes; these are (?P<size>.*) "
            r"of (?P<classes>\d+) \(cifar-resnet takes images of any size and number of classes\)"
        ),
        message(
            "worker.other-shape",
            (
                "the article's network takes 28 x 28 images of at most 10 classes; these are {size} of "
                "{classes} (cifar-resnet takes images of any size and number of classes)"
            ),
        ),
    ),
    # the rest of a run
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
    ("the device does not tell it", message("worker.untold", "the device does not tell it")),
    ("the device has no energy counter", message("worker.no-energy", "the device has no energy counter")),
    ("the system does not tell it", message("worker.system-untold", "the system does not tell it")),
    ("this system has none", message("worker.has-none", "this system has none")),
    ("no GPU driver offers readings", message("worker.no-readings", "no GPU driver offers readings")),
    (
        r"macOS tells GPU power and clocks to root only \(powermetrics\)",
        message("worker.powermetrics", "macOS tells GPU power and clocks to root only (powermetrics)"),
    ),
    (
        "a steady stretch of (?P<had>[0-9.]+) s is too short: energies need (?P<wanted>[0-9]+) s",
        message("worker.too-short", "a steady stretch of {had} s is too short: energies need {wanted} s"),
    ),
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
