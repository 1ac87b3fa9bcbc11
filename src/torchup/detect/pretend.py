"""Pretend to be another machine: ``--machine FILE`` reads one, ``--assume KEY=VALUE`` changes the present one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import msgspec.inspect

from torchup.catalog.gpus import GIB, load_gpu_table
from torchup.catalog.versions import version_key
from torchup.encoding import UNREADABLE, decode_problem, from_builtins
from torchup.errors import UsageError
from torchup.model import ComputeCapability, Driver, Gpu, Machine, Os, Vendor, message
from torchup.near_names import did_you_mean
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.catalog.gpus import GpuTable
    from torchup.model import Message

SOURCE = "assumed"
UNSAID = "unsaid"  # source of "drivers" of a machine that somebody imagined without naming one
_ARCH = {Os.LINUX: "x86_64", Os.WINDOWS: "x86_64", Os.MACOS: "arm64"}
_ARCH_NAMES = {"amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64"}
# What belongs to one machine and says nothing of another with other GPUs.
_OF_THE_MACHINE = (
    "container", "container_gpu", "virtual_machine", "python", "pythons", "memory_bytes", "memory_available_bytes",
    "memory_limit_bytes", "disk_free_bytes", "device_nodes", "environment", "tools", "problems", "secure_boot",
    "rocm_version", "level_zero",
)  # fmt: skip
_DISTRIBUTIONS = {"ubuntu", "debian", "fedora", "rhel", "rocky", "alma", "arch", "centos", "alpine", "opensuse"}
_NAMED_SYSTEM = lazy_pattern(r"([a-z]+)[ -]?(\d{1,2}(?:\.\d{1,2}){0,2})?")  # "win11", "Ubuntu 24.04", "macOS 15.5"
_OS_NAMES = {"win": "windows", "win32": "windows", "darwin": "macos", "mac": "macos", "osx": "macos"}
_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": GIB, "t": 1024 * GIB}
# What says something of one operating system's installation and not of another's.
_OF_THE_SYSTEM = (
    "os_version", "distribution", "kernel", "libc", "glibc", "wsl", "wsl_version", "container", "container_gpu",
    "virtual_machine", "translated", "secure_boot", "jetson", "python", "pythons", "gpus", "drivers", "rocm_version",
    "level_zero", "device_nodes", "environment", "tools", "problems", "disk_free_bytes",
)  # fmt: skip


def load_machine(text: str) -> Machine:
    """A machine from the JSON of ``torchup detect --json`` (the whole envelope, its data, or the machine alone).

    GPUs that name themselves but not their architecture are filled from the table of GPUs. Raises `UsageError`.
    """
    try:
        data = msgspec.json.decode(text)
    except UNREADABLE as error:
        raise _invalid(
            message("pretend.not-json", "the machine file cannot be read: {reason}", reason=decode_problem(error))
        ) from error
    for key in ("data", "machine"):
        if isinstance(data, dict) and isinstance(data.get(key), dict):
            data = data[key]
    if not isinstance(data, dict):
        raise _invalid(message("pretend.not-object", "the machine file does not contain a JSON object"))
    _refuse_unknown(data, Machine)
    try:
        machine = from_builtins(_spelled(data), Machine)
    except msgspec.ValidationError as error:
        said = message("pretend.invalid", "the machine file is not valid: {reason}", reason=decode_problem(error))
        raise _invalid(said) from error
    machine = _checked(machine)
    if machine.gpus and "drivers" not in data:
        machine = _driver_unsaid(machine)
    return _filled(machine, load_gpu_table())


def _refuse_unknown(data: dict[str, Any], kind: type[msgspec.Struct], where: str = "") -> None:
    """An unknown key is an error with the near name: ``gpu`` for ``gpus`` would give a plan for a machine without any.

    Raises:
        UsageError: the first such key.
    """
    described = msgspec.inspect.type_info(kind)
    fields = {field.name: field.type for field in getattr(described, "fields", ())}
    for key, value in data.items():
        if key not in fields:
            text = message("pretend.unknown-field", "the machine file has an unknown key `{key}`", key=f"{where}{key}")
            keys = message("pretend.keys", "use one of the keys {keys}", keys=", ".join(fields))
            raise UsageError(text, hint=did_you_mean(key, fields) or keys)
        inner = getattr(fields[key], "item_type", fields[key])
        if isinstance(inner, msgspec.inspect.StructType):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict):
                    _refuse_unknown(item, inner.cls, f"{where}{key}.")


def _checked(machine: Machine) -> Machine:
    """The machine with drivers numbered as NVIDIA numbers them; an invalid version or capability is an error."""
    drivers = tuple(_driver_as_named(driver, machine.os) for driver in machine.drivers)
    for name, number in _amounts(machine):
        if number is not None and not 0 <= number < _LARGEST:
            raise _invalid(_no_number(name, str(number)[:40]))
    said = {"glibc": machine.glibc, "python": machine.python}
    for number, driver in enumerate(drivers):
        if driver.vendor is Vendor.NVIDIA:
            said |= {f"drivers.{number}.version": driver.version, f"drivers.{number}.cuda_api": driver.cuda_api}
    for name, value in said.items():
        if value is not None and not version_key(value):
            raise _invalid(_no_number(name, value))
    for number, gpu in enumerate(machine.gpus):
        if gpu.compute_capability is not None and gpu.capability is None:
            raise _invalid(_no_number(f"gpus.{number}.compute_capability", gpu.compute_capability))
    return msgspec.structs.replace(machine, drivers=drivers, jetson=_l4t(machine.jetson))


_LARGEST = 1 << 60  # bytes, cores: no machine has so many


def _amounts(machine: Machine) -> Iterator[tuple[str, int | None]]:
    """(field, number) of everything that is counted."""
    for name in ("memory_bytes", "memory_available_bytes", "memory_limit_bytes", "disk_free_bytes"):
        yield name, getattr(machine, name)
    yield "cpu.cores", machine.cpu.cores
    yield "cpu.threads", machine.cpu.threads
    for index, gpu in enumerate(machine.gpus):
        yield f"gpus.{index}.memory_bytes", gpu.memory_bytes


def _no_number(name: str, value: str) -> Message:
    return message(
        "pretend.not-a-number",
        "the value of `{key}` is not a valid number or version: `{value}`",
        key=name,
        value=value,
    )


def _driver_as_named(driver: Driver, system: Os) -> Driver:
    """A driver by NVIDIA's number, where Windows' own (``31.0.15.1694`` for 516.94) was given."""
    if (system, driver.vendor) != (Os.WINDOWS, Vendor.NVIDIA):
        return driver
    from torchup.detect.windows import nvidia_version  # noqa: PLC0415  # only for drivers of Windows

    named = nvidia_version(driver.version)
    return msgspec.structs.replace(driver, version=named) if named else driver


def _l4t(release: str | None) -> str | None:
    """``36.4.3`` from ``R36.4.3``, as NVIDIA writes releases of Jetson Linux."""
    return re.sub(r"^[rR](?=\d)", "", release) if release else release


def assume(base: Machine, items: Sequence[str], table: GpuTable | None = None) -> Machine:
    """The base machine changed by ``KEY=VALUE`` items; several may share one item, parted by commas.

    ``gpu`` may come several times; ``driver``, ``cuda``, ``cc``, ``gfx`` and ``gpu_memory`` speak of the GPUs. Another
    ``os`` or ``arch`` forgets what belongs to the present installation. Raises `UsageError`.
    """
    table = table or load_gpu_table()
    pairs = [pair for item in items for pair in split_item(item)]
    pairs = [(key, name) for key, value in pairs for name in (_several(value) if key == "gpu" else (value,))]
    if "os" not in dict(pairs) and any(key == "gpu" and _apple_chip(value) for key, value in pairs):
        pairs.append(("os", "macos"))
    if not {"os", "arch"} & dict(pairs).keys() and any(_is_jetson(key, value) for key, value in pairs):
        pairs += [("os", "linux"), ("arch", "aarch64")]  # no other Jetson was ever made
    machine = _moved(base, pairs)
    said = dict(pairs)
    vendor = Vendor.NVIDIA if {"cc", "compute_capability"} & said.keys() else Vendor.AMD if "gfx" in said else None
    gpus = [_gpu(value, table, vendor) for key, value in pairs if key == "gpu" and value.lower() != "none"]
    if vendor is not None and not any(gpu.vendor == vendor for gpu in machine.gpus) and "gpu" not in said:
        gpus = [Gpu(vendor=vendor)]  # a capability or target alone describes a card without a name
    if any(key == "gpu" for key, _ in pairs) or gpus:
        machine = _with_gpus(machine, gpus)
    for key, value in pairs:
        if key not in {"gpu", "os", "arch"}:
            machine = _KEYS[key](machine, key, value)
    if gpus and not {"driver", "cuda", "cuda_api"} & said.keys():
        machine = _driver_unsaid(machine)
    return _filled(machine, table)


def _driver_unsaid(machine: Machine) -> Machine:
    """Remember that the driver of an imagined machine is unknown: unknown is not absent."""
    if machine.drivers:
        return machine
    return msgspec.structs.replace(machine, sources=machine.sources | {"drivers": UNSAID})


def split_item(item: str) -> list[tuple[str, str]]:
    """``driver=550.54,gpu="RTX 4090"`` as pairs; quotes protect commas; raises `UsageError` for what is not one."""
    pairs = []
    for part in re.findall(r"""(?:[^,"']|"[^"]*"|'[^']*'|["'])+""", item):
        key, equals, value = part.partition("=")
        key = key.strip().lower().replace("-", "_")
        value = value.strip().strip("\"'").strip()
        if not equals or not value:
            raise _wrong(message("pretend.no-value", "`{part}` is not KEY=VALUE", part=part.strip()))
        if key not in _KEYS:
            raise _unknown_key(key)
        pairs.append((key, value))
    if not pairs:
        raise _wrong(message("pretend.empty", "`{item}` contains no assumption", item=item))
    return pairs


def _unknown_key(key: str) -> UsageError:
    text = message("pretend.unknown-key", "`{key}` cannot be assumed", key=key)
    keys = message("pretend.keys", "use one of the keys {keys}", keys=", ".join(_KEYS))
    return _wrong(text, did_you_mean(key, _KEYS) or keys)


def _moved(base: Machine, pairs: Sequence[tuple[str, str]]) -> Machine:
    """The base on another operating system or processor, without what only the present installation has.

    Who names the operating system means a machine of that kind, not this one, also where this one has the same.
    """
    said = dict(pairs)
    system, arch = base.os, base.arch
    named: dict[str, object] = {}
    if "os" in said:
        system, named = _system(said["os"])
        arch = arch if system == base.os else _ARCH[system]
    if "arch" in said:
        arch = _ARCH_NAMES.get(said["arch"].lower(), said["arch"].lower())
    if "os" not in said and arch == base.arch:
        return base
    blank = Machine(os=system, arch=arch)
    gone = _OF_THE_SYSTEM if arch == base.arch else (*_OF_THE_SYSTEM, "cpu")
    sources = {k: v for k, v in base.sources.items() if k.split(".")[0] not in {*gone, "os", "arch"}}
    return msgspec.structs.replace(
        base,
        os=system,
        arch=arch,
        sources=sources | {"os": SOURCE, "arch": SOURCE},
        **{name: getattr(blank, name) for name in gone} | named,
    )


def _system(said: str) -> tuple[Os, dict[str, object]]:
    """The operating system and what else its name says: ``win11``, ``macOS 15.5``, ``Ubuntu 24.04``, ``wsl2``."""
    match = _NAMED_SYSTEM.fullmatch(said.strip().lower())
    word, version = match.groups() if match else (said.lower(), None)
    if word == "wsl":
        return Os.LINUX, {"wsl": True}
    if word in _DISTRIBUTIONS:
        return Os.LINUX, {"distribution": word, "os_version": version, "glibc": None}
    name = _OS_NAMES.get(word, word)
    if name not in set(Os):
        raise _wrong(
            message(
                "pretend.os",
                "`{value}` is not linux, windows, macos, wsl or a Linux distribution that torchup knows",
                value=said,
            )
        )
    return Os(name), {"os_version": version} if version else {}


def _several(value: str) -> tuple[str, ...]:
    """``4x H100`` four times; a name alone once."""
    match = re.fullmatch(r"([1-9]|1[0-6])\s*[x\u00d7*]\s*(\S.*)", value, re.IGNORECASE)
    return (match[2],) * int(match[1]) if match else (value,)


def _is_jetson(key: str, value: str) -> bool:
    return key == "jetson" or (key == "gpu" and value.strip().lower().startswith("jetson"))


def _apple_chip(name: str) -> str | None:
    """``Apple M1 Max`` from ``m1 max``."""
    match = re.fullmatch(r"(?:apple\s+)?(m[1-9](?:\s+(?:pro|max|ultra))?)", name, re.IGNORECASE)
    return f"Apple {match[1].title()}" if match else None


def _gpu(name: str, table: GpuTable, vendor: Vendor | None) -> Gpu:
    """A GPU by product name or PCI id; one that the table does not know is taken where its target is given too."""
    if chip := _apple_chip(name):  # before the table: NVIDIA's M4 and M6 are called Tesla M4 and M6
        return Gpu(vendor=Vendor.APPLE, name=chip, integrated=True)
    row = table.by_pci(name) if re.fullmatch(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{4}", name) else table.by_name(name)
    if row is None and vendor is not None:
        return Gpu(vendor=vendor, name=name)
    if row is None:
        text = message(
            "pretend.gpu", "the GPU table does not have `{name}`, or several chips have that name", name=name
        )
        near = ", ".join(table.near(name))
        hint = message("pretend.gpu.near", "did you mean {names}?", names=near) if near else None
        raise _wrong(text, hint or message("pretend.gpu.hint", "write the full product name, or use --machine FILE"))
    return Gpu(
        vendor=row.vendor,
        name=name if ":" not in name else row.name,
        compute_capability=row.compute_capability,
        gfx=row.gfx,
        memory_bytes=row.memory_bytes,
        integrated=row.integrated,
        architecture=row.architecture,
        xpu=row.xpu,
    )


def _with_gpus(machine: Machine, gpus: Sequence[Gpu]) -> Machine:
    """Other GPUs; drivers of vendors that are gone go too, and with no GPU the GPU's surroundings."""
    vendors = {gpu.vendor for gpu in gpus}
    drivers = tuple(driver for driver in machine.drivers if driver.vendor in vendors)
    sources = {k: v for k, v in machine.sources.items() if not k.startswith(("gpus.", "drivers."))}
    sources |= {
        f"gpus.{number}.{name}": SOURCE if name == "name" else "GPU table by name"
        for number, gpu in enumerate(gpus)
        for name in ("name", "compute_capability", "gfx", "memory_bytes")
        if getattr(gpu, name) is not None
    }
    sources |= {f"drivers.{number}.version": SOURCE for number in range(len(drivers))}
    blank = Machine(os=machine.os, arch=machine.arch)
    return msgspec.structs.replace(
        machine,
        gpus=tuple(gpus),
        drivers=drivers,
        sources={k: v for k, v in sources.items() if k.split(".")[0] not in _OF_THE_MACHINE},
        **{name: getattr(blank, name) for name in _OF_THE_MACHINE},
    )


