"""The table of GPUs: names as people and tools write them, PCI ids, ambiguity."""

from __future__ import annotations

import tomllib

import pytest

from torchup.catalog import load_catalog
from torchup.catalog.gpus import DATA, load_gpu_table
from torchup.compat.graphics import Graphics
from torchup.model import ComputeCapability, Gpu, Vendor

GIB = 1024**3
TABLE = load_gpu_table()


@pytest.mark.parametrize(
    ("name", "capability", "gib"),
    [
        ("NVIDIA GeForce RTX 4090", "8.9", 24),
        ("RTX 4090", "8.9", 24),
        ("4090", "8.9", 24),
        ("nvidia geforce rtx 4070 ti super", "8.9", 16),
        ("NVIDIA A100-SXM4-80GB", "8.0", 80),
        ("NVIDIA A100-PCIE-40GB", "8.0", 40),
        ("Tesla V100-PCIE-16GB", "7.0", 16),
        ("NVIDIA GH200 480GB", "9.0", 96),
        ("NVIDIA H100 80GB HBM3", "9.0", 80),
        ("NVIDIA GeForce RTX 3070 Ti Laptop GPU", "8.6", 8),
        ("Quadro RTX 6000", "7.5", 24),
        ("NVIDIA RTX 6000 Ada Generation", "8.9", 48),
        ("NVIDIA RTX A6000", "8.6", 48),
        ("P2000", "6.1", 5),
        ("NVIDIA GB10", "12.1", None),
        ("Orin (nvgpu)", "8.7", None),
        ("GeForce GTX TITAN X", "5.2", 12),
        ("NVIDIA TITAN X (Pascal)", "6.1", 12),
        ("Tesla K80", "3.7", 12),
        ("NVIDIA GeForce RTX 5090", "12.0", 32),
        ("NVIDIA B300", "10.3", 288),
        ("GeForce GTX 1650 with Max-Q Design", "7.5", None),
    ],
)
def test_nvidia_names(name, capability, gib):
    """Prefixes, suffixes and sizes do not hide the product."""
    row = TABLE.by_name(name)
    assert row is not None
    assert (row.compute_capability, row.memory_bytes) == (capability, gib and gib * GIB)


@pytest.mark.parametrize(
    "name",
    [
        "RTX 6000",
        "NVIDIA RTX 5000",
        "TITAN X",
        "GeForce GT 730",
        "GTX 860M",
        "Banana 9000",
        "",
        "NVIDIA",
        "AMD Radeon(TM) Graphics",
    ],
)
def test_names_that_mean_several_chips_or_none(name):
    """Better no answer than a wrong one."""
    assert TABLE.by_name(name) is None


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        ("GeForce GTX 108...", "6.1"),
        ("NVIDIA GeForce RTX 2080 ...", "7.5"),
        ("Tesla V100-PCIE...", "7.0"),
        ("NVIDIA GeForce ...", None),
        ("NVIDIA ...", None),
    ],
)
def test_names_that_nvidia_smi_cut(name, capability):
    """Resolved only where everything that fits agrees; memory is not guessed."""
    row = TABLE.by_name(name, Vendor.NVIDIA)
    assert (row.compute_capability if row else None) == capability
    assert row is None or row.memory_bytes is None


@pytest.mark.parametrize(
    ("pci_id", "field", "value"),
    [
        ("10de:2684", "compute_capability", "8.9"),
        ("10de:24a0", "compute_capability", "8.6"),
        ("10de:102d", "compute_capability", "3.7"),
        ("10de:2b85", "compute_capability", "12.0"),
        ("10de:2e12", "compute_capability", "12.1"),
        ("1002:744c", "gfx", "gfx1100"),
        ("1002:75a3", "gfx", "gfx950"),
        ("1002:74a1", "gfx", "gfx942"),
        ("1002:15bf", "integrated", True),
        ("8086:56a0", "xpu", True),
        ("8086:64a0", "xpu", True),
        ("8086:4905", "xpu", False),
        ("8086:3e9b", "xpu", False),
        ("8086:7d45", "xpu", None),
    ],
)
def test_pci_ids(pci_id, field, value):
    """Device ids of each vendor; DG1 and Gen 9 are no XPU, an unlisted Meteor Lake is unknown."""
    row = TABLE.by_pci(pci_id)
    assert row is not None
    assert getattr(row, field) == value


@pytest.mark.parametrize("pci_id", ["10de:0000", "1af4:1050", "garbage", "", ":"])
def test_unknown_pci_ids(pci_id):
    """Virtual displays and nonsense are nothing."""
    assert TABLE.by_pci(pci_id) is None


