"""The package tables keep their laws: every torch, grammar, signature and address in them can be used."""

from __future__ import annotations

import msgspec
import pytest

from torchup.catalog import check_packages, load_catalog
from torchup.catalog.check_packages import packages_hold
from torchup.catalog.packages import load_packages
from torchup.catalog.spans import spans
from torchup.catalog.wheel_rows import platform_of

CATALOG, TABLES = load_catalog(), load_packages()


def breaches():
    """What `torchup catalog check` says of the tables."""
    return [str(text) for text in packages_hold(CATALOG)]


def test_the_tables_hold_their_laws():
    """Closed sets, names, releases, platforms, addresses, signatures, sources, windows."""
    assert breaches() == []


def _changed(field, index=0, **changes):
    """The tables with one row of a field changed."""
    rows = getattr(TABLES, field)
    changed = msgspec.structs.replace(rows[index], **changes)
    return msgspec.structs.replace(TABLES, **{field: (*rows[:index], changed, *rows[index + 1 :])})


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (_changed("packages", kind="magic"), "magic"),
        (_changed("packages", name="Flash_Attn"), "Flash_Attn"),
        (_changed("packages", torch="99.0"), "torch 99.0"),
        (_changed("packages", torch="latest"), "torch latest"),
        (_changed("packages", platforms="amiga"), "amiga"),
        (_changed("packages", source="somebody"), "somebody"),
        (_changed("wheels", evidence="hope"), "hope"),
        (_changed("wheels", torch="1.0"), "torch 1.0"),
        (_changed("wheels", platform="amiga"), "amiga"),
        (_changed("signatures", match="(unclosed"), "unterminated"),
        (msgspec.structs.replace(TABLES, purposes={"cooking": ("Sauce_pan",)}), "Sauce_pan"),
    ],
)
def test_each_law_can_be_broken(monkeypatch, tables, said):
    """A row that is wrong is named by the check."""
    monkeypatch.setattr(check_packages, "load_packages", lambda: tables)
    assert any(said in line for line in breaches())


def test_windows_that_contradict_each_other_are_found(monkeypatch):
    """A wheel that works and fails on one torch."""
    window = next(row for row in TABLES.windows if row.result == "works")
    tables = msgspec.structs.replace(TABLES, windows=(*TABLES.windows, msgspec.structs.replace(window, result="fails")))
    monkeypatch.setattr(check_packages, "load_packages", lambda: tables)
    assert breaches()


def test_tables_that_cannot_be_read_are_a_breach(monkeypatch):
    """A misspelt key ends the check with its name, not with a traceback."""

    def misspelt():
        raise msgspec.ValidationError("Object contains unknown field `kinds` - at `$.package[0]`")

    monkeypatch.setattr(check_packages, "load_packages", misspelt)
    assert any("kinds" in line for line in breaches())


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("linux_x86_64", ("linux_x86_64", None, None)),
        ("manylinux_2_34_aarch64", ("linux_aarch64", "2.34", None)),
        ("manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64", ("linux_x86_64", "2.17", None)),
        ("win_amd64", ("windows_x86_64", None, None)),
        ("macosx_12_0_arm64", ("macos_arm64", None, "12.0")),
    ],
)
def test_platform_tags(tag, expected):
    """A platform tag gives the catalogue's key and the lowest floor."""
    assert platform_of(tag) == expected


@pytest.mark.parametrize(
    ("span", "version", "inside"),
    [
        ("2.12", "2.12.1", True), ("2.9.1", "2.9.0", False), (">=2.10", "2.9.1", False), ("2.10..2.12", "2.12.1", True),
        ("2.10..2.12", "2.13.0", False), (">=2.4,<2.15", "2.15.0", False), (">=2.4,<2.15", "2.14.1", True),
        ("any", "1.0", True), ("..2.7", "2.7.1", True), ("2.14.0", "2.14.0", True), ("2.14.0", "2.14.1", False),
    ],
)  # fmt: skip
def test_spans(span, version, inside):
    """A minor covers its patch releases; both ends of a closed span count."""
    assert spans(span, version) is inside
