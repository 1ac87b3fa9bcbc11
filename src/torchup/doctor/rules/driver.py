"""NVIDIA's driver: does it answer, is it new enough or too new for the card, does it get through to WSL?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.catalog.versions import version_key
from torchup.doctor.cause import RemedyKind, text_of
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import (
    at_least,
    capabilities,
    driver_line,
    gpu_line,
    newest_driver,
    on_windows,
    quoted,
    torch_cuda,
    torch_line,
)
from torchup.model import Vendor, message

if TYPE_CHECKING:
    from types import ModuleType

    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Message

_FOR_TORCH = ("driver.too-old", "driver.insufficient")
_FOR_IMAGE = ("driver.container-requires", "driver.container-release")
_TOO_OLD = (*_FOR_TORCH, *_FOR_IMAGE)
_BROKEN = (
    "smi.not-running",
    "smi.mismatch",
    "smi.not-loaded",
    "smi.lost",
    "smi.no-devices",
    "smi.cuda-error",
    "smi.unknown-error",
    "driver.container-cli",
    "driver.unknown-error",
    "driver.nouveau",
    "driver.open-modules",
    "driver.module-missing",
    "driver.initialization",
    "driver.count-memory",
)
_NOT_REACHED = (  # inside WSL: the Windows driver does not get through
    "driver.none",
    "driver.count-memory",
    "driver.initialization",
    "driver.unknown-error",
    "smi.not-running",
    "driver.libcuda-missing",
    "smi.mismatch",
    "driver.smi-missing",
    "smi.cuda-error",
    "driver.container-cli",
)
_ABSENT = ("driver.none", "driver.libcuda-missing", "driver.smi-missing", "driver.no-device")
_UNSERVED = ("smi.no-devices", "driver.no-device", "cuda.no-gpus", "smi.not-running", "driver.none")
# Somebody says that no NVIDIA GPU is meant to be there: nothing is missing then.
_NOT_MEANT = ("said.no-gpu", "said.amd-gpu")


def _remedies() -> ModuleType:
    """The planner comes with them, and most rules find nothing."""
    from torchup.doctor.rules import driver_remedies  # noqa: PLC0415  # it takes 50 ms

    return driver_remedies


def driver_too_old(facts: Facts, compat: Compat) -> Found | None:
    """The driver serves an older CUDA API than the build's runtime needs."""
    signs = quoted(facts, *_TOO_OLD)
    cuda, driver = torch_cuda(facts, compat), newest_driver(facts)
    floor = compat.driver_floor(cuda, windows=on_windows(facts)) if cuda else None
    enough = at_least(driver, floor) if floor else None
    if _never_reached(facts, enough=enough):
        return None
    refused = facts.torch.cuda_available is False or facts.sign("driver.unknown-error", "cuda.no-gpus", "driver.none")
    if not signs and not (enough is False and not facts.works and refused):
        return None
    lines: list[Message] = [*signs]
    lines += [driver_line(facts)] if facts.nvidia.driver else []
    lines += [torch_line(facts)] if facts.torch.version else []
    if floor:
        lines.append(
            message("doctor.driver-old.floor", "CUDA {cuda} needs driver {floor} or newer", cuda=cuda, floor=floor)
        )
    image = facts.sign(*_FOR_IMAGE) is not None and facts.sign(*_FOR_TORCH) is None
    advise = _remedies().older_image_or_driver if image else _remedies().older_build_or_driver
    return Found(
        summary=text_of("driver-too-old", "summary-image") if image else text_of("driver-too-old", "summary"),
        evidence=tuple(lines),
        remedy=advise(_with_said_api(facts), compat, floor),
        certainty=Certainty.PROVEN if signs else Certainty.SEEN,
    )


def _never_reached(facts: Facts, *, enough: bool | None) -> bool:
    """A new enough driver that "is insufficient" is one that was never reached."""
    if facts.sign("driver.insufficient") is None:
        return False
    unknown_inside = facts.system.container and not newest_driver(facts)
    return bool(enough) or facts.system.container_gpu_flag is False or unknown_inside


def _with_said_api(facts: Facts) -> Facts:
    """With the CUDA API that torch found ("11070"), where the report shows nothing better."""
    sign = facts.sign("driver.too-old")
    api = sign.values.get("api", "") if sign is not None else ""
    if newest_driver(facts) or facts.nvidia.cuda_api or not api.isdecimal():
        return facts
    major, rest = divmod(int(api), 1000)
    nvidia = msgspec.structs.replace(facts.nvidia, cuda_api=f"{major}.{rest // 10}")
    return msgspec.structs.replace(facts, nvidia=nvidia)


def driver_too_new(facts: Facts, compat: Compat) -> Found | None:
    """The driver's branch no longer serves this GPU."""
    legacy = quoted(facts, "driver.legacy")
    last = _left_behind(facts, compat)
    failed = facts.torch.cuda_available is False or facts.sign(*_UNSERVED) is not None
    if facts.works or not (legacy or (last is not None and failed)):
        return None
    lines = [*legacy, *quoted(facts, *_UNSERVED)]
    lines += [gpu_line(facts, Vendor.NVIDIA)] if facts.of(Vendor.NVIDIA) else []
    lines += [driver_line(facts)] if facts.nvidia.driver else []
    return Found(
        summary=text_of("driver-too-new", "summary"),
        evidence=tuple(lines),
        remedy=_remedies().back_to_last_branch(facts, compat),
        certainty=Certainty.PROVEN,
    )


