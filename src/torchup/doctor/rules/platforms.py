"""Is there a wheel at all for this Python, processor and system?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.catalog.versions import minor, version_key
from torchup.doctor.cause import RemedyKind, filled, text_of
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import (
    is_planned,
    made,
    plain,
    platform,
    quoted,
    remedy_of,
    said,
    torch_line,
)
from torchup.doctor.rules.prebuilt import refused_package, wheel_that_exists
from torchup.doctor.rules.refused import for_other_python
from torchup.model import Os, message
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Message, Remedy

_REFUSED = (
    "python.no-version",
    "python.no-match",
    "python.no-wheel",
    "python.uv-platform",
    "python.uv-python",
    "python.requires",
    "python.compile",
    "python.stub",
)
_MISSED = ("python.no-version", "python.no-match", "python.no-wheel", "python.uv-platform", "python.wheel-platform")
_INTEL_MAC = "macos_x86_64"
_SYSTEM_TAG = lazy_pattern(r"-(?:\w+\.)*(?:many|musl)?(linux|win|macosx)[\w.]*\.whl")
_SYSTEMS = {"linux": Os.LINUX, "win": Os.WINDOWS, "macosx": Os.MACOS}


def _offered(facts: Facts) -> tuple[str, ...]:
    """The versions that pip found for this Python; empty where it found none or did not say."""
    sign = facts.sign("python.no-version")
    text = "".join(sign.values.get("versions", "").split()) if sign else ""  # a console may have cut a number
    return tuple(part.strip() for part in text.split(",") if part.strip() and part.strip() != "none")


def _only_placeholders(facts: Facts, compat: Compat) -> bool:
    """Pip on Windows finds the source placeholder only when no wheel fits the interpreter."""
    offered = _offered(facts)
    return bool(offered) and all(map(compat.is_placeholder, offered))


def _python_fits(facts: Facts, compat: Compat) -> bool | None:
    """Whether the wanted torch has wheels for this Python version; ``None``: unknown."""
    sign = facts.sign("python.no-version", "python.no-match", "python.wheel-platform")
    text = f"{sign.values.get('wanted', '')} {sign.values.get('wheel', '')}" if sign else ""
    wanted = re.search(r"(?<!\d)\d++\.\d+(?:\.\d+)?", text)
    torch = wanted[0] if wanted else facts.torch.version
    python = facts.python.version
    return compat.python_fits(torch, python, platform(facts)) if torch and python else None


def _built_for(facts: Facts) -> Message:
    return message(
        "doctor.python.extension",
        "this torch was built for another Python: its extension module is {name}",
        name=facts.extension_problem,
    )


def wrong_arch_python(facts: Facts, compat: Compat) -> Found | None:
    """A 32-bit Python, or an interpreter of another architecture."""
    signs = quoted(facts, "python.wheel-platform", "python.win32", "python.elfclass")
    thirty_two = facts.python.bits == 32 or facts.python.arch in ("i686", "i386") or _path_says_32(facts)  # noqa: PLR2004  # bits
    narrow = facts.python.bits != 64  # noqa: PLR2004  # bits
    placeholder = narrow and _only_placeholders(facts, compat) and _python_fits(facts, compat) is not False
    on_windows = facts.system.os in (None, Os.WINDOWS)
    if facts.works or facts.system.jetson:
        return None
    if facts.sign("python.wheel-platform") and (_python_fits(facts, compat) is False or for_other_python(facts)):
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
    lines += [message("doctor.arch-python.bits", "this Python is 32-bit")] if thirty_two else []
    other = not thirty_two and _for_other_system(facts)
    return Found(
        summary=_other_wheel() if other else text_of("wrong-arch-python", "summary"),
        evidence=tuple(lines),
        remedy=_for_this_system(facts, compat) if other else remedy_of("wrong-arch-python", facts, compat),
        certainty=Certainty.PROVEN if thirty_two or signs else Certainty.SAID,
    )


def _other_processor(facts: Facts) -> bool:
    """Whether torch's extension names a processor, and not this interpreter's."""
    named = re.search(r"x86_64|aarch64|amd64|arm64|i[36]86", facts.extension_problem or "")
    same = {"arm64": "aarch64", "amd64": "x86_64"}
    mine = facts.python.arch or ""
    return named is not None and same.get(named[0], named[0]) != same.get(mine, mine)


def _for_other_system(facts: Facts) -> bool:
    """Whether the file that pip refuses names another system than this one."""
    sign = facts.sign("python.wheel-platform")
    tag = _SYSTEM_TAG.search(sign.values.get("wheel", "")) if sign is not None else None
    return tag is not None and facts.system.os is not None and _SYSTEMS[tag[1]] is not facts.system.os


def _other_wheel() -> Message:
    return text_of("wrong-arch-python", "summary-wheel")


def _for_this_system(facts: Facts, compat: Compat) -> Remedy | None:
    """The same package's wheel for this system; of torch itself the same build, if it is published."""
    slug, sign = "wrong-arch-python", facts.sign("python.wheel-platform")
    text = text_of("wrong-arch-python", "remedy-wheel")
    name, version, *_ = sign.values.get("wheel", "").split("-") if sign is not None else ("", "")
    if name.lower() == "torch":
        known = replace(facts, requested=(f"torch=={version}", f"torch=={version.partition('+')[0]}"))
        remedy = remedy_of(slug, known, compat, kind=RemedyKind.REQUESTED)
        return replace(remedy, text=text) if remedy is not None else None
    package = refused_package(facts)
    remedy = wheel_that_exists(facts, compat, package) if package is not None else None
    return replace(remedy, text=text) if remedy is not None else made(facts, compat, text)