def _field(machine: Machine, key: str, value: str) -> Machine:
    """A plain field, read as its type in `Machine`."""
    name = {"memory": "memory_bytes", "disk": "disk_free_bytes", "rocm": "rocm_version"}.get(key, key)
    parsed: Any = value
    if name.endswith("_bytes"):
        parsed = size(value)
    elif isinstance(getattr(Machine(os=Os.LINUX, arch=""), name), bool) or name in {"container_gpu", "level_zero"}:
        parsed = _truth(value)
    elif name == "container" and value.lower() == "none":
        parsed = None
    elif name == "jetson":
        parsed = _l4t(value)
    elif name in {"glibc", "python"} and not version_key(value):
        raise _wrong(message("pretend.version", "`{value}` is not a version number", value=value))
    sources = machine.sources | {name: SOURCE}
    if name == "python":
        extra: dict[str, Any] = {"pythons": ()}  # this one is there, whatever else the present machine has
        return msgspec.structs.replace(machine, python=parsed, **extra, sources=sources)
    extra = {"libc": "glibc"} if name == "glibc" else {"glibc": None} if (name, value) == ("libc", "musl") else {}
    return msgspec.structs.replace(machine, **{name: parsed}, **extra, sources=sources)


def _driver(machine: Machine, key: str, value: str) -> Machine:
    """The version of the driver of the first GPU's vendor (NVIDIA's where there is none), or the CUDA it serves."""
    vendor = machine.gpus[0].vendor if machine.gpus else Vendor.NVIDIA
    if key == "driver" and value.lower() == "none":
        others = tuple(driver for driver in machine.drivers if driver.vendor != vendor)
        return msgspec.structs.replace(machine, drivers=others)
    old = machine.driver(vendor) or Driver(vendor=vendor, loaded=True)
    if not re.fullmatch(r"\d{1,4}(\.\d{1,5}){0,3}", value):
        raise _wrong(message("pretend.version", "`{value}` is not a version number", value=value))
    if key == "driver":
        # Another driver serves another CUDA: what the present one serves is forgotten unless it is given too.
        new = msgspec.structs.replace(old, version=value, cuda_api=None, problem=None, detail=None)
        new = _driver_as_named(new, machine.os)
    else:
        new = msgspec.structs.replace(old, cuda_api=value)
    others = tuple(driver for driver in machine.drivers if driver.vendor != vendor)
    field = "version" if key == "driver" else "cuda_api"
    sources = {k: v for k, v in machine.sources.items() if not k.startswith("drivers.0.")}
    return msgspec.structs.replace(machine, drivers=(new, *others), sources=sources | {f"drivers.0.{field}": SOURCE})


