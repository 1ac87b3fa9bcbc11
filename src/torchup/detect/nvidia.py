"""NVIDIA: NVML in a child, then nvidia-smi's query, XML and banner, then /proc and /sys, then PCI ids and names.

Each rung fills what the ones above it left open. A rung that hangs ends the asking of processes: they all talk to the
same driver, so the limit is paid once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.catalog.gpus import load_gpu_table
from torchup.detect import nvidia_smi
from torchup.detect.linux import container_kind, parse_tegra_release
from torchup.detect.nvml import parse_nvml
from torchup.detect.parts import Part, Sourced, fill, sourced
from torchup.model import Driver, Gpu, Os, Problem, Vendor

if TYPE_CHECKING:
    from torchup.detect.nvidia_smi import Reading
    from torchup.detect.pci import PciDevice
    from torchup.detect.surroundings import Surroundings
    from torchup.host import Completed

SMI_PLACES = (
    "/usr/lib/wsl/lib/nvidia-smi",
    "/usr/bin/nvidia-smi",
    "C:\\Windows\\System32\\nvidia-smi.exe",
    "C:\\Program Files\\NVIDIA Corporation\\NVSMI\\nvidia-smi.exe",
)
# Signs that asking NVML is worth a child process: cheap to look for.
LINUX_SIGNS = (
    "/proc/driver/nvidia/version", "/sys/module/nvidia", "/dev/nvidiactl", "/dev/dxg", "/etc/nv_tegra_release",
    "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1", "/usr/lib/aarch64-linux-gnu/libnvidia-ml.so.1",
    "/usr/lib64/libnvidia-ml.so.1", "/usr/lib/libnvidia-ml.so.1", "/run/opengl-driver/lib/libnvidia-ml.so.1",
)  # fmt: skip
WINDOWS_SIGNS = ("C:\\Windows\\System32\\nvml.dll",)


def probe_nvidia(around: Surroundings) -> Part:
    """NVIDIA's GPUs and driver, by every rung that is needed."""
    if not _worth_asking(around):
        return Part()
    ladder = _Ladder(around)
    ladder.climb()
    return ladder.part()


def _worth_asking(around: Surroundings) -> bool:
    signs = WINDOWS_SIGNS if around.os == Os.WINDOWS else LINUX_SIGNS
    return (
        any(device.vendor_id == "10de" for device in around.pci)
        or around.find("nvidia-smi", SMI_PLACES) is not None
        or any(around.host.exists(sign) for sign in signs)
    )


def _with_unified_memory(gpu: Sourced[Gpu], around: Surroundings) -> Sourced[Gpu]:
    """GB10 and Jetson: the GPU uses the system's memory, and every tool says "Not Supported"."""
    if gpu.value.memory_bytes is not None or not gpu.value.integrated:
        return gpu
    total = Gpu(vendor=Vendor.NVIDIA, memory_bytes=around.host.memory_total())
    return fill(gpu, sourced(total, "unified memory"))


