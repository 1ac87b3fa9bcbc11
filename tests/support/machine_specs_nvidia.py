"""Linux and WSL machines with NVIDIA GPUs: every rung of the ladder, every year's layout, every complaint."""

from __future__ import annotations

from support import machine_writers as write
from support.machines import NO_NVML, Spec, done, linux, nvml, query, wsl
from torchup.detect.nvidia_smi import FIELDS

SMI = "/usr/bin/nvidia-smi"
WSL_SMI = "/usr/lib/wsl/lib/nvidia-smi"
EXPORTER = "values of nvidia_gpu_exporter's capture"
TELEGRAF = "values of telegraf's test data"
REST = "Everything else was completed."
GPU, DRIVER = "gpus.0.", "drivers.0."
OLD_FIELDS = tuple(field for field in FIELDS if field != "compute_cap")
REFUSED = query(SMI, 'Field "compute_cap" is not a valid field to query.\n\n', code=2)


def card(name: str, capability: str, mib: int | None, pci: str, driver: str, cuda: int, **rest: object) -> str:
    """NVML's answer on a machine with one card."""
    return write.nvml(driver, cuda, [write.nvml_gpu(name, capability, mib, pci, **rest)])


def smi_only(banner: str, *commands: object) -> tuple:
    """A machine whose NVML library the child does not find, and nvidia-smi prints a banner."""
    return (nvml(NO_NVML), *commands, done(SMI, out=banner))


