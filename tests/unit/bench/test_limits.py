"""Peaks, the roofline and the refusal of what cannot be."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchup.bench.answers import DeviceFacts
from torchup.bench.limits import TOLERANCE, Peak, impossible, limit, peak_of
from torchup.catalog.peaks import load_peaks
from torchup.model import Result

PEAKS = load_peaks()


def test_every_row_matches_a_name_and_says_where_it_is_from():
    """A row is found by each of its names, alone or by its units; peaks are positive, sources are named."""
    for row in PEAKS.rows:
        assert all(row in (PEAKS.find(name), PEAKS.find(name, row.units)) for name in row.names)
        assert row.source
        assert row.confidence
        assert row.mem_gbs > 0
        assert all(value > 0 for value in row.tflops.values())


@pytest.mark.parametrize(
    ("name", "fp32"),
    [
        ("NVIDIA GeForce RTX 3070 Ti Laptop GPU", 16.6),
        ("NVIDIA GeForce RTX 3070 Ti", 21.7),
        ("NVIDIA GeForce RTX 3070", 20.3),
        ("NVIDIA A100-SXM4-80GB", 19.5),
        ("NVIDIA H100 80GB HBM3", 67),
        ("NVIDIA H100 PCIe", 51),
        ("Tesla T4", 8.1),
        ("Apple M1 Max", 10.62),
    ],
)
def test_names_as_torch_says_them_find_their_own_row(name, fp32):
    """A laptop GPU is not the desktop one, an SXM card not the PCIe one."""
    assert PEAKS.find(name).tflops["fp32"] == pytest.approx(fp32)


@pytest.mark.parametrize("name", [None, "", "NVIDIA GeForce RTX 9999", "Device 2d05", "Apple M9 Ultra"])
def test_unknown_devices_have_no_peak(name):
    """Unknown hardware is never given another GPU's number."""
    assert PEAKS.find(name) is None
    found = limit(
        peak_of(DeviceFacts(device="cuda:0", name=name), "fp32-default", PEAKS), flops=1e12, moved=1e9, seconds=1
    )
    assert (found.seconds, found.share, found.bound) == (None, None, None)


def test_a_peak_is_units_times_clock_times_rate():
    """One clock a row: what is derived is exact to rounding, a datasheet's number lies within 8 %."""
    checked = 0
    for row in PEAKS.rows:
        for kind, rate in row.flop_per_clk.items():
            clock = row.tensor_spec_ghz if row.tensor_spec_ghz and kind != "fp32" else row.clock_ghz
            if kind in row.tflops and row.units and clock:
                assert row.tflops[kind] == pytest.approx(row.units * clock * rate / 1000, rel=0.08), row.name
                checked += 1
    assert checked > 300


@pytest.mark.parametrize(
    "name",
    [
        "NVIDIA GeForce RTX 5080 SUPER", "NVIDIA A100-SXM4-40GB MIG 1g.5gb", "NVIDIA A100-SXM4-80GB MIG 3g.40gb",
        "NVIDIA GeForce RTX 5090 with Max-Q Design", "Intel(R) Arc(TM) A750M Graphics", "NVIDIA GeForce RTX 3080",
        "NVIDIA GeForce GTX 1650", "NVIDIA GeForce RTX 4090 D V2", "NVIDIA RTX 4000 Ada Generation Embedded GPU",
    ],
)  # fmt: skip
def test_a_variant_without_a_row_is_unknown(name):
    """MIG slices, mobile variants, refreshes and namesakes never get another card's peak."""
    assert PEAKS.find(name) is None


