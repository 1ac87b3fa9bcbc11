"""Machines with AMD, Intel and Apple GPUs, Windows machines, and machines with no GPU."""

from __future__ import annotations

import json

from support import machine_writers as write
from support.machines import NO_NVML, WINDOWS_PYTHON, Spec, done, interpreter, linux, macos, nvml, query, windows, wsl
from torchup.detect.windows import SCRIPT
from torchup.detect.wsl import POWERSHELL

GIB = 1024**3
GPU, DRIVER = "gpus.0.", "drivers.0."
ROCMINFO = "/opt/rocm/bin/rocminfo"
KFD = "/sys/class/kfd/kfd/topology/nodes"
RENDER = {"/dev/kfd": (True, True), "/dev/dri/renderD128": (True, True)}
AMDGPU = {"/sys/module/amdgpu/refcnt": "1\n"}
TELEGRAF = "telegraf's test data"
SMI_WINDOWS = "C:\\Windows\\System32\\nvidia-smi.exe"


def kfd(*nodes: str) -> dict[str, str]:
    """A KFD topology: a processor, then the nodes."""
    return {f"{KFD}/{number}/properties": node for number, node in enumerate((write.KFD_CPU, *nodes))}


def amd() -> list[Spec]:
    """AMD on Linux and WSL."""
    mi210 = write.rocminfo([("AMD EPYC 7542 32-Core Processor", "AMD EPYC 7542 32-Core Processor", "CPU", 0, 263968872),
                            ("gfx90a", "AMD Instinct MI210", "GPU", 29711, 67092480)])  # fmt: skip
    xtx = write.rocminfo([("13th Gen Intel(R) Core(TM) i9-13900KF", "13th Gen Intel(R) Core(TM) i9-13900KF", "CPU", 0, 98692092),
                          ("gfx1100", "Radeon RX 7900 XTX", "GPU", 29772, 25149440)])  # fmt: skip
    rx7800 = json.dumps({"gpu_data": [{"gpu": 0, "asic": {"market_name": "AMD Radeon RX 7800 XT", "vendor_id": "0x1002", "device_id": "0x747e",
                                                          "target_graphics_version": "gfx1101"}, "bus": {"bdf": "0000:03:00.0"}}]})  # fmt: skip
    warning = "/usr/lib/python3.14/site-packages/amdsmi/amdsmi_interface.py:3569: SyntaxWarning: 'return' in a 'finally' block\n"

    def rocm_smi(card: dict[str, str], count: int = 1) -> str:
        return json.dumps({f"card{i}": card for i in range(count)} | {"system": {"Driver version": "6.3.6"}})

    return [
        linux("linux-ubuntu-mi210", "Real: KFD node (k8s-device-plugin topo-mi210-xgmi-pcie) and rocminfo's agents (MI210 with EPYC 7542). "
              "The rest was completed.", files=AMDGPU | kfd(write.kfd_node(90010, 29711, location=25344, simd=416)) |
              {f"{KFD}/1/mem_banks/0/properties": "heap_type 1\nsize_in_bytes 68702699520\n", "/opt/rocm/.info/version": "6.2.0-66\n"},
              accesses=RENDER, directories={"/dev/dri": ("card0", "renderD128")}, pci=(("1002:740f", "amdgpu", "0000:63:00.0"),),
              programs={"rocminfo": ROCMINFO}, commands=(done(ROCMINFO, out=mi210),),
              claims={GPU + "gfx": "gfx90a", GPU + "name": "AMD Instinct MI210", GPU + "memory_bytes": 68702699520, "rocm_version": "6.2.0",
                      "sources.gpus.0.gfx": "KFD topology", "device_nodes.0.writable": True, GPU + "integrated": False}),
        linux("linux-ubuntu-mi300x-cpx", "Real: two of the KFD nodes of an MI300X in CPX mode (k8s-device-plugin). The rest was completed.",
              files=AMDGPU | kfd(*[write.kfd_node(90402, 29857, location=9984, simd=152)] * 2), accesses=RENDER,
              pci=(("1002:74a1", "amdgpu", "0000:27:00.0"),),
              claims={GPU + "gfx": "gfx942", "gpus.1.gfx": "gfx942", GPU + "name": "Instinct MI300X", "rocm_version": None}),
        linux("linux-ubuntu-mi308x", "Real: KFD node (k8s-device-plugin topology-parsing-mi308). The rest was completed.",
              files=AMDGPU | kfd(write.kfd_node(90402, 29858, location=41984, simd=80)), accesses=RENDER,
              claims={GPU + "gfx": "gfx942", GPU + "pci_id": "1002:74a2"}),
        linux("linux-ubuntu-rx7900xtx-rocminfo", "Real: rocminfo's agents (llama.cpp issue 3422). No KFD in the recording; the rest was completed.",
              files=AMDGPU, programs={"rocminfo": ROCMINFO}, commands=(done(ROCMINFO, out=xtx),), accesses=RENDER,
              claims={GPU + "gfx": "gfx1100", GPU + "name": "Radeon RX 7900 XTX", GPU + "memory_bytes": 25149440 * 1024, GPU + "pci_id": "1002:744c"}),
        linux("linux-arch-rx7800xt-amd-smi", "Real: amd-smi static --json with Python's warnings before it (ajean issue 39). The rest was completed.",
              distribution=("arch", ""), files=AMDGPU, pci=(("1002:747e", "amdgpu", "0000:03:00.0"),), accesses=RENDER,
              programs={"amd-smi": "/usr/bin/amd-smi"}, commands=(done("/usr/bin/amd-smi", "static", "--json", out=warning + rx7800),),
              claims={GPU + "gfx": "gfx1101", GPU + "name": "AMD Radeon RX 7800 XT"}),
        linux("linux-ubuntu-rx6700xt-rocm-smi-430", f"Real: rocm-smi -a --json of 2021, {TELEGRAF} rx6700xt_rocm430. The rest was completed.",
              files=AMDGPU, pci=(("1002:73df", "amdgpu", "0000:07:00.0"),), accesses=RENDER, programs={"rocm-smi": "/opt/rocm/bin/rocm-smi"},
              commands=(done("/opt/rocm/bin/rocm-smi", "-a", "--json", out=rocm_smi(
                  {"GPU ID": "0x73df", "VRAM Total Memory (B)": "12868124672", "Card series": "0x1002", "Card model": "0x1002"})),),
              claims={GPU + "gfx": "gfx1031", GPU + "memory_bytes": 12868124672}),
        linux("linux-ubuntu-rx6700xt-rocm-smi-602", f"Real: rocm-smi -a --json of 2024 with GFX Version, {TELEGRAF}. The rest was completed.",
              programs={"rocm-smi": "/opt/rocm/bin/rocm-smi"}, files=AMDGPU | {"/opt/rocm/.info/version": "6.0.2-115\n"}, accesses=RENDER,
              commands=(done("/opt/rocm/bin/rocm-smi", "-a", "--json", out=rocm_smi(
                  {"Device Name": "Navi 22 [Radeon RX 6700/6700 XT / 6800M]", "Device ID": "0x73df", "VRAM Total Memory (B)": "12868124672", "GFX Version": "gfx1031"})),),
              claims={GPU + "gfx": "gfx1031", GPU + "pci_id": "1002:73df", "rocm_version": "6.0.2"}),
        linux("linux-sles-mi100x6-rocm-smi", f"Real: rocm-smi of six MI100, {TELEGRAF}. The rest was completed.", distribution=("sles", "15.4"),
              files=AMDGPU, pci=tuple(("1002:738c", "amdgpu", f"0000:{bus}:00.0") for bus in ("1e", "22", "3f", "43", "46", "49")), accesses=RENDER,
              programs={"rocm-smi": "/opt/rocm/bin/rocm-smi"}, commands=(done("/opt/rocm/bin/rocm-smi", "-a", "--json", out=rocm_smi(
                  {"GPU ID": "0x738c", "VRAM Total Memory (B)": "34342961152", "Card series": "Arcturus GL-XL [Instinct MI100]"}, 6)),),
              claims={"gpus.5.gfx": "gfx908", "gpus.5.memory_bytes": 34342961152}),
        linux("linux-debian-wx9100-rocm-smi", f"Real: rocm-smi, {TELEGRAF} vega-10-XT. The rest was completed.", distribution=("debian", "12"),
              files=AMDGPU, programs={"rocm-smi": "/opt/rocm/bin/rocm-smi"}, accesses=RENDER, pci=(("1002:6861", "amdgpu", "0000:04:00.0"),),
              commands=(done(
                  "/opt/rocm/bin/rocm-smi", "-a", "--json", out=rocm_smi({"GPU ID": "0x6861", "VRAM Total Memory (B)": "17163091968"})),),
              claims={GPU + "gfx": "gfx900", GPU + "name": "Radeon PRO WX 9100"}),
        linux("linux-fedora-r9700-no-rocm", "Real: the display device and its module (radeontop issue 184). No ROCm; the rest was completed.",
              distribution=("fedora", "42"), pci=(("1002:7551", "amdgpu", "0000:0a:00.0"),),
              files=AMDGPU | kfd(write.kfd_node(120001, 0x7551, location=2560)) | {"/sys/bus/pci/devices/0000:0a:00.0/mem_info_vram_total": "34208743424\n"},
              accesses=RENDER, claims={GPU + "gfx": "gfx1201", GPU + "name": "Radeon AI PRO R9700", GPU + "memory_bytes": 34208743424, "rocm_version": None}),
        linux("linux-ubuntu-phoenix-apu", "Real: device of rocm-smi --json (Phoenix3, systeminformation PR 960). KFD and the rest were completed.",
              files=AMDGPU | kfd(write.kfd_node(110003, 0x1900, location=50176, simd=24)), pci=(("1002:1900", "amdgpu", "0000:c4:00.0"),), accesses=RENDER,
              claims={GPU + "gfx": "gfx1103", GPU + "integrated": True, GPU + "architecture": "RDNA 3"}),
        linux("linux-ubuntu-strix-halo", "An APU with a shared node, completed from the facts.", memory_gib=128,
              files=AMDGPU | kfd(write.kfd_node(110501, 0x1586, simd=80, cpu_cores=32)), pci=(("1002:1586", "amdgpu", "0000:c5:00.0"),), accesses=RENDER,
              environ={"HSA_OVERRIDE_GFX_VERSION": "11.0.0"},
              claims={GPU + "gfx": "gfx1151", GPU + "integrated": True, "environment": {"HSA_OVERRIDE_GFX_VERSION": "11.0.0"}}),
        linux("linux-ubuntu-rx580", "A card that no ROCm wheel serves, completed from the facts.", pci=(("1002:67df", "amdgpu", "0000:01:00.0"),),
              files=AMDGPU | kfd(write.kfd_node(80003, 0x67DF, simd=144)), accesses=RENDER, claims={GPU + "gfx": "gfx803", GPU + "architecture": "Polaris"}),
        linux("linux-ubuntu-kfd-permission", "Real: rocminfo's complaint (ROCm-docker issue 116) and the nodes' owners (rocminfo issue 41). "
              "The rest was completed.", pci=(("1002:744c", "amdgpu", "0000:03:00.0"),), files=AMDGPU | kfd(write.kfd_node(110000, 0x744C)),
              accesses={"/dev/kfd": (False, False), "/dev/dri/renderD128": (False, False)}, directories={"/dev/dri": ("card0", "renderD128")},
              programs={"rocminfo": ROCMINFO}, commands=(done(ROCMINFO, out="ROCk module is loaded\nUnable to open /dev/kfd read-write: Permission denied\n"
                                                             "Failed to get user name to check for video group membership\n", code=1),),
              claims={DRIVER + "problem": "no-permission", GPU + "gfx": "gfx1100", "device_nodes.0.writable": False}),
        linux("linux-docker-amd-no-kfd", "Real: rocminfo's complaint (ROCm issue 1798). A container without --device=/dev/kfd; the rest was completed.",
              pci=(("1002:73bf", "amdgpu", "0000:03:00.0"),), files=AMDGPU, accesses={"/.dockerenv": (True, False)}, programs={"rocminfo": ROCMINFO},
              commands=(done(ROCMINFO, out="ROCk module is loaded\nUnable to open /dev/kfd read-write: No such file or directory\n", code=1),),
              claims={"container_gpu": False, GPU + "gfx": "gfx1030", DRIVER + "problem": "not-in-container"}),
        linux("linux-ubuntu-rocm-disagrees", "Three sources of ROCm's version that disagree; completed.", pci=(("1002:744c", "amdgpu", "0000:03:00.0"),),
              files=AMDGPU | kfd(write.kfd_node(110000, 0x744C)) | {"/opt/rocm/.info/version": "6.2.0-66\n", "/opt/rocm-7.1.0/.info/version": "7.1.0-12\n"},
              accesses=RENDER | {"/var/lib/dpkg/info/rocm-core.list": (True, False)}, directories={"/opt": ("rocm", "rocm-7.1.0")},
              programs={"hipconfig": "/usr/bin/hipconfig", "dpkg-query": "/usr/bin/dpkg-query"},
              commands=(done("/usr/bin/hipconfig", "--version", out="6.2.41133-dd7f95766"),
                        done("/usr/bin/dpkg-query", "-W", "-f", "${Version}", "rocm-core", out="6.2.0.60200-66~22.04")),
              claims={"rocm_version": "7.1.0", "problems.0.code": "disagreement"}),
        linux("linux-ubuntu-amd-hangs", "A driver in which every tool hangs: rocminfo pays the limit, amd-smi is not asked; completed.",
              pci=(("1002:744c", "amdgpu", "0000:03:00.0"),), files=AMDGPU | kfd(write.kfd_node(110000, 0x744C)), accesses=RENDER,
              programs={"rocminfo": ROCMINFO, "amd-smi": "/usr/bin/amd-smi"}, commands=(done(ROCMINFO, timed_out=True),),
              claims={"problems": [{"probe": "rocminfo", "code": "timeout", "detail": "no answer in 10 s"}], GPU + "gfx": "gfx1100"}),
        linux("linux-ubuntu-amdgpu-not-loaded", "A card without its kernel module; completed.", pci=(("1002:7590", None, "0000:03:00.0"),),
              claims={DRIVER + "problem": "not-loaded", DRIVER + "loaded": False, GPU + "gfx": "gfx1200"}),
        linux("linux-ubuntu-amd-no-kfd", "The display driver without compute (a kernel without KFD); completed.", files=AMDGPU,
              pci=(("1002:7480", "amdgpu", "0000:03:00.0"),), claims={DRIVER + "problem": "no-kfd", DRIVER + "loaded": True, GPU + "gfx": "gfx1102"}),
        linux("linux-rhel-w7900-rpm", "ROCm's version from the package manager alone; completed.", distribution=("rhel", "9.5"), glibc="2.34",
              files=AMDGPU | kfd(write.kfd_node(110000, 0x7448)), pci=(("1002:7448", "amdgpu", "0000:03:00.0"),), accesses=RENDER,
              directories={"/opt/rocm": ("lib",)}, programs={"rpm": "/usr/bin/rpm"},
              commands=(done("/usr/bin/rpm", "-q", "--qf", "%{VERSION}", "rocm-core", out="6.4.1.60401"),), claims={"rocm_version": "6.4.1"}),
        linux("linux-ubuntu-nvidia-and-amd", "NVIDIA's open module makes a KFD node too: it is not AMD's; completed.",
              pci=(("10de:2684", "nvidia", "0000:01:00.0"), ("1002:164e", "amdgpu", "0000:0e:00.0")), smi=True,
              files=AMDGPU | kfd(write.kfd_node(0, 0x2684, vendor=4318), write.kfd_node(100306, 0x164E, simd=4)), accesses=RENDER,
              commands=(nvml(write.nvml("570.86.15", 12080, [write.nvml_gpu("NVIDIA GeForce RTX 4090", "8.9", 24564, "2684")])),),
              claims={GPU + "vendor": "nvidia", "gpus.1.gfx": "gfx1036", "gpus.1.integrated": True}),
        wsl("wsl-ubuntu-amd-cpu-agent-only", "Real: rocminfo on WSL showing only the processor (ROCm issue 3470). The rest was completed.",
            programs={"rocminfo": ROCMINFO}, commands=(nvml(NO_NVML), done(ROCMINFO, out=write.rocminfo([("CPU", "CPU", "CPU", 0, None)]))),
            claims={"gpus": [], "wsl_version": 2}),
        wsl("wsl-ubuntu-arc-a770-by-windows", "Windows names the card through its PowerShell; Level Zero is installed; completed.",
            programs={"powershell.exe": POWERSHELL}, accesses={"/usr/lib/x86_64-linux-gnu/libze_intel_gpu.so.1": (True, False)},
            commands=(nvml(NO_NVML), done(POWERSHELL, "-NoProfile", "-NonInteractive", "-Command", SCRIPT, out=write.cim(
                [write.adapter("Intel(R) Arc(TM) A770 Graphics", "Intel Corporation", "PCI\\VEN_8086&DEV_56A0&SUBSYS_1", "31.0.101.5330", 1)], cpu="x"))),
            claims={GPU + "xpu": True, "level_zero": True, "wsl": True}),
    ]  # fmt: skip


