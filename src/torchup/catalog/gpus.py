"""The GPU table: product names and PCI ids -> architecture, compute capability, gfx target, memory.

It fills gaps only: what a driver says of its own GPU always wins. Rows and their sources are in ``data/gpus.toml``,
device ids in ``data/pci.toml`` (read only when an id is looked up).
"""

from __future__ import annotations

import re
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from torchup.data_files import read_data
from torchup.model import Gpu, Value, Vendor
from torchup.near_names import near_names
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).parent / "data"
GIB = 1024**3
PCI_VENDORS = {"10de": Vendor.NVIDIA, "1002": Vendor.AMD, "8086": Vendor.INTEL}
# Words that vendors and tools put around a product's name without changing which product it is.
_NOISE = {
    *("nvidia", "geforce", "tesla", "amd", "ati", "radeon", "instinct", "intel", "advanced", "micro", "devices", "inc"),
    *("graphics", "gpu", "series", "generation", "edition", "design", "with", "family", "corporation", "tm", "r"),
    "igpu",
}  # fmt: skip
_LINES = ("rtx", "gtx", "quadro", "rx", "arc")  # product lines that people leave out: "4090", "P2000", "A770"
_SYNONYMS = {"mobile": "laptop", "maxq": "max-q"}
_TOGETHER = lazy_pattern(
    r"(rtx|gtx|gts|gt|rx|arc)?(\d{3,4})(ti|super|xtx|xt|gre|d)?(super|v2)?"
)  # "3070ti", "rx7900xtx"
_MEMORY = lazy_pattern(r"(?<![\d.])(\d{1,3})\s?g(?:i?b)?\b", re.IGNORECASE)


class Architecture(Value, frozen=True, kw_only=True):
    """A generation of NVIDIA GPUs and what the world still offers for it."""

    name: str
    cc: tuple[str, ...]
    last_driver: str
    last_cuda_toolkit: str
    upstream_torch: str
    notes: str | None = None


class GpuRow(Value, frozen=True, kw_only=True):
    """What is known of one product. ``xpu``: whether torch's XPU build runs on it (Intel only)."""

    vendor: Vendor
    name: str | None = None
    architecture: str | None = None
    compute_capability: str | None = None
    gfx: str | None = None
    xpu: bool | None = None
    integrated: bool | None = None
    memory_bytes: int | None = None
    kind: str | None = None  # geforce, laptop, datacenter, pro, jetson, radeon, apu, arc...
    source: str = ""


class _Product(Value, frozen=True, kw_only=True):
    vendor: Vendor
    names: tuple[str, ...]
    architecture: str
    kind: str = msgspec.field(name="class")
    source: str
    compute_capability: str | None = None
    gfx: str | None = None
    xpu: bool | None = None


class _Chip(Value, frozen=True, kw_only=True):
    vendor: Vendor
    chip: str
    pci_name: str
    architecture: str
    source: str
    compute_capability: str | None = None
    gfx: str | None = None
    xpu: bool | None = None
    integrated: bool | None = None


class _Ambiguous(Value, frozen=True, kw_only=True):
    say: str
    means: dict[str, str]
    note: str | None = None


class _File(Value, frozen=True, kw_only=True):
    arch: tuple[Architecture, ...]
    gpu: tuple[_Product, ...]
    chip: tuple[_Chip, ...]
    ambiguous: tuple[_Ambiguous, ...]
    memory_gib: dict[str, float]


NAMED = "GPU table by name"  # source of what a product's name told
_INTEGRATED = {"apu", "jetson", "soc", "integrated"}
_DISCRETE = {"geforce", "laptop", "datacenter", "pro", "pro-laptop", "radeon", "arc"}


def words(name: str) -> tuple[str, ...]:
    """A product name as comparable words: case, vendor names, ``(TM)`` and punctuation gone, order kept.

    Numbers written together with what stands around them are parted: ``RTX3070Ti`` is ``rtx 3070 ti``.
    """
    found = re.findall(r"[a-z0-9.+-]+", name.lower().replace("max-q", "maxq"))
    split = [part for word in found for whole in word.split("-") for part in _parted(whole)]
    return tuple(_SYNONYMS.get(word, word) for word in split if word not in _NOISE)