def by_nvml() -> list[Spec]:
    """Machines where NVML answers everything."""
    a100 = write.nvml_gpu("NVIDIA A100-SXM4-80GB", "8.0", 81920, "20b2", mig=[1, 1], mig_instances=4)
    return [
        linux("linux-ubuntu-rtx4090", f"Completed from the facts of the RTX 4090. {REST}",
              pci=(("10de:2684", "nvidia", "0000:01:00.0"),), smi=True,
              files={"/proc/driver/nvidia/version": write.kernel_module("550.54.14"), "/sys/module/nvidia/version": "550.54.14\n"},
              commands=(nvml(card("NVIDIA GeForce RTX 4090", "8.9", 24564, "2684", "550.54.14", 12040)),),
              claims={GPU + "name": "NVIDIA GeForce RTX 4090", GPU + "compute_capability": "8.9", DRIVER + "version": "550.54.14",
                      DRIVER + "cuda_api": "12.4", DRIVER + "flavor": "proprietary", GPU + "pci_id": "10de:2684"}),
        linux("linux-ubuntu-rtx3070ti-laptop", f"The article's laptop under Linux, completed from the facts. {REST}",
              pci=(("8086:46a6", "i915", "0000:00:02.0"), ("10de:24a0", "nvidia", "0000:01:00.0")), smi=True,
              files={"/proc/driver/nvidia/version": write.kernel_module("535.183.01")},
              commands=(nvml(card("NVIDIA GeForce RTX 3070 Ti Laptop GPU", "8.6", 8192, "24a0", "535.183.01", 12020)),),
              claims={GPU + "compute_capability": "8.6", "gpus.1.vendor": "intel", "gpus.1.xpu": False, "gpus.1.integrated": True}),
        linux("linux-ubuntu-h100x8-open-575", "Real: /proc/driver/nvidia/version (vllm issue 20862). NVML's answer completed.",
              pci=tuple(("10de:2330", "nvidia", f"0000:{19 + i:02x}:00.0") for i in range(8)), memory_gib=2048,
              files={"/proc/driver/nvidia/version": write.kernel_module("575.57.08", open_module=True)},
              commands=(nvml(write.nvml("575.57.08", 12090, [write.nvml_gpu("NVIDIA H100 80GB HBM3", "9.0", 81559, "2330", mig=[0, 0])] * 8)),),
              claims={"gpus.7.compute_capability": "9.0", DRIVER + "flavor": "open", GPU + "mig_mode": "disabled"}),
        linux("linux-ubuntu-mixed-4090-1080", "Two architectures in one machine, completed from the facts.",
              pci=(("10de:2684", "nvidia", "0000:01:00.0"), ("10de:1b80", "nvidia", "0000:02:00.0")), smi=True,
              commands=(nvml(write.nvml("570.86.15", 12080, [write.nvml_gpu("NVIDIA GeForce RTX 4090", "8.9", 24564, "2684"),
                                                             write.nvml_gpu("NVIDIA GeForce GTX 1080", "6.1", 8192, "1b80")])),),
              claims={GPU + "compute_capability": "8.9", "gpus.1.compute_capability": "6.1", "gpus.1.architecture": "Pascal"}),
        linux("linux-ubuntu-vgpu-a40", "A vGPU guest, completed: NVML says virtualization mode 2.", smi=True,
              pci=(("10de:2235", "nvidia", "0000:02:00.0"),), files={"/sys/class/dmi/id/sys_vendor": "VMware, Inc.\n"},
              commands=(nvml(card("NVIDIA A40-12Q", "8.6", 12288, "2235", "550.54.15", 12040, virtualization=2)),),
              claims={GPU + "virtual": "vgpu", "virtual_machine": "vmware", GPU + "memory_bytes": 12 * 1024**3}),
        linux("linux-rocky-a100-mig", f"Real: GPU, MIG and driver, {TELEGRAF} a100-sxm4-v12.xml as NVML would say them.",
              distribution=("rocky", "9.3"), glibc="2.34", smi=True, pci=(("10de:20b2", "nvidia", "0000:01:00.0"),),
              commands=(nvml(write.nvml("535.54.03", 12020, [a100])),),
              claims={GPU + "mig_mode": "enabled", GPU + "mig_instances": 4, DRIVER + "cuda_api": "12.2"}),
        linux("linux-ubuntu-exclusive-process", "Completed: a cluster node in exclusive-process mode.", smi=True,
              pci=(("10de:1db6", "nvidia", "0000:3b:00.0"),), environ={"CUDA_VISIBLE_DEVICES": "0", "SLURM_JOB_ID": "42"},
              commands=(nvml(card("Tesla V100-PCIE-32GB", "7.0", 32768, "1db6", "525.147.05", 12000) .replace('"compute_mode": 0', '"compute_mode": 3')),),
              claims={GPU + "compute_mode": "exclusive-process", "environment": {"CUDA_VISIBLE_DEVICES": "0"}}),
        linux("linux-ubuntu-b200", "Blackwell server, completed from the facts.", distribution=("ubuntu", "24.04"), glibc="2.39",
              pci=(("10de:2901", "nvidia", "0000:18:00.0"),),
              commands=(nvml(card("NVIDIA B200", "10.0", 183359, "2901", "580.82.07", 13000)),),
              claims={GPU + "compute_capability": "10.0", GPU + "architecture": "Blackwell"}),
        linux("linux-fedora-rtx5090", "Blackwell desktop, completed from the facts.", distribution=("fedora", "43"), glibc="2.42",
              kernel="6.17.4-300.fc43.x86_64", pci=(("10de:2b85", "nvidia", "0000:01:00.0"),), system_python="3.14.0",
              files={"/proc/driver/nvidia/version": write.kernel_module("580.95.05", open_module=True)},
              commands=(nvml(card("NVIDIA GeForce RTX 5090", "12.0", 32607, "2b85", "580.95.05", 13000)),),
              claims={GPU + "compute_capability": "12.0", DRIVER + "flavor": "open", "pythons.1.version": "3.14.0"}),
    ]  # fmt: skip


