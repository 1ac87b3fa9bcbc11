"""The table of measured wheels: it agrees with the other tables, and two of its wheels still say what they said."""

from __future__ import annotations

import msgspec
import pytest

from torchup.catalog import check_wheels, load_catalog, schema
from torchup.catalog.check import check
from torchup.catalog.load import read_table
from torchup.catalog.wheels import load_wheels
from torchup.host import RealHost
from torchup.model import Request
from torchup.sources.wheel_find import find_wheel
from torchup.sources.wheel_measure import measure

CATALOG = load_catalog()


def codes(catalog=CATALOG):
    """The laws that are broken."""
    return {breach.code for breach in check(catalog)}


def test_the_tables_cover_every_platform_of_every_release_since_2_0():
    """More than 600 wheels, each with its hash; Linux, Windows and macOS of every release."""
    wheels = load_wheels()
    assert sum(len(wheel.files) for wheel in wheels) >= 650
    assert all(len(file.split()[1]) == 64 for wheel in wheels for file in wheel.files)
    releases = {row.torch for row in CATALOG.rows if row.torch.startswith("2.") and not row.file}
    for system in ("linux_x86_64", "linux_aarch64", "windows_x86_64", "macos_arm64"):
        assert {wheel.torch for wheel in wheels if wheel.platform == system} == releases


@pytest.mark.parametrize(
    ("law", "change"),
    [
        ("catalog.law.wheel", {"code": "sm_75 sm_80 compute_80"}),
        ("catalog.law.wheel", {"glibc": "2.34"}),
        ("catalog.law.wheel", {"total": 9000}),
        ("catalog.law.wheel", {"files": ("3.7 0",)}),
        ("catalog.law.wheel-missing", {"variant": "cu999"}),
        ("catalog.law.unmeasured", {"variant": "cu999"}),
        ("catalog.law.basis", {"variant": "cu999"}),
    ],
)
def test_a_wheel_that_says_something_else_is_found(monkeypatch, law, change):
    """Each law between wheels and tables can be broken."""
    wheels = load_wheels()
    first = next(wheel for wheel in wheels if wheel.variant == "cu132" and wheel.platform == "linux_x86_64")
    changed = tuple(msgspec.structs.replace(wheel, **change) if wheel is first else wheel for wheel in wheels)
    monkeypatch.setattr(check_wheels, "load_wheels", lambda: changed)
    assert law in codes()


@pytest.mark.parametrize(
    ("law", "package", "versions"),
    [
        ("catalog.law.snapshot", "torch", "99.0.0"),
        ("catalog.law.snapshot", "torchaudio", "99.0.0"),
        ("catalog.law.snapshot", "cuda-toolkit", "99.0.0"),
        ("catalog.law.not-on-pypi", "torchvision", "0.15.1"),
    ],
)
def test_what_pypi_has_and_the_tables_lack_is_found(monkeypatch, law, package, versions):
    """The snapshot of PyPI's answers is an outer law: each of its parts can be broken."""
    seen = check_wheels.load_snapshot()
    more = (*seen[package], versions) if law.endswith("snapshot") else (versions,)
    monkeypatch.setattr(check_wheels, "load_snapshot", lambda: seen | {package: more})
    assert law in codes()


def test_a_range_that_runs_on_is_found():
    """A range that ends at a release which the catalogue does not have is a breach."""
    rows = tuple(row for row in CATALOG.rows if row.torch != CATALOG.newest_torch)
    assert "catalog.law.range" in codes(msgspec.structs.replace(CATALOG, rows=rows))


@pytest.mark.parametrize(
    ("source", "release", "said"),
    [
        ("windows-126", "2.11", "windows-126 was not read for 2.11.0+cu126"),  # inside a range, not at its end
        ("matrix", "2.11", "matrix was not read for 2.11.0+cu128"),
    ],
)
def test_a_release_inside_a_range_was_looked_at_too(monkeypatch, source, release, said):
    """Of a range that rests on a script or a list, every release needs its own look."""
    table = read_table("architectures", schema.Architectures)
    kept = " ".join(word for word in table.read[source].split() if not word.startswith(release))
    shorter = msgspec.structs.replace(table, read=table.read | {source: kept})
    assert shorter.read != table.read
    monkeypatch.setattr(check_wheels, "read_table", lambda *asked: shorter if asked[0] == "architectures" else None)
    found = [str(breach) for breach in check_wheels.ranges_read(CATALOG)]
    assert any(said in breach for breach in found), found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("torch", "platform", "python"), [("2.15.0", "linux_x86_64", "3.12"), ("2.13.0", "macos_arm64", "3.11")]
)
def test_measured_again_a_wheel_says_the_same(torch, platform, python):
    """Read anew from the configured index, the wheel gives its row of the table."""
    host = RealHost()
    try:
        found = find_wheel(host, f"torch=={torch}", Request(python=python), platform=platform)
    except Exception as error:  # noqa: BLE001  # whatever keeps a machine from its index
        pytest.skip(f"no index answers here: {error}")
    wheel = measure(host, found.address, found.connection, offer=found.offer)
    row = next(w for w in load_wheels() if (w.torch, w.platform) == (torch, platform) and python in w.pythons)
    assert (wheel.variant, " ".join(wheel.architectures or ())) == (row.variant, row.code)
    assert (wheel.glibc, wheel.macos, wheel.macos_library) == (row.glibc, row.macos, row.macos_library)
    assert f"{python} {wheel.sha256}" in row.files
    assert wheel.bytes_read < 10_000_000
