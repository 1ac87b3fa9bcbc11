"""What several rules share: how evidence is worded, and the commands that remedies give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.knowledge import version
from torchup.doctor.rule import Found
from torchup.model import Os, Remedy, Vendor, message, verbatim
from torchup.privacy import redact

if TYPE_CHECKING:
    from torchup.doctor.facts import Facts, Sign
    from torchup.doctor.knowledge import Knowledge
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


def capabilities(facts: Facts, knowledge: Knowledge) -> list[ComputeCapability]:
    """Known compute capabilities of the NVIDIA GPUs."""
    return [found for gpu in facts.of(Vendor.NVIDIA) if (found := knowledge.capability(gpu)) is not None]


def newest_driver(facts: Facts) -> str | None:
    """The driver that answers to torch."""
    return facts.nvidia.driver or facts.nvidia.module


def torch_cuda(facts: Facts, knowledge: Knowledge) -> str | None:
    """CUDA that torch was built with: as it says, as its label says, else that of PyPI's Linux wheel."""
    torch = facts.torch
    if torch.cuda or torch.variant is not None:
        return torch.cuda
    if (
        torch.version is None
        or torch.hip
        or facts.system.os in (Os.WINDOWS, Os.MACOS)
        or facts.system.arch in ("aarch64", "arm64")
    ):
        return None
    return knowledge.pypi_cuda(torch.version)


def reinstall(facts: Facts, knowledge: Knowledge, text: Message) -> Remedy:
    """Put the build in that fits the GPU and the driver."""
    if (plain_build := _without_nvidia(facts)) is not None:
        return Remedy(text=text, commands=(plain_build,))
    gpus = capabilities(facts, knowledge)
    wheel = knowledge.wheel(min(gpus, default=None), newest_driver(facts), windows=on_windows(facts))
    if wheel is None:
        return Remedy(text=text, commands=driver_commands(facts), needs_root=True, needs_reboot=True)
    return Remedy(text=text, commands=(install_command(wheel[0]),))


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
    return None if value is None else version(value) >= version(floor)


def plain(text: str) -> Message:
    """Text of a program as evidence."""
    return verbatim(redact(text))