def spellings(name: str) -> tuple[str, ...]:
    """A name as tools and people write it, and what is left without counts, slices and cooling, in this order.

    ``GRID A100-40C``, ``1 x RTX 2080Ti, 11 GB``, ``Tesla K40m``.
    """
    plain = re.sub(r"(\d)(ti|super|xtx?)\b", r"\1 \2", name, flags=re.IGNORECASE)
    plain = re.sub(r"^\W*\d+ ?[x*\u00d7] ?|\bGRID\b|\bvGPU\b", " ", plain, flags=re.IGNORECASE)
    plain = re.sub(r"(\d)-\d{1,2}[QCAB]\b", r"\1", plain)  # the slice of a vGPU: T4-8Q
    plain = re.sub(r"\b([KMP]\d{2,3})[a-z]{1,2}\b", r"\1", plain)  # the cooling of a Tesla: K40m, K20Xm, M40c
    short = re.split(r"[,;/(\[]| with ", plain)[0]
    spaced = re.sub(r"\b(rtx|gtx|gt|rx)(\d)", r"\1 \2", short, flags=re.IGNORECASE)
    return tuple(found for found in dict.fromkeys((name, plain, short, spaced)) if found.strip())


def _parted(word: str) -> tuple[str, ...]:
    match = _TOGETHER.fullmatch(word)
    return tuple(filter(None, match.groups())) if match else ((word,) if word else ())


class GpuTable:
    """Look-ups over the rows; made by `load_gpu_table`."""

    def __init__(self, file: _File) -> None:
        self._file = file
        self.architectures: tuple[Architecture, ...] = file.arch

    def by_name(self, name: str, vendor: Vendor | None = None) -> GpuRow | None:
        """The product that a name means; ``None`` where it is unknown or stands for several chips.

        The longest row whose words begin the name wins, so ``NVIDIA A100-SXM4-80GB`` is the A100 with 80 GiB.
        """
        if "..." in name:
            return self._by_beginning(name.split("...", maxsplit=1)[0], vendor)
        said = words(name)
        if not said:
            return None
        if said in self._ambiguous:
            return self._agreeing(said, vendor) if self._ambiguous[said] else None
        for start in (said, *((prefix, *said) for prefix in _LINES)):
            for length in range(len(start), 0, -1):
                row = self._by_words.get(start[:length])
                if row is not None and vendor in {None, row.vendor}:
                    return _with_memory_of(row, name)
        return self._agreeing(said, vendor)

    def _agreeing(self, said: tuple[str, ...], vendor: Vendor | None) -> GpuRow | None:
        """What all products with these words have in common (``RTX PRO 6000``); ``None`` where their chips differ."""
        if len(said) == 1 and not any(character.isdigit() for character in said[0]):
            return None  # "laptop", "super": no product's name
        rows = [row for row in self._containing(said) if vendor in {None, row.vendor}]
        targets = {(row.vendor, row.architecture, row.compute_capability, row.gfx, row.xpu) for row in rows}
        if len(targets) != 1:
            return None
        same = {
            field for field in ("memory_bytes", "integrated", "kind") if len({getattr(r, field) for r in rows}) == 1
        }
        apart: dict[str, None] = dict.fromkeys({"memory_bytes", "integrated", "kind"} - same)
        return msgspec.structs.replace(rows[0], name=None, **apart)

    def _containing(self, said: tuple[str, ...]) -> list[GpuRow]:
        """The products whose words have these among them, in this order."""
        return [row for known, row in self._by_words.items() if _in_order(said, known)]

    def near(self, name: str, count: int = 5) -> tuple[str, ...]:
        """Products that an unknown or ambiguous name may mean, the nearest first."""
        said = words(name)
        means = [meant for row in self._file.ambiguous if said in _sayings(row) for meant in row.means]
        found = means or [row.name for row in self._containing(said) if row.name]
        by_text = {" ".join(known): row.name for known, row in self._by_words.items() if row.name}
        close = near_names(" ".join(said), by_text, count=count)
        return tuple(dict.fromkeys([*found, *(by_text[text] for text in close if by_text[text])]))[:count]

    def _by_beginning(self, name: str, vendor: Vendor | None) -> GpuRow | None:
        """A name that nvidia-smi cut ("Tesla V100-PCIE...", "GeForce GTX 108..."): only where all that fit agree."""
        start = " ".join(words(name))
        whole = self.by_name(name, vendor)  # "V100-PCIE": words after the product are cut, not the product
        fits = [row for said, row in self._by_words.items() if start and " ".join(said).startswith(start)]
        fits = [row for row in fits if vendor in {None, row.vendor}] or ([whole] if whole else [])
        targets = {(row.architecture, row.compute_capability, row.gfx, row.xpu) for row in fits}
        return msgspec.structs.replace(fits[0], name=None, memory_bytes=None) if len(targets) == 1 else None

    def by_pci(self, pci_id: str) -> GpuRow | None:
        """The product with a PCI id ``vendor:device`` (lower-case hex)."""
        vendor_id, _, device = pci_id.lower().partition(":")
        vendor = PCI_VENDORS.get(vendor_id)
        found = self._devices.get((vendor, device)) if vendor else None
        if vendor is None or found is None:
            return None
        chip, name = found
        product = self.by_name(name, vendor)
        return GpuRow(
            vendor=vendor,
            name=name,
            architecture=chip.architecture,
            compute_capability=chip.compute_capability,
            gfx=chip.gfx,
            xpu=chip.xpu,
            integrated=bool(chip.integrated),
            memory_bytes=product.memory_bytes if product and "/" not in name else None,  # several cards
            source="pci.toml",
        )

    def fill(self, gpu: Gpu) -> tuple[Gpu, dict[str, str]]:
        """Fill what a GPU does not say of itself from its PCI id, then its name.

        Returns the GPU and the source of each filled field. Memory is not filled: two cards of one name may differ.
        """
        filled: dict[str, str] = {}
        values: dict[str, object] = {}
        for source, row in (("PCI id", gpu.pci_id and self.by_pci(gpu.pci_id)), ("name", self._named(gpu))):
            if not row or row.vendor != gpu.vendor:
                continue
            for field in ("name", "architecture", "compute_capability", "gfx", "xpu", "integrated"):
                known = getattr(gpu, field) if field not in values else values[field]
                if known is None and getattr(row, field) is not None:
                    values[field] = getattr(row, field)
                    filled[field] = f"GPU table by {source}"
        return msgspec.structs.replace(gpu, **values), filled

    def _named(self, gpu: Gpu) -> GpuRow | None:
        rows = (self.by_name(name, gpu.vendor) for name in spellings(gpu.name or ""))
        return next((row for row in rows if row is not None), None)

    def products(self) -> Iterator[tuple[str, Vendor]]:
        """Every product name with its vendor, in the order of the table."""
        return ((name, product.vendor) for product in self._file.gpu for name in product.names)

    def ambiguous_names(self) -> tuple[str, ...]:
        """Names that stand for several chips."""
        return tuple(name for row in self._file.ambiguous for name in row.say.split(" / "))

    @cached_property
    def _by_words(self) -> dict[tuple[str, ...], GpuRow]:
        rows: dict[tuple[str, ...], GpuRow] = {}
        for product in self._file.gpu:
            for name in product.names:
                gib = self._file.memory_gib.get(name)
                rows.setdefault(words(name), _row(product, name, round(gib * GIB) if gib else None))
        return rows

    @cached_property
    def _ambiguous(self) -> dict[tuple[str, ...], bool]:
        """Names that stand for several chips, and whether these agree in what they execute."""
        return {said: len(set(row.means.values())) == 1 for row in self._file.ambiguous for said in _sayings(row)}

    @cached_property
    def _devices(self) -> dict[tuple[Vendor | None, str], tuple[_Chip, str]]:
        chips = {(chip.vendor, chip.chip): chip for chip in self._file.chip}
        groups = read_data(DATA / "pci.toml", dict[str, dict[str, dict[str, str]]])
        return {
            (Vendor(vendor), device): (chips[Vendor(vendor), chip], name)
            for vendor, group in groups.items()
            for chip, rows in group.items()
            for device, name in rows.items()
        }