def by_tool() -> list[Spec]:
    """Machines where nvidia-smi has to tell."""
    return [
        linux("linux-ubuntu-rtx2080super-610", f"Real: --query-gpu and the 610 banner, {EXPORTER} rtx-2080-super 610.57.04. {REST}",
              distribution=("ubuntu", "26.04"), glibc="2.43", smi=True, pci=(("10de:1e81", "nvidia", "0000:0c:00.0"),),
              commands=smi_only(
                  write.banner("610.57.04", "13.3", [("NVIDIA GeForce RTX 2080 ...", "00000000:0C:00.0", "211MiB /   8192MiB", "Default", "N/A")], style="2026"),
                  query(SMI, "NVIDIA GeForce RTX 2080 SUPER, 7.5, 8192, 211, 610.57.04, 0x1E8110DE, [N/A], Default\n")),
              claims={GPU + "name": "NVIDIA GeForce RTX 2080 SUPER", GPU + "compute_capability": "7.5", DRIVER + "version": "610.57.04",
                      DRIVER + "cuda_api": "13.3", DRIVER + "problem": None, "sources.gpus.0.name": "nvidia-smi --query-gpu"}),
        linux("linux-arch-rtx4080super-595", f"Real: banner, {EXPORTER} rtx-4080-super 595.71.05. {REST}", smi=True,
              distribution=("arch", ""), pci=(("10de:2702", "nvidia", "0000:01:00.0"),),
              commands=smi_only(write.banner("595.71.05", "13.2", [("NVIDIA GeForce RTX 4080 ...", "00000000:01:00.0", "596MiB /  16376MiB", "Default", "N/A")])),
              claims={DRIVER + "version": "595.71.05", DRIVER + "cuda_api": "13.2", GPU + "compute_capability": "8.9", "os_version": None}),
        linux("linux-ubuntu-h100-590", f"Real: banner, {EXPORTER} h100-80gb-hbm3 590.48.01. {REST}", smi=True,
              commands=smi_only(write.banner("590.48.01", "13.1", [("NVIDIA H100 80GB HBM3", "00000000:00:09.0", "0MiB /  81559MiB", "Default", "Disabled")])),
              claims={GPU + "compute_capability": "9.0", GPU + "mig_mode": "disabled", GPU + "memory_bytes": 81559 * 1024**2}),
        linux("linux-ubuntu-h200-mig-590", f"Real: banner with MIG on and -L, {EXPORTER} h200-mig 590.48.01. {REST}", smi=True,
              commands=smi_only(write.banner("590.48.01", "13.1", [("NVIDIA H200", "00000000:83:00.0", "55MiB / 143771MiB", "Default", "Enabled")]),
                                done(SMI, "-L", out=write.listing([("NVIDIA H200", ("1c.3g.71gb", "2c.3g.71gb", "2g.35gb", "1g.18gb", "1g.18gb"))]))),
              claims={GPU + "mig_instances": 5, "sources.gpus.0.mig_instances": "nvidia-smi -L", GPU + "name": "NVIDIA H200", GPU + "mig_mode": "enabled", GPU + "memory_used_bytes": 55 * 1024**2}),
        linux("linux-ubuntu-l40s-595", "Real: banner of driver 595.80 (an L40S at 100 %). Everything else was completed.", smi=True,
              commands=smi_only(write.banner("595.80", "13.2", [("NVIDIA L40S", "00000000:01:00.0", "0MiB /  46068MiB", "Default", "N/A")])),
              claims={DRIVER + "version": "595.80", GPU + "compute_capability": "8.9", GPU + "architecture": "Ada Lovelace"}),
        linux("linux-ubuntu-gtx1080ti-384", "Real: banner of 2017 (tensorflow issue 14985), which has no CUDA version. "
              "The refused field is real (inference-snaps issue 128).", smi=True, distribution=("ubuntu", "16.04"), glibc="2.23",
              kernel="4.10.0-40-generic", system_python="3.5.2", pci=(("10de:1b06", "nvidia", "0000:01:00.0"),),
              commands=smi_only(
                  write.banner("384.90", None, [("GeForce GTX 108...", "00000000:01:00.0", "860MiB / 11169MiB", "Default", "")], style="2017"),
                  REFUSED, query(SMI, "GeForce GTX 1080 Ti, 11169, 860, 384.90, 0x1B0610DE, [Not Supported], Default\n", OLD_FIELDS)),
              claims={GPU + "compute_capability": "6.1", DRIVER + "version": "384.90", DRIVER + "cuda_api": None, "glibc": "2.23"}),
        linux("linux-ubuntu-gtx1080-396", "Real: banner of 2018 (tensorflow issue 22013). Everything else was completed.", smi=True,
              distribution=("ubuntu", "18.04"), glibc="2.27", commands=smi_only(
                  write.banner("396.26", None, [("GeForce GTX 108...", "00000000:01:00.0", "708MiB / 11177MiB", "Default", "")], style="2017")),
              claims={GPU + "compute_capability": "6.1", DRIVER + "version": "396.26"}),
        linux("linux-centos-v100x2-418", "Real: banner of 2019 with CUDA Version: N/A (nni issue 1852). CentOS 7 was completed.", smi=True,
              distribution=("centos", "7"), glibc="2.17", kernel="3.10.0-1062.el7.x86_64", commands=smi_only(
                  write.banner("418.67", None, [("Tesla V100-PCIE...", f"00000000:{bus}:00.0", "0MiB / 32480MiB", "Default", "") for bus in ("24", "26")], style="2019")),
              claims={"gpus.1.compute_capability": "7.0", DRIVER + "cuda_api": None, "glibc": "2.17", "distribution": "centos"}),
        linux("linux-ubuntu-rtx2080ti-415", "Real: banner of 2019 (kubeflow issue 3094). Everything else was completed.", smi=True,
              commands=smi_only(write.banner("415.27", None, [("GeForce RTX 208...", "00000000:02:00.0", "0MiB / 10989MiB", "Default", "")], style="2019")),
              claims={GPU + "compute_capability": "7.5", DRIVER + "version": "415.27"}),
        linux("linux-debian-rtx3080-595-xml", f"Real: -q -x, {TELEGRAF} rtx-3080-v13.xml. {REST}", smi=True, distribution=("debian", "13"),
              commands=(nvml(NO_NVML), done(SMI, "-q", "-x", out=write.xml("595.58.03", "13.2", [
                  {"name": "NVIDIA GeForce RTX 3080", "pci": "2216", "total": "10240 MiB", "bus": "00000000:0C:00.0"}], dtd="v13"))),
              claims={GPU + "pci_id": "10de:2216", GPU + "compute_capability": "8.6", DRIVER + "cuda_api": "13.2"}),
        linux("linux-amazon-t4-515-xml", f"Real: -q -x, {TELEGRAF} tesla-t4.xml (a pass-through card on EC2). {REST}", smi=True,
              distribution=("amzn", "2"), glibc="2.26", files={"/sys/class/dmi/id/sys_vendor": "Amazon EC2\n"},
              commands=(nvml(NO_NVML), done(SMI, "-q", "-x", out=write.xml("515.105.01", "11.7", [
                  {"name": "Tesla T4", "pci": "1EB8", "total": "15360 MiB", "used": "1032 MiB", "virtual": "Pass-Through"}], dtd="v11"))),
              claims={GPU + "virtual": "passthrough", DRIVER + "cuda_api": "11.7", "virtual_machine": "ec2", "glibc": "2.26"}),
        linux("linux-ubuntu-p2000-525-xml", f"Real: -q -x, {TELEGRAF} quadro-p2000-v12.xml. {REST}", smi=True,
              commands=(nvml(NO_NVML), done(SMI, "-q", "-x", out=write.xml("525.125.06", "12.0", [
                  {"name": "Quadro P2000", "pci": "1C30", "total": "5120 MiB"}]))),
              claims={GPU + "compute_capability": "6.1", GPU + "architecture": "Pascal"}),
        linux("linux-ubuntu-rtx3060-570-xml", f"Real: -q -x, {TELEGRAF} rtx-3060 v12 (570.124.04). {REST}", smi=True,
              commands=(nvml(NO_NVML), done(SMI, "-q", "-x", out=write.xml("570.124.04", "12.8", [
                  {"name": "NVIDIA GeForce RTX 3060", "pci": "2487", "total": "12288 MiB"}]))),
              claims={GPU + "memory_bytes": 12 * 1024**3, DRIVER + "version": "570.124.04"}),
        linux("linux-ubuntu-gtx1070ti-old-xml", f"Real: -q -x without driver or CUDA version, {TELEGRAF} gtx-1070-ti.xml. {REST}", smi=True,
              files={"/proc/driver/nvidia/version": write.kernel_module("390.157")},
              commands=(nvml(NO_NVML), done(SMI, "-q", "-x", out=write.xml(None, None, [
                  {"name": "GeForce GTX 1070 Ti", "total": "4096 MiB", "used": "42 MiB"}], dtd="v10"))),
              claims={GPU + "compute_capability": "6.1", DRIVER + "version": "390.157", "sources.drivers.0.version": "/proc/driver/nvidia/version"}),
        linux("linux-ubuntu-a100x4-mig-xml", f"Real: -q -x, {TELEGRAF} a100-sxm4-v12.xml (four MIG devices a card). {REST}", smi=True,
              commands=(nvml(NO_NVML), done(SMI, "-q", "-x", out=write.xml("535.54.03", "12.2", [
                  {"name": "NVIDIA A100-SXM4-80GB", "pci": "20B2", "total": "81920 MiB", "mig": "Enabled", "mig_instances": 4}] * 4))),
              claims={"gpus.3.mig_instances": 4, "gpus.3.compute_capability": "8.0"}),
        linux("linux-dgxos-gb10-spark", "Real: banner of GB10 (ArcticTraining PR 345), query with [N/A] memory (nvitop PR 208). "
              "The system was completed.", arch="aarch64", distribution=("ubuntu", "24.04"), glibc="2.39", kernel="6.11.0-1016-nvidia", smi=True,
              cpuinfo="processor\t: 0\nFeatures\t: fp asimd asimdhp asimddp sve sve2 i8mm bf16\nCPU implementer\t: 0x41\nCPU part\t: 0xd85\n",
              memory_gib=119.7, pci=(("10de:2e12", "nvidia", "000f:01:00.0"),),
              commands=smi_only(write.banner("580.126.09", "13.0", [("NVIDIA GB10", "0000000F:01:00.0", "Not Supported", "Default", "N/A")]),
                                query(SMI, "NVIDIA GB10, 12.1, [N/A], [N/A], 580.126.09, 0x2E1210DE, [N/A], Default\n")),
              claims={GPU + "compute_capability": "12.1", GPU + "integrated": True, GPU + "memory_bytes": int(119.7 * 1024**3),
                      "sources.gpus.0.memory_bytes": "unified memory", "cpu.model": "ARM Cortex-X925", "arch": "aarch64"}),
    ]  # fmt: skip


