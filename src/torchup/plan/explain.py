"""Answers: why not this build, and the four questions that people ask before any installation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from torchup.catalog.versions import version_key
from torchup.compat.target import variant_name
from torchup.errors import NoBuildError, UsageError
from torchup.model import Machine, Message, Rejection, Request, Survey, Value, message
from torchup.plan import resolve
from torchup.plan.failure import change_hint, kinds_here
from torchup.plan.planner import consider, spelled
from torchup.plan.ranking import beaten, rank
from torchup.plan.wanted import version_matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.catalog.types import Catalog

_VARIANT = re.compile(r"(?:(?P<torch>\d[\d.]*)\+)?(?P<variant>cu\d{2,4}|rocm[\d.]+|xpu|cpu|mps)")
_SHOWN = 5


class WhyNot(Value, frozen=True, kw_only=True):
    """The answer to ``--why-not``: one text, and builds: that of the text first, where it speaks of one not taken."""

    asked: str
    answer: Message
    builds: tuple[Rejection, ...] = ()
    remedy: Message | None = None


def why_not(asked: str, machine: Machine, request: Request, catalog: Catalog, survey: Survey) -> WhyNot:
    """Why one variant (``cu132``), version (``2.15``) or build (``2.15.0+cu132``) is not what the plan takes."""
    torch, variant = parse_build(asked)
    request = spelled(request, machine)
    free = msgspec.structs.replace(request, torch=None, variant=None, cpu=False)
    question, fits, rejected = consider(machine, free, catalog, survey)
    ranked = rank(fits, question)
    chosen = _chosen(machine, request, catalog, survey)
    lost = [r for r in (beaten(fit, ranked[0], question) for fit in ranked[1:]) if r is not None]
    matching = [
        r
        for r in _told_in_order((*lost, *rejected), kinds_here(question))
        if (torch is None or version_matches(r.torch, torch)) and (variant is None or r.variant == variant)
    ]
    if chosen and (torch is None or version_matches(chosen[0], torch)) and variant in {None, chosen[1]}:
        label = f"{chosen[0]}+{variant_name(chosen[1], machine)}"
        answer = message("plan.why-not.chosen", "{build} is what the plan takes", build=label)
        return WhyNot(asked=asked, answer=answer, builds=tuple(matching[:_SHOWN]))
    if not matching:
        answer = message(
            "plan.why-not.unknown",
            "{asked} was not published for {platform}, as far as the catalogue knows",
            asked=asked,
            platform=question.target.platform,
        )
        return WhyNot(asked=asked, answer=answer)
    first = matching[0]
    answer = message(
        "plan.why-not.answer",
        "{torch}+{variant}: {detail}",
        torch=first.torch,
        variant=variant_name(first.variant, machine),
        detail=first.detail,
    )
    return WhyNot(asked=asked, answer=answer, builds=tuple(matching[:_SHOWN]), remedy=change_hint(question, [first]))


def _told_in_order(rejected: Iterable[Rejection], kinds: tuple[str, ...]) -> list[Rejection]:
    """Newest first; before all, builds that are for this machine's kind of GPU and surely were published."""

    def last(rejection: Rejection) -> tuple[bool, bool]:
        return rejection.detail.code == "plan.reject.unsure", not rejection.variant.startswith(kinds)

    return sorted(sorted(rejected, key=lambda r: version_key(r.torch), reverse=True), key=last)


def parse_build(asked: str) -> tuple[str | None, str | None]:
    """``cu132`` -> (None, "cu132"); ``2.15`` -> ("2.15", None); ``2.15.0+cu132`` -> both.

    Raises:
        UsageError: nothing, or a local part that is no variant.
    """
    match = _VARIANT.fullmatch(asked.strip().lower())
    if match:
        return match["torch"], "cpu" if match["variant"] == "mps" else match["variant"]
    if not asked.strip() or "+" in asked:
        raise UsageError(
            message("plan.why-not.invalid", "`{text}` is neither a variant nor a version", text=asked),
            hint=message("plan.why-not.invalid.hint", "write cu132, 2.15 or 2.15.0+cu132"),
        )
    return asked.strip(), None


def _chosen(machine: Machine, request: Request, catalog: Catalog, survey: Survey) -> tuple[str, str] | None:
    try:
        build = resolve(machine, request, catalog, survey).build
    except NoBuildError:
        return None
    return build.torch, build.variant


# ---------------------------------------------------------------- the four questions