class _Ladder:
    """The rungs' findings so far: GPUs in order, one driver, problems."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.gpus: list[Sourced[Gpu]] = []
        self.driver = Sourced(value=Driver(vendor=Vendor.NVIDIA))
        self.problems: list[Problem] = []
        self.hung = False

    def climb(self) -> None:
        """From the best source to the last; a rung is asked only for what is still unknown."""
        self._nvml()
        smi = self.around.find("nvidia-smi", SMI_PLACES)
        if smi and not self._complete():
            self._query(smi)
        if smi and not self._complete() and not self._complained():
            self._xml(smi)
        if smi and not self._complete() and not self._complained():
            self._banner(smi)
        if smi and any(gpu.value.mig_mode == "enabled" and gpu.value.mig_instances is None for gpu in self.gpus):
            self._list(smi)
        self._files()
        self._bus()

    def part(self) -> Part:
        """What was found, gaps filled from the table of GPUs."""
        table = load_gpu_table() if self.gpus else None
        gpus = []
        for gpu in self.gpus:
            value, filled = table.fill(gpu.value) if table else (gpu.value, {})
            gpus.append(_with_unified_memory(Sourced(value=value, sources=gpu.sources | filled), self.around))
        said = [name for name in self.driver.value.__struct_fields__ if name != "vendor"]
        drivers = (self.driver,) if any(getattr(self.driver.value, name) is not None for name in said) else ()
        return Part(gpus=tuple(gpus), drivers=drivers, problems=tuple(self.problems))

    def _complete(self) -> bool:
        if self.hung:
            return True  # the driver hangs: no further process is asked
        driver = self.driver.value
        known = self.gpus and all(gpu.value.name and gpu.value.compute_capability for gpu in self.gpus)
        return bool(known and driver.version and driver.cuda_api)

    def _complained(self) -> bool:
        """The tool said what is wrong: its other forms would say the same."""
        return not self.gpus and self.driver.value.problem not in {None, "library-not-found"}

    def _take(self, reading: Reading, source: str) -> None:
        found = [sourced(gpu, source) for gpu in reading.gpus]
        if not self.gpus:
            self.gpus = found
        elif len(found) == len(self.gpus):
            self.gpus = [fill(old, new) for old, new in zip(self.gpus, found, strict=True)]
        driver = Driver(
            vendor=Vendor.NVIDIA,
            version=reading.driver,
            cuda_api=reading.cuda_api,
            loaded=True if reading.gpus and reading.problem is None else None,
            problem=reading.problem,
            detail=reading.detail,
        )
        if self.driver.value.problem == "library-not-found" and (reading.gpus or reading.problem):
            # NVML lies where only nvidia-smi finds it: what the tool says of the driver counts.
            self.driver = self._without_problem()
        self.driver = fill(self.driver, sourced(driver, source))

    def _without_problem(self) -> Sourced[Driver]:
        value = msgspec.structs.replace(self.driver.value, problem=None, detail=None)
        sources = {name: source for name, source in self.driver.sources.items() if name not in {"problem", "detail"}}
        return Sourced(value=value, sources=sources)

    def _answered(self, completed: Completed, probe: str) -> bool:
        """Whether there is an answer to parse; a probe that hung or would not start is noted."""
        if completed.timed_out:
            self.hung = True
            self.problems.append(Problem(probe=probe, code="timeout", detail=f"no answer in {self.around.timeout:g} s"))
            trouble = sourced(Driver(vendor=Vendor.NVIDIA, problem="timeout"), probe)
            self.driver = fill(self._without_problem(), trouble)
        return not completed.timed_out and not completed.missing

    def _nvml(self) -> None:
        python = self.around.platform.python_executable
        completed = self.around.run(python, "-I", "-m", "torchup.detect.nvml_probe")
        if not self._answered(completed, "nvml"):
            return
        reading = parse_nvml(completed.stdout)
        if reading is None:
            detail = completed.stderr.strip().splitlines()[-1:] or [f"exit code {completed.returncode}"]
            self.problems.append(Problem(probe="nvml", code="failed", detail=detail[0][:300]))
            return
        self._take(reading, "nvml")

    def _query(self, smi: str) -> None:
        fields = list(nvidia_smi.FIELDS)
        for _ in nvidia_smi.FIELDS:
            query = f"--query-gpu={','.join(fields)}"
            completed = self.around.run(smi, query, "--format=csv,noheader,nounits")
            if not self._answered(completed, "nvidia-smi"):
                return
            refused = nvidia_smi.refused_field(completed.stdout + completed.stderr)
            if refused not in fields:
                break
            fields.remove(refused)
        reading = nvidia_smi.parse_query(completed.stdout, fields)
        if not reading.gpus and reading.problem is None:
            reading = nvidia_smi.parse_query(completed.stderr, ()) if completed.stderr else reading
        self._note_garbage(reading, completed, "nvidia-smi --query-gpu")
        self._take(reading, "nvidia-smi --query-gpu")

    def _xml(self, smi: str) -> None:
        completed = self.around.run(smi, "-q", "-x")
        if self._answered(completed, "nvidia-smi -q -x"):
            self._take(nvidia_smi.parse_xml(completed.stdout), "nvidia-smi -q -x")

    def _banner(self, smi: str) -> None:
        completed = self.around.run(smi)
        if self._answered(completed, "nvidia-smi"):
            self._take(nvidia_smi.parse_banner(completed.stdout + completed.stderr), "nvidia-smi")

    def _list(self, smi: str) -> None:
        """The banner and the query do not count MIG devices; ``-L`` lists them."""
        completed = self.around.run(smi, "-L")
        listed = nvidia_smi.parse_list(completed.stdout)
        if self._answered(completed, "nvidia-smi -L") and len(listed) == len(self.gpus):
            counts = [Gpu(vendor=Vendor.NVIDIA, mig_instances=count) for _, count in listed]
            self.gpus = [
                fill(gpu, sourced(count, "nvidia-smi -L")) if gpu.value.mig_mode == "enabled" else gpu
                for gpu, count in zip(self.gpus, counts, strict=True)
            ]

    def _note_garbage(self, reading: Reading, completed: Completed, probe: str) -> None:
        if not reading.gpus and reading.problem is None:
            said = " ".join((completed.stdout or completed.stderr).split())[:120]
            code = "unreadable" if said else "failed"
            detail = said or f"exit code {completed.returncode}, no output"
            self.problems.append(Problem(probe=probe, code=code, detail=detail))

    def _files(self) -> None:
        """The kernel module's own files; on WSL there are none, on Windows neither."""
        host = self.around.host
        if self.around.os != Os.LINUX:
            return
        version, flavor = nvidia_smi.parse_kernel_module(host.read_text("/proc/driver/nvidia/version", 4096) or "")
        self._driver_fact("/proc/driver/nvidia/version", version=version, flavor=flavor)
        module = nvidia_smi.version(host.read_text("/sys/module/nvidia/version", 64))
        self._driver_fact("/sys/module/nvidia/version", version=module)
        loaded = host.is_dir("/sys/module/nvidia") or host.exists("/proc/driver/nvidia/version")
        bound = {device.driver for device in self.around.pci if device.vendor_id == "10de"}
        if "nouveau" in bound or (not loaded and host.is_dir("/sys/module/nouveau")):
            self._driver_fact("/sys/module", flavor="nouveau", loaded=True)
        elif loaded:
            self._driver_fact("/sys/module", loaded=True)
        elif "vfio-pci" in bound:
            self.driver = self._without_problem()
            self._driver_fact("PCI bus", loaded=False, problem="reserved-for-vm", detail="bound to vfio-pci")
        elif bound:
            self._driver_fact("/sys/module", loaded=False)

    def _driver_fact(self, source: str, **values: Any) -> None:
        self.driver = fill(self.driver, sourced(Driver(vendor=Vendor.NVIDIA, **values), source))

    def _bus(self) -> None:
        """Where no process named the GPUs, the PCI bus, Windows' inventory or Jetson's device tree do."""
        if self.around.os == Os.WINDOWS:
            if not self._complete():
                from torchup.detect.windows import display_adapters, inventory  # noqa: PLC0415  # Windows alone pays it

                gpus, drivers = display_adapters(inventory(self.around), (Vendor.NVIDIA,))
                self.gpus = self.gpus or list(gpus)
                self.driver = fill(self.driver, drivers[0] if drivers else None)
            return
        devices = [device for device in self.around.pci if device.vendor_id == "10de"]
        if not self.gpus:
            self.gpus = [fill(self._on_bus(device), self._named_by_module(device)) for device in devices]
        elif len(devices) == len(self.gpus):
            # Both count in bus order; with CUDA's default order and NVML's they agree.
            self.gpus = [fill(gpu, self._on_bus(device)) for gpu, device in zip(self.gpus, devices, strict=True)]
        self._jetson()
        self._not_passed_in()

    def _on_bus(self, device: PciDevice) -> Sourced[Gpu]:
        return sourced(Gpu(vendor=Vendor.NVIDIA, pci_id=device.pci_id), "PCI bus")

    def _named_by_module(self, device: PciDevice) -> Sourced[Gpu]:
        path = f"/proc/driver/nvidia/gpus/{device.slot}/information"
        name = re.search(r"^Model:\s*(\S.{0,100})$", self.around.host.read_text(path, 4096) or "", re.MULTILINE)
        return sourced(Gpu(vendor=Vendor.NVIDIA, name=name[1].strip() if name else None), path)

    def _jetson(self) -> None:
        """Jetson's own GPU is not on the PCI bus and has no NVML before JetPack 6; its memory is the system's."""
        text = self.around.host.read_text("/etc/nv_tegra_release", 4096)
        if text is not None and not self.gpus:
            model = (self.around.host.read_text("/proc/device-tree/model", 256) or "").strip("\x00 \n")
            name = re.sub(r"^NVIDIA\s+|(?<!\s)\s+(Developer Kit|Module|Engineering).*$", "", model) or None
            self.gpus = [sourced(Gpu(vendor=Vendor.NVIDIA, name=name, integrated=True), "/proc/device-tree/model")]
        release = parse_tegra_release(text or "")
        self._driver_fact("/etc/nv_tegra_release", version=None, loaded=True if release else None)

    def _not_passed_in(self) -> None:
        """A container sees the host's /proc and PCI bus even where it was given no GPU."""
        host = self.around.host
        kind, _ = container_kind(host)
        nodes = ("/dev/nvidiactl", "/dev/dxg", "/dev/nvgpu", "/dev/nvhost-gpu")
        if kind and self.gpus and not any(host.exists(node) for node in nodes):
            detail = f"{kind}: there is no /dev/nvidiactl"
            trouble = Driver(vendor=Vendor.NVIDIA, problem="not-in-container", detail=detail)
            self.driver = fill(self._without_problem(), sourced(trouble, "/dev"))
