"""What must hold for any text: parsers never raise, what they say can be written as JSON and read back."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from support import machine_writers as write
from torchup.catalog.gpus import load_gpu_table, words
from torchup.detect import (
    amd_tools,
    apple,
    detect_machine,
    hardware,
    kfd,
    linux,
    nvidia_smi,
    nvml,
    python,
    tools,
    windows,
)
from torchup.detect.parts import Sourced, fill, sourced
from torchup.detect.pretend import assume, load_machine
from torchup.encoding import from_json, to_json
from torchup.errors import UsageError
from torchup.host import PlatformFacts, RecordedHost, StandardFolders
from torchup.host.recorded import Recording, load_recording
from torchup.model import Driver, Gpu, Machine, Os, Vendor
from torchup.privacy import Purpose, redact, replayable

PARSERS = [
    nvidia_smi.parse_banner,
    nvidia_smi.parse_xml,
    nvidia_smi.parse_list,
    nvidia_smi.parse_kernel_module,
    nvml.parse_nvml,
    lambda text: nvidia_smi.parse_query(text, nvidia_smi.FIELDS),
    amd_tools.parse_rocminfo,
    amd_tools.parse_amd_smi,
    amd_tools.parse_rocm_smi,
    amd_tools.parse_rocm_version,
    amd_tools.complaint,
    kfd.parse_node,
    kfd.parse_bank,
    apple.parse_displays_json,
    apple.parse_displays_text,
    apple.parse_sysctl,
    apple.parse_macos_version,
    apple.parse_size,
    apple.parse_vm_stat,
    windows.parse_cim,
    windows.parse_registry,
    windows.parse_secure_boot,
    windows.nvidia_version,
    linux.parse_os_release,
    linux.parse_wsl,
    linux.parse_tegra_release,
    hardware.parse_cpuinfo,
    hardware.parse_meminfo,
    python.parse_answer,
    tools.parse_version,
    tools.parse_nvcc,
    words,
]
SAMPLES = [
    write.banner("550.54", "12.4", [("NVIDIA L4", "00000000:01:00.0", "1MiB /  23034MiB", "Default", "N/A")]),
    write.xml("550.54", "12.4", [{"name": "NVIDIA L4", "pci": "27B8", "total": "23034 MiB", "mig": "Enabled"}]),
    "NVIDIA L4, 8.9, 23034, 1, 550.54, 0x27B810DE, [N/A], Default\n",
    write.nvml("550.54", 12040, [write.nvml_gpu("NVIDIA L4", "8.9", 23034, "27b8")]),
    write.rocminfo([("gfx1100", "Radeon RX 7900 XTX", "GPU", 29772, 25149440)]),
    write.kfd_node(90010, 29711),
    write.displays([{"_name": "Apple M1", "sppci_cores": "8", "spdisplays_vendor": "sppci_vendor_Apple"}]),
    write.cim([write.adapter("AMD", "AMD", "PCI\\VEN_1002&DEV_73FF", "30.0", 1)], cpu="x"),
    write.registry([("NVIDIA T4", "NVIDIA", "PCI\\VEN_10DE&DEV_1EB8", "31.0.15.1694", 1)]),
    '{"gpu_data": [{"asic": {"market_name": "x", "device_id": "0x747e", "target_graphics_version": "gfx1101"}}]}',
    '{"card0": {"GPU ID": "0x73df", "VRAM Total Memory (B)": "12868124672"}}',
]


@some.composite
def damaged(draw):
    """A tool's real form with a piece cut out, doubled or replaced."""
    text = draw(some.sampled_from(SAMPLES))
    for _ in range(draw(some.integers(1, 4))):
        at, length = draw(some.integers(0, len(text))), draw(some.integers(0, 40))
        instead = draw(some.one_of(some.text(max_size=20), some.just(text[at : at + length] * 2)))
        text = text[:at] + instead + text[at + length :]
    return text


@pytest.mark.parametrize("parse", PARSERS, ids=range(len(PARSERS)))
@settings(max_examples=15)
@given(text=some.one_of(some.text(max_size=300), damaged()))
def test_no_text_makes_a_parser_raise(parse, text):
    """Any text, and damaged real output: a value that JSON can hold, or nothing."""
    to_json(parse(text))


@settings(max_examples=30)
@given(
    capacity=some.integers(1, 10**6),
    used=some.integers(0, 10**6),
    major=some.integers(2, 13),
    minor=some.integers(0, 9),
)
def test_what_a_tool_writes_is_read_back(capacity, used, major, minor):
    """Numbers survive the query, the XML and NVML's line."""
    row = f"NVIDIA X, {major}.{minor}, {capacity}, {used}, 550.54, 0x268410DE, Disabled, Default\n"
    (by_query,) = nvidia_smi.parse_query(row, nvidia_smi.FIELDS).gpus
    (by_xml,) = nvidia_smi.parse_xml(
        write.xml(
            "550.54", "12.4", [{"name": "NVIDIA X", "pci": "2684", "total": f"{capacity} MiB", "used": f"{used} MiB"}]
        )
    ).gpus
    reading = nvml.parse_nvml(
        write.nvml("550.54", 12040, [write.nvml_gpu("NVIDIA X", f"{major}.{minor}", capacity, "2684", used=used)])
    )
    assert reading is not None
    for gpu in (by_query, by_xml, *reading.gpus):
        assert (gpu.memory_bytes, gpu.memory_used_bytes, gpu.pci_id) == (capacity * 2**20, used * 2**20, "10de:2684")
    assert by_query.compute_capability == reading.gpus[0].compute_capability == f"{major}.{minor}"


