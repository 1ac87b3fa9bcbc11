"""Intel: display devices by PCI id against the table (an old integrated GPU is not an XPU), Level Zero's runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchup.catalog.gpus import load_gpu_table
from torchup.detect.parts import Part, Sourced, facts, sourced
from torchup.model import Driver, Fact, Gpu, Vendor

if TYPE_CHECKING:
    from torchup.detect.surroundings import Surroundings
    from torchup.host import Host

# Intel's own Level Zero driver; the loader alone (libze_loader) serves nothing.
LEVEL_ZERO = (
    "/usr/lib/x86_64-linux-gnu/libze_intel_gpu.so.1",
    "/usr/lib/x86_64-linux-gnu/libze_intel_gpu_legacy1.so.1",
    "/usr/lib64/libze_intel_gpu.so.1",
    "/usr/lib/libze_intel_gpu.so.1",
    "/usr/local/lib/libze_intel_gpu.so.1",
)
WINDOWS_LEVEL_ZERO = ("C:\\Windows\\System32\\ze_intel_gpu64.dll", "C:\\Windows\\System32\\ze_loader.dll")


def probe_intel(around: Surroundings) -> Part:
    """Intel's GPUs on Linux, and whether their compute runtime is installed."""
    devices = [device for device in around.pci if device.vendor_id == "8086"]
    if not devices:
        return Part()
    gpus = [named(sourced(Gpu(vendor=Vendor.INTEL, pci_id=device.pci_id), "PCI bus")) for device in devices]
    modules = tuple(dict.fromkeys(device.driver for device in devices if device.driver))
    drivers = tuple(
        sourced(Driver(vendor=Vendor.INTEL, flavor=module, loaded=True), "PCI bus") for module in modules[:1]
    )
    return Part(facts=level_zero(around.host, LEVEL_ZERO), gpus=tuple(gpus), drivers=drivers)


def level_zero(host: Host, places: tuple[str, ...]) -> dict[str, Fact[Any]]:
    """Whether Level Zero's GPU driver is installed, and where it was looked for."""
    found = next((place for place in places if host.exists(place)), None)
    return facts(found or "usual places", level_zero=found is not None)


def named(gpu: Sourced[Gpu]) -> Sourced[Gpu]:
    """Name, generation and fitness for torch's XPU build from the table."""
    value, filled = load_gpu_table().fill(gpu.value)
    return Sourced(value=value, sources=gpu.sources | filled)
