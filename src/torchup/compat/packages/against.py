"""What stands against a wheel, in words: `wheel`, `plan` and `doctor` say it alike. Pure."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from torchup.compat.packages.values import Axis
from torchup.model import UNKNOWN, joined, message

if TYPE_CHECKING:
    from torchup.compat.packages.values import Failed, Match
    from torchup.model import Message

AXES: dict[Axis, Message] = {
    Axis.PLATFORM: message("wheel.axis.platform", "platform"),
    Axis.GLIBC: message("wheel.axis.glibc", "glibc"),
    Axis.CAPABILITY: message("wheel.axis.capability", "compute capability"),
    Axis.DRIVER: message("wheel.axis.driver", "driver"),
    Axis.CUDA: message("wheel.axis.cuda", "CUDA"),
    Axis.PYTHON: message("wheel.axis.python", "Python"),
    Axis.TORCH: message("wheel.axis.torch", "torch"),
    Axis.ABI: message("wheel.axis.abi", "C++ ABI"),
}
_LISTED = {Axis.PLATFORM, Axis.CAPABILITY, Axis.CUDA, Axis.PYTHON}  # several values of them stand side by side
_FLOORS = {Axis.GLIBC, Axis.CAPABILITY}  # numbers of which the next one will do as well
_NOT_KNOWN = {"", "-", "?"}  # how a value that is not known stands in an answer for programs


def value_of(axis: Axis, value: str) -> Message | str:
    """A value as people write it: CUDA versions as variants (``cu126``), what is not known as "unknown"."""
    if value in _NOT_KNOWN:
        return UNKNOWN
    words = value.split()
    if axis is Axis.DRIVER and words[0] == "CUDA":  # the majors that the driver has to serve
        return message("wheel.driver-for", "for CUDA {versions}", versions=", ".join(words[1:]))
    if axis is Axis.CUDA:
        words = [f"cu{word}" if word.isdigit() else word for word in words]
    return ", ".join(words) if axis in _LISTED else value


def floor_of(axis: Axis, value: str) -> Message | str:
    """What is needed: where it is the least that will do, as such."""
    shown = value_of(axis, value)
    if shown is UNKNOWN or axis not in _FLOORS or not value[0].isdigit() or " " in value:
        return shown
    return message("wheel.floor", "{version} or higher", version=value)


def needed(failed: Failed) -> Message:
    """``Python 3.12 (here 3.14)``."""
    return message(
        "wheel.axis.needed",
        "{axis} {want} (here {have})",
        axis=AXES[failed.axis],
        want=floor_of(failed.axis, failed.want),
        have=value_of(failed.axis, failed.have),
    )


def none_fits(found: Match) -> Message:
    """That no wheel fits, and what the closest one needs."""
    if not found.failed:
        return message(
            "plan.wheel.none-known", "no wheel of {package} is known for this torch and system", package=found.package
        )
    return message(
        "plan.wheel.none",
        "no wheel of {package} fits; the closest one needs {against}",
        package=found.package,
        against=reduce(joined, map(needed, found.failed)),
    )