def intel() -> list[Spec]:
    """Intel on Linux."""
    level_zero = {"/usr/lib/x86_64-linux-gnu/libze_intel_gpu.so.1": (True, False)}
    return [
        linux("linux-ubuntu-arc-a770", "Real: the device's names (llama.cpp issue 5400). Completed as one card on the xe module.",
              distribution=("ubuntu", "24.04"), glibc="2.39", pci=(("8086:56a0", "xe", "0000:03:00.0"),), accesses=level_zero,
              claims={GPU + "name": "Arc A770", GPU + "xpu": True, "level_zero": True, DRIVER + "flavor": "xe", GPU + "integrated": False}),
        linux("linux-ubuntu-arc-pro-a40-no-runtime", "Real: display device (btop issue 938). No Level Zero; the rest was completed.",
              pci=(("8086:56b1", "i915", "0000:b5:00.0"),), claims={GPU + "xpu": True, "level_zero": False, GPU + "architecture": "Alchemist"}),
        linux("linux-ubuntu-arc-pro-b60", "Real: device name and address of xpu-smi (sglang PR 38873). PCI id and the rest were completed.",
              pci=(("8086:e211", "xe", "0000:17:00.0"),), accesses=level_zero, claims={GPU + "name": "Arc Pro B60", GPU + "architecture": "Battlemage"}),
        linux("linux-ubuntu-core-ultra-155h", "Real: PCI id of xpu-smi (ipex-llm issue 11605), processor of clinfo (llama.cpp issue 11500). The rest was completed.",
              cpuinfo="model name\t: Intel(R) Core(TM) Ultra 7 155H\nflags\t\t: sse4_2 avx f16c fma avx2\n", pci=(("8086:7d55", "i915", "0000:00:02.0"),),
              accesses=level_zero, claims={GPU + "xpu": True, GPU + "integrated": True, "cpu.model": "Intel(R) Core(TM) Ultra 7 155H"}),
        linux("linux-debian-n305-uhd", distribution=("debian", "12"), glibc="2.36", note="Real: sycl-ls lists its UHD Graphics as a Level Zero device (llama.cpp issue 14689): still no XPU. "
              "PCI id and the rest were completed.", pci=(("8086:46d0", "i915", "0000:00:02.0"),), accesses=level_zero,
              cpuinfo="model name\t: Intel(R) Core(TM) i3-N305\nflags\t\t: sse4_2 avx f16c fma avx2\n", claims={GPU + "xpu": False, GPU + "integrated": True}),
        linux("linux-ubuntu-a750-and-uhd770", "Real: both devices' names (llama.cpp issue 8551). PCI ids and the rest were completed.",
              pci=(("8086:a780", "i915", "0000:00:02.0"), ("8086:56a1", "i915", "0000:03:00.0")), accesses=level_zero,
              claims={GPU + "xpu": False, "gpus.1.xpu": True, "gpus.1.name": "Arc A750"}),
        linux("linux-ubuntu-iris-xe-gtx1650", "Real: display devices (hybrid laptop, lspci -nnvv). No NVIDIA driver; the rest was completed.",
              pci=(("8086:9a49", "i915", "0000:00:02.0"), ("10de:1f9d", "nouveau", "0000:01:00.0")), commands=(nvml(NO_NVML),),
              claims={GPU + "vendor": "nvidia", GPU + "compute_capability": "7.5", DRIVER + "flavor": "nouveau", "gpus.1.name": "Iris Xe Graphics"}),
        linux("linux-sles-gpu-max-1550", "A server, completed from the facts.", distribution=("sles", "15.5"), pci=(("8086:0bd5", "i915", "0000:29:00.0"),),
              accesses={"/usr/lib64/libze_intel_gpu.so.1": (True, False)}, claims={GPU + "xpu": True, GPU + "architecture": "Ponte Vecchio", "level_zero": True}),
    ]  # fmt: skip


