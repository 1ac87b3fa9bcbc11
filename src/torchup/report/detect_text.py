"""The machine as a table: fact, value, source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.i18n import render, text
from torchup.model import UNKNOWN, Message, message, verbatim
from torchup.report.style import Style, mark
from torchup.report.table import table

if TYPE_CHECKING:
    from torchup.model import Driver, Gpu, Machine, Problem

GIB = 1024**3
# What a driver's problem code means to a person; unknown codes show the tool's own words.
MEANINGS: dict[str, Message] = {
    "not-loaded": message("detect.problem.not-loaded", "the kernel driver is not loaded"),
    "library-version-mismatch": message(
        "detect.problem.library-version-mismatch",
        "the kernel driver and the libraries have different versions: reboot to finish the driver update",
    ),
    "no-permission": message("detect.problem.no-permission", "this user has no permission to use the GPU"),
    "gpu-lost": message(
        "detect.problem.gpu-lost", "the GPU no longer answers on the bus (a power or hardware fault): reboot"
    ),
    "no-devices": message("detect.problem.no-devices", "the driver sees no GPU"),
    "timeout": message("detect.problem.timeout", "the driver does not answer"),
    "blocked-by-os": message("detect.problem.blocked-by-os", "the operating system blocks access to the GPU"),
    "library-not-found": message("detect.problem.library-not-found", "the driver's library is not installed"),
    "reset-required": message("detect.problem.reset-required", "the GPU must be reset before use"),
    "not-in-container": message(
        "detect.problem.not-in-container", "the GPU is in the machine but was not passed into this container"
    ),
    "no-kfd": message("detect.problem.no-kfd", "the kernel offers no compute device (/dev/kfd)"),
    "kfd-error": message("detect.problem.kfd-error", "the compute device /dev/kfd cannot be opened"),
    "disabled": message("detect.problem.disabled", "the GPU is disabled in Device Manager"),
    "not-started": message("detect.problem.not-started", "Windows could not start the GPU"),
    "stopped-by-windows": message("detect.problem.stopped-by-windows", "Windows has stopped the GPU (code 43)"),
    "reserved-for-vm": message("detect.problem.reserved-for-vm", "the GPU is reserved for virtual machines"),
    "corrupted-inforom": message("detect.problem.corrupted-inforom", "the GPU's own configuration memory is damaged"),
    "insufficient-resources": message(
        "detect.problem.insufficient-resources", "the driver has run out of a resource other than memory"
    ),
    "gpu-not-found": message("detect.problem.gpu-not-found", "the driver finds no GPU"),
    "nvml-error": message("detect.problem.nvml-error", "the driver's management library (NVML) returned an error"),
}


# The sources that are words; the rest are names of files, tools and interfaces.
SOURCES: dict[str, Message] = {
    "operating system": message("detect.source.system", "operating system"),
    "file system of the data folder": message("detect.source.file-system", "file system of the data folder"),
    "PATH and usual places": message("detect.source.path", "PATH and the usual folders"),
    "usual places": message("detect.source.places", "usual folders"),
    "environment": message("detect.source.environment", "environment variable"),
    "firmware": message("detect.source.firmware", "firmware"),
    "kernel release": message("detect.source.kernel", "kernel release"),
    "registry": message("detect.source.registry", "registry"),
    "unified memory": message("detect.source.unified", "unified memory"),
    "GPU table by PCI id": message("detect.source.pci-id", "GPU table by PCI id"),
    "GPU table by name": message("detect.source.name", "GPU table by name"),
    "PCI bus": message("detect.source.pci", "PCI bus"),
}


def machine_text(machine: Machine, style: Style, *, verbose: bool = False) -> str:
    """Tables of the system, the GPUs and the drivers, and what a probe could not say."""
    headers = (
        text("detect.header.fact", "Fact"),
        text("detect.header.value", "Value"),
        text("detect.header.source", "Source"),
    )
    parts = [table(headers, machine_rows(machine, verbose=verbose), style)]
    if not machine.gpus:
        parts.append(text("detect.no-gpu", "No GPU was found: PyTorch runs on the processor."))
    parts += [f"{mark(style, 'warning')} {problem_line(problem)}" for problem in machine.problems]
    return "\n".join(parts)


def machine_rows(machine: Machine, *, verbose: bool = False) -> list[tuple[str, str, str]]:
    """Fact, value and source, as people read them; ``verbose`` names every Python."""
    rows = [*_system(machine), *_gpus(machine), *_drivers(machine), *_software(machine, verbose=verbose)]
    return [(fact, value, _source(source)) for fact, value, source in rows]


def _source(names: str) -> str:
    return ", ".join(render(SOURCES[name]) if name in SOURCES else name for name in names.split(", "))


def gib(size: int | None) -> str:
    """Bytes as ``23.6 GiB``, or that they are unknown."""
    return render(UNKNOWN) if size is None else f"{size / GIB:.1f} GiB"


def _known(count: int | None) -> object:
    """A number, or that it is unknown; zero is a number."""
    return UNKNOWN if count is None else count


def _system(machine: Machine) -> list[tuple[str, str, str]]:
    at = machine.sources.get
    name = " ".join(part for part in (machine.os.value, machine.distribution, machine.os_version) if part)
    rows = [(text("detect.fact.system", "System"), f"{name}, {machine.arch}", at("os_version") or at("os", ""))]
    if machine.kernel:
        rows.append((text("detect.fact.kernel", "Kernel"), machine.kernel, at("kernel", "")))
    if machine.libc:
        rows.append(
            (text("detect.fact.libc", "C library"), f"{machine.libc} {machine.glibc or ''}".strip(), at("libc", ""))
        )
    if machine.wsl:
        rows.append(("WSL", str(machine.wsl_version or render(UNKNOWN)), at("wsl", "")))
    if machine.container:
        passed = (
            text("detect.container.gpu", "GPU devices passed in")
            if machine.container_gpu
            else text("detect.container.no-gpu", "no GPU devices passed in")
        )
        rows.append((text("detect.fact.container", "Container"), f"{machine.container}, {passed}", at("container", "")))
    if machine.virtual_machine:
        rows.append((text("detect.fact.vm", "Virtual machine"), machine.virtual_machine, at("virtual_machine", "")))
    if machine.jetson:
        rows.append(("Jetson Linux", machine.jetson, at("jetson", "")))
    if machine.secure_boot is not None:
        state = text("detect.on", "on") if machine.secure_boot else text("detect.off", "off")
        rows.append((text("detect.fact.secure-boot", "Secure Boot"), state, at("secure_boot", "")))
    if machine.translated:
        translated = text("detect.translated", "this Python runs under Rosetta translation")
        rows.append(("Rosetta", translated, at("translated", "")))
    return [*rows, *_hardware(machine)]


def _hardware(machine: Machine) -> list[tuple[str, str, str]]:
    at = machine.sources.get
    cpu = machine.cpu
    counts = text(
        "detect.cpu.counts",
        "cores: {cores}, threads: {threads}",
        cores=cpu.cores or UNKNOWN,
        threads=cpu.threads or UNKNOWN,
    )
    memory = gib(machine.memory_bytes)
    if machine.memory_limit_bytes is not None:
        memory += ", " + text("detect.memory.limit", "limited to {size}", size=gib(machine.memory_limit_bytes))
    if machine.memory_available_bytes is not None:
        memory += ", " + text("detect.memory.available", "{size} available", size=gib(machine.memory_available_bytes))
    features = [(text("detect.fact.features", "Instruction sets"), " ".join(cpu.features), at("cpu", ""))]
    return [
        (text("detect.fact.cpu", "Processor"), f"{cpu.model or render(UNKNOWN)} ({counts})", at("cpu", "")),
        *(features if cpu.features else []),
        (text("detect.fact.memory", "Memory"), memory, at("memory_bytes", "")),
        (text("detect.fact.disk", "Free disk space"), gib(machine.disk_free_bytes), at("disk_free_bytes", "")),
    ]


def _gpus(machine: Machine) -> list[tuple[str, str, str]]:
    rows = []
    for index, gpu in enumerate(machine.gpus):
        prefix = f"gpus.{index}."
        used = {source for name, source in machine.sources.items() if name.startswith(prefix)}
        rows.append((f"GPU {index}", _gpu(gpu), ", ".join(sorted(used))))
    return rows


def _gpu(gpu: Gpu) -> str:
    parts = [gpu.name or f"{gpu.vendor.value} {gpu.pci_id or render(UNKNOWN)}"]
    if gpu.compute_capability:
        parts.append(text("detect.gpu.capability", "compute capability {value}", value=gpu.compute_capability))
    parts += [part for part in (gpu.gfx, gpu.architecture) if part]
    if gpu.memory_bytes:
        parts.append(gib(gpu.memory_bytes))
    if gpu.cores:
        parts.append(text("detect.gpu.cores", "{count} cores", count=gpu.cores))
    if gpu.integrated:
        parts.append(text("detect.gpu.integrated", "integrated"))
    if gpu.xpu is False:
        parts.append(text("detect.gpu.no-xpu", "not usable by PyTorch"))
    if gpu.mig_mode == "enabled":
        parts.append(text("detect.gpu.mig", "MIG on, instances: {count}", count=_known(gpu.mig_instances)))
    if gpu.compute_mode not in {None, "default"}:
        parts.append(text("detect.gpu.compute-mode", "compute mode {mode}", mode=gpu.compute_mode))
    if gpu.virtual:
        parts.append(gpu.virtual)
    return ", ".join(parts)


def _drivers(machine: Machine) -> list[tuple[str, str, str]]:
    rows = []
    for index, driver in enumerate(machine.drivers):
        prefix = f"drivers.{index}."
        used = {source for name, source in machine.sources.items() if name.startswith(prefix)}
        title = text("detect.fact.driver", "Driver ({vendor})", vendor=driver.vendor.value)
        rows.append((title, _driver(driver), ", ".join(sorted(used))))
    return rows


def _driver(driver: Driver) -> str:
    parts = [part for part in (driver.version, driver.flavor) if part]
    if driver.cuda_api:
        parts.append(text("detect.driver.cuda", "supports CUDA up to {version}", version=driver.cuda_api))
    if driver.loaded is False:
        parts.append(text("detect.driver.not-loaded", "not loaded"))
    if driver.problem:
        parts.append(meaning(driver.problem, driver.detail))
    return ", ".join(parts) or render(UNKNOWN)


def meaning(problem: str, detail: str | None) -> str:
    """What a driver's problem means, in words."""
    known = MEANINGS.get(problem)
    return render(known) if known else render(verbatim(detail or problem))


