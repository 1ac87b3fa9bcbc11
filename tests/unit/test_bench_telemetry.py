"""Telemetry: reading fake kernel trees and a fake NVML, summing up, and what is said when nothing can be read."""

from __future__ import annotations

import sys
import time
import types

import pytest

from support.results import result, telemetry
from torchup.bench import telemetry_probe as probe
from torchup.bench.request import Task
from torchup.bench.telemetry import Recorder, attach, with_surroundings
from torchup.bench.telemetry_summary import same_address, steady_energy, summarise
from torchup.host import RealHost, RecordedHost
from torchup.host.base import PlatformFacts
from torchup.host.recorded import Recording
from torchup.i18n.sentences import sentence
from torchup.model import Said


def plant(root, files):
    """Write a tree of small files."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
    return root


def test_an_amd_card_is_read_from_hwmon(tmp_path):
    """Microwatts, millidegrees and hertz become watts, degrees and megahertz; connectors are no cards."""
    card = "sys/class/drm/card0/device"
    root = plant(tmp_path, {
        f"{card}/vendor": "0x1002", f"{card}/product_name": "Example Radeon", f"{card}/gpu_busy_percent": 97,
        f"{card}/mem_info_vram_used": 1048576, f"{card}/hwmon/hwmon3/power1_average": 250000000,
        f"{card}/hwmon/hwmon3/temp1_input": 71000, f"{card}/hwmon/hwmon3/freq1_input": 2400000000,
        f"{card}/hwmon/hwmon3/power1_cap": 300000000, "sys/class/drm/card0-DP-1/device/vendor": "0x1002",
        "sys/class/drm/card1/device/vendor": "0x10de",
    })  # fmt: skip
    drm = probe.Drm(root)
    assert drm.fixed() == [
        {
            "name": "Example Radeon",
            "power_limit_watts": 300.0,
            "power_limit_default_watts": None,
            "processes": None,
            "pci_id": None,
            "source": "/sys/class/drm",
        }
    ]
    reading = drm.sample()[0]
    assert (reading["watts"], reading["celsius"], reading["clock"]) == (250.0, 71.0, 2400.0)
    assert (reading["busy"], reading["bytes"], reading["joules"]) == (0.97, 1048576, None)


def test_the_processor_is_read_from_sys(tmp_path):
    """Clock, temperature, governor, load and the packages' energy."""
    policy, rapl = "sys/devices/system/cpu/cpu0/cpufreq", "sys/class/powercap/intel-rapl:0"
    root = plant(tmp_path, {
        f"{policy}/scaling_cur_freq": 3000000, f"{policy}/scaling_governor": "powersave",
        f"{policy}/scaling_driver": "intel_pstate", "sys/class/hwmon/hwmon0/name": "coretemp",
        "sys/class/hwmon/hwmon0/temp1_input": 66000, f"{rapl}/name": "package-0", f"{rapl}/energy_uj": 5000000,
        f"{rapl}/max_energy_range_uj": 262143000000, f"{rapl}:0/name": "core", f"{rapl}:0/energy_uj": 1,
        "proc/loadavg": "1.50 1.0 0.9 1/100 1", "sys/class/power_supply/BAT0/type": "Battery",
        "sys/class/power_supply/AC/type": "Mains", "sys/class/power_supply/AC/online": 0,
    })  # fmt: skip
    processor = probe.Processor(root)
    assert processor.sample() == {"clock": 3000.0, "celsius": 66.0, "joules": 5.0}
    fixed = processor.fixed()
    assert (fixed["governor"], fixed["load_average"], fixed["on_battery"]) == ("powersave (intel_pstate)", 1.5, True)
    assert fixed["energy_reason"] is None


def test_an_empty_machine_gives_reasons(tmp_path):
    """Nothing readable is null with a reason, never a zero."""
    processor = probe.Processor(tmp_path)
    assert processor.sample() == {"clock": None, "celsius": None, "joules": None}
    assert processor.fixed()["energy_reason"] == "no-rapl"
    assert probe.on_battery(tmp_path) is None
    assert probe.Drm(tmp_path).sample() == []