def _left_behind(facts: Facts, compat: Compat) -> int | None:
    """The last branch that serves a card of this machine, where the driver is past it."""
    driver = newest_driver(facts)
    lasts = [last for gpu in capabilities(facts, compat) if (last := compat.last_branch(gpu)) is not None]
    return next((last for last in lasts if driver and version_key(driver)[0] > last), None)


def driver_missing_or_broken(facts: Facts, compat: Compat) -> Found | None:
    """No loaded driver, module and library versions differ, device lost, nouveau, state lost after suspend."""
    if facts.torch.hip or facts.on_mac or (facts.torch.variant or "").startswith(("rocm", "xpu")):
        return None
    broken = quoted(facts, *_BROKEN)
    differ = _versions_differ(facts)
    absent = quoted(facts, *_ABSENT)
    if facts.works and not facts.sign("smi.mismatch", "smi.lost"):
        return None
    if not broken and not differ and not (absent and _absence_counts(facts)):
        return None
    return Found(
        summary=_driver_summary(facts, differ=bool(differ)),
        evidence=(*broken, *absent, *differ, *([gpu_line(facts)] if facts.gpus else [])),
        remedy=_remedies().make_it_answer(facts, compat, _driver_kind(facts, differ=bool(differ))),
        certainty=Certainty.PROVEN if broken or differ else Certainty.SAID,
    )


def _absence_counts(facts: Facts) -> bool:
    """A missing driver is a finding where there is, or may be, a GPU for it."""
    said_none = facts.sign("driver.none", "driver.no-device", "driver.libcuda-missing") is not None
    if facts.of(Vendor.AMD) or facts.of(Vendor.INTEL):
        return False
    if facts.sign(*_NOT_MEANT) is not None and not facts.of(Vendor.NVIDIA):
        return False
    if facts.sign("said.works-elsewhere") is not None:
        return False  # one driver serves all environments of a machine
    if facts.live and not facts.of(Vendor.NVIDIA):
        return False  # a CUDA build on a machine without an NVIDIA GPU: nothing is missing
    return (said_none or bool(facts.of(Vendor.NVIDIA))) and facts.torch.variant != "cpu"


def _versions_differ(facts: Facts) -> tuple[Message, ...]:
    module, library = facts.nvidia.module, facts.nvidia.library
    if module is None or library is None or version_key(module)[:3] == version_key(library)[:3]:
        return ()
    return (
        message(
            "doctor.driver-broken.differ",
            "the kernel module has version {module}, but the user-space library has version {library}",
            module=module,
            library=library,
        ),
    )


def _driver_summary(facts: Facts, *, differ: bool) -> Message:
    if differ or facts.sign("smi.mismatch"):
        return text_of("driver-missing-or-broken", "summary-mismatch")
    if facts.sign("driver.unknown-error", "driver.initialization"):
        return text_of("driver-missing-or-broken", "summary-state-lost")
    if facts.sign("smi.lost"):
        return text_of("driver-missing-or-broken", "summary-gpu-lost")
    return text_of("driver-missing-or-broken", "summary")


def _driver_kind(facts: Facts, *, differ: bool) -> RemedyKind:
    """What to do to the driver: if it only has to be reloaded, nothing is installed."""
    if differ or facts.sign("smi.mismatch", "smi.lost") is not None:
        return RemedyKind.DRIVER_REBOOT
    if facts.sign("driver.unknown-error", "driver.initialization", "driver.count-memory") is not None:
        return RemedyKind.DRIVER_RELOAD
    return RemedyKind.DRIVER if newest_driver(facts) else RemedyKind.DRIVER_INSTALL


def wsl_driver_problem(facts: Facts, compat: Compat) -> Found | None:
    """A Linux driver inside WSL, no /usr/lib/wsl/lib, a Windows driver too old for WSL."""
    own = ("wsl.blocked", "wsl.no-adapters", "wsl.installed-driver", "wsl.foreign-libcuda")
    signs = quoted(facts, *own, *(() if facts.system.container else ("wsl.named-symbol",)))
    if facts.works and (not signs or (facts.system.wsl and facts.sign("wsl.installed-driver"))):
        return None
    loaded = facts.libraries.get("libcuda.so.1", "/usr/lib/wsl/lib/")
    inside = facts.system.wsl and (facts.sign(*_NOT_REACHED) is not None or "/wsl/" not in loaded)
    unseen = facts.system.wsl and bool(facts.torch.cuda) and facts.torch.cuda_available is False
    unseen = unseen and facts.nvidia.driver is None
    if not signs and not inside and not unseen:
        return None
    lines = [*signs, *quoted(facts, *_NOT_REACHED)]
    lines += [driver_line(facts)] if facts.nvidia.driver else []
    lines += [torch_line(facts)] if torch_cuda(facts, compat) and facts.torch.version else []
    return Found(
        summary=text_of("wsl-driver-problem", "summary"),
        evidence=tuple(lines),
        remedy=_remedies().for_wsl(facts, compat),
        certainty=Certainty.PROVEN if signs or inside else Certainty.SEEN,
    )