@pytest.mark.parametrize(
    ("name", "units", "bandwidth"),
    [
        ("NVIDIA GH200 144G HBM3e", None, 4900), ("NVIDIA GeForce RTX 3080", 70, 912),
        ("NVIDIA GeForce RTX 3080", 68, 760),
        ("NVIDIA GeForce GTX 1080 Ti", None, 484), ("NVIDIA GeForce RTX 2060", 30, 336), ("NVIDIA H20", None, 4000),
        ("NVIDIA GeForce RTX 4080 SUPER", None, 736.3), ("NVIDIA GeForce RTX 5060 Laptop GPU", None, 384),
        ("NVIDIA A800-SXM4-80GB", None, 2039), ("NVIDIA H800", None, 3350), ("NVIDIA L20", None, 864),
        ("NVIDIA GeForce RTX 4090 D", None, 1008), ("NVIDIA GB10", None, 273), ("NVIDIA B300", None, 8000),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", None, 1597),
        ("NVIDIA A40", None, 696), ("NVIDIA A30", None, 933),
        ("AMD Instinct MI300A", None, 5300), ("AMD Radeon RX 9060 XT", None, 322), ("AMD Radeon RX 7800 XT", None, 624),
        ("AMD Radeon RX 6900 XT", None, 512), ("Intel(R) Arc(TM) B570 Graphics", None, 380),
        ("NVIDIA GeForce GTX 1660 Ti with Max-Q Design", None, 288), ("NVIDIA GeForce GTX 1070", 16, 256),
        ("NVIDIA GeForce RTX 2080 Super with Max-Q Design", None, 352), ("NVIDIA GeForce RTX 5090 D V2", None, 1344),
        ("NVIDIA RTX 2000 Ada Generation Laptop GPU", None, 256), ("Intel(R) Arc(TM) A770M Graphics", None, 512),
        ("AMD Radeon RX 6800M", None, 384), ("AMD Radeon PRO W7700", None, 576), ("AMD Instinct MI50", None, 1024),
        ("Apple M3 Ultra", 60, 819),
        ("Apple M5", None, 153),
    ],
)  # fmt: skip
def test_cards_of_the_audit_have_their_own_row(name, units, bandwidth):
    """Desktop, laptop, data-centre, China-only, professional and other vendors' cards; namesakes by their units."""
    assert PEAKS.find(name, units).mem_gbs == bandwidth


@pytest.mark.parametrize("name", ["Apple M3 Ultra", "NVIDIA GeForce RTX 5050 Laptop GPU"])
def test_a_clock_that_no_source_names_leaves_the_rates_unknown(name):
    """Nobody published the clock: the bandwidth is known, the arithmetic peak is not taken from a sibling."""
    rows = [row for row in PEAKS.rows if name.removeprefix("NVIDIA ") in row.names]
    assert rows
    for row in rows:
        assert (row.clock_ghz, row.tflops, row.flops("fp32-default")) == (None, {}, None)
        assert row.bandwidth > 0


def test_every_short_row_has_a_source_of_its_own():
    """A page of that product, or a text that names figures; never the same few words for all of a vendor's."""
    sources = Counter(row.source for row in PEAKS.rows)
    assert not {source for source, times in sources.items() if times > 12 and "techpowerup" not in source}
    assert not {source for source in sources if re.search(r"general knowledge|from memory|neighbour", source)}


def test_an_nvidia_gpu_with_other_units_than_its_row_is_unknown():
    """A slice or a cut-down card says its number of multiprocessors."""
    assert PEAKS.find("NVIDIA A100-SXM4-80GB", 108) is not None
    assert PEAKS.find("NVIDIA A100-SXM4-80GB", 42) is None


def test_apple_chips_are_scaled_to_the_cores_they_have():
    """An M1 with 7 of 8 GPU cores has seven eighths of the rate and the whole bandwidth."""
    full, part = PEAKS.find("Apple M1", 8), PEAKS.find("Apple M1", 7)
    assert part.tflops["fp32"] == pytest.approx(full.tflops["fp32"] * 7 / 8)
    assert part.mem_gbs == full.mem_gbs
    assert PEAKS.find("Apple M1", 9) is None


def test_namesakes_are_told_apart_by_their_cores_or_not_at_all():
    """Two M3 Max share a name: without the core count neither peak is claimed."""
    assert PEAKS.find("Apple M3 Max") is None
    assert PEAKS.find("Apple M3 Max", 40).tflops["fp32"] == pytest.approx(14.32)


@pytest.mark.parametrize(
    ("name", "convolutions", "flops"),
    [
        ("NVIDIA A100-SXM4-80GB", 0.0, 19.5e12),
        ("NVIDIA A100-SXM4-80GB", 1.0, 156e12),
        ("NVIDIA A100-SXM4-80GB", 0.5, 2 / (1 / 19.5e12 + 1 / 156e12)),
        ("NVIDIA A100-SXM4-80GB MIG 1g.10gb", 0.0, None),
    ],
)
def test_the_peak_is_that_of_the_kind_of_work(name, convolutions, flops):
    """By default convolutions round to TF32 and products do not; a mixture takes the time of both; a slice has none."""
    facts = DeviceFacts(device="cuda:0", name=name)
    found = peak_of(facts, "fp32-default", PEAKS, convolutions=convolutions).flops
    assert found == (None if flops is None else pytest.approx(flops))