def apple() -> list[Spec]:
    """Macs."""
    m1 = {"machdep.cpu.brand_string": "Apple M1", "hw.physicalcpu": 8, "hw.logicalcpu": 8, "hw.memsize": 16 * GIB, "hw.optional.arm64": 1,
          "sysctl.proc_translated": 0, "kern.hv_vmm_present": 0, "hw.optional.AdvSIMD": 1}  # fmt: skip

    def chip(name: str, cores: int | None, metal: str = "spdisplays_metal3") -> list[dict[str, object]]:
        row = {
            "_name": name,
            "sppci_model": name,
            "spdisplays_vendor": "sppci_vendor_Apple",
            "spdisplays_mtlgpufamilysupport": metal,
        }
        return [row | ({"sppci_cores": str(cores)} if cores else {})]

    def old(blocks: list[tuple[str, ...]]) -> str:
        lines = ["Graphics/Displays:", ""]
        for name, bus, vram, vendor, device in blocks:
            lines += [f"    {name}:", "", f"      Chipset Model: {name}", "      Type: GPU", f"      Bus: {bus}", f"      {vram}",
                      f"      Vendor: {vendor}", f"      Device ID: {device}", "      Displays:", "        Color LCD:",
                      "          Resolution: 2880 x 1800 Retina", ""]  # fmt: skip
        return "\n".join(lines) + "\n"

    skylake = {"machdep.cpu.brand_string": "Intel(R) Core(TM) i7-6700K CPU @ 4.00GHz", "hw.memsize": 32 * GIB, "hw.physicalcpu": 4, "hw.logicalcpu": 8,
               "machdep.cpu.features": "FPU VME SSE4.1 SSE4.2 AVX1.0 RDRAND F16C FMA", "machdep.cpu.leaf7_features": "BMI1 AVX2 SMEP"}  # fmt: skip
    intel_mac = {"arch": "x86_64", "system_python": ("3.11.9", "x86_64"), "cores": (4, 8)}
    return [
        macos("macos-sonoma-m1", "Real: chip and GPU cores (glpi-agent 11.0-apple-M1). macOS 14.5 and the rest were completed.", sysctl=m1, rows=chip("Apple M1", 8), commands=(done("/usr/bin/vm_stat", out="Mach Virtual Memory Statistics: (page size of 16384 bytes)\n"
                  "Pages free:                              100000.\nPages active:                            200000.\nPages inactive:                          150000.\n"
                  "Pages speculative:                         5000.\nPages throttled:                              0.\n"),),
              claims={"memory_available_bytes": 255000 * 16384, GPU + "name": "Apple M1", GPU + "cores": 8, GPU + "memory_bytes": 16 * GIB, "os_version": "14.5", "translated": False, "cpu.model": "Apple M1"}),
        macos("macos-bigsur-m1-text", "Real: system_profiler's text and the brand string of macOS 11 (glpi-agent, archspec). -json was left out.",
              sysctl=m1 | {"machdep.cpu.brand_string": "Apple processor"}, version="11.0", kernel="20.1.0",
              text="Graphics/Displays:\n\n    Apple M1:\n\n      Chipset Model: Apple M1\n      Type: GPU\n      Bus: Built-In\n      Total Number of Cores: 8\n"
                   "      Vendor: Apple (0x106b)\n      Metal Family: Supported, Metal GPUFamily Apple 7\n      Displays:\n        Color LCD:\n          Resolution: 2560 x 1600 Retina\n",
              claims={GPU + "cores": 8, GPU + "vendor": "apple", "cpu.model": "Apple M1", "os_version": "11.0"}),
        macos("macos-monterey-m2", "Real: sysctl (archspec darwin-monterey-m2). GPU and the rest were completed.", version="12.7.6", kernel="21.6.0",
              sysctl=m1 | {"machdep.cpu.brand_string": "Apple M2", "hw.memsize": 17179869184}, rows=chip("Apple M2", 10), claims={"os_version": "12.7.6", GPU + "cores": 10}),
        macos("macos-sequoia-m3max", "Real: sysctl (archspec darwin-sequoia-m3). GPU and the rest were completed.", version="15.1", kernel="24.1.0", memory=38654705664,
              sysctl=m1 | {"machdep.cpu.brand_string": "Apple M3 Max", "hw.memsize": 38654705664, "hw.physicalcpu": 14, "hw.logicalcpu": 14,
                           "hw.optional.arm.FEAT_BF16": 1, "hw.optional.arm.FEAT_I8MM": 1}, rows=chip("Apple M3 Max", 30), cores=(14, 14),
              claims={GPU + "memory_bytes": 38654705664, "cpu.cores": 14, "cpu.features": ["asimd", "bf16", "i8mm"]}),
        macos("macos-sequoia-m4max", "Real: sysctl (archspec darwin-sequoia-m4). GPU and the rest were completed.", version="15.2", kernel="24.2.0", memory=68719476736,
              sysctl=m1 | {"machdep.cpu.brand_string": "Apple M4 Max", "hw.memsize": 68719476736, "hw.physicalcpu": 16, "hw.logicalcpu": 16}, rows=chip("Apple M4 Max", 40),
              claims={GPU + "memory_bytes": 68719476736, GPU + "cores": 40}),
        macos("macos-m3pro-displays", "Real: system_profiler -json without cores or model, with an external display (system-bridge PR 3408). The rest was completed.",
              sysctl=m1 | {"machdep.cpu.brand_string": "Apple M3 Pro", "hw.memsize": 18 * GIB}, rows=[{
                  "_name": "Apple M3 Pro", "spdisplays_mtlgpufamilysupport": "spdisplays_metal3", "spdisplays_ndrvs": [
                      {"_name": "DELL U2722DE", "_spdisplays_display-serial-number": "REDACTED", "spdisplays_main": "spdisplays_yes"}]}],
              claims={GPU + "name": "Apple M3 Pro", GPU + "cores": None, GPU + "memory_bytes": 18 * GIB}),
        macos("macos-m1max-rosetta", "An x86_64 Python under Rosetta on the article's Mac; completed from the facts.", arch="x86_64", mac_ver="10.16",
              sysctl=m1 | {"machdep.cpu.brand_string": "VirtualApple @ 2.50GHz", "sysctl.proc_translated": 1, "hw.memsize": 64 * GIB}, rows=chip("Apple M1 Max", 32),
              system_python=("3.12.4", "arm64"), memory=64 * GIB,
              claims={"arch": "arm64", "translated": True, "cpu.model": "Apple M1 Max", "os_version": "14.5", "pythons.0.arch": "x86_64", "pythons.1.arch": "arm64"}),
        macos("macos-m2-rosetta-other-python", "A native torchup beside an x86_64 Python; completed.", sysctl=m1 | {"machdep.cpu.brand_string": "Apple M2"},
              rows=chip("Apple M2", 8), system_python=("3.10.14", "x86_64"), claims={"translated": False, "pythons.0.arch": "arm64", "pythons.1.arch": "x86_64"}),
        macos("macos-m1-virtual-machine", "A virtual Mac without a GPU's cores; completed.", sysctl=m1 | {"machdep.cpu.brand_string": "Apple M1 (Virtual)", "kern.hv_vmm_present": 1},
              rows=[{"_name": "Apple Paravirtual device", "sppci_model": "Apple Paravirtual device", "spdisplays_vendor": "sppci_vendor_Apple"}],
              claims={"virtual_machine": "yes", GPU + "name": "Apple Paravirtual device"}),
        macos("macos-profiler-hangs", "system_profiler hangs; the chip is still known from sysctl; completed.", sysctl=m1,
              rows=[], profiler_hangs=True, claims={"gpus": [], "cpu.model": "Apple M1", "problems.0.probe": "system_profiler", "problems.0.code": "timeout"}),
        macos("macos-mojave-intel-radeon450", "Real: system_profiler's text (glpi-agent mojave-dual-video-cards). sysctl of a Skylake (archspec); the rest was completed.",
              sysctl=skylake, version="10.14.6", kernel="18.7.0", **intel_mac,
              text=old([("Intel HD Graphics 530", "Built-In", "VRAM (Dynamic, Max): 1536 MB", "Intel", "0x191b"),
                        ("AMD Radeon Pro 450", "PCIe", "VRAM (Total): 2 GB", "AMD (0x1002)", "0x67ef")]),
              claims={GPU + "vendor": "intel", "gpus.1.vendor": "amd", "gpus.1.memory_bytes": 2 * GIB, "gpus.1.pci_id": "1002:67ef", "cpu.features": ["sse4_2", "avx", "f16c", "fma", "avx2"]}),
        macos("macos-imacpro-vega64", "Real: system_profiler's text (cpu_info issue 17). The rest was completed.", sysctl=skylake, version="10.13.6", **intel_mac,
              text=old([("Radeon Pro Vega 64", "PCIe", "VRAM (Total): 16 GB", "AMD (0x1002)", "0x6860")]), claims={GPU + "memory_bytes": 16 * GIB, GPU + "vendor": "amd"}),
        macos("macos-macpro-hd5770", "Real: system_profiler's text of 10.6.5 (glpi-agent). The rest was completed.", sysctl=skylake, version="10.6.8", **intel_mac,
              text=old([("ATI Radeon HD 5770", "PCIe", "VRAM (Total): 1024 MB", "ATI (0x1002)", "0x68b8")]), claims={GPU + "memory_bytes": GIB, GPU + "gfx": None}),
        macos("macos-hackintosh-gt730", "Real: system_profiler's text (glpi-agent asus-geforce-gt-730), sysctl (archspec darwin-mojave-skylake).",
              sysctl=skylake, version="10.14.6", **intel_mac, text=old([("Asus GeForce GT 730", "PCIe", "VRAM (Total): 1024 MB", "NVIDIA (0x10de)", "0x0f02")]),
              claims={GPU + "vendor": "nvidia", GPU + "pci_id": "10de:0f02", "drivers": []}),
    ]  # fmt: skip