def troubled() -> list[Spec]:
    """Drivers that do not work, or are not there."""
    mismatch = "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 570.124\n"
    lost = write.nvml("570.86.15", 12080, [{"error": {"code": 15, "text": "GPU is lost"}}])
    ga102 = (("10de:2204", "nvidia", "0000:01:00.0"),)
    return [
        linux("linux-ubuntu-mismatch-570", "Real: the complaint (open-gpu-kernel-modules issue 47). NVML's error 18 is the same, completed.",
              pci=ga102, smi=True, files={"/proc/driver/nvidia/version": write.kernel_module("570.86.15"), "/sys/module/nvidia/version": "570.86.15\n"},
              commands=(nvml(write.nvml(error={"code": 18, "text": "Driver/library version mismatch"}, cuda=12080)), query(SMI, mismatch, code=18),
                        done(SMI, "-q", "-x", out=mismatch, code=18), done(SMI, out=mismatch, code=18)),
              claims={DRIVER + "problem": "library-version-mismatch", DRIVER + "version": "570.86.15", GPU + "compute_capability": "8.6"}),
        linux("linux-azure-mismatch-smi-only", "Real: the complaint (az-hop issue 269). Everything else was completed.", smi=True,
              pci=(("10de:1db5", "nvidia", "0001:00:00.0"),),
              commands=(nvml(NO_NVML), query(SMI, "Failed to initialize NVML: Driver/library version mismatch\n", code=18)),
              claims={DRIVER + "problem": "library-version-mismatch", GPU + "compute_capability": "7.0"}),
        linux("linux-popos-hybrid-580-mismatch", "Real: /proc/driver/nvidia/version 580.142 with libnvidia-ml 580.159.04 and the two "
              "display devices of one machine (index 61070957399). NVML's answer follows from them.", distribution=("pop", "24.04"), glibc="2.39",
              pci=(("8086:a7a0", "i915", "0000:00:02.0"), ("10de:2757", "nvidia", "0000:01:00.0")),
              files={"/proc/driver/nvidia/version": write.kernel_module("580.142", open_module=True)},
              commands=(nvml(write.nvml(error={"code": 18, "text": "Driver/library version mismatch"}, cuda=13000)),),
              claims={DRIVER + "problem": "library-version-mismatch", DRIVER + "flavor": "open", GPU + "architecture": "Ada Lovelace", "gpus.1.xpu": False}),
        linux("linux-ubuntu-driver-not-loaded", "NVML's error 9 and the tool's words (WSL issue 9134 has the same), completed.", smi=True,
              pci=(("10de:2504", None, "0000:01:00.0"),), files={"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c": "\x06\x00\x00\x00\x01"},
              commands=(nvml(write.nvml(error={"code": 9, "text": "Driver Not Loaded"})),
                        query(SMI, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest "
                              "NVIDIA driver is installed and running.\n", code=9)),
              claims={DRIVER + "problem": "not-loaded", "secure_boot": True, GPU + "compute_capability": "8.6", GPU + "name": "GeForce RTX 3060 Lite Hash Rate"}),
        linux("linux-debian-nouveau-gtx1060", "No NVIDIA driver, nouveau bound; completed from the PCI ids.", distribution=("debian", "12"),
              pci=(("10de:1c03", "nouveau", "0000:01:00.0"),), files={"/sys/module/nouveau/refcnt": "1\n"},
              commands=(nvml(NO_NVML),), claims={DRIVER + "flavor": "nouveau", DRIVER + "version": None, GPU + "compute_capability": "6.1"}),
        linux("linux-popos-gt640-kepler", "Real: the card's modalias (nvidia-graphics-drivers-470 issue 18). Everything else was completed.",
              pci=(("10de:0fc1", "nouveau", "0000:03:00.0"),), commands=(nvml(NO_NVML),),
              claims={GPU + "compute_capability": "3.0", GPU + "name": "GeForce GT 640"}),
        linux("linux-arch-550-proc-only", "Real: /proc/driver/nvidia/version (llama.cpp issue 9391). No NVML, no tool; completed.",
              distribution=("arch", ""), pci=(("10de:2488", "nvidia", "0000:0a:00.0"),),
              files={"/proc/driver/nvidia/version": write.kernel_module("550.107.02"),
                     "/proc/driver/nvidia/gpus/0000:0a:00.0/information": "Model: \t\t NVIDIA GeForce RTX 3070\nIRQ:   \t\t 104\nGPU UUID: \t GPU-00000000-0000-0000-0000-000000000000\n"},
              commands=(nvml(NO_NVML),),
              claims={DRIVER + "version": "550.107.02", DRIVER + "flavor": "proprietary", GPU + "name": "NVIDIA GeForce RTX 3070", GPU + "compute_capability": "8.6"}),
        linux("linux-ubuntu-gpu-lost", "NVML's error 15 on the only card, completed.", pci=ga102, smi=True, commands=(nvml(lost),),
              claims={DRIVER + "problem": "gpu-lost", DRIVER + "version": "570.86.15", GPU + "pci_id": "10de:2204"}),
        linux("linux-rhel-no-permission", "NVML's error 4, completed.", distribution=("rhel", "9.4"), glibc="2.34", pci=ga102,
              commands=(nvml(write.nvml(error={"code": 4, "text": "Insufficient Permissions"})),), claims={DRIVER + "problem": "no-permission"}),
        linux("linux-ubuntu-driver-hangs", "A driver that hangs: the child is stopped at its limit and nothing else is asked; completed.",
              pci=ga102, smi=True, files={"/proc/driver/nvidia/version": write.kernel_module("470.256.02")}, commands=(nvml("", timed_out=True),),
              claims={DRIVER + "problem": "timeout", DRIVER + "version": "470.256.02", "problems.0.code": "timeout", GPU + "compute_capability": "8.6"}),
        linux("linux-ubuntu-smi-garbage", "A tool that prints bytes that are no text; completed.", pci=ga102, smi=True,
              commands=(nvml(NO_NVML), query(SMI, "\ufffd\ufffd\x00\x1b[31m\ufffd\n"), done(SMI, "-q", "-x", out="<nvidia_smi_log><gpu>"), done(SMI, out="\ufffd")),
              claims={"problems.0.code": "unreadable", GPU + "compute_capability": "8.6"}),
        linux("linux-proxmox-vfio", "A card that is reserved for virtual machines; completed.", distribution=("debian", "12"),
              pci=(("10de:2684", "vfio-pci", "0000:01:00.0"),), commands=(nvml(NO_NVML),),
              claims={DRIVER + "problem": "reserved-for-vm", DRIVER + "loaded": False, GPU + "compute_capability": "8.9"}),
        linux("linux-ubuntu-no-devices", "A driver without a card (moved to a VM), the tool's words; completed.", smi=True,
              files={"/proc/driver/nvidia/version": write.kernel_module("535.183.01")},
              commands=(nvml(write.nvml("535.183.01", 12020, [])), query(SMI, "No devices were found\n", code=6)),
              claims={"gpus": [], DRIVER + "problem": "no-devices", DRIVER + "version": "535.183.01"}),
    ]  # fmt: skip


