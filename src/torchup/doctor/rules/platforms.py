"""Is there a wheel at all for this Python, processor and system?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.catalog.versions import version_key
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import PIP, pip_install, plain, platform, quoted, said, torch_line
from torchup.model import Os, Remedy, message

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Message

_REFUSED = (
    "python.no-version",
    "python.no-match",
    "python.no-wheel",
    "python.requires",
    "python.compile",
    "python.stub",
)
_LAST_INTEL_MAC = "2.2.2"


def _offered(facts: Facts) -> tuple[str, ...]:
    """The versions that pip found for this Python; empty where it found none or did not say."""
    sign = facts.sign("python.no-version")
    text = "".join(sign.values.get("versions", "").split()) if sign else ""  # a console may have cut a number
    return tuple(part.strip() for part in text.split(",") if part.strip() and part.strip() != "none")


def _only_placeholders(facts: Facts) -> bool:
    """Pip on Windows finds torch 0.1.2 only, the source placeholder, when no wheel fits the interpreter."""
    offered = _offered(facts)
    return bool(offered) and all(v.startswith("0.1.2") for v in offered)


def _python_fits(facts: Facts, compat: Compat) -> bool | None:
    """Whether the wanted torch has wheels for this Python version; ``None``: unknown."""
    sign = facts.sign("python.no-version", "python.no-match", "python.wheel-platform")
    text = f"{sign.values.get('wanted', '')} {sign.values.get('wheel', '')}" if sign else ""
    wanted = re.search(r"\d+\.\d+(?:\.\d+)?", text)
    torch = wanted[0] if wanted else facts.torch.version
    python = facts.python.version
    return compat.python_fits(torch, python, platform(facts)) if torch and python else None


def python_version_unsupported(facts: Facts, compat: Compat) -> Found | None:
    """No wheel of the wanted torch exists for this Python, or torch.compile refuses it."""
    del compat
    signs = quoted(facts, *_REFUSED)
    if facts.extension_problem is not None:
        signs = (*signs, _built_for(facts))
    if facts.works and facts.sign("python.compile") is None:
        return None
    if not signs and not _older_than_any(facts):
        return None
    lines: list[Message] = [*signs]
    if facts.python.version:
        lines.append(message("doctor.python.version", "Python {version}", version=facts.python.version))
    text = message(
        "doctor.python.remedy",
        "use a Python that the wanted release has wheels for: 3.10 to 3.13 fit every current torch",
    )
    return Found(
        summary=message("doctor.python.summary", "there is no wheel of the wanted release for this version of Python"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=(("uv", "venv", "--python", "3.12"), pip_install("torch"))),
        certainty=Certainty.SAID,
    )


def _older_than_any(facts: Facts) -> bool:
    """Whether the interpreter here is older than what any torch of this decade has wheels for."""
    python = facts.python.version
    return facts.live and facts.torch.installed is None and python is not None and version_key(python) < (3, 8)


def _built_for(facts: Facts) -> Message:
    return message(
        "doctor.python.extension", "torch here was built for another Python: {name}", name=facts.extension_problem
    )


def wrong_arch_python(facts: Facts, compat: Compat) -> Found | None:
    """A 32-bit Python, or an interpreter of another architecture."""
    signs = quoted(facts, "python.wheel-platform", "python.win32", "python.elfclass")
    thirty_two = facts.python.bits == 32 or facts.python.arch in ("i686", "i386") or _path_says_32(facts)  # noqa: PLR2004  # bits
    placeholder = _only_placeholders(facts) and facts.python.bits != 64 and _python_fits(facts, compat) is not False  # noqa: PLR2004  # bits
    on_windows = facts.system.os in (None, Os.WINDOWS)
    if facts.works or facts.system.jetson:
        return None
    if facts.sign("python.wheel-platform") and _python_fits(facts, compat) is False:
        return None
    refused = facts.sign(*_REFUSED) is not None
    if facts.extension_problem is not None and _other_processor(facts):
        signs = (*signs, _built_for(facts))
    if (
        not signs
        and not (thirty_two and (refused or facts.torch.installed is not True))
        and not (placeholder and on_windows)
    ):
        return None
    lines = [*signs, *quoted(facts, "python.no-version")]
    lines += [message("doctor.arch-python.bits", "this Python is a 32-bit one")] if thirty_two else []
    text = message(
        "doctor.arch-python.remedy",
        "install the 64-bit Python of this machine's architecture and make the environment again",
    )
    return Found(
        summary=message(
            "doctor.arch-python.summary",
            "this Python is 32-bit or of another architecture; torch has wheels for 64-bit ones only",
        ),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=(("uv", "venv", "--python", "3.12"), pip_install("torch"))),
        certainty=Certainty.PROVEN if thirty_two or signs else Certainty.SAID,
    )


def _other_processor(facts: Facts) -> bool:
    """Whether torch's extension names a processor, and not this interpreter's."""
    named = re.search(r"x86_64|aarch64|amd64|arm64|i[36]86", facts.extension_problem or "")
    same = {"arm64": "aarch64", "amd64": "x86_64"}
    mine = facts.python.arch or ""
    return named is not None and same.get(named[0], named[0]) != same.get(mine, mine)


def _path_says_32(facts: Facts) -> bool:
    paths = " ".join((*facts.commands, facts.python.path or "", facts.text))
    return re.search(r"Python\d{2,3}-32\b|Python \(x86\)|win32-py|win32\.whl", paths) is not None


def windows_arm64_no_wheel(facts: Facts, compat: Compat) -> Found | None:
    """Native ARM64 Python on Windows, where torch has no wheel for it."""
    del compat
    arm = "arm64" in (facts.python.arch, facts.system.arch) or "aarch64" in (facts.python.arch, facts.system.arch)
    if facts.system.os is not Os.WINDOWS or not arm or facts.torch.installed or facts.python.arch == "x86_64":
        return None
    lines = quoted(facts, *_REFUSED, "python.wheel-platform") or (
        message("doctor.windows-arm.seen", "Windows on ARM64, without torch"),
    )
    text = message(
        "doctor.windows-arm.remedy",
        "use a Python that torch has ARM64 wheels for (3.11 to 3.13, from torch 2.7, from PyTorch's"
        " index), or an x86_64 Python, which is emulated",
    )
    command = pip_install("torch", "--index-url", "https://download.pytorch.org/whl/cpu")
    return Found(
        summary=message("doctor.windows-arm.summary", "torch has no wheel for this native ARM64 Python on Windows"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=(command,)),
        certainty=Certainty.PROVEN,
    )


def jetson_needs_nvidia_wheel(facts: Facts, compat: Compat) -> Found | None:
    """A Jetson with a generic aarch64 wheel."""
    del compat
    if not facts.system.jetson or not _gpu_is_out_of_reach(facts):
        return None
    local = facts.torch.local or ""
    if re.search(r"nv\d|tegra|a0\+", local):
        return None  # NVIDIA's own build
    lines = [message("doctor.jetson.seen", "Jetson, L4T or JetPack {release}", release=facts.system.jetson)]
    lines += [torch_line(facts)] if facts.torch.version else []
    lines += [plain(command) for command in facts.commands if "install" in command][:1]
    text = message(
        "doctor.jetson.remedy",
        "install NVIDIA's wheel for this JetPack: PyPI's and PyTorch's wheels have no code for Jetson's integrated GPU",
    )
    return Found(
        summary=message("doctor.jetson.summary", "a Jetson needs NVIDIA's own build of torch, and has a generic one"),
        evidence=tuple(lines),
        remedy=Remedy(
            text=text, commands=(pip_install("torch", "--index-url", "https://pypi.jetson-ai-lab.io/jp6/cu126"),)
        ),
        certainty=Certainty.PROVEN,
    )


def _gpu_is_out_of_reach(facts: Facts) -> bool:
    """On a Jetson: torch does not see the GPU, has no code for it, or is not there."""
    if facts.sign("arch.no-kernel", "arch.warned") is not None:
        return True
    if facts.works:
        return False
    refused = facts.sign("cpu.not-compiled", "driver.none", "cuda.no-gpus", "driver.no-device", *_REFUSED)
    installed = any("install" in command and "torch" in command for command in facts.commands)
    unseen = facts.torch.cuda_available is False or facts.torch.variant == "cpu" or refused is not None
    return unseen or installed or facts.live


def x86_python_under_rosetta(facts: Facts, compat: Compat) -> Found | None:
    """An x86_64 Python runs translated on Apple silicon."""
    del compat
    x86 = "x86_64" in (facts.python.arch, facts.system.arch)
    dyld = facts.sign("python.elf-rosetta")
    offered = _offered(facts)
    x86 = x86 or (bool(offered) and offered[-1].startswith(_LAST_INTEL_MAC))  # pip found the wheels of an Intel Mac
    if facts.system.os not in (None, Os.MACOS) or not (
        (facts.system.apple_silicon and x86) or (dyld and facts.system.os is Os.MACOS)
    ):
        return None
    lines: list[Message] = [said(dyld)] if dyld else []
    if facts.system.cpu:
        lines.append(message("doctor.rosetta.cpu", "processor: {name}", name=facts.system.cpu))
    lines.append(message("doctor.rosetta.arch", "the interpreter is an x86_64 one"))
    text = message(
        "doctor.rosetta.remedy", "install an arm64 Python (the arm64 Miniforge, or uv's) and make the environment again"
    )
    return Found(
        summary=message(
            "doctor.rosetta.summary",
            "an Intel Python runs translated on Apple silicon: no MPS, and torch stops at 2.2.2",
        ),
        evidence=tuple(lines),
        remedy=Remedy(
            text=text, commands=(("uv", "venv", "--python", "cpython-3.12-macos-aarch64"), pip_install("torch"))
        ),
        certainty=Certainty.PROVEN,
    )


def intel_mac_no_new_wheels(facts: Facts, compat: Compat) -> Found | None:
    """Intel Mac: 2.2.2 is the last torch with wheels."""
    del compat
    if facts.system.os not in (None, Os.MACOS) or facts.system.apple_silicon:
        return None
    offered = _offered(facts)
    ends_there = bool(offered) and offered[-1].startswith(_LAST_INTEL_MAC)
    intel = facts.on_mac and (facts.system.apple_silicon is False or "x86_64" in (facts.system.arch, facts.python.arch))
    refused = facts.sign("python.no-version", "python.no-match", "python.no-wheel", "python.wheel-platform") is not None
    if not ends_there and not (intel and refused):
        return None
    text = message(
        "doctor.intel-mac.remedy",
        "stay on torch 2.2.2 with NumPy 1 and Python 3.8 to 3.12, or build from source, or use conda-forge's build",
    )
    return Found(
        summary=message("doctor.intel-mac.summary", "on Intel Macs torch 2.2.2 is the last release with wheels"),
        evidence=quoted(facts, "python.no-version", "python.no-match", "python.no-wheel", "python.wheel-platform"),
        remedy=Remedy(text=text, commands=((*PIP, "install", "torch==2.2.2", "numpy<2"),)),
        certainty=Certainty.PROVEN,
    )
