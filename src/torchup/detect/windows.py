"""Windows: CIM through PowerShell (wmic is gone since 24H2), the registry as a fallback.

Only named properties are read, as JSON: no output language or code page changes them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.catalog.gpus import PCI_VENDORS, load_gpu_table
from torchup.detect.intel import WINDOWS_LEVEL_ZERO, level_zero
from torchup.detect.linux import HYPERVISORS
from torchup.detect.parts import Part, Sourced, facts, sourced, string
from torchup.encoding import UNREADABLE
from torchup.model import Cpu, Driver, Gpu, Problem, Value, Vendor

if TYPE_CHECKING:
    from torchup.detect.surroundings import Surroundings

DISPLAY_CLASS = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class\\{4d36e968-e325-11ce-bfc1-08002be10318}"
SECURE_BOOT = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecureBoot\\State"
POWERSHELL_PLACES = (
    "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
    "C:\\Program Files\\PowerShell\\7\\pwsh.exe",
)
# One PowerShell for all questions: starting it costs half a second.
SCRIPT = (
    "[Console]::OutputEncoding=[Text.Encoding]::UTF8;$ErrorActionPreference='SilentlyContinue';"
    "@{video=@(Get-CimInstance Win32_VideoController|Select-Object Name,AdapterCompatibility,PNPDeviceID,DriverVersion,"
    "AdapterRAM,ConfigManagerErrorCode);"
    "cpu=@(Get-CimInstance Win32_Processor|Select-Object Name,NumberOfCores,NumberOfLogicalProcessors);"
    "os=Get-CimInstance Win32_OperatingSystem|Select-Object Version,FreePhysicalMemory;"
    "system=Get-CimInstance Win32_ComputerSystem|Select-Object Manufacturer,Model,HypervisorPresent}"
    "|ConvertTo-Json -Depth 4 -Compress"
)
UINT32_LIMIT = 4293918720  # AdapterRAM is 32 bits wide: 4 GiB less 1 MiB means "4 GiB or more"


class Adapter(Value, frozen=True, kw_only=True):
    """One display adapter of a known vendor."""

    vendor: Vendor
    name: str | None = None
    pci_id: str | None = None
    driver_version: str | None = None
    memory_bytes: int | None = None
    error_code: int | None = None  # ConfigManagerErrorCode: 0 works, 22 disabled, 28 no driver, 43 stopped


class Inventory(Value, frozen=True, kw_only=True):
    """What Windows says of itself."""

    adapters: tuple[Adapter, ...] = ()
    cpu: str | None = None
    version: str | None = None
    free_memory_bytes: int | None = None
    model: str | None = None
    secure_boot: bool | None = None
    source: str = "CIM"
    problems: tuple[Problem, ...] = ()


def parse_cim(text: str) -> Inventory | None:
    """The JSON of `SCRIPT`; ``None`` where it is not that. A single object may stand where a list is meant."""
    start = text.find("{")
    try:
        data = msgspec.json.decode(text[start:].strip()) if start >= 0 else None
    except UNREADABLE:
        return None
    if not isinstance(data, dict):
        return None
    adapters = [_adapter(row) for row in _rows(data.get("video"))]
    processor = next(iter(_rows(data.get("cpu"))), {})
    system = next(iter(_rows(data.get("os"))), {})
    computer = next(iter(_rows(data.get("system"))), {})
    free = system.get("FreePhysicalMemory")
    return Inventory(
        adapters=tuple(adapter for adapter in adapters if adapter is not None),
        cpu=string(processor.get("Name")),
        version=string(system.get("Version")),
        free_memory_bytes=free * 1024 if isinstance(free, int) and 0 < free < 1 << 40 else None,  # KiB
        model=" ".join(filter(None, (string(computer.get("Manufacturer")), string(computer.get("Model"))))) or None,
    )


def _rows(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        value = value.get("value", [value]) if "value" in value and "Count" in value else [value]
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _adapter(row: dict[str, Any]) -> Adapter | None:
    device = (string(row.get("PNPDeviceID")) or "").replace("&amp;", "&")
    ram, code = row.get("AdapterRAM"), row.get("ConfigManagerErrorCode")
    return make_adapter(
        name=string(row.get("Name")),
        device=device,
        maker=string(row.get("AdapterCompatibility")),
        driver_version=string(row.get("DriverVersion")),
        memory_bytes=ram if isinstance(ram, int) and 0 < ram < UINT32_LIMIT else None,
        error_code=code if isinstance(code, int) else None,
    )


def make_adapter(
    *, name: str | None, device: str, maker: str | None, driver_version: str | None, memory_bytes: int | None,
    error_code: int | None,
) -> Adapter | None:  # fmt: skip
    """An adapter, or ``None`` if it is not a GPU of a known vendor (remote display, basic display, DisplayLink)."""
    match = re.search(r"VEN_([0-9A-F]{4})&DEV_([0-9A-F]{4})", device.upper())
    vendor = PCI_VENDORS.get(match[1].lower()) if match else None
    if match is None and not device:
        said = f"{maker or ''} {name or ''}".lower()
        words = {"nvidia": Vendor.NVIDIA, "advanced micro": Vendor.AMD, "radeon": Vendor.AMD, "intel": Vendor.INTEL}
        vendor = next((vendor for word, vendor in words.items() if word in said), None)
    if vendor is None:
        return None
    return Adapter(
        vendor=vendor,
        name=name,
        pci_id=f"{match[1]}:{match[2]}".lower() if match else None,
        driver_version=driver_version,
        memory_bytes=memory_bytes,
        error_code=error_code,
    )


def parse_registry(text: str) -> tuple[Adapter, ...]:
    """``reg query`` of the display class, ``/s``: value names and types are the same in every language."""
    found = []
    for block in re.split(r"^(?=HKEY_LOCAL_MACHINE\\)", text, flags=re.MULTILINE):
        if not re.match(r"HKEY_LOCAL_MACHINE\\[^\n]*\}\\\d{4}\s*$", block.split("\n", 1)[0]):
            continue
        values = {
            name.strip(): value.strip()
            for name, value in re.findall(r"^ {4}(\S[^\n]{0,80}?) {4}REG_\w+ {4}([^\n]{0,400})$", block, re.MULTILINE)
        }
        adapter = make_adapter(
            name=values.get("DriverDesc"),
            device=values.get("MatchingDeviceId", ""),
            maker=values.get("ProviderName"),
            driver_version=values.get("DriverVersion"),
            memory_bytes=_qword(values.get("HardwareInformation.qwMemorySize")),
            error_code=None,
        )
        if adapter is not None and "MatchingDeviceId" in values:
            found.append(adapter)
    return tuple(found)


def _qword(text: str | None) -> int | None:
    match = re.fullmatch(r"0x([0-9a-f]{1,16})", (text or "").lower())
    return int(match[1], 16) or None if match else None


def nvidia_version(version: str | None) -> str | None:
    """``516.94`` from Windows' ``31.0.15.1694``: the last five digits."""
    digits = re.sub(r"\D", "", version or "")
    if not re.fullmatch(r"\d+\.\d+\.\d+\.\d+", version or "") or len(digits) < 6:  # noqa: PLR2004  # five digits and more
        return None
    return f"{int(digits[-5:-2])}.{digits[-2:]}"