class FakeNvml(types.ModuleType):
    """NVML of one card that knows no energy counter and is throttled by its power limit."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0

    def __getattr__(self, name):
        answers = {
            "nvmlDeviceGetCount": 1, "nvmlDeviceGetHandleByIndex": "h", "nvmlDeviceGetName": b"Example GPU",
            "nvmlDeviceGetEnforcedPowerLimit": 115000, "nvmlDeviceGetPowerManagementDefaultLimit": 140000,
            "nvmlDeviceGetComputeRunningProcesses": [
                types.SimpleNamespace(usedGpuMemory=n) for n in (2**31, 2**20, None)
            ],
            "nvmlDeviceGetPciInfo": types.SimpleNamespace(busId=b"00000000:01:00.0"),
            "nvmlDeviceGetCurrentClocksThrottleReasons": 0x4 | 0x1, "nvmlDeviceGetClockInfo": 1410,
            "nvmlDeviceGetPowerUsage": 114500, "nvmlDeviceGetTemperature": 80,
            "nvmlDeviceGetMemoryInfo": types.SimpleNamespace(used=123),
            "nvmlDeviceGetUtilizationRates": types.SimpleNamespace(gpu=99), "nvmlInit": None,
        }  # fmt: skip

        def call(*_):
            if name not in answers:
                raise RuntimeError(f"{name}: not supported")
            return answers[name]

        return call


def test_nvml_is_read_and_what_it_refuses_is_null(monkeypatch):
    """Milliwatts become watts, reason bits become words, an unsupported counter is None."""
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml("pynvml"))
    monkeypatch.setattr("torchup.detect.nvml_probe.start", lambda: None)
    card = probe.Nvidia()
    fixed = {
        "name": "Example GPU",
        "power_limit_watts": 115.0,
        "power_limit_default_watts": 140.0,
        "processes": 1,
        "pci_id": "00000000:01:00.0",
        "source": "nvml",
    }
    assert card.fixed() == [fixed]
    reading = card.sample()[0]
    assert (reading["watts"], reading["joules"], reading["throttle"]) == (114.5, None, ["power"])
    assert (reading["busy"], reading["clock"]) == (0.99, 1410)


UNTOLD = Said(code="untold")
FIXED = {
    "gpus": [
        {"name": "A", "power_limit_watts": 300.0, "processes": 0, "source": "nvml", "pci_id": f"00000000:0{n}:00.0"}
        for n in (1, 2)
    ],
    "nvml_reason": None,
    "cpu": {
        "governor": None,
        "on_battery": None,
        "load_average": 0.1,
        "energy_reason": None,
        "energy_limit_joules": 100,
    },
}


def reading(**values):
    """One GPU sample."""
    empty = dict.fromkeys(("clock", "memory_clock", "watts", "joules", "celsius", "bytes", "busy"))
    return empty | {"throttle": []} | values


def samples(count, *, step=1.0, watts=200.0):
    """Seconds 0 to count of an idle first card and a working second one, which draws constant power."""
    return [
        (
            n * step,
            {
                "gpus": [
                    reading(busy=0.0, joules=7.0),
                    reading(busy=1.0, joules=1000 + watts * n * step, celsius=40 + n),
                ],
                "cpu": {"clock": 3000.0, "celsius": None, "joules": (95 + n) % 100},
            },
        )
        for n in range(count)
    ]


def test_clocks_that_nobody_tells_of_are_not_called_free():
    """No reasons seen and no reasons to be had are two things: the second says why."""
    fixed = {**FIXED, "gpus": FIXED["gpus"][:1]}

    def watched(throttle):
        sample = {"gpus": [reading(throttle=throttle)], "cpu": {"clock": None, "celsius": None, "joules": None}}
        return summarise(fixed, ((0.0, sample), (1.0, sample)), device="cuda:0", interval=0.1)

    assert "throttle" not in watched([]).unavailable
    assert (watched(None).throttle, watched(None).unavailable["throttle"]) == ((), UNTOLD)


def test_the_card_at_torchs_address_is_the_one_reported_however_busy_the_others_are():
    """The idle card was measured: the busy one works for somebody else. Without an address neither is taken."""
    idle = summarise(FIXED, samples(11), device="cuda:0", interval=1.0, pci_id="0000:01:00.0")
    assert idle.utilisation.maximum == 0.0
    unknown = summarise(FIXED, samples(11), device="cuda:0", interval=1.0)
    assert (unknown.power_watts, unknown.unavailable["utilisation"].code) == (None, "which-gpu")
    absent = summarise(FIXED, samples(11), device="cuda:0", interval=1.0, pci_id="0000:09:00.0")
    assert absent.unavailable["utilisation"].code == "other-gpu"
    assert same_address("00000000:01:00.0", "0000:01:00.0")
    assert not same_address("0001:01:00.0", "0000:01:00.0")
    assert not same_address("junk", "0000:01:00.0")


def test_everything_is_cut_to_the_measured_time():
    """Readings of start-up and evaluation do not count, and too few inside say so instead of a number."""
    inside = summarise(FIXED, samples(21), device="cuda:0", interval=1.0, pci_id="0000:02:00.0", marks=(5.0, 12.0))
    assert (inside.samples, inside.temperature_celsius.first, inside.temperature_celsius.maximum) == (8, 45, 52)
    short = summarise(FIXED, samples(21), device="cuda:0", interval=1.0, pci_id="0000:02:00.0", marks=(5.0, 8.0))
    assert short.temperature_celsius is None
    assert short.unavailable["temperature_celsius"] == Said(code="few-samples", values={"count": 4, "wanted": 5})


def test_the_card_that_worked_has_its_energy():
    """Its counter, its source, and a reason for each reading that it does not give."""
    seen = summarise(FIXED, samples(11), device="cuda:0", interval=1.0, pci_id="0000:02:00.0")
    assert seen.temperature_celsius is not None
    assert (seen.temperature_celsius.first, seen.temperature_celsius.maximum) == (40, 50)
    assert seen.energy_joules == pytest.approx(2000)
    assert seen.sources["energy_joules"] == "nvml"
    assert seen.unavailable["gpu_clock_mhz"] == UNTOLD
    assert "energy_joules" not in seen.unavailable


def test_energy_is_that_of_the_steady_window():
    """Between the first and the last mark, with a counter that goes round once."""
    power = steady_energy(samples(21), (4.5, 14.5), lambda s: s["gpus"][1]["joules"])
    assert power == (pytest.approx(2000), None)
    round_once = steady_energy(samples(11), (0.0, 10.0), lambda s: s["cpu"]["joules"], wraps=100)
    assert round_once == (pytest.approx(10), None)


def test_short_or_uncounted_energy_is_null_with_a_reason():
    """Two seconds are too short, no counter is no energy."""
    energy, reason = steady_energy(samples(21), (4.0, 6.0), lambda s: s["gpus"][1]["joules"])
    assert energy is None
    assert reason.code == "too-short"
    assert steady_energy(samples(21), (), lambda _: None) == (None, Said(code="no-energy"))
    assert steady_energy([], (), lambda _: None)[0] is None


@pytest.mark.parametrize(
    ("device", "fixed", "words"),
    [("cpu", FIXED, "on the CPU"), ("mps", FIXED, "only to root"),
     ("cuda:0", FIXED | {"gpus": [], "nvml_reason": "x"}, "NVML: x")],
)  # fmt: skip
def test_no_gpu_reading_says_why(device, fixed, words):
    """Every null has its reason."""
    seen = summarise(fixed, [], device=device, interval=1.0)
    assert seen.power_watts is None
    assert words in str(sentence(seen.unavailable["power_watts"]))
    nulls = {name for name in seen.__struct_fields__ if getattr(seen, name) is None}
    assert nulls <= set(seen.unavailable)


def test_the_median_repeats_telemetry_is_kept_with_every_throttling():
    """The run that the median comes from speaks; a throttled or disturbed other run is not forgotten."""
    three = [telemetry(samples=1, throttle=("thermal",)), telemetry(samples=2), telemetry(samples=3, other_processes=4)]
    done = attach(result(seconds=2.0, repeats=(1.0, 2.0, 3.0)), three).telemetry
    assert done is not None
    assert (done.samples, done.throttle, done.other_processes) == (2, ("thermal",), 4)
    assert attach(result(), [None, None, None]).telemetry is None


def test_a_real_recording_ends_with_the_measurement():
    """The child samples while the block runs, and is gone after it."""
    host = RealHost()
    with Recorder(host, "cuda:0") as recorder:
        time.sleep(0.35)
        recorder.watch_lines(lambda _: None)('{"progress": {"epoch": 1}}')
    assert recorder.telemetry is not None
    assert recorder.telemetry.samples >= 2
    assert not recorder._thread.is_alive()
    assert host.list_dir(host.folders().cache) == ()


def test_a_machine_without_the_probe_is_measured_all_the_same(tmp_path, monkeypatch):
    """No probe, or no place for its file: no telemetry, no error."""
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    with Recorder(RealHost(), "cpu") as recorder:
        pass
    assert recorder.telemetry is None
    replay = RecordedHost(Recording(platform=PlatformFacts(system="Linux", machine="x86_64")))
    with Recorder(replay, "cpu") as recorder:
        pass
    assert recorder.telemetry is None


def test_the_load_is_that_before_the_first_run():
    """What torchup itself did in earlier runs is not taken for a busy machine."""
    tasks = [Task(workload="mnist", recipe=name, device="cpu", repeat=0) for name in ("script", "resident")]
    recorded = [telemetry(load_average=0.1), telemetry(load_average=2.0)]
    both = with_surroundings((result("script"), result("resident")), tasks, recorded, code_hash="h")
    assert [r.telemetry.load_average for r in both] == [0.1, 0.1]
    assert {r.code_hash for r in both} == {"h"}


@pytest.mark.parametrize(("plugged", "known"), [(True, False), (False, True), (None, None), ("none", None)])
def test_a_battery_is_asked_for_where_there_is_no_sys(monkeypatch, plugged, known):
    """Windows and macOS: psutil's word; a desktop has no battery, and a driver may not tell."""
    battery = None if plugged == "none" else types.SimpleNamespace(power_plugged=plugged)
    monkeypatch.setattr("psutil.sensors_battery", lambda: battery, raising=False)
    assert probe._psutil_battery() is known
