"""When nothing fits: which error, in the words of the reason that matters, and what would change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.types import UNSURE, kind_of
from torchup.catalog.versions import version_key
from torchup.compat.laws import VENDOR_OF_KIND, code_on_gpu
from torchup.compat.target import gpu_name, is_32_bit, is_musl, platform_of, variant_name
from torchup.errors import NetworkError, NoBuildError, TorchupError, UsageError
from torchup.model import (
    UNKNOWN,
    ComputeCapability,
    InstallerName,
    Machine,
    Message,
    Os,
    Reason,
    Rejection,
    Survey,
    Vendor,
    message,
)
from torchup.near_names import near_names
from torchup.plan.drivers import DriverAction, DriverOrder, driver_text, place_of
from torchup.plan.wanted import version_matches
from torchup.plan.whatif import advised_branch, best_row, driver_gives, families, rows_of, with_conda, without_conda

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.plan.judge import Question


_TOLD_FIRST = (
    Reason.DRIVER,
    Reason.OS,
    Reason.GLIBC,
    Reason.PLATFORM,
    Reason.PYTHON,
    Reason.COMPANION,
    Reason.UNREACHABLE,
)
_PREFIX = {Vendor.NVIDIA: "cu", Vendor.AMD: "rocm", Vendor.INTEL: "xpu", Vendor.APPLE: "cpu"}
# Faults between driver and card, which no build can mend: said without naming a build.
_DRIVER_FAULTS = {"plan.reject.driver-before-gpu", "plan.reject.driver-after-gpu", "plan.reject.no-driver"}


def platform_problem(machine: Machine) -> NoBuildError | None:
    """The error for a machine that no wheel exists for, whatever its GPU."""
    if is_32_bit(machine):
        return NoBuildError(
            message("plan.none.32-bit", "no torch wheel exists for 32-bit processors ({arch})", arch=machine.arch),
            hint=message(
                "plan.none.32-bit.hint",
                "install a 64-bit operating system if the processor supports it, or use another machine",
            ),
        )
    if is_musl(machine):
        return NoBuildError(
            message("plan.none.musl", "no torch wheel exists for musl (Alpine Linux); all Linux wheels need glibc"),
            hint=message(
                "plan.none.musl.hint", "use a glibc system or image, for example debian:stable-slim or ubuntu"
            ),
        )
    if platform_of(machine) is None:
        return NoBuildError(
            message(
                "plan.none.platform",
                "no torch builds are published for {os} on {arch}",
                os=machine.os,
                arch=machine.arch,
            ),
            hint=message("plan.none.platform.hint", "use a machine with an x86_64 or arm64 processor"),
        )
    return None


def no_build(question: Question, rejected: list[Rejection], survey: Survey) -> TorchupError:
    """The error for a machine where every candidate was rejected."""
    if not rejected:
        return _not_published(question)
    cpu_possible = any(r.reason == Reason.CPU_ONLY or r.detail.code == "plan.reject.mps" for r in rejected)
    silent = [source for source in survey.sources if source.reachable is False]
    if not cpu_possible and any(r.reason == Reason.UNREACHABLE for r in rejected):
        return NetworkError(
            message(
                "plan.none.unreachable",
                "no source with a fitting build answered: {sources} ({why})",
                sources=", ".join(source.name for source in silent),
                why=(silent[-1].detail if silent else None) or UNKNOWN,
            ),
            hint=message(
                "plan.none.unreachable.hint",
                "check the network, or run `torchup mirror list` and choose a mirror with `--mirror NAME`",
            ),
        )
    return NoBuildError(
        _text(question, rejected, cpu_possible=cpu_possible), hint=_hint(question, rejected, cpu_possible=cpu_possible)
    )


_KINDS = {"cuda": "cu", "nvidia": "cu", "gpu": "cu", "amd": "rocm", "hip": "rocm", "intel": "xpu", "sycl": "xpu"}


def _nearest_variant(asked: str, known: Sequence[str]) -> Message:
    """What may have been meant: a kind of GPU, where torchup chooses better than anybody; a near name; else all."""
    kind = _KINDS.get(asked.rstrip("0123456789.-_"), asked)
    if asked in _KINDS or kind == "rocm":
        of_kind = [name for name in known if name.startswith(kind)][:4]
        return message(
            "plan.variant.kind",
            "leave out the variant to let torchup choose the build for this machine, or use a variant such as {names}",
            names=", ".join(of_kind),
        )
    wanted = asked if kind == asked else kind + asked.lstrip("abcdefghijklmnopqrstuvwxyz-_").replace(".", "")
    if close := near_names(wanted, known, count=3, cutoff=0.7):
        return message("plan.variant.near", "did you mean {names}?", names=", ".join(close))
    return message("plan.variant.known", "choose one of: {names}", names=", ".join(known))


def _not_published(question: Question) -> TorchupError:
    request = question.request
    if request.variant and request.variant not in question.catalog.variants:
        return UsageError(
            message("plan.variant.unknown", "there is no variant `{name}`", name=request.variant),
            hint=_nearest_variant(request.variant, question.catalog.variants),
        )
    wanted = " ".join(filter(None, (f"torch {request.torch}" if request.torch else "", request.variant))) or "torch"
    if request.installer == InstallerName.CONDA:
        return _not_on_conda_forge(question, wanted)
    if request.channel != "stable":
        return _not_in_channel(question, wanted)
    return NoBuildError(
        message(
            "plan.none.not-published",
            "{wanted} was not published for {platform}, according to the catalogue",
            wanted=wanted,
            platform=question.target.platform,
        ),
        hint=_nearest(question),
    )


def _not_on_conda_forge(question: Question, wanted: str) -> TorchupError:
    builds = [row.label for row in question.catalog.conda if row.platform == question.target.platform]
    return NoBuildError(
        message(
            "plan.none.conda",
            "conda-forge has no {wanted} for {platform}, according to the catalogue",
            wanted=wanted,
            platform=question.target.platform,
        ),
        hint=message(
            "plan.none.conda.hint",
            "use --installer uv to choose from more builds; conda-forge has {builds}",
            builds=", ".join(builds),
        )
        if builds
        else message("plan.none.conda.uv", "use --installer uv"),
    )


def _not_in_channel(question: Question, wanted: str) -> TorchupError:
    catalog, channel = question.catalog, question.request.channel
    rows = [
        row for row in catalog.by_platform.get(question.target.platform or "", ())
        if row.certainty != UNSURE and question.request.variant in {None, row.variant}
    ]  # fmt: skip
    hint = message("plan.none.see-catalog", "run `torchup catalog show` to list the published builds")
    if rows:
        hint = message(
            "plan.none.channel.hint",
            "leave out --channel to choose a release such as {torch} ({variants})",
            torch=rows[0].torch,
            variants=", ".join(row.variant for row in rows if row.torch == rows[0].torch),
        )
    text = message("plan.none.channel", "the {channel} channel has no {wanted}", channel=channel, wanted=wanted)
    return NoBuildError(text, hint=hint)


def _nearest(question: Question) -> Message:
    request = question.request
    known = question.catalog.by_platform.get(question.target.platform or "", ())
    if request.torch and request.variant:
        same = [row.variant for row in known if version_matches(row.torch, request.torch)]
        if same:
            return message(
                "plan.none.variants",
                "choose a variant that this torch has: {variants}",
                variants=", ".join(dict.fromkeys(same)),
            )
    if request.variant:
        same = [row.torch for row in known if row.variant == request.variant]
        if same:
            return message(
                "plan.none.torches",
                "choose a torch release that has {variant}: the oldest is {oldest}, the newest is {newest}",
                variant=request.variant,
                oldest=same[-1],
                newest=same[0],
            )
    return message("plan.none.see-catalog", "run `torchup catalog show` to list the published builds")


def telling(question: Question, rejected: list[Rejection]) -> Rejection:
    """The rejection that a person should hear: of a build for the GPU that is here, the newest."""
    mine = [r for r in rejected if r.variant.startswith(kinds_here(question))] or rejected
    if question.target.machine.jetson:  # a wheel for this JetPack that lacks the Python alone is the nearest
        mine = [r for r in mine if r.reason == Reason.PYTHON] or mine
    for reason in _TOLD_FIRST:
        found = [r for r in mine if r.reason == reason]
        if found:
            return found[-1] if reason in {Reason.DRIVER, Reason.OS} else found[0]  # the easiest to reach
    return mine[0]


def kinds_here(question: Question) -> tuple[str, ...]:
    """How the names of the builds begin that are for the GPUs of a machine; without any those for its processor."""
    gpus = question.target.machine.gpus
    vendors = {gpus[index].vendor for index in question.graphics.wanted}
    return tuple(_PREFIX[vendor] for vendor in vendors) or ("cpu",)


def _newer_than_code(question: Question) -> ComputeCapability | None:
    """The newest capability that any build has code for, where the GPUs that count are all newer."""
    mine = [question.target.capabilities[index] for index in question.graphics.lost]
    codes = [code for row in rows_of(question) if row.arch for code in row.arch.sass]
    newest = max(codes, default=None)
    newer = newest is not None and all(code is not None and code > newest for code in mine)
    return newest if mine and newer and not question.graphics.usable else None


def _no_code(question: Question, names: str, *, cpu_possible: bool) -> Message | None:
    """That no build has code for the GPUs, or that it is unknown."""
    machine = question.target.machine
    unknown = [machine.gpus[i] for i in question.graphics.lost if machine.gpus[i].vendor == Vendor.AMD]
    if any(gpu.gfx is None for gpu in unknown):
        return message(
            "plan.none.gfx-unknown",
            "the gfx target of the {gpu} is unknown, so torchup cannot tell which builds have code for it",
            gpu=names,
        )
    if newest := _newer_than_code(question):
        return message(
            "plan.none.gpu-newer",
            "no known torch {builds} has code for the {gpu}: the builds support GPUs up to "
            "compute capability {newest} and contain no PTX that the driver could compile for a newer GPU",
            builds=_builds_asked(question),
            gpu=names,
            newest=newest,
        )
    if cpu_possible and not question.graphics.usable:
        return message(
            "plan.none.gpu-unsupported",
            "no known torch {builds} runs on the {gpu}",
            builds=_builds_asked(question),
            gpu=names,
        )
    return None


def _builds_asked(question: Question) -> Message:
    """Which builds were looked at; in a sentence about one of them."""
    platform = question.target.platform
    if question.request.installer == InstallerName.CONDA:
        return message("plan.builds.conda", "build of conda-forge for {platform}", platform=platform)
    return message("plan.builds.wheels", "wheel for {platform}", platform=platform)


def _text(question: Question, rejected: list[Rejection], *, cpu_possible: bool) -> Message:
    first = telling(question, rejected)
    machine = question.target.machine
    names = ", ".join(gpu_name(machine.gpus[index]) for index in question.graphics.wanted)
    if without_code := _no_code(question, names, cpu_possible=cpu_possible):
        return without_code
    if first.detail.code in _DRIVER_FAULTS:
        bare = message("plan.none.no-driver", "no NVIDIA driver is loaded")
        detail = bare if first.detail.code == "plan.reject.no-driver" else first.detail
        return message("plan.none.gpu-driver", "the {gpu} cannot be used: {detail}", gpu=names, detail=detail)
    if question.request.variant and not any(_serves(question, r.variant) for r in rejected):
        wanted = question.request.variant
        return message("plan.none.other-vendor", "{variant} is not for the {gpu}", variant=wanted, gpu=names or "CPU")
    if names:
        return message(
            "plan.none.gpu",
            "no build for the {gpu} fits. {torch}+{variant}: {detail}",
            gpu=names,
            torch=first.torch,
            variant=variant_name(first.variant, machine),
            detail=first.detail,
        )
    return message(
        "plan.none.other",
        "no build fits. {torch}+{variant}: {detail}",
        torch=first.torch,
        variant=variant_name(first.variant, machine),
        detail=first.detail,
    )


def _serves(question: Question, variant: str) -> bool:
    vendor = VENDOR_OF_KIND.get(kind_of(variant))
    return vendor is None or any(gpu.vendor == vendor for gpu in question.target.machine.gpus)


def _hint(question: Question, rejected: list[Rejection], *, cpu_possible: bool) -> Message:
    if question.request.variant and not any(_serves(question, r.variant) for r in rejected):
        return message(
            "plan.hint.other-vendor",
            "leave out the variant (in --variant or --torch), or run `torchup plan --assume gpu=NAME` to plan "
            "for a machine with a GPU that the variant supports",
        )
    if any(gpu.vendor == Vendor.AMD and gpu.gfx is None for gpu in question.target.machine.gpus):
        return message(
            "plan.hint.gfx",
            "use --cpu for the CPU build, or run `torchup plan --assume gfx=NAME` with the name that rocminfo shows",
        )
    change = change_hint(question, rejected)
    if not cpu_possible:
        return change or message("plan.none.see-catalog", "run `torchup catalog show` to list the published builds")
    if change is None:
        return message("plan.none.cpu", "use `--cpu` to install the CPU build and leave the GPU unused")
    return message("plan.none.change-or-cpu", "{change}; or use the CPU build with `--cpu`", change=change)


def change_hint(question: Question, rejected: list[Rejection]) -> Message | None:
    """What to change on the machine, or in the request, so that a build fits."""
    machine = question.target.machine
    if not_conda := _not_conda(question):
        return not_conda
    first = telling(question, rejected)
    if machine.jetson and question.graphics.lost:
        return message(
            "plan.hint.jetson-old",
            "look in NVIDIA's Jetson forum: NVIDIA published torch wheels for JetPack 4 there, but torchup knows "
            "none of them",
        )
    if machine.os == Os.MACOS and first.reason == Reason.OS:
        floors = [row.mps or row.macos for row in question.catalog.by_platform.get(question.target.platform or "", ())]
        return message(
            "plan.hint.macos",
            "update macOS: {oldest} is the oldest that works, and {newest} allows the newest torch",
            oldest=floors[-1],
            newest=floors[0],
        )
    if any(r.reason == Reason.DRIVER for r in rejected) and families(question):
        return driver_hint(question)
    return _jetson_hint(question) if first.reason == Reason.PLATFORM else _usual_hint(first, question)


def _usual_hint(first: Rejection, question: Question) -> Message | None:
    conda = with_conda(question.request)
    if first.reason == Reason.GLIBC and best_row(question.target.machine, conda, question.catalog):
        return message(
            "plan.hint.glibc", "upgrade the operating system, or add --installer conda to use conda-forge's build"
        )
    if first.reason == Reason.PYTHON:
        return _python_hint(first, question)
    return _companion_hint(question) if first.reason == Reason.COMPANION else None


def _python_hint(first: Rejection, question: Question) -> Message:
    """Which Pythons the build has, and the option that was given or would help."""
    row = next((row for row in rows_of(question) if (row.torch, row.variant) == (first.torch, first.variant)), None)
    pythons = row.python_range if row is not None else UNKNOWN
    if question.request.python:
        return message(
            "plan.hint.python",
            "choose another Python with --python (this build has {pythons}), or leave out --python to let torchup "
            "choose one",
            pythons=pythons,
        )
    return message(
        "plan.hint.python-install",
        "install a Python that the build has ({pythons}), or use `--installer uv`, which downloads one",
        pythons=pythons,
    )


def _companion_hint(question: Question) -> Message:
    """What to leave out of what was asked for."""
    asked = {"--torch": question.request.torch, "--variant": question.request.variant,
             "--python": question.request.python}  # fmt: skip
    given = [option for option, value in asked.items() if value]
    if not given:
        return message("plan.hint.companion-only", "leave out --require")
    return message("plan.hint.companion", "leave out --require, or leave out {options} to let torchup choose the build",
                   options=", ".join(given))  # fmt: skip


def _not_conda(question: Question) -> Message | None:
    """What wheels have for a machine that conda-forge has nothing for."""
    asked_conda = question.request.installer == InstallerName.CONDA
    plain = without_conda(question.request)
    other = best_row(question.target.machine, plain, question.catalog) if asked_conda else None
    if other is None:
        return None
    return message(
        "plan.hint.not-conda",
        "use --installer uv: no build of conda-forge fits, but {build} does",
        build=other.label,
    )


def _jetson_hint(question: Question) -> Message | None:
    """Which JetPack has wheels for this GPU; none is named that is older than the installed one."""
    machine, target = question.target.machine, question.target
    rows = question.catalog.by_platform.get(target.platform or "", ())
    fits = [
        row.jetson
        for row in rows
        if row.jetson and any(code_on_gpu(row, i, target, question.catalog) for i in target.gpus)
    ]
    if not machine.jetson:
        known = max(fits, key=version_key, default=None)
        return (
            message(
                "plan.hint.jetson-unsaid",
                "give `torchup plan` the board's L4T release, e.g. --assume jetson={release}",
                release=known,
            )
            if known
            else None
        )
    newer = [release for release in fits if version_key(release) > version_key(machine.jetson)]
    if not newer:
        return message(
            "plan.hint.jetson-none",
            "look for wheels on NVIDIA's website: torchup knows none for this Jetson and L4T {release}",
            release=machine.jetson,
        )
    oldest = min(newer, key=version_key)
    return message(
        "plan.hint.jetson",
        "update JetPack to a release with L4T {release}, for which wheels are published",
        release=oldest,
    )


def driver_hint(question: Question) -> Message:
    """Which driver to install and where: WSL and containers take it from outside, a Jetson from JetPack."""
    branch = advised_branch(question)
    gives = None if question.target.machine.jetson else driver_gives(question, branch)
    return driver_text(
        DriverOrder(
            action=DriverAction.INSTALL,
            place=place_of(question.target.machine),
            branch=branch,
            exact=any(family.last_branch for family in families(question)),
            gives=gives.label if gives else None,
        )
    )