def contained() -> list[Spec]:
    """Containers, Jetson, WSL."""
    t4 = card("Tesla T4", "7.5", 15360, "1eb8", "535.161.08", 12020)
    nodes = {"/dev/nvidiactl": (True, True), "/dev/nvidia0": (True, True)}
    tegra = "# R{} (release), REVISION: {}, GCID: 1, BOARD: {}, EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025\n"
    a78 = "processor\t: 0\nFeatures\t: fp asimd asimdhp asimddp\nCPU implementer\t: 0x41\nCPU part\t: 0xd42\n"
    orin = write.banner("540.4.0", "12.6", [("Orin (nvgpu)", "N/A", "Not Supported", "N/A", "N/A")]).replace(
        "  Off |   N/A Off |", "  N/A  | N/A              N/A |"
    )
    return [
        linux("linux-docker-gpu-not-passed", "A container without --gpus: the host's /proc and PCI bus show through; completed.",
              pci=(("10de:2684", "nvidia", "0000:01:00.0"),), accesses={"/.dockerenv": (True, False)},
              files={"/proc/driver/nvidia/version": write.kernel_module("550.54.14")}, commands=(nvml(NO_NVML),),
              claims={"container": "docker", "container_gpu": False, DRIVER + "problem": "not-in-container", GPU + "compute_capability": "8.9"}),
        linux("linux-docker-t4", "A container with --gpus all; completed.", accesses={"/.dockerenv": (True, False), **nodes},
              pci=(("10de:1eb8", "nvidia", "0000:00:1e.0"),), smi=True, commands=(nvml(t4),), environ={"NVIDIA_VISIBLE_DEVICES": "all"},
              files={"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "8589934592\n"},
              claims={"container": "docker", "container_gpu": True, DRIVER + "problem": None, "memory_limit_bytes": 8 * 1024**3}),
        linux("linux-kubernetes-l40s", "A pod; completed.", accesses=nodes, environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1"},
              commands=(nvml(card("NVIDIA L40S", "8.9", 46068, "26b9", "550.90.07", 12040)),),
              claims={"container": "kubernetes", "container_gpu": True}),
        linux("linux-apptainer-a100", "A cluster's container; completed.", accesses=nodes, environ={"APPTAINER_CONTAINER": "/data/torch.sif"},
              commands=(nvml(card("NVIDIA A100-PCIE-40GB", "8.0", 40960, "20f1", "535.129.03", 12020)),),
              claims={"container": "apptainer", GPU + "memory_bytes": 40 * 1024**3}),
        linux("linux-podman-rtx4070", "A rootless container; completed.", accesses={"/run/.containerenv": (True, False), **nodes},
              commands=(nvml(card("NVIDIA GeForce RTX 4070", "8.9", 12282, "2786", "560.35.03", 12060)),), claims={"container": "podman"}),
        linux("linux-lxc-rtx3090", "A system container; completed.", files={"/run/systemd/container": "lxc\n"}, accesses=nodes,
              commands=(nvml(card("NVIDIA GeForce RTX 3090", "8.6", 24576, "2204", "550.54.14", 12040)),), claims={"container": "lxc"}),
        linux("linux-jetson-orin-jp6", "Real: banner of Orin (ultralytics PR 20680), release R36.4.3. The board was completed.", arch="aarch64",
              cpuinfo=a78, kernel="5.15.148-tegra", smi=True, memory_gib=62.8, files={"/etc/nv_tegra_release": tegra.format(36, "4.3", "generic"),
              "/proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\x00"}, commands=smi_only(orin),
              claims={"jetson": "36.4.3", GPU + "name": "Orin (nvgpu)", GPU + "compute_capability": "8.7", GPU + "integrated": True, DRIVER + "cuda_api": "12.6"}),
        linux("linux-jetson-orin-nano-jp5", "Real: release R35.3.1, no nvidia-smi (ultralytics PR 20680). The board was completed.", arch="aarch64",
              cpuinfo=a78, kernel="5.10.104-tegra", distribution=("ubuntu", "20.04"), glibc="2.31", system_python="3.8.10", memory_gib=7.2,
              files={"/etc/nv_tegra_release": tegra.format(35, "3.1", "t186ref"), "/proc/device-tree/model": "NVIDIA Orin Nano Developer Kit\x00"},
              commands=(nvml(NO_NVML),), claims={"jetson": "35.3.1", GPU + "compute_capability": "8.7", GPU + "integrated": True}),
        linux("linux-jetson-nano-r32", "Real: release R32.7.1. The board was completed.", arch="aarch64", distribution=("ubuntu", "18.04"), glibc="2.27",
              cpuinfo="processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd07\n", kernel="4.9.253-tegra", memory_gib=3.9,
              system_python="3.6.9", files={"/etc/nv_tegra_release": tegra.format(32, "7.1", "t210ref"), "/proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit\x00"},
              commands=(nvml(NO_NVML),), claims={"jetson": "32.7.1", GPU + "compute_capability": "5.3", "cpu.model": "ARM Cortex-A57"}),
        wsl("wsl-ubuntu-rtxa4000-537", "Real: banner (llama.cpp issue 3723) and kernel release. The rest was completed.",
            programs={"nvidia-smi": WSL_SMI}, commands=(nvml(NO_NVML), done(WSL_SMI, out=write.banner(
                "537.42", "12.2", [("NVIDIA RTX A4000", "00000000:2D:00.0", "1323MiB / 15352MiB", "Default", "N/A")]).replace("NVIDIA-SMI 537.42   ", "NVIDIA-SMI 535.104.12"))),
            claims={"wsl": True, "wsl_version": 2, DRIVER + "version": "537.42", GPU + "compute_capability": "8.6"}),
        wsl("wsl-ubuntu-rtx3060-cuda-err", "Real: banner with CUDA Version: ERR! (WSL issue 11589). The rest was completed.",
            programs={"nvidia-smi": WSL_SMI}, commands=(nvml(NO_NVML), done(WSL_SMI, out=write.banner(
                "546.80", "ERR!", [("NVIDIA GeForce RTX 3060 ...", "00000000:01:00.0", "816MiB /  6144MiB", "Default", "N/A")]))),
            claims={DRIVER + "version": "546.80", DRIVER + "cuda_api": None, GPU + "compute_capability": "8.6"}),
        wsl("wsl-ubuntu-gpu-blocked", "Real: the complaint and the kernel (WSL issue 14339). NVML's error 17 is the same, completed.",
            kernel="6.6.87.2-microsoft-standard-WSL2", programs={"nvidia-smi": WSL_SMI},
            commands=(nvml(write.nvml(error={"code": 17, "text": "The operating system has blocked the request"})),
                      done(WSL_SMI, out="Failed to initialize NVML: GPU access blocked by the operating system\n", code=17)),
            claims={DRIVER + "problem": "blocked-by-os", "gpus": [], "kernel": "6.6.87.2-microsoft-standard-WSL2"}),
        wsl("wsl-ubuntu-driver-not-loaded", "Real: the complaint (WSL issue 9134). The rest was completed.", programs={"nvidia-smi": WSL_SMI},
            commands=(nvml("", err="ImportError", code=1), query(WSL_SMI, " NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that "
                      "the latest NVIDIA driver is installed and running.\n  \n  Failed to properly shut down NVML: Driver Not Loaded\n", code=9)),
            claims={DRIVER + "problem": "not-loaded", "problems.0.probe": "nvml"}),
        wsl("wsl-ubuntu-rtx4090-nvml", "NVML on WSL tells Windows' driver; completed.", kernel="5.10.60.1-microsoft-standard-WSL2",
            commands=(nvml(card("NVIDIA GeForce RTX 4090", "8.9", 24564, "2684", "566.36", 12070)),), claims={DRIVER + "version": "566.36", DRIVER + "loaded": True, "wsl_version": 2}),
        wsl("wsl1-ubuntu-no-gpu", "WSL 1 has no GPU; completed.", kernel="4.4.0-19041-Microsoft", claims={"wsl": True, "wsl_version": 1, "gpus": []}),
        wsl("wsl-docker-no-gpu", "A container inside WSL without a GPU; completed.", accesses={"/.dockerenv": (True, False)},
            claims={"wsl": True, "container": "docker"}),
    ]  # fmt: skip


def machines() -> list[Spec]:
    """All of them."""
    return [*by_nvml(), *by_tool(), *troubled(), *contained()]
