"""Variables that choose the GPUs which a process sees, and hide them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.doctor.cause import RemedyKind, text_of
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import made, said
from torchup.model import Severity, Vendor, message
from torchup.privacy import redact

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Remedy

SELECTORS = (
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "ZE_AFFINITY_MASK",
    "ONEAPI_DEVICE_SELECTOR",
    "GPU_DEVICE_ORDINAL",
)


def visible_devices_hide(facts: Facts, compat: Compat) -> Found | None:
    """A selector variable hides the GPU or contradicts another."""
    selectors = {name: value for name, value in facts.environment.items() if name in SELECTORS}
    unseen = facts.sign("cuda.no-gpus", "driver.no-device", "select.ordinal")
    # torch that reaches the GPU in one process and not in another: the program chose other GPUs
    elsewhere = facts.sign("select.ordinal", "cuda.no-gpus") is not None
    if not selectors or (facts.works and not elsewhere):
        return None
    hiding = [name for name, value in selectors.items() if _hides(name, value, facts)]
    conflict = _conflict(selectors) if facts.torch.hip or facts.of(Vendor.AMD) else None
    failed = unseen is not None or facts.torch.cuda_available is False or facts.torch.device_count == 0
    hidden_here = facts.live and bool(hiding) and bool(facts.gpus) and facts.torch.variant != "cpu"
    suspected = not facts.live and bool(_not_first(selectors)) and facts.torch.variant != "cpu"
    if not hidden_here and not (failed and (hiding or conflict or unseen is not None or suspected)):
        return None
    sure = hidden_here or hiding or conflict or unseen is not None
    lines = [
        message("doctor.visible.value", "{name}={value}", name=name, value=redact(value))
        for name, value in selectors.items()
    ]
    lines += [said(unseen)] if unseen else []
    return Found(
        summary=text_of("visible-devices-hide", "summary"),
        evidence=tuple(lines),
        remedy=_remedy(facts, compat, tuple(dict.fromkeys(hiding or selectors))),
        certainty=Certainty.PROVEN if hiding or conflict else Certainty.SAID if sure else Certainty.TABLE,
        severity=None if sure else Severity.WARNING,
    )


def _remedy(facts: Facts, compat: Compat, names: tuple[str, ...]) -> Remedy:
    text = text_of("visible-devices-hide", "remedy-names", names=", ".join(names))
    return made(facts, compat, text, kind=RemedyKind.UNSET, names=names)


def _not_first(selectors: dict[str, str]) -> list[str]:
    """Selectors of CUDA that name a GPU by a number other than 0: right on one machine, nothing on the next."""
    return [
        name
        for name, value in selectors.items()
        if name == "CUDA_VISIBLE_DEVICES" and re.match(r"\W*[1-9]\d?\W*$", value)
    ]


def _hides(name: str, value: str, facts: Facts) -> bool:
    """Whether a value leaves no GPU: empty, negative, NoDevFiles, void, or only numbers beyond the last GPU."""
    text = value.strip().strip("\"'")
    if text in ("", "-1", "NoDevFiles", "none", "void") or text.startswith("-1"):
        return name != "NVIDIA_VISIBLE_DEVICES" or text in ("void", "none")
    numbers = [int(part) for part in text.split(",") if part.strip().isdecimal()]
    count = len(facts.gpus)
    return bool(numbers) and bool(count) and facts.live and min(numbers) >= count


def _conflict(selectors: dict[str, str]) -> bool:
    """ROCm applies ROCR_VISIBLE_DEVICES first, then HIP_ or CUDA_VISIBLE_DEVICES to what is left."""
    first = selectors.get("ROCR_VISIBLE_DEVICES")
    second = selectors.get("HIP_VISIBLE_DEVICES", selectors.get("CUDA_VISIBLE_DEVICES"))
    if first is None or second is None:
        return False
    left = len([part for part in first.split(",") if part.strip()])
    wanted = [int(part) for part in second.split(",") if part.strip().isdecimal()]
    return any(number >= left for number in wanted)