def inventory(around: Surroundings, shell: str | None = None) -> Inventory:
    """Windows' answer, asked once for all probes: CIM, else the registry; memory sizes always from the registry.

    ``shell`` is the PowerShell to ask, else the machine's own.
    """
    return around.once("windows", lambda: _ask(around, shell))


def _ask(around: Surroundings, shell: str | None) -> Inventory:
    shell = shell or around.find("powershell", POWERSHELL_PLACES) or around.host.which("pwsh")
    powershell = [(shell, "-NoProfile", "-NonInteractive", "-Command", SCRIPT)] if shell else []
    keys, boot, *answers = around.run_all(
        ("reg", "query", DISPLAY_CLASS, "/s"),
        ("reg", "query", SECURE_BOOT, "/v", "UEFISecureBootEnabled"),
        *powershell,
    )
    registry, secure_boot = parse_registry(keys.stdout), parse_secure_boot(boot.stdout)
    problems: tuple[Problem, ...] = ()
    for completed in answers:
        answer = parse_cim(completed.stdout)
        if answer is not None:
            sizes = {adapter.pci_id: adapter.memory_bytes for adapter in registry if adapter.memory_bytes}
            adapters = tuple(
                msgspec.structs.replace(adapter, memory_bytes=sizes.get(adapter.pci_id) or adapter.memory_bytes)
                for adapter in answer.adapters
            )
            return msgspec.structs.replace(answer, adapters=adapters, secure_boot=secure_boot)
        code = "timeout" if completed.timed_out else "unreadable" if completed.stdout.strip() else "failed"
        problems = (Problem(probe="PowerShell", code=code, detail=completed.stderr.strip()[:200] or None),)
    return Inventory(adapters=registry, secure_boot=secure_boot, source="registry", problems=problems)