def on_windows() -> list[Spec]:
    """Windows: wmic's read-outs as CIM says them, nvidia-smi's banners, the registry."""
    nvidia, amd_maker, intel_maker = "NVIDIA", "Advanced Micro Devices, Inc.", "Intel Corporation"
    super_2080 = "PCI\\VEN_10DE&DEV_1E81&SUBSYS_40051458&REV_A1\\4&1&0&0008"

    def smi(banner: str, *rows: str) -> dict[str, object]:
        asked = (query(SMI_WINDOWS, "".join(rows)),) if rows else ()
        return {
            "programs": {"nvidia-smi": SMI_WINDOWS},
            "commands": (nvml(NO_NVML, WINDOWS_PYTHON), *asked, done(SMI_WINDOWS, out=banner)),
        }

    def table(driver: str, cuda: str, rows: list[tuple[str, ...]], model: str = "WDDM", style: str = "2023") -> str:
        return write.banner(driver, cuda, rows, style=style).replace("  Off |   0", f" {model:>4} |   0")

    return [
        windows("windows-11-rtx3070ti-laptop", "The article's laptop; completed from the facts.", accesses={"C:\\Windows\\System32\\nvml.dll": (True, False)},
                video=[write.adapter("Intel(R) Iris(R) Xe Graphics", intel_maker, "PCI\\VEN_8086&DEV_46A6&SUBSYS_1&REV_0C\\3&1", "31.0.101.4502", 1 * GIB),
                       write.adapter("NVIDIA GeForce RTX 3070 Ti Laptop GPU", nvidia, "PCI\\VEN_10DE&DEV_24A0&SUBSYS_1&REV_A1\\4&1", "31.0.15.5222", 4293918720)],
                commands=(nvml(write.nvml("552.22", 12040, [write.nvml_gpu("NVIDIA GeForce RTX 3070 Ti Laptop GPU", "8.6", 8192, "24a0")]), WINDOWS_PYTHON),),
                claims={GPU + "compute_capability": "8.6", DRIVER + "version": "552.22", "gpus.1.vendor": "intel", "gpus.1.xpu": False, "secure_boot": True,
                        "cpu.model": "12th Gen Intel(R) Core(TM) i9-12900H", "pythons.1.version": "3.11.9"}),
        windows("windows-11-rtx2080super-591", "Real: banner (nvidia_gpu_exporter 591.86). CIM and the rest were completed.", **smi(
                    table("591.86", "13.1", [("NVIDIA GeForce RTX 2080 ...", "00000000:0C:00.0", "702MiB /   8192MiB", "Default", "N/A")])),
                video=[write.adapter("NVIDIA GeForce RTX 2080 SUPER", nvidia, super_2080, "32.0.15.9186", 4293918720)],
                claims={DRIVER + "version": "591.86", DRIVER + "cuda_api": "13.1", GPU + "compute_capability": "7.5", GPU + "memory_bytes": 8192 * 1024**2}),
        windows("windows-11-rtx2080super-610", "Real: --query-gpu and banner with KMD Version (nvidia_gpu_exporter 610.62). The rest was completed.", **smi(
                    table("610.62", "13.3", [("NVIDIA GeForce RTX 2080 ...", "00000000:0C:00.0", "797MiB /   8192MiB", "Default", "N/A")], style="2026"),
                    "NVIDIA GeForce RTX 2080 SUPER, 7.5, 8192, 797, 610.62, 0x1E8110DE, [N/A], Default\n"),
                claims={DRIVER + "version": "610.62", DRIVER + "cuda_api": "13.3", GPU + "name": "NVIDIA GeForce RTX 2080 SUPER"}),
        windows("windows-10-two-cards-517", "Real: banner of two cards with cut names (WSL issue 9134). CIM and the rest were completed.", version="10.0.19045", **smi(
                    table("517.48", "11.7", [("NVIDIA GeForce ...", "00000000:0A:00.0", "576MiB / 11264MiB", "Default", "N/A"),
                                             ("NVIDIA GeForce ...", "00000000:43:00.0", "2152MiB / 11264MiB", "Default", "N/A")])),
                claims={DRIVER + "version": "517.48", "gpus.1.memory_bytes": 11264 * 1024**2, GPU + "compute_capability": None}),
        windows("windows-server-l40s-tcc", "Real: banner with the TCC driver model (WSL issue 11865). The rest was completed.", version="10.0.20348", **smi(
                    table("555.85", "12.5", [("NVIDIA L40S", "00000000:61:00.0", "9MiB /  46068MiB", "Default", "N/A")], model="TCC")),
                claims={GPU + "compute_capability": "8.9", DRIVER + "cuda_api": "12.5"}),
        windows("windows-10-rtx2060super-cim", "Real: values of wmic (glpi-agent rtx-2060-super), a French system. No nvidia-smi; the registry was completed.", version="10.0.19044",
                video=[write.adapter("NVIDIA GeForce RTX 2060 SUPER", nvidia, "PCI\\VEN_10DE&DEV_1F06&SUBSYS_1339196E&REV_A1\\4&2F503515&0&0019", "31.0.15.1694", 4293918720)],
                registry=[("NVIDIA GeForce RTX 2060 SUPER", nvidia, "PCI\\VEN_10DE&DEV_1F06&SUBSYS_1339196E", "31.0.15.1694", 8 * GIB)],
                accesses={"C:\\Windows\\System32\\nvml.dll": (True, False)}, commands=(nvml(write.nvml(error={"code": 9, "text": "Driver Not Loaded"}), WINDOWS_PYTHON),),
                claims={DRIVER + "version": "516.94", GPU + "memory_bytes": 8 * GIB, GPU + "compute_capability": "7.5", DRIVER + "problem": "not-loaded"}),
        windows("windows-10-gtx950-hd4600", "Real: values of wmic with a remote display (glpi-agent intel+nvidia). The rest was completed.", version="10.0.19041",
                video=[write.adapter("Microsoft Remote Display Adapter", "Microsoft", "SWD\\REMOTEDISPLAYENUM\\RDPIDD_INDIRECTDISPLAY&SESSIONID_0001", "10.0.19041.1865", None),
                       write.adapter("Intel(R) HD Graphics 4600", intel_maker, "PCI\\VEN_8086&DEV_0412&SUBSYS_D0001458&REV_06\\3&11583659&0&10", "20.19.15.4624", 1073741824),
                       write.adapter("NVIDIA GeForce GTX 950", nvidia, "PCI\\VEN_10DE&DEV_1402&SUBSYS_36C31458&REV_A1\\4&1286464&0&0008", "30.0.15.1215", 2147483648)],
                accesses={"C:\\Windows\\System32\\nvml.dll": (True, False)}, commands=(nvml(NO_NVML, WINDOWS_PYTHON),),
                claims={GPU + "vendor": "nvidia", GPU + "compute_capability": "5.2", GPU + "memory_bytes": 2 * GIB, DRIVER + "version": "512.15", "gpus.1.xpu": False}),
        windows("windows-10-rx6600xt", "Real: values of wmic (glpi-agent amd-radeon-rx6600xt). PCI id and registry were completed.", version="10.0.19044",
                video=[write.adapter("AMD Radeon RX 6600 XT", amd_maker, "PCI\\VEN_1002&DEV_73FF&SUBSYS_1&REV_C1\\6&1", "30.0.21023.1015", 4293918720)],
                registry=[("AMD Radeon RX 6600 XT", amd_maker, "PCI\\VEN_1002&DEV_73FF&REV_C1", "30.0.21023.1015", 8573157376)],
                claims={GPU + "gfx": "gfx1032", GPU + "memory_bytes": 8573157376, DRIVER + "version": "30.0.21023.1015"}),
        windows("windows-11-rx7900xtx-and-igpu", "Real: names, processors and driver (ollama PR 5124). Device ids follow from them; the rest was completed.",
                video=[write.adapter("AMD Radeon(TM) Graphics", amd_maker, "PCI\\VEN_1002&DEV_164E&SUBSYS_1\\4&1", "31.0.24019.1006", 536870912),
                       write.adapter("AMD Radeon RX 7900 XTX", amd_maker, "PCI\\VEN_1002&DEV_744C&SUBSYS_1\\6&1", "31.0.24019.1006", 4293918720)],
                claims={GPU + "gfx": "gfx1036", GPU + "integrated": True, "gpus.1.gfx": "gfx1100", "gpus.1.memory_bytes": None}),
        windows("windows-10-uhd-comet-lake", "Real: values of Get-CimInstance (systeminformation issue 790). The rest was completed.", version="10.0.19045",
                video=[write.adapter("Intel(R) UHD Graphics", intel_maker, "PCI\\VEN_8086&DEV_9BC4&SUBSYS_170D1043&REV_05\\3&11583659&0&10", "31.0.101.2111", GIB)],
                claims={GPU + "xpu": False, GPU + "integrated": True, "level_zero": False}),
        windows("windows-10-hd-sandy-bridge", "Real: values of wmic (glpi-agent intel-hd-graphics). PCI id was completed.", version="10.0.19045",
                video=[write.adapter("Intel(R) HD Graphics", intel_maker, "PCI\\VEN_8086&DEV_0106&SUBSYS_1\\3&1", "9.17.10.4459", 2210398208)], claims={GPU + "xpu": False}),
        windows("windows-11-iris-xe-names-only", "Real: three properties as JSON of one adapter, no list (index 16104366548). The rest was completed.",
                shell=done("", out=json.dumps({"video": {"Name": "Intel(R) Iris(R) Xe Graphics", "AdapterCompatibility": "Intel Corporation",
                                                         "VideoProcessor": "Intel(R) Iris(R) Xe Graphics Family"}})), claims={GPU + "xpu": False, GPU + "pci_id": None}),
        windows("windows-11-arc-a770", "Real: device name (sycl-ls, llama.cpp issue 5547). The rest was completed.",
                video=[write.adapter("Intel(R) Arc(TM) A770 Graphics", intel_maker, "PCI\\VEN_8086&DEV_56A0&SUBSYS_1\\6&1", "31.0.101.5330", 4293918720)],
                registry=[("Intel(R) Arc(TM) A770 Graphics", intel_maker, "PCI\\VEN_8086&DEV_56A0", "31.0.101.5330", 16 * GIB)],
                accesses={"C:\\Windows\\System32\\ze_intel_gpu64.dll": (True, False)}, claims={GPU + "xpu": True, GPU + "memory_bytes": 16 * GIB, "level_zero": True}),
        windows("windows-11-chinese-registry-only", "PowerShell is blocked; reg.exe answers on a Chinese system; completed.",
                shell=done("", out="", err="\u65e0\u6cd5\u52a0\u8f7d\u6587\u4ef6\uff0c\u56e0\u4e3a\u5728\u6b64\u7cfb\u7edf\u4e0a\u7981\u6b62\u8fd0\u884c\u811a\u672c\u3002", code=1),
                registry=[("NVIDIA GeForce GTX 1660", nvidia, "PCI\\VEN_10DE&DEV_2184&SUBSYS_1", "31.0.15.3742", 6 * GIB)],
                accesses={"C:\\Windows\\System32\\nvml.dll": (True, False)}, commands=(nvml(NO_NVML, WINDOWS_PYTHON),),
                claims={GPU + "compute_capability": "7.5", GPU + "memory_bytes": 6 * GIB, DRIVER + "version": "537.42", "problems.0.probe": "PowerShell",
                        "os_version": "10.0.22631"}),
        windows("windows-11-adapter-code-43", "A card that Windows has stopped; completed.",
                video=[write.adapter("AMD Radeon RX 5700 XT", amd_maker, "PCI\\VEN_1002&DEV_731F&SUBSYS_1\\6&1", "31.0.21902.5", 4293918720, error=43)],
                claims={DRIVER + "problem": "stopped-by-windows", GPU + "gfx": "gfx1010"}),
        windows("windows-11-arm64", "Real: pip's environment markers of an ARM64 Python (pytorch issue 133804). The adapter is Qualcomm's, no GPU of a known vendor; completed.",
                arch="ARM64", version="10.0.26100", cpu="Snapdragon(R) X Elite - X1E80100", video=[
                    write.adapter("Qualcomm(R) Adreno(TM) X1-85 GPU", "Qualcomm Incorporated", "ACPI\\VEN_QCOM&DEV_0C36\\1", "31.0.58.0", None)],
                claims={"arch": "arm64", "gpus": [], "python": "3.12.5"}),
        windows("windows-server-hyperv-no-gpu", "A virtual machine; completed.", video=[
            write.adapter("Microsoft Hyper-V Video", "Microsoft", "VMBUS\\{DA0A7802-E377-4AAC-8E77-0558EB1073F8}\\1", "10.0.20348.1", None)],
            cim={"maker": "Microsoft Corporation", "model": "Virtual Machine"}, claims={"gpus": [], "virtual_machine": "hyperv"}),
    ]  # fmt: skip


