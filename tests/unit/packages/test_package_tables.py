"""The package tables keep their laws: every torch, grammar, signature and address in them can be used."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from torchup.catalog import load_catalog
from torchup.catalog.packages import EVIDENCE, KINDS, PYPI, load_packages
from torchup.catalog.spans import lowest, minor_of, spans
from torchup.catalog.wheel_rows import place_of, platform_of
from torchup.compat.packages.words import CAUSES
from torchup.package_names import normalise

CATALOG, TABLES = load_catalog(), load_packages()
MINORS = {minor_of(row.torch) for row in CATALOG.rows}
PLATFORMS = set(CATALOG.by_platform)


def test_closed_sets():
    """Kinds, evidence and places on PyPI are the ones that are explained."""
    assert {package.kind for package in TABLES.packages} <= set(KINDS)
    assert {package.pypi for package in TABLES.packages} <= set(PYPI)
    assert {wheel.evidence for wheel in TABLES.wheels} <= set(EVIDENCE)


def test_names_are_unique_and_normal():
    """One name means one package."""
    names = [name for package in TABLES.packages for name in (package.name, *package.aliases.split())]
    assert len(names) == len(set(names))
    assert names == [normalise(name) for name in names]


def test_every_wheel_is_of_a_package_and_a_torch_that_exist():
    """Rows name packages of the table, releases of the catalogue and platforms that it knows."""
    packages = {package.name for package in TABLES.packages}
    for wheel in TABLES.wheels:
        assert wheel.package in packages
        low = lowest(wheel.torch)
        assert low is None or minor_of(low) in MINORS, wheel
        assert low is None or low.count(".") < 2 or any(row.torch == low for row in CATALOG.rows), wheel
        assert wheel.platform in PLATFORMS | {"any"}
    for package in TABLES.packages:
        assert set(package.platforms.split()) <= PLATFORMS
        assert any(spans(package.torch, minor) for minor in MINORS)


def test_every_source_is_named():
    """Each source of a row is in the list, or is an address itself."""
    rows = (*TABLES.packages, *TABLES.wheels, *TABLES.windows, *TABLES.symbols)
    for source in (part.strip() for row in rows for part in row.source.replace(";", ",").split(",")):
        assert source in TABLES.sources or source.startswith("https://"), source


def test_every_wheel_has_an_address():
    """The grammar of a row fills its address without a gap."""
    for wheel in TABLES.wheels:
        python = wheel.pythons[0] if wheel.pythons else None
        place = place_of(
            wheel,
            torch=lowest(wheel.torch) or "2.10",
            variant="cu130",
            label=wheel.cuda[0],
            python=python,
            new_abi=True,
        )
        texts = [text for text in (place.url, place.index, place.find_links) if text]
        assert place.requirement
        assert "None" not in "".join((*texts, place.requirement))
        assert all(urlsplit(text).scheme == "https" for text in texts)


def test_every_signature_compiles_and_is_explained():
    """An error text that is recognised can be said in words."""
    for signature in TABLES.signatures:
        assert signature.pattern
        assert signature.cause in CAUSES


def test_windows_do_not_contradict_each_other():
    """No wheel is said to work and to fail on the same torch."""
    for wheel in TABLES.wheels:
        built = lowest(wheel.torch) or ""
        mine = [window for window in TABLES.windows if window.covers(wheel) and spans(window.built, built or "0")]
        for minor in MINORS:
            said = {window.result for window in mine if spans(window.on, minor)}
            assert len(said) < 2, (wheel, minor)


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