@given(major=some.integers(6, 13), minor=some.integers(0, 15), stepping=some.integers(0, 15))
def test_kfd_versions_name_their_target(major, minor, stepping):
    """Three numbers, the last two hexadecimal."""
    assert kfd.gfx_name(major * 10000 + minor * 100 + stepping) == f"gfx{major}{minor:x}{stepping:x}"


@given(name=some.text(max_size=60))
def test_the_table_answers_any_name(name):
    """A row of a vendor, or nothing; asking twice gives the same."""
    table = load_gpu_table()
    assert table.by_name(name) == table.by_name(name)
    assert table.by_pci(name) is None or ":" in name


GPUS = some.builds(
    Gpu,
    vendor=some.sampled_from(Vendor),
    name=some.none() | some.text(max_size=20),
    compute_capability=some.none() | some.just("8.9"),
    memory_bytes=some.none() | some.integers(1, 2**50),
)


@given(first=GPUS, second=GPUS)
def test_filling_never_changes_what_is_known(first, second):
    """A lower rung fills gaps only, and sources follow the values."""
    result = fill(sourced(first, "a"), sourced(second, "b"))
    for name in ("name", "compute_capability", "memory_bytes"):
        mine, other = getattr(first, name), getattr(second, name)
        assert getattr(result.value, name) == (other if mine is None else mine)
        assert result.sources.get(name) == ("a" if mine is not None else "b" if other is not None else None)
    assert fill(result, None) == result
    assert isinstance(result, Sourced)


@given(
    machine=some.builds(
        Machine,
        os=some.sampled_from(Os),
        arch=some.just("x86_64"),
        gpus=some.tuples(GPUS),
        drivers=some.just((Driver(vendor=Vendor.NVIDIA, version="1.2"),)),
    )
)
def test_a_machine_survives_its_file(machine):
    """Written as JSON and loaded again it is the same but for what the table fills."""
    loaded = load_machine(to_json(machine))
    assert (loaded.os, loaded.drivers, len(loaded.gpus)) == (machine.os, machine.drivers, 1)
    assert from_json(to_json(loaded), Machine) == loaded


@given(
    item=some.one_of(
        some.text(max_size=80), some.from_regex(r"(gpu|driver|os|cc|memory|wsl)=[ -~]{0,20}", fullmatch=True)
    )
)
def test_assuming_anything_gives_a_machine_or_a_usage_error(item):
    """No other exception."""
    try:
        machine = assume(Machine(os=Os.LINUX, arch="x86_64"), [item])
    except UsageError:
        return
    to_json(machine)


NAMES = some.from_regex(r"[a-z][a-z0-9_-]{4,12}", fullmatch=True).filter(
    lambda name: "user" not in name and "host" not in name
)


@settings(max_examples=30)
@given(user=NAMES, host=NAMES, uuid=some.uuids().filter(lambda value: value.int > 0))
def test_a_redacted_recording_names_nobody(user, host, uuid):
    """User, home, host and UUIDs are gone from every text, paths and keys included; redacting twice changes nothing."""
    home = f"/home/{user}"
    recording = Recording(
        platform=PlatformFacts(system="Linux", machine="x86_64", python_executable=f"{home}/venv/bin/python"),
        folders=StandardFolders(home=home, data=f"{home}/.local", cache="c", config="c", log="l"),
        environ={"PATH": f"{home}/bin:/usr/bin", "LD_LIBRARY_PATH": f"/data/{user}/lib"},
        files={
            f"{home}/x": f"GPU UUID: GPU-{uuid} on {host}",
            "/proc/x": f"<serial>123</serial> {user}@{host}.example.org",
        },
        directories={home: ("a",)},
    )
    environ = {"USER": user, "HOSTNAME": host}
    once = replayable(recording, Recording, environ, home)
    text = to_json(once)
    assert str(uuid) not in text
    assert f"/home/{user}" not in text
    assert f"/{user}/" not in text
    assert host not in text
    assert once.platform.python_executable == "/home/user/venv/bin/python"
    assert replayable(once, Recording, environ, once.folders.home) == once


@settings(max_examples=40)
@given(chance=some.randoms(use_true_random=False))
def test_a_damaged_recording_still_replays(chance):
    """Values cut, emptied or replaced in a real machine's recording: a machine comes out and no probe crashes."""
    recordings = sorted((Path(__file__).parents[1] / "machines").glob("*/recording.json"))
    text = to_json(spoiled(json.loads(chance.choice(recordings).read_text("utf-8")), chance))
    try:
        recording = load_recording(text)
    except msgspec.DecodeError:
        return
    machine = detect_machine(RecordedHost(recording))
    assert not [problem for problem in machine.problems if problem.code == "crashed"]
    to_json(machine)


def spoiled(value, chance):
    """The same document with some of its parts missing, cut or replaced."""
    if isinstance(value, str) and chance.random() < 0.1:
        at = chance.randint(0, len(value))
        return value[:at] + chance.choice(("", "\x00", "\x1b[31m", "\u4e2d", "0", " = : | ", value)) + value[at + 5 :]
    if isinstance(value, dict):
        return {key: spoiled(item, chance) for key, item in value.items() if chance.random() > 0.03}
    if isinstance(value, list):
        return [spoiled(item, chance) for item in value if chance.random() > 0.03]
    return chance.choice((0, -1, 2**40)) if type(value) is int and chance.random() < 0.1 else value


@given(text=some.text(max_size=200))
def test_redacting_is_idempotent(text):
    """What is clean stays as it is."""
    for purpose in Purpose:
        once = redact(text, purpose)
        assert redact(once, purpose) == once
