"""Pretending to be another machine."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from torchup.detect.pretend import assume, load_machine, size
from torchup.encoding import to_json
from torchup.errors import UsageError
from torchup.model import Driver, Gpu, Machine, Os, PythonInterpreter, Vendor

GIB = 1024**3
LINUX = Machine(
    os=Os.LINUX,
    arch="x86_64",
    glibc="2.36",
    container="docker",
    container_gpu=False,
    pythons=(PythonInterpreter(path="/usr/bin/python3", version="3.11.2"),),
    gpus=(Gpu(vendor=Vendor.NVIDIA, name="NVIDIA T4", compute_capability="7.5"),),
    drivers=(Driver(vendor=Vendor.NVIDIA, version="580.65.06", cuda_api="13.0"),),
    sources={"drivers.0.version": "nvml"},
)


def test_the_line_of_the_issue_gives_a_windows_machine_with_a_filled_card():
    """Driver, GPU and system in one item; capability and memory come from the table, nothing of Linux remains."""
    machine = assume(LINUX, ['driver=550.54,gpu="RTX 4090",os=windows'])
    gpu = machine.gpus[0]
    assert (machine.os, machine.arch, machine.glibc, machine.pythons) == (Os.WINDOWS, "x86_64", None, ())
    assert (gpu.name, gpu.compute_capability, gpu.memory_bytes) == ("RTX 4090", "8.9", 24 * GIB)
    assert [(d.version, d.cuda_api) for d in machine.drivers] == [("550.54", None)]
    assert machine.sources["gpus.0.compute_capability"] == "GPU table by name"


def test_only_the_driver_changes_and_its_cuda_is_forgotten():
    """A driver assumed on the same machine keeps the cards but not what the old driver served."""
    machine = assume(LINUX, ["driver=535.104.05"])
    assert [gpu.name for gpu in machine.gpus] == ["NVIDIA T4"]
    assert machine.driver(Vendor.NVIDIA) == Driver(vendor=Vendor.NVIDIA, version="535.104.05", loaded=None)
    assert machine.sources["drivers.0.version"] == "assumed"


def test_several_gpus_and_repeated_options():
    """``gpu`` may come several times, in one item or in several."""
    machine = assume(LINUX, ["gpu=GTX 1080,gpu=RTX 4090", "gpu=10de:2684"])
    assert [gpu.compute_capability for gpu in machine.gpus] == ["6.1", "8.9", "8.9"]
    assert (machine.container, machine.pythons) == (None, ())  # those of the present machine


def test_several_of_a_kind_and_a_mac_by_its_chip():
    """``4x`` counts; a chip of Apple's makes the machine a Mac."""
    assert [gpu.name for gpu in assume(LINUX, ["gpu=4x H100"]).gpus] == ["H100"] * 4
    mac = assume(LINUX, ["gpu=m4 pro"])
    assert (mac.os, mac.arch, mac.gpus[0].name, mac.glibc) == (Os.MACOS, "arm64", "Apple M4 Pro", None)


def test_no_gpu_at_all():
    """``gpu=none`` takes cards and drivers away."""
    machine = assume(LINUX, ["gpu=none"])
    assert (machine.gpus, machine.drivers) == ((), ())


@pytest.mark.parametrize(
    ("item", "vendor", "field", "value"),
    [
        ("gpu=RX 7900 XTX", Vendor.AMD, "gfx", "gfx1100"),
        ("gpu=Arc A770", Vendor.INTEL, "xpu", True),
        ("gpu=UHD Graphics 770", Vendor.INTEL, "xpu", False),
        ("gpu=M1 Max,os=macos", Vendor.APPLE, "name", "Apple M1 Max"),
        ("gpu=RTX 9999,cc=13.0", Vendor.NVIDIA, "compute_capability", "13.0"),
        ("gpu=A100-SXM4-80GB", Vendor.NVIDIA, "memory_bytes", 80 * GIB),
        ("gpu=RTX 3060,gpu_memory=8GB", Vendor.NVIDIA, "memory_bytes", 8 * GIB),
    ],
)
def test_cards_of_every_vendor(item, vendor, field, value):
    """Each vendor's cards get their target; one nobody knows needs its target given."""
    gpu = assume(LINUX, [item]).gpus[0]
    assert (gpu.vendor, getattr(gpu, field)) == (vendor, value)


