"""AMD: KFD and PCI from sysfs first (no ROCm needed), then rocminfo, amd-smi, rocm-smi for names; ROCm's version."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from torchup.catalog.gpus import load_gpu_table
from torchup.detect import amd_tools, kfd
from torchup.detect.linux import container_kind
from torchup.detect.parts import Part, Sourced, facts, fill, sourced
from torchup.host.threads import Pool
from torchup.model import DeviceNode, Driver, Fact, Gpu, Problem, Vendor

if TYPE_CHECKING:
    from torchup.detect.surroundings import Surroundings

ROCM = "/opt/rocm"


def probe_amd(around: Surroundings) -> Part:
    """AMD's GPUs, their driver, the device nodes and ROCm's version (Linux, WSL)."""
    host = around.host
    devices = [device for device in around.pci if device.vendor_id == "1002"]
    nodes = kfd.read_nodes(host)
    rocminfo = around.find("rocminfo", (f"{ROCM}/bin/rocminfo",))
    if not (devices or nodes or rocminfo or host.is_dir(ROCM)):
        return Part()
    gpus = _from_kfd(around, nodes) or [
        sourced(Gpu(vendor=Vendor.AMD, pci_id=d.pci_id, memory_bytes=_vram(around, d.slot)), "PCI bus") for d in devices
    ]
    with Pool(max_workers=1) as pool:  # its programs wait beside those that name the GPUs
        asked = pool.submit(_rocm_version, around)
        gpus, problems, said = _from_tools(around, gpus, rocminfo)
        versions, version_problem = asked.result()
    device_nodes = _device_nodes(around) if gpus or said else ()
    return Part(
        facts=versions | (facts("/dev", device_nodes=device_nodes) if device_nodes else {}),
        gpus=tuple(_completed(gpu) for gpu in gpus),
        drivers=_driver(around, said, device_nodes, has_gpu=bool(gpus)),
        problems=(*problems, *version_problem),
    )


def _from_kfd(around: Surroundings, nodes: tuple[kfd.KfdNode, ...]) -> list[Sourced[Gpu]]:
    found = []
    for node in nodes:
        gpu = Gpu(
            vendor=Vendor.AMD,
            gfx=node.gfx,
            memory_bytes=node.memory_bytes,
            pci_id=f"1002:{node.device_id:04x}",
            integrated=True if node.has_cpu else None,
        )
        vram = sourced(Gpu(vendor=Vendor.AMD, memory_bytes=_vram(around, node.slot)), "mem_info_vram_total")
        found.append(fill(sourced(gpu, "KFD topology"), vram))
    return found


def _vram(around: Surroundings, slot: str) -> int | None:
    text = (around.host.read_text(f"/sys/bus/pci/devices/{slot}/mem_info_vram_total", 32) or "").strip()
    return int(text) if text.isdecimal() and int(text) > 0 else None


def _from_tools(
    around: Surroundings, gpus: list[Sourced[Gpu]], rocminfo: str | None
) -> tuple[list[Sourced[Gpu]], list[Problem], tuple[str, str] | None]:
    """Names and, where sysfs has nothing (WSL), the GPUs themselves. amd-smi and rocm-smi only where rocminfo fails."""
    problems: list[Problem] = []
    said = None
    asked: list[tuple[str, tuple[str, ...]]] = [("rocminfo", (rocminfo,))] if rocminfo else []
    for name, arguments in (("amd-smi", ("static", "--json")), ("rocm-smi", ("-a", "--json"))):
        if path := around.find(name, (f"{ROCM}/bin/{name}",)):
            asked.append((name, (path, *arguments)))
    for name, argv in asked:
        if gpus and all(gpu.value.name and gpu.value.gfx for gpu in gpus):
            break
        completed = around.run(*argv)
        if completed.timed_out:
            problems.append(Problem(probe=name, code="timeout", detail=f"no answer in {around.timeout:g} s"))
            break  # the others ask the same driver: the limit is paid once
        output = completed.stdout + "\n" + completed.stderr
        found = [sourced(gpu, name) for gpu in _parse(name, completed.stdout)]
        said = said or (amd_tools.complaint(output) if not found else None)
        gpus = _merged(gpus, found)
    return gpus, problems, said


def _parse(name: str, text: str) -> tuple[Gpu, ...]:
    if name == "rocminfo":
        return amd_tools.parse_rocminfo(text)
    return amd_tools.parse_amd_smi(text) if name == "amd-smi" else amd_tools.parse_rocm_smi(text)[0]


def _merged(gpus: list[Sourced[Gpu]], found: list[Sourced[Gpu]]) -> list[Sourced[Gpu]]:
    """Fill by position where both see the same number of GPUs, else by PCI id."""
    if not gpus:
        return found
    if len(gpus) == len(found):
        return [fill(old, new) for old, new in zip(gpus, found, strict=True)]
    by_id = {new.value.pci_id: new for new in found if new.value.pci_id}
    return [fill(old, by_id.get(old.value.pci_id or "")) for old in gpus]


def _completed(gpu: Sourced[Gpu]) -> Sourced[Gpu]:
    value, filled = load_gpu_table().fill(gpu.value)
    if value.integrated is None:  # a target that only APUs have
        value = msgspec.structs.replace(value, integrated=False)
    return Sourced(value=value, sources=gpu.sources | filled)


def _device_nodes(around: Surroundings) -> tuple[DeviceNode, ...]:
    host = around.host
    names = [f"/dev/dri/{name}" for name in host.list_dir("/dev/dri") or () if name.startswith("renderD")]
    found = []
    for path in ("/dev/kfd", *names):
        allowed = host.access(path)
        if allowed is not None:
            found.append(DeviceNode(path=path, readable=allowed[0], writable=allowed[1]))
    return tuple(found)


def _driver(
    around: Surroundings, said: tuple[str, str] | None, nodes: tuple[DeviceNode, ...], *, has_gpu: bool
) -> tuple[Sourced[Driver], ...]:
    host = around.host
    loaded = host.is_dir("/sys/module/amdgpu") or None
    version = (host.read_text("/sys/module/amdgpu/version", 64) or "").strip() or None
    problem, detail, source = (*said, "rocminfo") if said else (None, None, "")
    kfd_node = next((node for node in nodes if node.path == "/dev/kfd"), None)
    if kfd_node is not None and not (kfd_node.readable and kfd_node.writable):
        problem, detail, source = "no-permission", "/dev/kfd is not open to this user", "/dev/kfd"
    elif has_gpu and not loaded and not host.exists("/dev/dxg"):
        problem, detail, source = "not-loaded", "the amdgpu module is not loaded", "/sys/module"
    elif has_gpu and kfd_node is None and not host.exists("/dev/dxg"):
        problem = "not-in-container" if container_kind(host)[0] else "no-kfd"
        detail, source = "there is no /dev/kfd", "/dev"
    if not (loaded or problem):
        return ()
    driver = Driver(vendor=Vendor.AMD, version=version, flavor="amdgpu" if loaded else None, loaded=bool(loaded))
    trouble = sourced(Driver(vendor=Vendor.AMD, problem=problem, detail=detail), source)
    return (fill(sourced(driver, "/sys/module/amdgpu"), trouble),)


def _rocm_version(around: Surroundings) -> tuple[dict[str, Fact[str]], tuple[Problem, ...]]:
    """The highest version that any source names; where they disagree, all of them as a problem."""
    found = dict(_rocm_sources(around))
    if not found:
        return {}, ()
    source = max(found, key=lambda name: _comparable(found[name]))
    short = {".".join(version.split(".")[:2]) for version in found.values()}
    problems: tuple[Problem, ...] = ()
    if len(short) > 1:
        listed = ", ".join(f"{version} ({name})" for name, version in found.items())
        problems = (Problem(probe="rocm version", code="disagreement", detail=listed),)
    return facts(source, rocm_version=found[source]), problems


def _rocm_sources(around: Surroundings) -> list[tuple[str, str]]:
    host = around.host
    found = []
    folders = [ROCM, *(f"/opt/{name}" for name in host.list_dir("/opt") or () if re.fullmatch(r"rocm-\d[\w.]*", name))]
    for folder in folders:
        path = f"{folder}/.info/version"
        if version := amd_tools.parse_rocm_version(host.read_text(path, 128) or ""):
            found.append((path, version))
    commands: dict[str, tuple[str, ...]] = {}
    if hipconfig := around.find("hipconfig", (f"{ROCM}/bin/hipconfig",)):
        commands["hipconfig"] = (hipconfig, "--version")
    if host.exists("/var/lib/dpkg/info/rocm-core.list") and (dpkg := host.which("dpkg-query")):
        commands["dpkg-query rocm-core"] = (dpkg, "-W", "-f", "${Version}", "rocm-core")
    if host.is_dir(ROCM) and (rpm := host.which("rpm")):
        commands["rpm rocm-core"] = (rpm, "-q", "--qf", "%{VERSION}", "rocm-core")
    for name, completed in zip(commands, around.run_all(*commands.values()), strict=True):
        version = amd_tools.parse_rocm_version(completed.stdout) if completed.ok else None
        if version:
            found.append((name, version))
    return found


def _comparable(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))  # `parse_rocm_version` lets only digits through
