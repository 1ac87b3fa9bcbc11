"""What several rules share: how evidence is worded, and the commands that remedies give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.types import UNSURE, is_vendor
from torchup.catalog.versions import version_key
from torchup.compat.target import platform_named
from torchup.doctor.redact import redact
from torchup.doctor.rule import Found
from torchup.model import Os, Remedy, Vendor, message, verbatim

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts, Sign
    from torchup.model import ComputeCapability, Message

INDEX = "https://download.pytorch.org/whl"
PIP = ("python", "-m", "pip")
ROCM_VARIANT = "rocm7.2"
TRIO = ("torch", "torchvision", "torchaudio")


def said(sign: Sign) -> Message:
    """A message of a program, quoted."""
    return message("doctor.evidence.said", "message: {line}", line=redact(sign.line))


def quoted(facts: Facts, *codes: str) -> tuple[Message, ...]:
    """The messages with these codes that were found."""
    return tuple(said(sign) for sign in facts.signs if sign.code in codes)


def from_sign(facts: Facts, cause: str, summary: Message, remedy: Remedy) -> Found | None:
    """The simplest rule: a program named the cause."""
    signs = facts.signs_of(cause)
    if not signs:
        return None
    return Found(summary=summary, evidence=tuple(map(said, signs)), remedy=remedy)


def torch_line(facts: Facts) -> Message:
    """Which torch it is."""
    torch = facts.torch
    label = f"{torch.version}+{torch.local}" if torch.local else str(torch.version)
    if torch.cuda:
        return message(
            "doctor.evidence.torch-cuda", "torch {version}, built with CUDA {cuda}", version=label, cuda=torch.cuda
        )
    return message("doctor.evidence.torch", "torch {version}", version=label)


def gpu_line(facts: Facts, vendor: Vendor | None = None) -> Message:
    """Which GPUs there are."""
    names = [gpu.name or gpu.gfx or str(gpu.vendor) for gpu in facts.gpus if vendor in (None, gpu.vendor)]
    return message("doctor.evidence.gpu", "GPU: {names}", names=", ".join(dict.fromkeys(map(redact, names))))


def driver_line(facts: Facts) -> Message:
    """Which NVIDIA driver it is."""
    return message("doctor.evidence.driver", "NVIDIA driver {version}", version=facts.nvidia.driver)


def on_windows(facts: Facts) -> bool:
    """Whether the Windows driver counts: Windows itself, or WSL, where it is the one that serves."""
    return facts.system.os is Os.WINDOWS or facts.system.wsl


def capabilities(facts: Facts, compat: Compat) -> list[ComputeCapability]:
    """Known compute capabilities of the NVIDIA GPUs."""
    return [found for gpu in facts.of(Vendor.NVIDIA) if (found := compat.capability(gpu)) is not None]


def platform(facts: Facts) -> str | None:
    """The catalogue's name of the platform; ``None``: the report names no system. Most processors are x86_64."""
    system = facts.system
    if system.os is None:
        return None
    usual = "arm64" if system.apple_silicon else "x86_64"
    return platform_named(system.os, system.arch or facts.python.arch or usual, translated=bool(system.apple_silicon))


def driver_cuda(facts: Facts, compat: Compat) -> str | None:
    """The newest CUDA that the driver serves, as it says or by its number."""
    driver = newest_driver(facts)
    served = compat.driver_serves(driver, windows=on_windows(facts)) if driver else None
    return facts.nvidia.cuda_api or served


def wheel(facts: Facts, compat: Compat) -> tuple[str, str] | None:
    """Variant and torch of the newest build that runs on the oldest GPU with this driver; ``None``: driver too old.

    An unknown driver is taken for a current one, an unknown GPU for one that every build covers.
    """
    gpu, driver = min(capabilities(facts, compat), default=None), newest_driver(facts)
    for row in compat.catalog.by_platform.get(platform(facts) or "linux_x86_64", ()):
        if row.driver is None or row.arch is None or row.certainty == UNSURE or is_vendor(row):
            continue
        runs = gpu is None or compat.code(row.arch.names, gpu, cuda=row.driver.cuda) is not None
        if runs and (driver is None or compat.driver_runs(driver, row.driver.cuda, windows=on_windows(facts))):
            return row.variant, row.torch
    return None