def test_plain_fields_are_read_as_their_types():
    """Sizes, truths and texts."""
    machine = assume(LINUX, ["memory=64GB,wsl=yes,container=none,python=3.14.0,libc=musl,disk=5G"])
    assert (machine.memory_bytes, machine.wsl, machine.container) == (64 * GIB, True, None)
    assert (machine.python, machine.libc, machine.glibc, machine.disk_free_bytes) == ("3.14.0", "musl", None, 5 * GIB)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("foo=1", "foo"),
        ("drver=5", "drver"),
        ("gpu", "KEY=VALUE"),
        ("gpu=", "KEY=VALUE"),
        ("", "no assumption"),
        ("gpu=Banana", "Banana"),
        ("gpu=RTX 6000", "several chips"),
        ("os=beos", "beos"),
        ("driver=new", "new"),
        ("gpu=none,cc=8.9", "gpu=NAME"),
        ("cc=ten", "ten"),
        ("memory=lots", "lots"),
        ("wsl=perhaps", "perhaps"),
    ],
)
def test_what_cannot_be_assumed_is_a_usage_error_that_names_it(item, said):
    """Every refusal quotes the word and has a hint."""
    with pytest.raises(UsageError) as raised:
        assume(LINUX, [item])
    assert said in str(raised.value)
    assert raised.value.hint is not None


@pytest.mark.parametrize(
    "wrap", [lambda m: m, lambda m: {"machine": m}, lambda m: {"schema": "x", "data": {"machine": m}}]
)
def test_a_machine_file_may_be_the_whole_answer_of_detect(wrap):
    """The envelope, its data and the bare machine all load."""
    machine = json.loads(to_json(LINUX))
    assert load_machine(json.dumps(wrap(machine))).gpus[0].name == "NVIDIA T4"


def test_a_machine_file_may_say_little():
    """Only os and arch are needed; names of cards are completed, usual spellings accepted."""
    text = '{"os": "win", "arch": "AMD64", "gpus": [{"vendor": "nvidia", "name": "NVIDIA GeForce RTX 4090"}]}'
    machine = load_machine(text)
    assert (machine.os, machine.arch) == (Os.WINDOWS, "x86_64")
    assert machine.gpus[0].compute_capability == "8.9"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"os": "linux"}',
        '{"os": "plan9", "arch": "mips"}',
        '{"os": "linux", "arch": "x86_64", "gpus": [{}]}',
        "\x00",
        '"text"',
    ],
)
def test_a_machine_file_that_is_none_is_a_usage_error(text):
    """Nothing but a UsageError with a hint comes of bad files."""
    with pytest.raises(UsageError) as raised:
        load_machine(text)
    assert raised.value.hint is not None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"drivers": [{"vendor": "nvidia", "version": "foo"}]},
            "the value of `drivers.0.version` is not a valid number or version: `foo`",
        ),
        (
            {"drivers": [{"vendor": "nvidia", "cuda_api": "new"}]},
            "the value of `drivers.0.cuda_api` is not a valid number or version: `new`",
        ),
        (
            {"gpus": [{"vendor": "nvidia", "compute_capability": "abc"}]},
            "the value of `gpus.0.compute_capability` is not a valid number or version: `abc`",
        ),
        ({"glibc": "weird"}, "the value of `glibc` is not a valid number or version: `weird`"),
    ],
)
def test_a_version_in_a_machine_file_that_is_none_is_named(fields, said):
    """A plan never rests on a driver called foo: the file is refused and the key named."""
    with pytest.raises(UsageError, match=re.escape(said)):
        load_machine(json.dumps({"os": "linux", "arch": "x86_64", **fields}))


def test_a_machine_file_nested_too_deeply_is_a_usage_error():
    """A hundred thousand brackets end like any other file that is no JSON."""
    with pytest.raises(UsageError, match="cannot be read"):
        load_machine("[" * 100_000)


def test_windows_own_number_of_a_driver_becomes_nvidias():
    """Device Manager's 31.0.15.1694 is NVIDIA's 516.94, in a file as on the command line; other vendors keep theirs."""
    drivers = [{"vendor": "nvidia", "version": "31.0.15.1694"}, {"vendor": "amd", "version": "32.0.12033.1030"}]
    machine = load_machine(json.dumps({"os": "windows", "arch": "AMD64", "drivers": drivers}))
    assert [driver.version for driver in machine.drivers] == ["516.94", "32.0.12033.1030"]
    assumed = assume(LINUX, ["os=windows,gpu=RTX 4090,driver=31.0.15.1694"])
    assert [driver.version for driver in assumed.drivers] == ["516.94"]


