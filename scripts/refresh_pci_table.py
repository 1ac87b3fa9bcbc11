"""Write src/torchup/catalog/data/pci.toml from a pci.ids file (Debian's `pci.ids` package, or pci-ids.ucw.cz).

Usage: python scripts/refresh_pci_table.py /usr/share/misc/pci.ids

Only the GPUs of chips that gpus.toml knows are kept: device id and product name, grouped by chip.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

DATA = Path(__file__).parents[1] / "src" / "torchup" / "catalog" / "data"
VENDORS = {"10de": "nvidia", "1002": "amd", "8086": "intel"}
NOT_GPUS = re.compile(
    r"audio|usb|ucsi|bridge|switch|upstream|controller hub|i2c|serial|coprocessor|host$|sata", re.IGNORECASE
)


def devices(text: str) -> list[tuple[str, str, str]]:
    """(vendor id, device id, name) of every device line of a pci.ids file."""
    found, vendor = [], ""
    for line in text.splitlines():
        if line.startswith("C "):
            vendor = ""
        elif match := re.match(r"([0-9a-f]{4})  ", line):
            vendor = match[1]
        elif vendor in VENDORS and (match := re.match(r"\t([0-9a-f]{4})  (.+)", line)):
            found.append((vendor, match[1], match[2].strip()))
    return found


def main(path: str) -> int:
    """Group the devices by the first chip row whose pattern fits the name, and write the table."""
    chips = tomllib.loads((DATA / "gpus.toml").read_text("utf-8"))["chip"]
    text = Path(path).read_text("utf-8", errors="replace")
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for vendor_id, device, name in devices(text):
        for chip in chips:
            if chip["vendor"] == VENDORS[vendor_id] and re.match(chip["pci_name"], name) and not NOT_GPUS.search(name):
                product = re.search(r"\[(.+)\]", name)
                groups.setdefault((chip["vendor"], chip["chip"]), {})[device] = product[1] if product else name
                break
    date = re.search(r"Date:\s+(\S+)", text)
    lines = [
        "# PCI device id -> product name, grouped by the chips of gpus.toml. Written by scripts/refresh_pci_table.py.",
        f"# source: the PCI ID Repository (pci-ids.ucw.cz), snapshot of {date[1] if date else 'unknown date'}",
    ]
    for (vendor, chip), rows in sorted(groups.items()):
        lines.append(f'\n[{vendor}."{chip}"]')
        lines += [f'{device} = "{name.replace(chr(92), "").replace(chr(34), "")}"' for device, name in rows.items()]
    (DATA / "pci.toml").write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{sum(map(len, groups.values()))} devices of {len(groups)} chips")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
