"""The sentences for what a program inside an environment says: code -> message.

`worker/` imports nothing of torchup and answers with codes and values (`model.Said`); a test holds this table to the
codes in its source, with the names of their values. What a library says in an exception stays as it is (``raised``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import UNKNOWN, Message, Said, message, verbatim

if TYPE_CHECKING:
    from collections.abc import Sequence


def sentence(said: Said | None) -> Message:
    """What was said as a message; a code without a sentence (an older or newer file) is shown with its values."""
    if said is None:
        return UNKNOWN
    if said.code == "raised":
        return verbatim(str(said.values["text"])) if "text" in said.values else UNKNOWN
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
    message("worker.not-tried", "not tried because {rung} failed"),
    message("worker.with-warning", "{detail}; {warning}"),
    message("worker.not-torch", "`import torch` found something that is not PyTorch ({place})"),
    message("worker.other", "{what} is {found}, but {planned} was planned"),
    message("worker.other-build", "the build is {found}, but {planned} was planned"),
    message("worker.no-intel", "the {kind} build sees no Intel GPU"),
    message("worker.no-gpu", "the {kind} build sees no GPU: {why}"),
    message("worker.cpu-path", "CPU code path {path}"),
    message("worker.nothing-to-compare", "nothing to compare here"),
    message("worker.arch", "the GPU is {gpu}, but the build has code only for {list}"),
    message("worker.arch-by", "{gpu} runs code from this list: {list}"),
    message("worker.arch-unknown", "it is unknown whether {gpu} runs code from this list: {list}"),
    message("worker.matmul", "a 32 x 32 matrix product of integers is wrong: one value is {got} instead of {wanted}"),
    message("worker.matmul-off", "a 256 x 256 matrix product is wrong by {error}"),
    message("worker.conv", "the {name} of a convolution is wrong by {error} of its largest value"),
    message("worker.optimiser", "an optimiser step did not change the weights"),
    message("worker.loss", "the loss did not fall by half in twenty steps: it went from {before} to {after}"),
    message("worker.no-jit", "torch compiles single operations at run time only on NVIDIA and AMD GPUs"),
    message("worker.jit", "an operation compiled at run time returned {got} instead of {wanted}"),
    message("worker.dataloader", "a DataLoader worker returned {got} instead of the squares of 0 to 7"),
    message("worker.missing", "{name} was planned but is not installed"),
    message("worker.not-installed", "not installed"),
    message("worker.nms", "torchvision.ops.nms returned {got} instead of {wanted}"),
    message(
        "worker.numpy-wrong",
        "NumPy and torch do not share memory correctly: the sum of three ones is {got} instead of {wanted}",
    ),
    message("worker.no-compile", "this torch has no torch.compile"),
    message("worker.compiled-off", "compiled code is wrong by {error}"),
    message("worker.time-limit", "the process did not finish within the time limit"),
    message("worker.flood", "torchup stopped the process because it printed too much output"),
    message("worker.not-started", "the process could not be started: {why}"),
    message("worker.signal", "the process was terminated by signal {number}: {why}"),
    message("worker.ended", "the process exited with code {number}: {why}"),
    message("worker.trial-ended", "the trial process exited with code {number}: {why}"),
    message("worker.trial-signal", "the trial process was terminated by signal {number}: {why}"),
    message("worker.silent", "no output"),
    # packages around torch
    message(
        "worker.no-ffmpeg",
        "torchcodec needs FFmpeg's shared libraries, but the system's library search does not find them",
    ),
    message("worker.needs-gpu", "this check needs an NVIDIA or AMD GPU"),
    message("worker.package-off", "the result is wrong by {error}"),
    message("worker.not-finite", "the result is not finite"),
    message("worker.sound", "torchcodec decoded one second of test sound into {count} instead of 8000 samples"),
    # what is not as it was installed
    message("worker.both", "{one}; {other}"),
    message("worker.and-more", "{detail} (and {count} more)"),
    message("worker.does-not-start", "Python does not start: {why}"),
    message("worker.file-missing", "{package}: {file} is missing"),
    message("worker.file-emptied", "{package}: {file} is empty"),
    message("worker.file-size", "{package}: the size of {file} differs from what was installed"),
    message("worker.file-content", "{package}: the content of {file} differs from what was installed"),
    message("worker.file-unreadable", "{package}: {file} cannot be read"),
    message("worker.file-no-record", "{package}: the list of its installed files is missing or unreadable ({file})"),
    message(
        "worker.file-unlisted",
        "{package} lies in {file}, but no dist-info folder beside it lists its files",
    ),
    message("worker.file-drift", "{package} changed after it was verified: {detail}"),
    message("worker.file-removed", "{package} {version} was verified here, but it is no longer installed"),
    message("worker.file-start-file", "{file} runs code whenever Python starts and belongs to no package"),
    # how a recipe ran, or why it cannot
    message(
        "worker.no-torchvision",
        "torchvision cannot be imported here, so the same per-sample steps use Pillow and torch",
    ),
    message(
        "worker.no-pillow",
        "Pillow cannot be imported here, so the recipe's per-sample steps use only torch",
    ),
    message("worker.left-out", "torchup skipped {name}: {why}"),
    message("worker.failed-beside", "{name} failed: {why}"),
    message("worker.losses-differ", "the losses differ from those of eager PyTorch by {difference}"),
    message(
        "worker.weights-differ",
        "training changes the parameter {name} differently from eager PyTorch; the difference is {difference} of "
        "the total change",
    ),
    message("worker.no-recipe", "no recipe that `best` can choose runs on {device}: {why}"),
    message("worker.no-way", "no method of running the kernels works: {why}"),
    message("worker.no-kernel", "there is no hand-written kernel for {kind}"),
    message("worker.no-metal", "there is no hand-written kernel for Metal, and Triton does not compile for it"),
    message("worker.no-xpu-kernel", "the Triton kernels are written and checked for CUDA, not for Intel GPUs"),
    message("worker.no-graphs", "torch cannot record graphs on {kind}"),
    message(
        "worker.no-compiler",
        "torchup cannot use a C++ compiler here: on Linux and macOS, it looks for the one that the variable CXX "
        "names and for c++, g++ and clang++; on Windows, it uses none",
    ),
    message("worker.product-only", "the device's peak is measured only with torch's own matrix product: {why}"),
    message("worker.compiler-ended", "{name} failed: {text}"),
    message("worker.compiler-refuses", "{name} rejects the code: {text}"),
    message(
        "worker.triton-amd",
        "on AMD GPUs, Triton's barriers do not order global memory, which these kernels require",
    ),
    message(
        "worker.no-triton",
        "Triton is not in this environment: PyTorch's GPU wheels for Linux require it, but those for Windows do not",
    ),
    message("worker.broken-triton", "Triton cannot be imported: {why}"),
    message("worker.old-triton", "Triton {version} is too old for these kernels; they need 3.0 or newer"),
    message(
        "worker.triton-capability",
        "Triton needs compute capability 7.0 or higher; this GPU has {found}",
    ),
    message("worker.triton-compiler", "Triton needs a C compiler, but gcc and clang are not on PATH and CC is not set"),
    message(
        "worker.triton-headers",
        "Triton needs Python's C headers (Debian and Ubuntu: python3-dev), but this Python has none",
    ),
    message("worker.other-order", "this torch shuffles its batches in an order that torchup does not know"),
    message(
        "worker.cut",
        "the time budget ended after {steps} of {total} steps of an epoch; torchup computes the epoch's time "
        "from the rate after step {warm}",
    ),
    message(
        "worker.cut-batches",
        "the time budget allowed only {done} of {total} batches for at least one number of workers; torchup "
        "computes the time of all batches from the rate after the first batch",
    ),
    message("worker.points-cut", "the time budget allowed only {done} of {total} points of the measurement"),
    message("worker.one-step", "the time budget ended during the warm-up: the result is the time of the warm-up steps"),
    message(
        "worker.decoded-cut",
        "the time budget allowed decoding only {done} of {total} images; the time is extrapolated to all images",
    ),
    message("worker.tested-cut", "the accuracy was measured on {done} of {total} test images"),
    message("worker.repeats-cut", "the time budget allowed only {done} of {asked} repeats"),
    message("worker.resumed", "the training was interrupted and continued in epoch {epoch} after step {step}"),
    message(
        "worker.program-outran",
        "the program was still running after its time budget of {seconds} s, so torchup stopped it",
    ),
    message("worker.long-context", "a sequence of {asked} tokens is too long: the network takes at most {most}"),
    message("worker.loss-not-finite", "the loss is not finite (NaN or infinity) after epoch {epoch}"),
    # a precision that is not available
    message("worker.no-precision", "there is no precision {label}"),
    message("worker.precision-forced", "the environment variable {variable} overrides the precision {label}"),
    message("worker.no-tf32", "torchup measures TF32 only on NVIDIA and AMD GPUs, not on {device}"),
    message("worker.no-tf32-gpu", "{device} does not support TF32"),
    message("worker.old-tf32", "TF32 needs compute capability 8.0 or higher; this GPU has {capability}"),
    message("worker.tf32-switch", "torch did not accept the TF32 setting"),
    message("worker.no-scaling", "fp16 needs loss scaling, which this torch does not have for {device}"),
    message("worker.no-autocast", "{label} does not work on {device}: {why}"),
    message(
        "worker.autocast-off", "autocast does not use {label} on {device} here; a matrix product has the type {got}"
    ),
    message("worker.no-bf16", "{device} does not support bf16"),
    message("worker.no-form", "{name} does not support {label}, only {labels}"),
    message("worker.no-arithmetic", "{name} does no arithmetic that {label} would change"),
    message("worker.no-label", "{name} ignores the precision setting: {label} was not in effect"),
    # the user's data
    message("worker.no-workload", "there is no workload {name}; available: {names}"),
    message("worker.data-unreadable", "cannot read {file}: {why}"),
    message("worker.bundled-damaged", "{file} of torchup is damaged: its SHA-256 is {found} instead of {wanted}"),
    message("worker.not-idx", "{file} is not an IDX file of unsigned bytes"),
    message("worker.idx-header", "{file} ends inside its header"),
    message("worker.idx-empty", "{file} declares the shape {shape}, which has no values"),
    message(
        "worker.idx-length",
        "{file} declares the shape {shape}, which needs {wanted} bytes of data, but the file has {held}",
    ),
    message("worker.idx-missing", "the data folder has no {file} (or {file}.gz)"),
    message("worker.idx-pair", "{part}: images of the shape {images} do not match labels of the shape {labels}"),
    message(
        "worker.no-fashion",
        "torchup does not include Fashion-MNIST: use --data DIR with a folder of its four files",
    ),
    message(
        "worker.no-cifar",
        "the data folder has none of the files data_batch_1.bin to data_batch_5.bin (CIFAR-10, binary version)",
    ),
    message("worker.not-cifar", "{file} is not a file of CIFAR-10 records"),
    message("worker.cifar-label", "{file} has a label above 9"),
    message("worker.no-folder", "there is no folder {name}"),
    message("worker.no-data", "{name} contains neither IDX files nor folders of images"),
    message("worker.no-colour-data", "{name} contains neither CIFAR-10 binary files nor folders of images"),
    message("worker.cifar-files", "the data folder contains CIFAR-10 files: use the workload cifar-resnet for them"),
    message("worker.no-classes", "the data folder contains no folders of images"),
    message("worker.one-class", "there is only one class ({name}), so nothing can be learned"),
    message("worker.empty-folder", "the folder {where} has no PNG or JPEG of the class {name}"),
    message("worker.strange-class", "the folder {where} has the class {name}, but the folder train does not"),
    message("worker.folder-unreadable", "cannot read the data folder: {why}"),
    message(
        "worker.mixed-sizes", "all images must have the same size: {name} is {size}, but the first image is {other}"
    ),
    message("worker.no-image", "cannot read {name} as an image: {why}"),
    message("worker.no-decoder", "reading PNG and JPEG needs Pillow or torchvision in this environment"),
    message("worker.made-up-images", "{count} generated JPEGs; use --data DIR for your own images"),
    message("worker.batch-halved", "a batch of {asked} does not fit into memory, but {batch} does"),
    message(
        "worker.images-too-large",
        "the images need {needed} MiB, but torchup uses at most 60 % of the device's {have} MiB for them",
    ),
    message("worker.no-model", "there is no model {name}; available: {names}"),
    message("worker.short-text", "the length of {file} in bytes is {length}, but one sequence needs {wanted}"),
    message(
        "worker.old-attention", "the workload gpt needs scaled_dot_product_attention, which is in torch 2.0 and newer"
    ),
    message(
        "worker.no-program",
        "`torchup bench run` needs a program to measure, e.g. `torchup bench run -- python train.py`",
    ),
    message("worker.program-missing", "{name} cannot be started: {why}"),
    message("worker.program-failed", "the program exited with code {number}"),
    message("worker.program-signal", "the program was terminated by signal {number}"),
    message("worker.profiled", "measured under the PyTorch profiler, which slows the program down"),
    message("worker.no-profile", "not profiled: torchup profiles only a Python script, for example `python train.py`"),
    message("worker.too-few", "too few images ({count}): one in {share} is kept for testing"),
    message("worker.too-many", "{count} images of {size} need more than {most} GiB, the most that torchup loads"),
    message("worker.no-batch", "too few images for one batch: {count} instead of {batch}"),
    message(
        "worker.other-shape",
        (
            "the network of this workload takes 28 x 28 images of at most 10 classes, not images of {size} "
            "(classes: {classes}); the workload cifar-resnet takes PNG and JPEG images of any size and with any "
            "number of classes"
        ),
    ),
    # what a result is about
    message("worker.same-memory", "host and device share the same memory, so torchup measures only copies within it"),
    message("worker.cifar", "generated images in the shape of CIFAR-10; use --data DIR for the real images"),
    message("worker.tokens", "the training data are generated tokens: the loss shows only that training runs"),
    # several processes
    message("worker.all-reduce-wrong", "an all-reduce of ones over {ranks} ranks returned {got} instead of {ranks}"),
    message("worker.no-backend", "torch.distributed has no backend for {device}"),
    message(
        "worker.few-devices",
        "each process needs one {device} device; processes: {processes}, devices that torch sees: {devices}",
    ),
    message(
        "worker.above-roofline",
        "{name} took {seconds} s, but the device needs at least {floor} s at its peak: the measurement is wrong "
        "and was dropped",
    ),
    # what was not watched during a measurement
    message("worker.on-cpu", "measured on the CPU"),
    message("worker.untold", "the device does not report this value"),
    message("worker.no-energy", "the device has no energy counter, or it gave too few readings"),
    message("worker.energy-back", "the energy counter decreased"),
    message("worker.system-untold", "torchup cannot read this value on this system"),
    message("worker.has-none", "torchup reads the load average only on Linux"),
    message("worker.no-readings", "no GPU driver provides readings"),
    message("worker.nvml", "NVML: {why}"),
    message("worker.few-samples", "too few readings fall into the measured time: {count} instead of at least {wanted}"),
    message("worker.which-gpu", "this torch does not report which of the {count} GPUs it uses"),
    message("worker.other-gpu", "no reading belongs to the GPU at {address}"),
    message("worker.powermetrics", "macOS shows GPU power and clocks only to root (powermetrics)"),
    message("worker.too-short", "a steady phase of {had} s is too short: energy measurements need at least {wanted} s"),
    message("worker.no-sensor", "torchup cannot read a CPU temperature on this system"),
    message("worker.no-policy", "torchup found no CPU frequency policy (cpufreq of Linux)"),
    message("worker.no-battery", "there is no battery, or the system does not report it"),
    message(
        "worker.no-rapl",
        "torchup found no RAPL counters: only Linux on an Intel or AMD processor shows them, and virtual "
        "machines and many containers hide them",
    ),
    message("worker.rapl-root", "only root can read the RAPL counters"),
)
SENTENCES = {one.code.removeprefix("worker."): one for one in _ALL}
