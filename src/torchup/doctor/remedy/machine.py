"""Facts -> the machine that the planner plans for. What a report leaves out stays unknown, or is assumed and said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from torchup.catalog.gpus import load_gpu_table
from torchup.doctor.cause import load_cause
from torchup.doctor.remedy.tables import JetPack, tables
from torchup.model import (
    ComputeCapability,
    Driver,
    Gpu,
    Machine,
    Message,
    Os,
    PythonInterpreter,
    Request,
    Shell,
    Value,
    Vendor,
    message,
)

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog
    from torchup.doctor.facts import Facts

_X86 = {"x86_64", "amd64", "x64"}
_ARM = {"arm64", "aarch64"}


class Imagined(Value, frozen=True, kw_only=True):
    """A machine, and what was taken for granted because the report does not say it."""

    machine: Machine
    assumed: tuple[Message, ...] = ()


def machine_of(facts: Facts, catalog: Catalog) -> Imagined:
    """The machine that the facts describe.

    Nothing is assumed of a live machine: detection has looked. A report that names no driver is planned for a current
    one that serves its cards, a report that names no GPU for an NVIDIA one, where it is not known that there is none.
    """
    os = _os(facts)
    jetpack, assumed_jetpack = _jetpack(facts)
    gpus, assumed_gpu = _gpus(facts, os, jetpack)
    machine = Machine(
        os=os,
        arch=_arch(facts, os),
        os_version=facts.system.os_version,
        distribution=facts.system.distribution,
        kernel=facts.system.kernel,
        libc="musl" if "alpine" in (facts.system.distribution or "").lower() else None,
        glibc=facts.system.glibc,
        wsl=facts.system.wsl,
        container=facts.system.container_kind or ("container" if facts.system.container else None),
        container_gpu=facts.system.container_gpu_flag,
        translated=_translated(facts, os),
        jetson=_l4t(facts, jetpack),
        python=_python(facts),
        pythons=_pythons(facts),
        gpus=gpus,
        rocm_version=facts.rocm,
        environment=dict(facts.environment),
    )
    drivers, assumed_driver = _drivers(facts, machine, jetpack, catalog)
    machine = msgspec.structs.replace(machine, drivers=drivers)
    return Imagined(machine=machine, assumed=(*assumed_jetpack, *assumed_gpu, *assumed_driver))


# ---------------------------------------------------------------- system


def _os(facts: Facts) -> Os:
    if facts.system.os is not None:
        return facts.system.os
    if any(gpu.vendor is Vendor.APPLE for gpu in facts.gpus) or facts.system.apple_silicon:
        return Os.MACOS
    on_windows = facts.shell in {Shell.CMD, Shell.POWERSHELL} or "\\" in (facts.interpreter or "")
    return Os.WINDOWS if on_windows and not facts.system.wsl else Os.LINUX


def _arch(facts: Facts, os: Os) -> str:
    """The processor's; a 32-bit Python on a 64-bit one is a matter of Python."""
    if os is Os.MACOS and facts.system.apple_silicon is not None:
        return "arm64" if facts.system.apple_silicon else "x86_64"
    if facts.system.jetson:
        return "aarch64"
    said = facts.system.arch or (facts.python.arch if (facts.python.arch or "") in _X86 | _ARM else None)
    return said or ("arm64" if os is Os.MACOS else "x86_64")


def _translated(facts: Facts, os: Os) -> bool:
    interpreter = facts.python.arch or facts.system.arch
    return os is Os.MACOS and bool(facts.system.apple_silicon) and interpreter == "x86_64"


def _jetpack(facts: Facts) -> tuple[JetPack | None, tuple[Message, ...]]:
    """The JetPack of a Jetson: by its own number, L4T's, the kernel's, its board's, the system's Python's.

    A report that shows none of them is taken for the JetPack that most boards run, and the text says so.
    """
    said = facts.system.jetson
    if not said:
        return None, ()
    number = re.search(r"\d+", said) or re.search(r"\d+", facts.system.jetpack or "")
    if number is not None:
        return next((row for row in tables().jetpack if int(number[0]) in {row.jetpack, row.l4t}), None), ()
    shown = next((row for row in tables().jetpack if _shows(facts, row)), None)
    usual = next((row for row in tables().jetpack if row.usual), None)
    if shown is not None or facts.live or usual is None:
        return shown, ()
    text = message(
        "doctor.remedy.assumed-jetpack",
        "your report does not show the JetPack version, so torchup assumes JetPack {jetpack}; run `cat "
        "/etc/nv_tegra_release` and add the output to the report: its L4T release shows the JetPack version",
        jetpack=usual.jetpack,
    )
    return usual, (text,)


def _shows(facts: Facts, row: JetPack) -> bool:
    """Whether kernel, board or Python are those of one JetPack."""
    kernel, python = facts.system.kernel or "", facts.python.version or ""
    boards = {_known(gpu).compute_capability for gpu in facts.of(Vendor.NVIDIA)} | {said_capability(facts)}
    own = row.capability in boards and row.capability is not None
    return own or kernel.startswith(f"{row.kernel}.") or python.startswith(f"{row.python}.")


def _l4t(facts: Facts, jetpack: JetPack | None) -> str | None:
    said = facts.system.jetson
    if not said:
        return None
    numbers = re.search(r"\d+(?:\.\d+)*", said)
    if numbers is not None and int(numbers[0].split(".")[0]) > max(row.jetpack for row in tables().jetpack):
        return numbers[0]  # L4T's numbers begin far above JetPack's
    return str(jetpack.l4t) if jetpack is not None else "0"  # a Jetson of unknown release: no wheel is known to fit