def _path_says_32(facts: Facts) -> bool:
    paths = " ".join((*facts.commands, facts.python.path or "", facts.text))
    return re.search(r"Python\d{2,3}-32\b|Python \(x86\)|win32-py|win32\.whl", paths) is not None


def windows_arm64_no_wheel(facts: Facts, compat: Compat) -> Found | None:
    """Native ARM64 Python on Windows, where torch has no wheel for it."""
    arms = {"arm64", "aarch64"} & {facts.python.arch, facts.system.arch}
    if facts.system.os is not Os.WINDOWS or not arms or facts.torch.installed or facts.python.arch == "x86_64":
        return None
    refused = quoted(facts, *_REFUSED, "python.wheel-platform")
    if not refused and _has_arm_wheel(facts, compat):
        return None  # it only was not installed yet
    seen = message("doctor.windows-arm.seen", "Windows on ARM64, without torch")
    return Found(
        summary=text_of("windows-arm64-no-wheel", "summary"),
        evidence=refused or (seen,),
        remedy=remedy_of("windows-arm64-no-wheel", facts, compat),
        certainty=Certainty.PROVEN,
    )


def _has_arm_wheel(facts: Facts, compat: Compat) -> bool:
    """Whether the newest release for Windows on ARM has wheels for this Python."""
    newest, python = compat.newest_on("windows_arm64"), facts.python.version
    return newest is not None and python is not None and minor(python) in newest.pythons


def jetson_needs_nvidia_wheel(facts: Facts, compat: Compat) -> Found | None:
    """A Jetson with a build that was not made for it."""
    if not facts.system.jetson or not _gpu_is_out_of_reach(facts) or _is_jetson_build(facts):
        return None
    if facts.signs_of("system-library-missing") or is_planned(facts, compat):
        return None
    lines = [_jetson(facts)]
    lines += [torch_line(facts)] if facts.torch.version else []
    lines += quoted(facts, *_NO_CODE, *_NO_GPU)
    lines += [plain(command) for command in facts.commands if "install" in command][:1]
    return Found(
        summary=text_of("jetson-needs-nvidia-wheel", "summary"),
        evidence=tuple(lines),
        remedy=remedy_of("jetson-needs-nvidia-wheel", facts, compat),
        certainty=Certainty.PROVEN,
    )


def _jetson(facts: Facts) -> Message:
    """That this is a Jetson, with what is known of its system."""
    if facts.system.jetpack:
        return message("doctor.jetson.jetpack", "Jetson with JetPack {release}", release=facts.system.jetpack)
    if facts.system.jetson != "unknown":
        return message("doctor.jetson.l4t", "Jetson with L4T {release}", release=facts.system.jetson)
    return message("doctor.jetson.seen", "this machine is a Jetson")