def _of_gpus(machine: Machine, key: str, value: str) -> Machine:
    """A property of every GPU."""
    name = {"cc": "compute_capability", "gpu_memory": "memory_bytes"}.get(key, key)
    if not machine.gpus:
        raise _wrong(message("pretend.no-gpu", "`{key}` needs a GPU: add gpu=NAME", key=key))
    if name == "compute_capability":
        parsed: Any = ComputeCapability.parse(value)
        if parsed is None:
            raise _wrong(
                message("pretend.capability", "`{value}` is not a compute capability such as 8.9", value=value)
            )
        parsed = str(parsed)
    else:
        parsed = size(value) if name == "memory_bytes" else value.lower()
    sources = machine.sources | {f"gpus.{number}.{name}": SOURCE for number in range(len(machine.gpus))}
    gpus = tuple(msgspec.structs.replace(gpu, **{name: parsed}) for gpu in machine.gpus)
    return msgspec.structs.replace(machine, gpus=gpus, sources=sources)


def _keep(machine: Machine, key: str, value: str) -> Machine:
    del key, value
    return machine


_KEYS = {
    **dict.fromkeys(("os", "arch", "gpu"), _keep),  # read before the others
    **dict.fromkeys(("driver", "cuda", "cuda_api"), _driver),
    **dict.fromkeys(("compute_capability", "cc", "gfx", "gpu_memory"), _of_gpus),
    **dict.fromkeys(
        (
            *("os_version", "distribution", "kernel", "libc", "glibc", "wsl", "container", "container_gpu"),
            *("virtual_machine", "translated", "secure_boot", "jetson", "python", "memory", "memory_bytes", "disk"),
            *("disk_free_bytes", "rocm", "rocm_version", "level_zero"),
        ),
        _field,
    ),
}