def newest_driver(facts: Facts) -> str | None:
    """The driver that answers to torch."""
    return facts.nvidia.driver or facts.nvidia.module


def torch_cuda(facts: Facts, compat: Compat) -> str | None:
    """CUDA that torch was built with: as it says, as its label says, else that of PyPI's wheel."""
    torch = facts.torch
    if torch.cuda or torch.variant is not None:
        return torch.cuda
    if torch.version is None or torch.hip:
        return None
    return compat.pypi_cuda(torch.version, platform(facts) or "linux_x86_64")  # elsewhere it is labelled or for the CPU


def reinstall(facts: Facts, compat: Compat, text: Message) -> Remedy:
    """Put the build in that fits the GPU and the driver."""
    if (plain_build := _without_nvidia(facts)) is not None:
        return Remedy(text=text, commands=(plain_build,))
    build = wheel(facts, compat)
    if build is None:
        return Remedy(text=text, commands=driver_commands(facts), needs_root=True, needs_reboot=True)
    return Remedy(text=text, commands=(install_command(build[0]),))


def _without_nvidia(facts: Facts) -> tuple[str, ...] | None:
    """What to type where it is known that no NVIDIA GPU is in the machine; ``None``: there is, or may be, one.

    A report often leaves the GPU out; a live machine without one gets the CPU build, one with another vendor's GPU
    what `torchup up` chooses.
    """
    if facts.of(Vendor.NVIDIA):
        return None
    if facts.live:
        return ("torchup", "up") if facts.gpus else install_command("cpu")
    if facts.on_mac:
        return pip_install("--force-reinstall", *TRIO)
    if facts.of(Vendor.AMD) and facts.system.os is not Os.WINDOWS and facts.nvidia.driver is None:
        return install_command(ROCM_VARIANT)
    return None


def install_command(variant: str, *packages: str) -> tuple[str, ...]:
    """Reinstall from one of PyTorch's indexes."""
    return (*PIP, "install", "--force-reinstall", *(packages or TRIO), "--index-url", f"{INDEX}/{variant}")


def pip_install(*arguments: str) -> tuple[str, ...]:
    """``python -m pip install ...``: the interpreter that runs the program, whatever else is on PATH."""
    return (*PIP, "install", *arguments)


# Words in a distribution's name -> how it installs NVIDIA's driver (each distribution's own documentation, 2026).
_DRIVER_COMMANDS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("ubuntu", "pop", "mint"), ("sudo", "ubuntu-drivers", "install")),
    (("debian",), ("sudo", "apt", "install", "nvidia-driver")),
    (("fedora",), ("sudo", "dnf", "install", "akmod-nvidia", "xorg-x11-drv-nvidia-cuda")),
    (("red hat", "rhel", "centos", "rocky", "alma", "oracle"), ("sudo", "dnf", "install", "nvidia-open")),
    (("suse",), ("sudo", "zypper", "install", "nvidia-open-driver-G06-signed-kmp-default")),
    (("arch", "manjaro"), ("sudo", "pacman", "-S", "nvidia-open")),
)


def driver_commands(facts: Facts) -> tuple[tuple[str, ...], ...]:
    """How this system installs NVIDIA's driver; shown, never run. Windows: an installer from nvidia.com/drivers."""
    if on_windows(facts):
        return ()
    name = (facts.system.distribution or "").lower()
    return next(((command,) for words, command in _DRIVER_COMMANDS if any(word in name for word in words)), ())


def group_commands() -> tuple[tuple[str, ...], ...]:
    """Membership in the groups that may open GPU device nodes."""
    return (("sudo", "usermod", "-aG", "render,video", "$USER"),)


def at_least(value: str | None, floor: str) -> bool | None:
    """Whether a version reaches a floor; ``None``: unknown."""
    return None if value is None else version_key(value) >= version_key(floor)


def plain(text: str) -> Message:
    """Text of a program as evidence."""
    return verbatim(redact(text))