_NO_CODE = ("arch.no-kernel", "arch.warned", "arch.cc-list", "arch.range")
_NO_GPU = ("cpu.not-compiled", "driver.none", "cuda.no-gpus", "driver.no-device")


def _is_jetson_build(facts: Facts) -> bool:
    """Whether the torch here, or the one asked for, is NVIDIA's for JetPack: by its label or its index."""
    labelled = re.search(r"nv\d|tegra|a0\+", facts.torch.local or "") is not None
    own = facts.sign("jetson.own-build") is not None and facts.sign("jetson.no-file") is None
    return labelled or own or facts.sign("library.cusparselt") is not None


def _gpu_is_out_of_reach(facts: Facts) -> bool:
    """On a Jetson: torch does not see the GPU, has no code for it, or was to be installed and is not there."""
    if facts.sign(*_NO_CODE) is not None:
        return True
    if facts.works or (facts.live and facts.torch.import_error is not None):
        return False
    refused = facts.sign(*_NO_GPU, *_REFUSED) is not None
    installed = any("install" in command and "torch" in command for command in facts.commands)
    unseen = facts.torch.cuda_available is False or facts.torch.variant == "cpu" or refused
    return unseen or installed


def x86_python_under_rosetta(facts: Facts, compat: Compat) -> Found | None:
    """An x86_64 Python runs translated on Apple silicon."""
    dyld = facts.sign("python.elf-rosetta")
    x86 = "x86_64" in (facts.python.arch, facts.system.arch) or _ends_like_intel_macs(facts, compat)
    translated = facts.system.apple_silicon and x86 and facts.python.arch not in ("arm64", "aarch64")
    if facts.system.os not in (None, Os.MACOS) or not (translated or (dyld and facts.system.os is Os.MACOS)):
        return None
    lines: list[Message] = [said(dyld)] if dyld else []
    if facts.system.cpu:
        lines.append(message("doctor.rosetta.cpu", "processor: {name}", name=facts.system.cpu))
    lines += quoted(facts, "python.no-version")
    lines.append(message("doctor.rosetta.arch", "this Python was built for x86_64"))
    return Found(
        summary=text_of("x86-python-under-rosetta", "summary"),
        evidence=tuple(lines),
        remedy=remedy_of("x86-python-under-rosetta", _with_x86(facts), compat),
        certainty=Certainty.PROVEN,
    )


def _with_x86(facts: Facts) -> Facts:
    """The facts with the interpreter's processor, which the report may show by what pip was offered only."""
    return replace(
        facts,
        python=replace(facts.python, arch="x86_64"),
        system=replace(facts.system, os=Os.MACOS, apple_silicon=True),
    )


def _ends_like_intel_macs(facts: Facts, compat: Compat) -> bool:
    """Whether the versions that pip was offered end where Intel Macs' wheels end."""
    offered, last = _offered(facts), compat.newest_on(_INTEL_MAC)
    return bool(offered) and last is not None and version_key(offered[-1]) == version_key(last.torch)


def intel_mac_no_new_wheels(facts: Facts, compat: Compat) -> Found | None:
    """Intel Mac: the last torch with wheels is years old."""
    last = compat.newest_on(_INTEL_MAC)
    if facts.system.os not in (None, Os.MACOS) or facts.system.apple_silicon or last is None:
        return None
    intel = facts.on_mac and (facts.system.apple_silicon is False or "x86_64" in (facts.system.arch, facts.python.arch))
    if not _ends_like_intel_macs(facts, compat) and not (intel and facts.sign(*_MISSED)):
        return None
    return Found(
        summary=filled(text_of("intel-mac-no-new-wheels", "summary"), {"torch": last.torch}),
        evidence=quoted(facts, *_MISSED),
        remedy=remedy_of("intel-mac-no-new-wheels", _with_intel(facts), compat),
        certainty=Certainty.PROVEN,
    )


def _with_intel(facts: Facts) -> Facts:
    """The facts with the Mac's processor, which the report may show by what pip was offered only."""
    return replace(facts, system=replace(facts.system, os=Os.MACOS, arch="x86_64", apple_silicon=False))