def size(text: str) -> int:
    """``24``, ``24GB``, ``24 GiB`` or ``512M`` in bytes; a bare number below 4096 is GiB, as people say it."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?", text.strip().lower())
    if match is None or len(match[1]) > 15:  # noqa: PLR2004  # digits; more bytes than any machine has
        raise _wrong(message("pretend.size", "`{value}` is not a size such as 24GB", value=text))
    number = float(match[1])
    bare_gib = not match[2] and number < 4096  # noqa: PLR2004  # no machine has that few bytes
    return round(number * (GIB if bare_gib else _UNITS[match[2]]))


def _truth(text: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
    if text.lower() not in words:
        raise _wrong(message("pretend.truth", "`{value}` is neither true nor false", value=text))
    return words[text.lower()]


def _spelled(data: dict[str, Any]) -> dict[str, Any]:
    """Spellings that people use for the operating system and processor."""
    changed = dict(data)
    for key, names in (("os", _OS_NAMES), ("arch", _ARCH_NAMES)):
        if isinstance(data.get(key), str):
            changed[key] = names.get(data[key].lower(), data[key])
    if "arch" not in changed and changed.get("os") in set(Os):
        raise _invalid(
            message("pretend.no-arch", "the machine file does not contain `arch`; it must contain `os` and `arch`")
        )
    return changed


def _filled(machine: Machine, table: GpuTable) -> Machine:
    """Architecture and the like of GPUs that only name themselves."""
    gpus, sources = [], dict(machine.sources)
    for number, gpu in enumerate(machine.gpus):
        value, filled = table.fill(gpu)
        gpus.append(value)
        sources |= {f"gpus.{number}.{name}": source for name, source in filled.items()}
    return msgspec.structs.replace(machine, gpus=tuple(gpus), sources=sources)


def _wrong(text: Message, hint: Message | None = None) -> UsageError:
    example = message("pretend.hint", 'type, for example, --assume driver=550.54,gpu="RTX 4090",os=windows')
    return UsageError(text, hint=hint or example)


def _invalid(text: Message) -> UsageError:
    return UsageError(
        text, hint=message("pretend.machine.hint", "run `torchup detect --json` to see what a machine file contains")
    )
