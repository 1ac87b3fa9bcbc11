"""The closed set of named conditions that guards of cause files may use; ``not NAME`` turns one round. Pure.

A condition holds only where the facts say so: what is unknown holds nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import Manager, Os, Vendor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torchup.doctor.facts import Facts


def _variant(prefix: str) -> Callable[[Facts], bool]:
    return lambda facts: (facts.torch.variant or "").startswith(prefix)


CONDITIONS: Mapping[str, Callable[[Facts], bool]] = {
    "works": lambda facts: facts.works,
    "live": lambda facts: facts.live,
    "on-linux": lambda facts: facts.system.os is Os.LINUX,
    "on-windows": lambda facts: facts.system.os is Os.WINDOWS,
    "on-mac": lambda facts: facts.on_mac,
    "apple-silicon": lambda facts: facts.system.apple_silicon is True,
    "wsl": lambda facts: facts.system.wsl,
    "container": lambda facts: facts.system.container,
    "no-container": lambda facts: facts.live and not facts.system.container,  # a report may not say it
    "virtual-machine": lambda facts: facts.system.virtual_machine,
    "cluster": lambda facts: facts.system.scheduler is not None,
    "jetson": lambda facts: facts.system.jetson is not None,
    "conda": lambda facts: facts.python.conda or facts.manager is Manager.CONDA,
    "cpu-build": _variant("cpu"),
    "cuda-build": lambda facts: facts.torch.cuda is not None or _variant("cu1")(facts),
    "hip-build": lambda facts: facts.torch.hip is not None or _variant("rocm")(facts),
    "xpu-build": lambda facts: facts.torch.xpu_built is True or _variant("xpu")(facts),
    "no-torch": lambda facts: facts.torch.installed is False,
    "import-failed": lambda facts: facts.torch.import_error is not None,
    "nvidia-gpu": lambda facts: bool(facts.of(Vendor.NVIDIA)),
    "amd-gpu": lambda facts: bool(facts.of(Vendor.AMD)),
    "intel-gpu": lambda facts: bool(facts.of(Vendor.INTEL)),
}


def holds(guard: str, facts: Facts) -> bool:
    """Whether a guard holds. Raises `KeyError` for a name outside of the set."""
    inverted = guard.startswith("not ")
    return CONDITIONS[guard.removeprefix("not ")](facts) is not inverted