def _software(machine: Machine, *, verbose: bool) -> list[tuple[str, str, str]]:
    at = machine.sources.get
    rows = []
    if machine.rocm_version:
        rows.append(("ROCm", machine.rocm_version, at("rocm_version", "")))
    if machine.level_zero is not None:
        state = text("detect.present", "present") if machine.level_zero else text("detect.absent", "absent")
        rows.append(("Level Zero", state, at("level_zero", "")))
    shown = machine.pythons if verbose else machine.pythons[:6]
    for python in shown:
        flags = [python.kind, *([f"{python.bits} bit"] if python.bits == 32 else [])]  # noqa: PLR2004  # the case that matters
        flags += [python.arch] if python.arch and python.arch != machine.arch else []
        flags += [text("detect.python.free-threaded", "free-threaded")] if python.free_threaded else []
        flags += [python.implementation] if python.implementation != "CPython" else []
        rows.append((f"Python {python.version}", python.path, ", ".join(flags)))
    if len(machine.pythons) > len(shown):
        more = text("detect.python.more", "{count} more (shown with -v)", count=len(machine.pythons) - len(shown))
        rows.append(("Python", more, ""))
    rows += [
        (tool.name, f"{tool.version or render(UNKNOWN)}  {tool.path or ''}".rstrip(), at("tools", ""))
        for tool in machine.tools
    ]
    for node in machine.device_nodes:
        state = (
            text("detect.node.usable", "this user has access")
            if node.readable and node.writable
            else text("detect.node.forbidden", "this user lacks read or write access")
        )
        rows.append((node.path, state, at("device_nodes", "")))
    rows += [(name, value, at("environment", "")) for name, value in machine.environment.items()]
    return rows


def problem_line(problem: Problem) -> str:
    """What a probe could not say, and why."""
    said = text("detect.probe-failed", "{probe}: {code}", probe=problem.probe, code=problem.code)
    return said + (f" ({render(verbatim(problem.detail))})" if problem.detail else "")