def _sayings(row: _Ambiguous) -> tuple[tuple[str, ...], ...]:
    return tuple(words(name) for name in row.say.split(" / "))


def _in_order(said: tuple[str, ...], known: tuple[str, ...]) -> bool:
    rest = iter(known)
    return bool(said) and all(word in rest for word in said)


def _row(product: _Product, name: str, memory_bytes: int | None) -> GpuRow:
    return GpuRow(
        vendor=product.vendor,
        name=name,
        architecture=product.architecture,
        compute_capability=product.compute_capability,
        gfx=product.gfx,
        xpu=product.xpu,
        integrated=True if product.kind in _INTEGRATED else False if product.kind in _DISCRETE else None,
        memory_bytes=memory_bytes,
        kind=product.kind,
        source=product.source,
    )


def _with_memory_of(row: GpuRow, name: str) -> GpuRow:
    """A size in the name ("A100-SXM4-40GB", "H100 80GB HBM3") is truer than the table's.

    Products come in sizes up to twice the table's; more is another memory ("GH200 480GB" counts the processor's).
    """
    said = _MEMORY.search(name)
    size = int(said[1]) * GIB if said else 0
    plausible = 0 < size <= 2 * (row.memory_bytes or size)
    return msgspec.structs.replace(row, memory_bytes=size) if plausible else row


@cache
def load_gpu_table() -> GpuTable:
    """Read and validate the table; `msgspec.ValidationError` names the row that does not fit."""
    return GpuTable(read_data(DATA / "gpus.toml", _File))