def test_fewer_cores_have_a_smaller_peak():
    """A 24-core M1 Max is not given the rate of 32 cores."""
    facts = DeviceFacts(device="mps", name="Apple M1 Max")
    few, many = (peak_of(facts, "fp32-default", PEAKS, apple_cores=cores).flops for cores in (24, 32))
    assert few == pytest.approx(many * 24 / 32)


def test_precision_chooses_the_rate():
    """TF32 counts where convolutions may use it and not where it is forbidden."""
    row = PEAKS.find("NVIDIA A100-SXM4-80GB")
    assert row.flops("fp32-strict") == pytest.approx(19.5e12)
    assert row.flops("fp32-default") == pytest.approx(156e12)
    assert row.flops("bf16") == pytest.approx(312e12)


@given(
    flops=st.floats(1e6, 1e18), moved=st.floats(1e3, 1e15), rate=st.floats(1e9, 1e15), width=st.floats(1e8, 1e13),
    seconds=st.floats(1e-6, 1e6),
)  # fmt: skip
def test_the_limit_is_the_larger_bound(flops, moved, rate, width, seconds):
    """No run is faster than either bound; the share is the bound over the time."""
    found = limit(Peak(flops=rate, bandwidth=width), flops=flops, moved=moved, seconds=seconds)
    assert found.seconds == pytest.approx(max(flops / rate, moved / width))
    assert found.share == pytest.approx(found.seconds / seconds)
    assert found.bound == ("flops" if flops / rate >= moved / width else "bytes")


def result(seconds, *, measured):
    """A result of 1e12 FLOP on a device of 1e12 FLOP a second; whether that peak was measured here or published."""
    found = limit(Peak(flops=1e12, measured=measured), flops=1e12, moved=None, seconds=seconds)
    return Result(workload="mnist", recipe="fused", device="cuda:0", seconds=seconds, limit=found)


def test_a_result_above_a_published_peak_is_left_out():
    """What is faster than the device can be was measured wrongly."""
    assert impossible(result(0.5, measured=False)).code == "above-roofline"


def test_a_peak_that_was_measured_never_refuses():
    """A loop on this machine shows what it reached, not what there is: Apple's matrix units pass it by far."""
    assert impossible(result(0.1, measured=True)) is None
    assert peak_of(DeviceFacts(device="cpu", peak_flops=1e12), "fp32-default", PEAKS).measured


def test_a_result_at_the_roofline_is_kept():
    """A boost clock a few per cent above the datasheet is no measuring error."""
    assert impossible(result(1.0, measured=False)) is None
    assert impossible(result(1.0 / TOLERANCE + 0.01, measured=False)) is None


def test_a_copy_that_beats_the_measured_bandwidth_is_the_better_measure():
    """A CPU's bandwidth is what a copy reached while others worked too; a share above 1 would accuse the wrong one."""
    peak = Peak(flops=1e9, bandwidth=1e9, measured=True)
    found = limit(peak, flops=None, moved=2e9, seconds=1.0)
    assert (found.share, found.peak_bandwidth) == (1.0, 2e9)
    assert limit(peak, flops=None, moved=1e9, seconds=2.0).share == 0.5


def test_an_unknown_arithmetic_peak_leaves_the_limit_unknown():
    """The bytes of a training are few: their bound alone would pass for the device's limit."""
    found = limit(Peak(bandwidth=1e9), flops=1e12, moved=1e6, seconds=1.0)
    assert (found.seconds, found.bound, found.share) == (None, None, None)


@pytest.mark.parametrize("name", ["AMD Instinct MI300X", "AMD Instinct MI325X"])
def test_xf32_of_amds_matrix_units_is_possible(name):
    """The datasheet's 653.7 TFLOP/s: 600 in tf32 is no measuring error, 163 is the limit of full float32."""
    peaks = load_peaks()
    facts = DeviceFacts(device="cuda:0", name=name)
    assert peak_of(facts, "tf32", peaks, convolutions=0.0).flops == pytest.approx(653.7e12)
    assert peak_of(facts, "fp32-default", peaks, convolutions=0.0).flops == pytest.approx(163.4e12)
