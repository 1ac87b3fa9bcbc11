"""Display devices on the PCI bus, from sysfs: they are there with no driver and no vendor's tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import Value

if TYPE_CHECKING:
    from torchup.host import Host

ROOT = "/sys/bus/pci/devices"


class PciDevice(Value, frozen=True, kw_only=True):
    """One display device. ``slot`` is its bus address, ``driver`` the kernel module bound to it."""

    slot: str
    pci_id: str  # "10de:2482"
    driver: str | None = None

    @property
    def vendor_id(self) -> str:
        """First half of the id: 10de, 1002, 8086..."""
        return self.pci_id.split(":")[0]


def parse_uevent(text: str) -> dict[str, str]:
    """``KEY=value`` lines of a sysfs uevent file."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def display_devices(host: Host) -> tuple[PciDevice, ...]:
    """Every device of class 03xxxx (VGA, 3D, display), in bus order."""
    found = []
    for slot in host.list_dir(ROOT) or ():
        event = parse_uevent(host.read_text(f"{ROOT}/{slot}/uevent", 4096) or "")
        if event.get("PCI_CLASS", "").rjust(6, "0").startswith("03") and ":" in event.get("PCI_ID", ""):
            found.append(PciDevice(slot=slot, pci_id=event["PCI_ID"].lower(), driver=event.get("DRIVER")))
    return tuple(found)