def test_what_the_driver_says_wins():
    """Known fields are never overwritten; each filled one names its source; memory is not filled."""
    gpu, filled = TABLE.fill(Gpu(vendor=Vendor.NVIDIA, name="NVIDIA GeForce RTX 4090", compute_capability="9.9"))
    assert (gpu.compute_capability, gpu.architecture, gpu.memory_bytes) == ("9.9", "Ada Lovelace", None)
    assert filled == {"architecture": "GPU table by name", "integrated": "GPU table by name"}


def test_every_row_is_consistent():
    """Capabilities parse and belong to their architecture; no name is in two rows; every memory entry has a row."""
    data = tomllib.loads((DATA / "gpus.toml").read_text("utf-8"))
    generations = {arch["name"]: arch["cc"] for arch in data["arch"]}
    seen = {}
    for row in (*data["gpu"], *data["chip"]):
        if "compute_capability" in row:
            assert ComputeCapability.parse(row["compute_capability"])
            assert row["compute_capability"] in generations[row["architecture"]]
        assert row["source"]
    for row in data["gpu"]:
        for name in row["names"]:
            assert name not in seen, name
            seen[name] = row
    assert set(data["memory_gib"]) <= set(seen)


def test_every_chip_has_devices():
    """pci.toml and the chips belong together."""
    chips = tomllib.loads((DATA / "gpus.toml").read_text("utf-8"))["chip"]
    groups = tomllib.loads((DATA / "pci.toml").read_text("utf-8"))
    named = {(vendor, chip) for vendor, group in groups.items() for chip in group}
    assert named <= {(chip["vendor"], chip["chip"]) for chip in chips}


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("RTX PRO 6000", "12.0"), ("RTX PRO 4000", "12.0"), ("T1000", "7.5"), ("T600", "7.5"), ("T1200", "7.5"),
        ("Jetson Thor", "11.0"), ("Jetson Orin", "8.7"), ("3070Ti", "8.6"), ("RTX3070Ti", "8.6"),
        ("GTX1080Ti", "6.1"), ("rx7900xtx", "gfx1100"), ("RTX 4080SUPER", "8.9"), ("N1X", "12.1"),
        ("Jetson T2000", "11.0"), ("RTX PRO 5000 72GB", "12.0"), ("MI308X", "gfx942"), ("MI350P", "gfx950"),
        ("MI455X", "gfx1250"), ("RX 9050", "gfx1200"), ("RX 7400", "gfx1102"), ("RX 7900M", "gfx1100"),
        ("PRO W7500", "gfx1102"), ("PRO W7600", "gfx1102"), ("Radeon AI PRO R9600D", "gfx1201"),
        ("Radeon 8040S", "gfx1151"), ("Ryzen AI Max+ 392", "gfx1151"), ("WX 7100", "gfx803"),
    ],
)  # fmt: skip
def test_names_of_the_audit_and_spellings_that_people_use(name, target):
    """A name resolves where all that it may mean agree; numbers may be written together with what is around them."""
    row = TABLE.by_name(name)
    assert row is not None
    assert (row.compute_capability or row.gfx) == target


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("RTX 6000", "RTX 6000 Ada Generation"), ("TITAN X", "GeForce GTX TITAN X"), ("GTX 1808", "GTX 1080"),
        ("Intel Core Ultra", "Core Ultra 7 155H"), ("Intel(R) Core(TM) Ultra 7", "Core Ultra 9 285K"),
        ("Arrow Lake", "Arrow Lake-H"),
    ],
)  # fmt: skip
def test_near_names_are_offered(name, near):
    """What a name may mean, or is spelt like."""
    assert TABLE.by_name(name) is None
    assert near in TABLE.near(name)


def test_a_name_that_resolves_by_agreement_never_hides_a_disagreement():
    """For every pair of words of the table: what resolves, has one target among all products with these words."""
    for known in list(TABLE._by_words)[::7]:
        for said in (known[:2], known[1:]):
            row = TABLE._agreeing(said, None) if said else None
            if row is not None:
                fits = TABLE._containing(said)
                assert len({(r.compute_capability, r.gfx, r.xpu) for r in fits}) == 1, said


@pytest.mark.parametrize(
    ("name", "xpu"),
    [
        ("Intel(R) Core(TM) Ultra 7 155H", True), ("Core Ultra 5 225H", True), ("Core Ultra 9 288V", True),
        ("Core Ultra 5 125U", None), ("Core Ultra 9 285K", None), ("Core Ultra 9 275HX", None),
    ],
)  # fmt: skip
def test_core_ultra_processors_have_the_graphics_that_intels_list_names(name, xpu):
    """Only those with Arc graphics are on PyTorch's list; of the others nobody says anything, by table or by word."""
    row = TABLE.by_name(name)
    assert row is not None
    assert row.xpu is xpu
    assert Graphics(load_catalog()).xpu(Gpu(vendor=Vendor.INTEL, name=name)) is xpu
