"""The catalogue: what it holds, the laws it keeps, and what a user's refresh adds."""

from __future__ import annotations

import json

import msgspec
import pytest

from torchup.catalog import load_catalog, schema
from torchup.catalog.check import check
from torchup.catalog.types import Arch, Companion
from torchup.catalog.versions import in_range, python_key, variant_key, version_key
from torchup.errors import UsageError

CATALOG = load_catalog()


def row(torch, variant, platform="linux_x86_64"):
    """One row of the PyTorch index."""
    return CATALOG.by_key[torch, variant, platform]


def test_laws_hold():
    """The built-in tables keep every law."""
    assert [str(breach.text) for breach in check(CATALOG)] == []


def test_every_row_has_all_that_a_plan_needs():
    """Pythons, publication, size and source are on every wheel row, and no two rows are the same build."""
    for found in CATALOG.rows:
        assert found.pythons
        assert found.publications
        assert found.size_bytes
        assert found.source
    assert len(CATALOG.rows) > 440


@pytest.mark.parametrize(
    ("torch", "variant", "platform", "python", "code", "floor"),
    [
        ("2.14.1", "cu126", "linux_x86_64", "3.10-3.15", "5.0 6.0 7.0 7.5 8.0 8.6 9.0", "525.60.13"),
        ("2.14.1", "cu126", "windows_x86_64", "3.10-3.15", "5.0 6.0 6.1 7.0 7.5 8.0 8.6 9.0", "528.33"),
        ("2.7.1", "cu118", "linux_x86_64", "3.9-3.13", "3.7 5.0 6.0 7.0 7.5 8.0 8.6 9.0", "450.80.02"),
        ("2.15.0", "cu132", "linux_aarch64", "3.11-3.15", "8.0 9.0 10.0 11.0 12.0", "580"),
        ("1.12.1", "cu102", "linux_x86_64", "3.7-3.10", "3.7 5.0 6.0 7.0", "440.33"),
    ],
)
def test_known_rows(torch, variant, platform, python, code, floor):
    """Rows that are known well read as they should."""
    found = row(torch, variant, platform)
    assert found.python_range == python
    assert found.arch is not None
    assert found.arch.text == code
    assert found.driver is not None
    assert found.driver.floor(windows=platform.startswith("windows")) == floor


@pytest.mark.parametrize(
    ("torch", "variant", "platform", "local", "plain"),
    [
        ("2.5.1", "cpu", "linux_aarch64", False, True),
        ("2.6.0", "cpu", "linux_aarch64", True, True),
        ("2.15.0", "cpu", "linux_aarch64", True, True),
        ("2.9.1", "cu130", "linux_aarch64", True, True),
        ("2.10.0", "cu130", "linux_aarch64", True, False),
        ("2.15.0", "cpu", "linux_x86_64", True, False),
        ("2.15.0", "cpu", "macos_arm64", False, True),
    ],
)
def test_what_file_names_say_of_the_build(torch, variant, platform, local, plain):
    """A pin names the local part only where the index has it: a wrong one finds nothing, a missing one PyPI's CUDA."""
    row = load_catalog().by_key[torch, variant, platform]
    assert row.publications[0].local is local
    assert row.companions["torchvision"].plain is plain


def test_windows_on_arm_stops_at_python_3_13():
    """Its wheels have no 3.14 and no free-threaded builds, whatever the release has elsewhere."""
    rows = [row for row in load_catalog().by_platform["windows_arm64"] if row.variant == "cpu"]
    assert {row.pythons for row in rows} == {("3.11", "3.12", "3.13")}


def test_torchaudio_after_2_11():
    """Torchaudio 2.11.0 serves the variants it was built in; cu132 has 2.11.1 of PyPI, asked for as a range."""
    assert row("2.14.1", "cu126").companions["torchaudio"].version == "2.11.0"
    found = row("2.15.0", "cu132").companions["torchaudio"]
    assert (found.version, found.open, found.operator) == ("2.11.1", True, ">=")
    assert not row("2.15.0", "cu130").companions["torchaudio"].open
    assert row("2.10.0", "cu128").companions["torchaudio"].version == "2.10.0"


def test_only_pypi_facts_of_2_15_are_certain():
    """What PyPI has is listed; the announced is likely; cu134, which nobody saw, is not there."""
    assert row("2.15.0", "cu132").certainty == "listed"
    assert row("2.15.0", "cu130").certainty == "likely"
    assert ("2.15.0", "cu134", "linux_x86_64") not in CATALOG.by_key