def without_gpu() -> list[Spec]:
    """Linux machines with no GPU that counts."""
    arm = "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: {}\nCPU implementer\t: {}\nCPU architecture: 8\nCPU part\t: {}\n"
    return [
        linux("linux-alpine-musl", "musl; completed.", distribution=("alpine", "3.20.1"), glibc="", files={"/lib/ld-musl-x86_64.so.1": None},
              claims={"libc": "musl", "glibc": None, "gpus": []}),
        linux("linux-amazon-graviton2", "Real: /proc/cpuinfo (archspec linux-amazon-neoverse_n1). The rest was completed.", arch="aarch64", distribution=("amzn", "2023"),
              cpuinfo=arm.format("fp asimd evtstrm aes fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs", "0x41", "0xd0c"), glibc="2.34",
              claims={"cpu.model": "ARM Neoverse-N1", "cpu.features": ["asimd", "asimdhp", "asimddp"], "arch": "aarch64"}),
        linux("linux-rhel-grace", "Real: /proc/cpuinfo (archspec linux-rhel9-neoverse_v2). The rest was completed.", arch="aarch64", distribution=("rhel", "9.4"),
              cpuinfo=arm.format("fp asimd asimdhp asimddp sve sve2 svei8mm svebf16 i8mm bf16", "0x41", "0xd4f"), claims={"cpu.model": "ARM Neoverse-V2"}),
        linux("linux-rocky-a64fx", "Real: /proc/cpuinfo (archspec linux-rocky8-a64fx). The rest was completed.", arch="aarch64", distribution=("rocky", "8.9"), glibc="2.28",
              cpuinfo=arm.format("fp asimd atomics fphp asimdhp fcma dcpop sve", "0x46", "0x001"), claims={"cpu.model": "Fujitsu A64FX"}),
        linux("linux-fedora-asahi-m2", "Real: /proc/cpuinfo (archspec linux-asahi-m2). Linux on Apple's chip has no GPU for torch; the rest was completed.", arch="aarch64",
              distribution=("fedora-asahi-remix", "41"), cpuinfo=arm.format("fp asimd asimdhp asimddp i8mm bf16", "0x61", "0x032"), claims={"cpu.model": "Apple M2", "gpus": []}),
        linux("linux-centos7-server", "Real: /proc/version's release (jc's fixtures). An ASPEED display is no GPU; the rest was completed.", distribution=("centos", "7"),
              kernel="3.10.0-1062.el7.x86_64", glibc="2.17", pci=(("1a03:2000", "ast", "0000:04:00.0"),), claims={"gpus": [], "glibc": "2.17"}),
        linux("linux-ubuntu-vmware-svga", "Real: the display device (lspci of a VMware guest). The rest was completed.", kernel="5.8.0-63-generic",
              pci=(("15ad:0405", "vmwgfx", "0000:00:0f.0"),), files={"/sys/class/dmi/id/sys_vendor": "VMware, Inc.\n", "/sys/class/dmi/id/product_name": "VMware Virtual Platform\n"},
              claims={"gpus": [], "virtual_machine": "vmware", "kernel": "5.8.0-63-generic"}),
        linux("linux-ubuntu-conda-and-uv", "A workstation with many Pythons and installers; completed.", environ={"PATH": "/usr/bin", "CONDA_EXE": "/home/user/miniforge3/bin/conda",
              "VIRTUAL_ENV": "/home/user/work/.venv", "LD_LIBRARY_PATH": "/usr/local/cuda-11.8/lib64", "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True", "SECRET_TOKEN": "x"},
              directories={"/home/user/miniforge3/conda-meta": ("conda-24.7.1-py312h7900ff3_0.json", "mamba-1.5.8-py312h9460a1c_0.json", "python-3.12.4-h194c7f8_0_cpython.json"),
                           "/home/user/.pyenv/versions": ("3.13.0", "3.14.0t"), "/home/user/.local/share/uv/python": ("cpython-3.12.5-linux-x86_64-gnu",)},
              programs={"uv": "/usr/bin/uv", "nvcc": "/usr/local/cuda/bin/nvcc"}, files={"/home/user/work/.venv/pyvenv.cfg": "version = 3.11.9\n"},
              commands=(done("/usr/bin/uv", "--version", out="uv 0.9.2 (x86_64-unknown-linux-gnu)\n"),
                        done("/usr/local/cuda/bin/nvcc", "--version", out="nvcc: NVIDIA (R) Cuda compiler driver\nCuda compilation tools, release 11.8, V11.8.89\n"),
                        *several_pythons()),
              claims={"tools.0.name": "conda", "tools.0.version": "24.7.1", "tools.1.version": "1.5.8", "tools.2.version": "0.9.2", "tools.3.version": "11.8",
                      "pythons.2.free_threaded": False, "pythons.3.free_threaded": True, "pythons.4.kind": "uv", "pythons.5.kind": "conda", "pythons.6.kind": "venv",
                      "environment.LD_LIBRARY_PATH": "/usr/local/cuda-11.8/lib64", "environment.PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"}),
    ]  # fmt: skip


def several_pythons() -> list:
    """The interpreters of the workstation."""
    home = "/home/user"
    return [
        interpreter(f"{home}/.pyenv/versions/3.13.0/bin/python3", "3.13.0"),
        interpreter(f"{home}/.pyenv/versions/3.14.0t/bin/python3", "3.14.0", free_threaded=True),
        interpreter(f"{home}/.local/share/uv/python/cpython-3.12.5-linux-x86_64-gnu/bin/python3", "3.12.5"),
        interpreter(f"{home}/miniforge3/bin/python3", "3.12.4"),
        interpreter(f"{home}/work/.venv/bin/python", "3.11.9"),
    ]


def machines() -> list[Spec]:
    """All of them."""
    return [*amd(), *intel(), *apple(), *on_windows(), *without_gpu()]