QUESTIONS: dict[str, tuple[Message, ...]] = {
    "conda-or-pip": (
        message("plan.question.conda-or-pip", "conda or pip?"),
        message(
            "plan.question.conda-or-pip.short",
            "pip wheels (installed by uv) unless you need what only conda-forge has. Both bring their own CUDA"
            " libraries; neither uses a CUDA toolkit on the machine.",
        ),
        message(
            "plan.question.conda-or-pip.ended",
            "PyTorch's own conda channel (-c pytorch) ended with 2.5.1 in October 2024. Old recipes still resolve and"
            " freeze you there without a word; mirrors of that channel are frozen too. Today's conda builds come from"
            " conda-forge (pytorch-gpu).",
        ),
        message(
            "plan.question.conda-or-pip.when",
            "conda-forge is the better choice for: cards from Maxwell to Blackwell in one build, an old glibc (2.17),"
            " Intel Macs with a current torch, or an environment whose other packages come from conda. Ask for it with"
            " --installer conda. It has no ROCm and no XPU builds.",
        ),
        message(
            "plan.question.conda-or-pip.mix",
            "Do not mix them in one environment: a torch from pip laid over one from conda leaves two sets of libraries"
            " that break each other. Use conda-forge, not Anaconda's defaults, which need a licence in organisations"
            " of 200 people and more.",
        ),
    ),
    "old-hardware": (
        message("plan.question.old-hardware", "My GPU is old: what can it still run?"),
        message(
            "plan.question.old-hardware.rule",
            "A build runs on a GPU when it contains code for it: native code for the same major compute capability"
            " and a minor that is not higher (sm_86 code runs on an RTX 4090, 8.9), or PTX that the driver can"
            " compile.",
        ),
        message(
            "plan.question.old-hardware.pascal",
            "Maxwell, Pascal and Volta (GTX 900 and 1000, TITAN V, V100; 5.0 to 7.0): 2.14.1+cu126 is the last official"
            " release with code for them; conda-forge's CUDA 12.9 builds go on. Driver branch 580 is the last that"
            " serves these cards: do not update past it, though a driver of 580 could run CUDA 13.",
        ),
        message(
            "plan.question.old-hardware.kepler",
            "Kepler K80 (3.7): 2.7.1+cu118 with a driver of branch 470. Older Kepler cards (3.0, 3.5) have no wheel.",
        ),
        message(
            "plan.question.old-hardware.amd",
            "AMD: Vega and newer have ROCm builds, Polaris (RX 400 and 500) has none. Intel: Arc and Core Ultra"
            " graphics have XPU builds, Iris Xe and UHD have none. Apple: each release names the oldest macOS"
            " for its GPU.",
        ),
        message(
            "plan.question.old-hardware.check",
            "`torchup plan --why-not 2.15` says for this machine what stands against a release.",
        ),
    ),
    "driver-or-toolkit": (
        message("plan.question.driver-or-toolkit", "Do I need the driver, the CUDA toolkit, or both?"),
        message(
            "plan.question.driver-or-toolkit.short",
            "The driver only. A torch build brings its own CUDA runtime, cuDNN and NCCL. The toolkit (nvcc) is needed"
            " only to compile extensions of your own.",
        ),
        message(
            "plan.question.driver-or-toolkit.versions",
            "Three numbers are called CUDA version: the newest CUDA that the driver serves (nvidia-smi's corner), the"
            " runtime inside torch (torch.version.cuda), and an installed toolkit (nvcc --version). Only the first two"
            " must agree: the driver must serve the runtime's major version.",
        ),
        message(
            "plan.question.driver-or-toolkit.floor",
            "By minor-version compatibility a driver of 525.60.13 (Windows 528.33) runs every CUDA 12 build, 580 every"
            " CUDA 13 build, and a newer driver always runs older builds.",
        ),
        message(
            "plan.question.driver-or-toolkit.where",
            "In WSL the driver is the one on Windows; never install a Linux driver inside. In a container it is the"
            " host's.",
        ),
    ),
    "version-mismatch": (
        message("plan.question.version-mismatch", "nvidia-smi says CUDA 12.4, torch says 12.6: is that wrong?"),
        message(
            "plan.question.version-mismatch.short",
            "No. The first is what the driver serves, the second what torch brings. Within one CUDA major any"
            " combination works, in both directions.",
        ),
        message(
            "plan.question.version-mismatch.wrong",
            "It is wrong only when torch's major is higher than the driver's: CUDA 13 builds on a driver below 580."
            " Then update the driver, or take a cu126 build (torch 2.14.1 and older).",
        ),
        message(
            "plan.question.version-mismatch.ptx",
            "One exception: a GPU newer than the build runs from PTX, and PTX needs a driver as new as the toolkit that"
            " made it.",
        ),
        message(
            "plan.question.version-mismatch.toolkit",
            "An installed toolkit of another version does no harm to torch; it matters only when you compile.",
        ),
    ),
}