@pytest.mark.parametrize(
    ("law", "change"),
    [
        ("catalog.law.arch", {"arch": None}),
        ("catalog.law.driver", {"driver": None}),
        ("catalog.law.companion", {"companions": {}}),
        ("catalog.law.complete", {"pythons": ()}),
        ("catalog.law.source", {"source": "hearsay"}),
        ("catalog.law.companion-order", {"variant": "cpu", "companions": {"torchvision": Companion(version="0.1")}}),
        ("catalog.law.ptx", {"arch": Arch(sass=(), gfx=("x",), ptx=row("2.9.0", "cu130", "linux_aarch64").arch.ptx, source="matrix")}),
        ("catalog.law.unique", {"variant": "cpu"}),
    ],
)
def test_check_finds_a_broken_row(law, change):
    """Each law is a test that can fail."""
    changed = msgspec.structs.replace(row("2.15.0", "cu130"), **change)
    rows = tuple(changed if found == row("2.15.0", "cu130") else found for found in CATALOG.rows)
    broken = msgspec.structs.replace(CATALOG, rows=rows)
    if "pythons" in change:  # a row without Pythons would break other laws by itself
        assert any(not found.pythons for found in broken.rows)
        broken = msgspec.structs.replace(CATALOG, conda=(changed,))
    assert law in {breach.code for breach in check(broken)}


def test_check_finds_floors_that_fall():
    """A newer CUDA that needs an older driver is a mistake."""
    low = msgspec.structs.replace(CATALOG.floors["cu132"], linux="400")
    broken = msgspec.structs.replace(CATALOG, floors={**CATALOG.floors, "cu132": low})
    assert "catalog.law.floors-rise" in {breach.code for breach in check(broken)}


def test_check_finds_a_glibc_floor_that_falls():
    """A newer release that needs an older glibc is a mistake."""
    old = row("2.15.0", "cpu")
    rows = tuple(msgspec.structs.replace(r, glibc="2.17") if r == old else r for r in CATALOG.rows)
    assert "catalog.law.floor-falls" in {b.code for b in check(msgspec.structs.replace(CATALOG, rows=rows))}


def test_misspelt_keys_are_errors():
    """The tables are validated by schema when they are read."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"torch": "2.0-9", "python": "3.13t", "flor": "14"}, schema.MacPython)


LEARNED = {
    "schema": "torchup-catalog/1",
    "as_of": "2027-02-01",
    "learned": [
        {
            "torch": "2.16.0",
            "variant": "cu134",
            "platform": "linux_x86_64",
            "pythons": ["3.12", "3.13"],
            "source": "pytorch-index:cu134",
            "url": "https://download.pytorch.org/whl/cu134",
        },
        {
            "torch": "2.15.0",
            "variant": "cu130",
            "platform": "linux_x86_64",
            "pythons": ["3.16"],
            "source": "pytorch-index:cu130",
            "url": "https://download.pytorch.org/whl/cu130",
        },
    ],
}


def test_refreshed_rows_are_new_with_unknown_arch_lists():
    """A version that the catalogue does not know is added; nobody guesses its arch list."""
    catalog = load_catalog(json.dumps(LEARNED))
    new = catalog.by_key["2.16.0", "cu134", "linux_x86_64"]
    assert new.arch is None
    assert not new.arch_known
    assert new.driver is not None
    assert catalog.newest_torch == "2.16.0"
    assert check(catalog) == ()


def test_refresh_confirms_a_row_that_was_likely():
    """Seeing the page settles it, and its Pythons are taken over."""
    found = load_catalog(json.dumps(LEARNED)).by_key["2.15.0", "cu130", "linux_x86_64"]
    assert found.certainty == "listed"
    assert found.arch is not None
    assert found.pythons[-1] == "3.16"
    assert len(load_catalog(json.dumps(LEARNED)).rows) == len(CATALOG.rows) + 1


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 1}', '{"as_of": "x", "learned": [{"torch": 3}]}'])
def test_a_damaged_overlay_is_a_usage_error(text):
    """A file that is not an overlay is named, not a crash."""
    with pytest.raises(UsageError):
        load_catalog(text)


def test_versions():
    """Numbers compare as numbers; what is not a number ends a version."""
    assert version_key("2.14.0") == version_key("2.14")
    assert version_key("580.95.05") > version_key("580.65.06") > version_key("575.57.08")
    assert version_key("2.16.0a0+git") == (2, 16)
    assert version_key("") == ()
    assert variant_key("cu126") < variant_key("cu130") < variant_key("cu132")
    assert variant_key("rocm7.2") < variant_key("rocm7.14")
    assert python_key("3.9") < python_key("3.14") < python_key("3.14t")
    assert in_range("2.14.1", "2.6.0-2.14.1")
    assert not in_range("2.15.0", "2.6.0-2.14.1")
    assert in_range("3.0", "2.7.0-9")