# ---------------------------------------------------------------- Python


def _python(facts: Facts) -> str | None:
    version = facts.python.version
    return f"{version}t" if version and facts.python.free_threaded and not version.endswith("t") else version


def _pythons(facts: Facts) -> tuple[PythonInterpreter, ...]:
    """The interpreter of the environment, where more than its version is known; others are not what is repaired."""
    python = facts.python
    if python.version is None or (python.bits is None and python.arch is None):
        return ()
    path = facts.interpreter or python.path or "python"
    return (
        PythonInterpreter(
            path=path,
            version=python.version.removesuffix("t"),
            bits=python.bits,
            arch=python.arch,
            free_threaded=python.free_threaded,
        ),
    )


# ---------------------------------------------------------------- GPUs


def _gpus(facts: Facts, os: Os, jetpack: JetPack | None) -> tuple[tuple[Gpu, ...], tuple[Message, ...]]:
    if facts.gpus:
        return tuple(map(_known, facts.gpus)), ()
    if os is Os.MACOS or facts.live or facts.nvidia.tools_found_none:
        return (), ()
    if said_by_torch := said_capability(facts):
        return (Gpu(vendor=Vendor.NVIDIA, compute_capability=said_by_torch),), ()
    if facts.system.jetson:
        return (Gpu(vendor=Vendor.NVIDIA, compute_capability=jetpack.capability if jetpack else None),), ()
    if os is Os.WINDOWS and _arch(facts, os) in _ARM:
        return (), ()  # no NVIDIA card is sold in such a computer
    vendor = _vendor_meant(facts)
    said = facts.nvidia.driver or facts.torch.cuda or facts.torch.hip
    text = message("doctor.remedy.assumed-gpu", "your report does not name a GPU, so torchup assumes an NVIDIA GPU")
    gpu = Gpu(vendor=vendor, xpu=True if vendor is Vendor.INTEL else None)  # the build that is there is for such a one
    return (gpu,), () if said or vendor is not Vendor.NVIDIA else (text,)


def said_capability(facts: Facts) -> str | None:
    """The compute capability that a program's message names: torch's warning, Triton's assembler."""
    said = (sign.values.get("capability") or sign.values.get("sm") or "" for sign in facts.signs)
    found = (ComputeCapability.parse(text) for text in said)
    return next((str(capability) for capability in found if capability is not None), None)


def _vendor_meant(facts: Facts) -> Vendor:
    """Whose GPU the user has, by the build that is there or was asked for, and by what failed."""
    variant, indexes = facts.torch.variant or "", " ".join(facts.index_urls)
    failed = {load_cause(sign.cause).family for sign in facts.signs if sign.cause}
    if facts.torch.hip or variant.startswith("rocm") or "/rocm" in indexes or facts.sign("rocm.index"):
        return Vendor.AMD
    if failed & {"amd", "intel"} and not facts.torch.cuda:
        return Vendor.AMD if "amd" in failed else Vendor.INTEL
    asked_for_xpu = facts.torch.xpu_built is not None and not facts.live  # who looks at torch.xpu has such a GPU
    return Vendor.INTEL if variant == "xpu" or asked_for_xpu else Vendor.NVIDIA


def _known(gpu: Gpu) -> Gpu:
    """The GPU with what the table knows by its name; its memory too, which decides between two cards."""
    table = load_gpu_table()
    filled, _ = table.fill(gpu)
    if filled.memory_bytes is None and filled.name and (row := table.by_name(filled.name, filled.vendor)):
        return msgspec.structs.replace(filled, memory_bytes=row.memory_bytes)
    return filled


# ---------------------------------------------------------------- drivers


def _drivers(
    facts: Facts, machine: Machine, jetpack: JetPack | None, catalog: Catalog
) -> tuple[tuple[Driver, ...], tuple[Message, ...]]:
    if not any(gpu.vendor is Vendor.NVIDIA for gpu in machine.gpus):
        return (), ()
    version, cuda = facts.nvidia.driver or facts.nvidia.module, facts.nvidia.cuda_api
    without_nvml = facts.nvidia.problem == "library-not-found"  # as every Jetson is before JetPack 6
    if version is None and cuda is None and jetpack is not None and (without_nvml or not facts.live):
        cuda = jetpack.cuda
    if version is not None or cuda is not None:
        return (Driver(vendor=Vendor.NVIDIA, version=version, cuda_api=cuda, problem=facts.nvidia.problem),), ()
    if facts.live or driver_absent(facts) or machine.jetson:
        return (), ()
    branch = _current_branch(machine, catalog)
    text = message(
        "doctor.remedy.assumed-driver",
        "your report does not show the NVIDIA driver, so torchup assumes branch {branch} or newer: run "
        "`nvidia-smi` to check yours",
        branch=branch,
    )
    return (Driver(vendor=Vendor.NVIDIA, version=str(branch)),), (text,)


def driver_absent(facts: Facts) -> bool:
    """Whether a program said that no NVIDIA driver answers, on a system that should have its own."""
    return bool(facts.signs_of("driver-missing-or-broken")) and not facts.works


def _current_branch(machine: Machine, catalog: Catalog) -> int:
    """The newest long-term branch that serves every card of the machine."""
    from torchup.plan.planner import make_question  # noqa: PLC0415  # only a report without a driver needs it
    from torchup.plan.whatif import advised_branch  # noqa: PLC0415  # same

    return advised_branch(make_question(machine, Request(), catalog))
