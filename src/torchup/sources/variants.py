"""Which variants are worth asking an index for on a machine: those its kind of GPU could run, and the CPU build."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.catalog.types import is_vendor
from torchup.catalog.versions import variant_key
from torchup.model import Os, Vendor
from torchup.sources.mirrors import load_mirrors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.catalog.types import Catalog
    from torchup.model import Machine, Request

_ARCHITECTURES = {"amd64": "x86_64", "x64": "x86_64"}
_NAME = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*")
_FAMILY = {Vendor.NVIDIA: "cu", Vendor.AMD: "rocm", Vendor.INTEL: "xpu"}


def worth_asking(known: Iterable[str], machine: Machine, request: Request) -> tuple[str, ...]:
    """The variants of ``known`` to look up, the most likely first.

    A wider choice than the planner's, which holds the rules: the vendor's family, less the CUDA majors that are newer
    than the driver serves (every minor of a major runs on it, by CUDA's minor-version compatibility).
    """
    if request.variant:  # the planner says what is wrong with a name that cannot stand in an address
        return (request.variant,) if _NAME.fullmatch(request.variant) else ()
    if request.cpu or machine.os is Os.MACOS:
        return ("cpu",)
    vendors = {gpu.vendor for gpu in machine.gpus} | {driver.vendor for driver in machine.drivers}
    families = tuple(family for vendor, family in _FAMILY.items() if vendor in vendors)
    fitting = [v for v in known if v.startswith(families) and not _beyond_driver(v, machine)] if families else []
    return (*sorted(fitting, key=variant_key, reverse=True), "cpu")


def _beyond_driver(variant: str, machine: Machine) -> bool:
    driver = machine.driver(Vendor.NVIDIA)
    served = (driver.cuda_api or "").split(".")[0] if driver else ""
    return variant.startswith("cu") and served.isdecimal() and variant_key(variant)[0] > int(served)


def known_variants(catalog: Catalog | None, machine: Machine) -> tuple[str, ...]:
    """Every variant ever published for the machine's platform; without a catalogue those seen on mirrors."""
    if catalog is None:
        return tuple(dict.fromkeys(v for m in load_mirrors().mirror if m.pytorch for v in m.pytorch.variants))
    rows = catalog.by_platform.get(f"{machine.os}_{_ARCHITECTURES.get(machine.arch.lower(), machine.arch.lower())}", ())
    return tuple(dict.fromkeys(row.variant for row in rows if not is_vendor(row)))