def probe_windows(around: Surroundings) -> Part:
    """The system, and the GPUs of AMD and Intel (NVIDIA's own tools know more of its cards)."""
    said = inventory(around)
    cores, threads = around.host.cpu_count()
    processor = said.cpu or around.platform.machine
    gpus, drivers = display_adapters(said, (Vendor.AMD, Vendor.INTEL))
    found = {
        **facts(
            said.source if said.version else "platform", os_version=said.version or around.platform.version or None
        ),
        **facts(said.source, cpu=Cpu(model=processor, cores=cores, threads=threads)),
        **facts(said.source, memory_available_bytes=said.free_memory_bytes, virtual_machine=_hypervisor(said.model)),
        **facts("registry", secure_boot=said.secure_boot),
    }
    if any(gpu.value.vendor == Vendor.INTEL for gpu in gpus):
        found |= level_zero(around.host, WINDOWS_LEVEL_ZERO)
    return Part(facts=found, gpus=gpus, drivers=drivers, problems=said.problems)


def display_adapters(
    said: Inventory, vendors: tuple[Vendor, ...]
) -> tuple[tuple[Sourced[Gpu], ...], tuple[Sourced[Driver], ...]]:
    """The adapters of some vendors as GPUs, and one driver a vendor."""
    gpus = []
    drivers: dict[Vendor, Sourced[Driver]] = {}
    for adapter in said.adapters:
        if adapter.vendor not in vendors:
            continue
        read = sourced(
            Gpu(vendor=adapter.vendor, name=adapter.name, pci_id=adapter.pci_id, memory_bytes=adapter.memory_bytes),
            said.source,
        )
        value, filled = load_gpu_table().fill(read.value)
        gpus.append(Sourced(value=value, sources=read.sources | filled))
        drivers.setdefault(adapter.vendor, sourced(_driver(adapter), said.source))
    return tuple(gpus), tuple(drivers.values())


# ConfigManagerErrorCode (Microsoft, "Error codes in Device Manager") -> problem code.
_DEVICE_ERRORS = {10: "not-started", 22: "disabled", 28: "not-loaded", 31: "not-loaded", 43: "stopped-by-windows"}


def _driver(adapter: Adapter) -> Driver:
    version = nvidia_version(adapter.driver_version) if adapter.vendor == Vendor.NVIDIA else adapter.driver_version
    code = adapter.error_code
    problem = _DEVICE_ERRORS.get(code, f"device-error-{code}") if code else None
    return Driver(vendor=adapter.vendor, version=version, loaded=True if code == 0 else None, problem=problem)


def _hypervisor(model: str | None) -> str | None:
    return next((name for word, name in HYPERVISORS if word in (model or "")), None)


def parse_secure_boot(text: str) -> bool | None:
    """The registry's ``UEFISecureBootEnabled``; machines without UEFI have no such value."""
    match = re.search(r"UEFISecureBootEnabled\s+REG_DWORD\s+0x([01])\b", text)
    return match[1] == "1" if match else None
