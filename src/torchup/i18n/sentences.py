"""The sentences for what a program inside an environment says: code -> message.

`worker/` imports nothing of torchup and answers with codes and values (`model.Said`); a test holds this table to the
codes in its source, with the names of their values. What a library says in an exception stays as it is (``raised``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import Message, Said, message, verbatim

if TYPE_CHECKING:
    from collections.abc import Sequence


def sentence(said: Said | None) -> Message:
    """What was said as a message; a code without a sentence (an older or newer file) is shown with its values."""
    if said is None:
        return verbatim("-")
    if said.code == "raised":
        return verbatim(str(said.values.get("text", "-")))
    known = SENTENCES.get(said.code)
    if known is None or not known.fields <= said.values.keys():
        words = ", ".join(f"{name}: {value}" for name, value in said.values.items() if not isinstance(value, Said))
        return verbatim(f"{said.code} ({words})" if words else said.code)
    return Message(known.code, known.template, tuple((name, _shown(value)) for name, value in said.values.items()))


def raised(text: str) -> Said:
    """A library's or a system's own words."""
    return Said(code="raised", values={"text": text})


def joined(sentences: Sequence[Message]) -> Message:
    """Several in one line."""
    names = [f"part{position}" for position in range(len(sentences))]
    return Message("", "; ".join(f"{{{name}}}" for name in names), tuple(zip(names, sentences, strict=True)))


def _shown(value: Said | str | float) -> object:
    if isinstance(value, Said):
        return sentence(value)
    return f"{value:.3g}" if isinstance(value, float) else value


_ALL = (
    # the verification ladder
    message("worker.found", "{what}"),
    message("worker.not-tried", "not tried after {rung} failed"),
    message("worker.with-warning", "{detail}; {warning}"),
    message("worker.not-torch", "`import torch` found something that is not PyTorch ({place})"),
    message("worker.other", "{what} is {found}, planned was {planned}"),
    message("worker.other-build", "the build is {found}, planned was {planned}"),
    message("worker.no-intel", "an {kind} build sees no Intel GPU"),
    message("worker.no-gpu", "a {kind} build sees no GPU: {why}"),
    message("worker.cpu-path", "CPU code path {path}"),
    message("worker.nothing-to-compare", "nothing to compare here"),
    message("worker.arch", "the GPU is {gpu}, the build has {list}"),
    message("worker.arch-by", "{gpu} by {list}"),
    message("worker.arch-unknown", "it is not known whether {gpu} runs {list}"),
    message("worker.matmul", "a 32 x 32 matrix product of integers came out wrong"),
    message("worker.matmul-off", "a 256 x 256 matrix product is off by {error}"),
    message("worker.conv", "convolution {name} is off by {error} of its largest value"),
    message("worker.optimiser", "an optimiser step left the weights as they were"),
    message("worker.loss", "the loss went from {before} to {after} in twenty steps"),
    message("worker.no-jit", "only CUDA and ROCm compile single operations at run time"),
    message("worker.jit", "an operation compiled at run time gave a wrong answer"),
    message("worker.dataloader", "a DataLoader worker returned {got}"),
    message("worker.missing", "{name} was planned and is not installed"),
    message("worker.not-installed", "not installed"),
    message("worker.nms", "torchvision.ops.nms gave a wrong answer"),
    message("worker.numpy-wrong", "torch and numpy do not share memory rightly"),
    message("worker.no-compile", "this torch has no torch.compile"),
    message("worker.compiled-off", "compiled code is off by {error}"),
    message("worker.time-limit", "did not come back within the time limit"),
    message("worker.flood", "it prints without end and was stopped"),
    message("worker.not-started", "could not be started: {why}"),
    message("worker.signal", "the process was ended by signal {number}: {why}"),
    message("worker.ended", "the process ended with code {number}: {why}"),
    message("worker.trial-ended", "its trial ended with code {number}: {text}"),
    message("worker.silent", "without any output"),
    # packages around torch
    message("worker.no-ffmpeg", "FFmpeg's shared libraries are not on this machine; torchcodec needs them"),
    message("worker.needs-gpu", "its kernels need a GPU"),
    message("worker.package-off", "its result is off by {error}"),
    message("worker.not-finite", "its result is not finite"),
    message("worker.sound", "a second of sound had {count} samples"),
    # what is not as it was installed
    message("worker.both", "{one}; {other}"),
    message("worker.and-more", "{detail} (and {count} more)"),
    message("worker.does-not-start", "Python does not start: {why}"),
    message("worker.file-missing", "{package}: {file} is missing"),
    message("worker.file-emptied", "{package}: {file} is empty"),
    message("worker.file-size", "{package}: {file} has another size than the one installed"),
    message("worker.file-content", "{package}: {file} has another content than the one installed"),
    message("worker.file-unreadable", "{package}: {file} cannot be read"),
    message("worker.file-no-record", "{package}: the record of what it installed is missing ({file})"),
    message("worker.file-drift", "{package} has changed since it was verified: {detail}"),
    message("worker.file-start-file", "{file} runs code at each start and belongs to no package"),
    # how a recipe ran, or why it cannot
    message(
        "worker.no-torchvision",
        "torchvision does not import here: the same per-sample steps are done with Pillow and torch",
    ),
    message(
        "worker.no-pillow",
        "torchvision and Pillow do not import here: the same per-sample steps are done with torch alone",
    ),
    message("worker.left-out", "{name} left out: {why}"),
    message("worker.failed-beside", "{name} failed: {why}"),
    message("worker.losses-differ", "its losses differ from eager PyTorch's by {difference}"),
    message("worker.weights-differ", "its {name} moved otherwise than eager PyTorch's, by {difference} of the way"),
    message("worker.no-recipe", "no recipe runs on {device}: {why}"),
    message("worker.no-way", "no way of running the kernels works: {why}"),
    message("worker.no-kernel", "no hand-written kernel for {kind}"),
    message("worker.no-metal", "no hand-written kernel for Metal, and Triton does not compile for it"),
    message("worker.no-xpu-kernel", "the Triton kernels are written and checked for CUDA, not for Intel GPUs"),
    message("worker.no-graphs", "torch records no graphs on {kind}"),
    message("worker.no-cuda-graphs", "this torch has no CUDA graphs"),
    message("worker.no-compiler", "no C++ compiler (c++, g++ or clang++) on this machine"),
    message("worker.product-only", "the device's peak is that of torch's own product alone: {why}"),
    message("worker.compiler-ended", "{name} ended: {text}"),
    message("worker.compiler-refuses", "{name} refuses the code: {text}"),
    message(
        "worker.triton-amd",
        "on AMD GPUs Triton's barriers do not order global memory, which these kernels rely on",
    ),
    message(
        "worker.no-triton",
        "Triton is not in this environment: PyTorch's wheels for Linux bring it, those for Windows do not",
    ),
    message("worker.broken-triton", "Triton does not import: {why}"),
    message("worker.old-triton", "Triton {version} is too old for these kernels: 3.0 or newer"),
    message(
        "worker.triton-capability",
        "Triton compiles for compute capability 7.0 and newer; this GPU has {found}",
    ),
    message("worker.triton-compiler", "Triton needs a C compiler (gcc or clang), and there is none on this machine"),
    message(
        "worker.triton-headers",
        "Triton needs Python's C headers (Debian and Ubuntu: python3-dev), and this Python has none",
    ),
    message("worker.other-order", "this torch draws its batch order in another way than torchup knows"),
    message(
        "worker.cut",
        "the budget ended after {steps} of {total} steps of an epoch; the time is the rate of the steps after the first"
        " {warm}",
    ),
    message("worker.points-cut", "the budget was good for {done} of {total} points of the measurement"),
    message("worker.one-step", "one step is longer than the budget: its time is that of the very first"),
    message("worker.decoded-cut", "the budget was good for decoding {done} of {total} images; the rest by proportion"),
    message("worker.repeats-cut", "the budget was good for {done} of {asked} repeats"),
    message("worker.resumed", "continued in epoch {epoch} after step {step}, where it was interrupted"),
    message("worker.program-outran", "the program still ran after the budget of {seconds} s and was ended"),
    message("worker.long-context", "{asked} tokens are more than the network has places for: at most {most}"),
    message("worker.loss-not-finite", "the loss is not a number after epoch {epoch}"),
    # a precision that cannot be had
    message("worker.no-precision", "there is no precision {label}"),
    message("worker.precision-forced", "the environment variable {variable} overrules {label}"),
    message("worker.no-tf32", "tf32 is a format of NVIDIA's and AMD's matrix units; {device} computes float32 in full"),
    message("worker.no-tf32-gpu", "{device} has no TF32"),
    message("worker.old-tf32", "TF32 came with compute capability 8.0; this is {capability}"),
    message("worker.tf32-switch", "torch did not take its TF32 switch"),
    message("worker.no-scaling", "fp16 needs loss scaling, and this torch has none for {device}"),
    message("worker.no-autocast", "no {label} on {device}: {why}"),
    message("worker.autocast-off", "autocast does not do {label} on {device} here; a product came out as {got}"),
    message("worker.no-bf16", "{device} has no bf16"),
    message("worker.no-form", "{name} has no form for {label}: it is made for {labels}"),
    message("worker.no-arithmetic", "{name} does no arithmetic that {label} would change"),
    message("worker.no-label", "{name} does not know precisions: {label} was not in force"),
    # the user's data
    message("worker.no-workload", "there is no workload {name}; there are: {names}"),
    message("worker.data-unreadable", "cannot read {file}: {why}"),
    message("worker.data-damaged", "{file} is damaged: its SHA-256 is not the canonical one"),
    message("worker.not-idx", "{file} is not an IDX file of unsigned bytes"),
    message("worker.idx-header", "{file} ends inside its header"),
    message("worker.idx-size", "{file} says {shape} values and holds {held}"),
    message("worker.idx-missing", "there is no {file} (or {file}.gz) in the data folder"),
    message("worker.idx-pair", "{part}: images {images} and labels {labels} do not go together"),
    message(
        "worker.no-fashion",
        "fashion-mnist does not come with torchup: --data DIR names the folder of its four files",
    ),
    message("worker.no-cifar", "there is no data_batch_1.bin in the data folder (CIFAR-10, binary version)"),
    message("worker.not-cifar", "{file} is not a file of CIFAR-10 records"),
    message("worker.cifar-label", "{file} has a label above 9"),
    message("worker.no-folder", "there is no folder {name}"),
    message("worker.no-data", "there are neither IDX files nor folders of images in {name}"),
    message("worker.no-colour-data", "there are neither CIFAR-10's binary files nor folders of images in {name}"),
    message("worker.cifar-files", "these are CIFAR-10's files: the workload cifar-resnet takes them"),
    message("worker.no-classes", "there are no folders of images in the data folder"),
    message("worker.one-class", "there is one class only ({name}): nothing to tell apart"),
    message("worker.empty-class", "the folder of class {name} holds no PNG or JPEG"),
    message("worker.strange-class", "class {name} is in {where} and not in train"),
    message("worker.folder-unreadable", "cannot read the data folder: {why}"),
    message("worker.mixed-sizes", "images of one size are needed: {name} is {size}, others are {other}"),
    message("worker.no-image", "cannot read {name} as an image: {why}"),
    message("worker.no-decoder", "PNG and JPEG need Pillow or torchvision in this environment"),
    message("worker.made-up-images", "{count} made-up JPEGs; --data DIR takes your own"),
    message("worker.batch-halved", "a batch of {asked} does not fit into the memory; {batch} does"),
    message("worker.images-too-large", "the images need {needed} MiB, and the memory has {have} MiB"),
    message("worker.no-model", "there is no model {name}; there are: {names}"),
    message("worker.short-text", "{file} holds {length} bytes; one sequence needs {wanted}"),
    message("worker.old-attention", "gpt needs scaled_dot_product_attention, which came with torch 2.0"),
    message("worker.no-program", "`torchup bench run` needs a program: `torchup bench run -- python train.py`"),
    message("worker.program-missing", "{name} cannot be started: {why}"),
    message("worker.program-failed", "the program ended with code {number}"),
    message("worker.profiled", "measured under torch's profiler, which makes it slower"),
    message("worker.no-profile", "only a Python script can be profiled: `python train.py`"),
    message("worker.too-few", "{count} images are too few: one of {share} is kept for testing"),
    message("worker.too-many", "{count} images of {size} need more than {most} GiB"),
    message("worker.no-batch", "{count} images are fewer than one batch of {batch}"),
    message(
        "worker.other-shape",
        (
            "the article's network takes 28 x 28 images of at most 10 classes; these are {size} of "
            "{classes} (cifar-resnet takes images of any size and number of classes)"
        ),
    ),
    # what a result is about
    message("worker.same-memory", "host and device are the same memory: only the copy is measured"),
    message("worker.cifar", "made-up images of CIFAR-10's shape; --data DIR takes the real ones"),
    message("worker.tokens", "made-up tokens: the loss says only that training runs"),
    # several processes
    message("worker.all-reduce-wrong", "an all-reduce of ones over {ranks} ranks gave {got}"),
    message("worker.no-backend", "torch.distributed has no backend for {device}"),
    message("worker.few-devices", "{processes} processes, but torch sees {devices} {device} devices"),
    message(
        "worker.above-roofline",
        "{name} took {seconds} s, but the device needs {floor} s at its peak: the measurement is wrong and is left out",
    ),
    # what was not watched during a measurement
    message("worker.on-cpu", "measured on the CPU"),
    message("worker.untold", "the device does not tell it"),
    message("worker.no-energy", "the device has no energy counter"),
    message("worker.energy-back", "the energy counter went back"),
    message("worker.system-untold", "the system does not tell it"),
    message("worker.has-none", "this system has none"),
    message("worker.no-readings", "no GPU driver offers readings"),
    message("worker.nvml", "NVML: {why}"),
    message("worker.few-samples", "{count} readings fell into the measured time; {wanted} are needed"),
    message("worker.which-gpu", "this torch does not say which of the {count} GPUs it uses"),
    message("worker.other-gpu", "no reading belongs to the GPU at {address}"),
    message("worker.powermetrics", "macOS tells GPU power and clocks to root only (powermetrics)"),
    message("worker.too-short", "a steady stretch of {had} s is too short: energies need {wanted} s"),
    message("worker.no-sensor", "there is no sensor of the CPU"),
    message("worker.no-policy", "the system has no CPU frequency policy"),
    message("worker.no-battery", "there is no battery, or the system does not tell"),
    message("worker.no-rapl", "this machine offers no RAPL counters (virtual machines hide them)"),
    message("worker.rapl-root", "the RAPL counters can be read by root only"),
)
SENTENCES = {one.code.removeprefix("worker."): one for one in _ALL}