def test_a_release_of_jetson_linux_may_have_its_r():
    """NVIDIA writes R36.4.3, /etc/nv_tegra_release and the planner 36.4.3."""
    machine = load_machine('{"os": "linux", "arch": "aarch64", "jetson": "R36.4.3"}')
    assert machine.jetson == assume(machine, ["jetson=R36.4.3"]).jetson == "36.4.3"


@pytest.mark.parametrize(
    ("text", "bytes_"), [("24", 24 * GIB), ("24GB", 24 * GIB), ("512M", 512 * 1024**2), ("1.5 TiB", 1536 * GIB)]
)
def test_sizes_as_people_write_them(text, bytes_):
    """A bare small number means GiB."""
    assert size(text) == bytes_


@pytest.mark.parametrize(
    ("said", "system", "version", "more"),
    [
        ("win11", Os.WINDOWS, "11", {}),
        ("Windows 10", Os.WINDOWS, "10", {}),
        ("macOS 15.5", Os.MACOS, "15.5", {}),
        ("ubuntu 24.04", Os.LINUX, "24.04", {"distribution": "ubuntu"}),
        ("wsl2", Os.LINUX, None, {"wsl": True}),
    ],
)
def test_systems_as_people_write_them(said, system, version, more):
    """A version or a distribution in the name of the system is taken over."""
    machine = assume(Machine(os=Os.MACOS if system is not Os.MACOS else Os.LINUX, arch="arm64"), [f"os={said}"])
    assert (machine.os, machine.os_version) == (system, version)
    assert {name: getattr(machine, name) for name in more} == more


def test_facts_of_this_machine_stay_here():
    """Another card is in another machine: container, Pythons and disk of the present one say nothing of it."""
    full = msgspec.structs.replace(LINUX, disk_free_bytes=5, python="3.11.2", memory_bytes=7, virtual_machine="kvm")
    machine = assume(full, ["gpu=RTX 4090"])
    for name in ("container", "container_gpu", "pythons", "python", "disk_free_bytes", "virtual_machine"):
        assert not getattr(machine, name), name
    assert assume(full, ["driver=535.54.03"]).pythons == LINUX.pythons  # the same machine with another driver


def test_a_python_that_is_assumed_is_the_one_there_is():
    """``python=`` is not overruled by the interpreters of the present machine."""
    machine = assume(LINUX, ["python=3.12.1"])
    assert (machine.python, machine.pythons) == ("3.12.1", ())


def test_an_unsaid_driver_is_unknown_and_not_absent():
    """Only a driver that was said to be missing is missing."""
    bare = Machine(os=Os.LINUX, arch="x86_64")
    assert assume(bare, ["gpu=RTX 4090"]).sources["drivers"] == "unsaid"
    assert "drivers" not in assume(bare, ["gpu=RTX 4090,driver=none"]).sources
    assert "drivers" not in assume(bare, ["gpu=RTX 4090,driver=580.65.06"]).sources
    text = '{"os": "linux", "arch": "x86_64", "gpus": [{"vendor": "nvidia", "name": "RTX 4090"}]%s}'
    assert load_machine(text % "").sources["drivers"] == "unsaid"
    assert "drivers" not in load_machine(text % ', "drivers": []').sources


def test_a_capability_alone_is_a_card_that_nobody_named():
    """``cc=13.0`` on a machine without such a card imagines one."""
    machine = assume(Machine(os=Os.LINUX, arch="x86_64"), ["cc=13.0"])
    assert [(gpu.vendor, gpu.compute_capability) for gpu in machine.gpus] == [(Vendor.NVIDIA, "13.0")]


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ('{"os": "linux", "arch": "x86_64", "gpu": []}', "gpu", "gpus"),
        ('{"os": "linux", "arch": "x86_64", "gpus": [{"vendor": "nvidia", "nam": "x"}]}', "gpus.nam", "name"),
        (
            '{"os": "linux", "arch": "x86_64", "drivers": [{"vendor": "nvidia", "verson": "1"}]}',
            "drivers.verson",
            "version",
        ),
        ('{"os": "linux", "arch": "x86_64", "cpu": {"modell": "x"}}', "cpu.modell", "model"),
    ],
)
def test_an_unknown_key_of_a_machine_file_is_an_error_with_the_near_name(text, key, near):
    """At any depth: a misspelt key would give a plan for another machine."""
    with pytest.raises(UsageError) as raised:
        load_machine(text)
    assert key in str(raised.value)
    assert near in str(raised.value.hint)
