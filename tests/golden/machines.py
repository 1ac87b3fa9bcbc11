"""The machines of the golden plans: for each what a careful expert would say, and for the hard ones what must come out.

``build`` and ``advice`` are written by hand and hold whatever the snapshots say; ``expert`` is the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from support.plan_machines import amd, apple, intel, machine, nvidia
from torchup.model import DeviceNode, Driver, Machine, Os, PythonInterpreter, Vendor

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True)
class Case:
    """One machine, one request, and the expert's word."""

    name: str
    machine: Machine
    expert: str
    request: dict = field(default_factory=dict)
    build: str | None = None  # "2.14.1+cu126", "none": no plan, None: only the snapshot says
    advice: tuple[str, ...] = ()  # codes that must be among the plan's advice
    hint: str | None = None  # a part of the error's hint


GTX_1080 = nvidia("NVIDIA GeForce GTX 1080", "6.1", 8)
GTX_1080_TI = nvidia("NVIDIA GeForce GTX 1080 Ti", "6.1", 11)
RTX_3060 = nvidia("NVIDIA GeForce RTX 3060", "8.6", 12)
RTX_3070_TI = nvidia("NVIDIA GeForce RTX 3070 Ti Laptop GPU", "8.6", 8)
RTX_4090 = nvidia("NVIDIA GeForce RTX 4090", "8.9", 24)
RTX_5090 = nvidia("NVIDIA GeForce RTX 5090", "12.0", 32)
A100 = nvidia("NVIDIA A100-SXM4-80GB", "8.0", 80)
H100 = nvidia("NVIDIA H100 80GB HBM3", "9.0", 80)
V100 = nvidia("Tesla V100-SXM2-16GB", "7.0", 16)
K80 = nvidia("Tesla K80", "3.7", 12)
RX_7900 = amd("AMD Radeon RX 7900 XTX", "gfx1100", 24)
IRIS = intel("Intel Iris Xe Graphics", 0)
ARC_B580 = intel("Intel Arc B580 Graphics", 12)


def hard() -> Iterator[Case]:  # noqa: PLR0915  # a table
    """The machines that other tools get wrong."""
    yield Case(
        name="gtx-1080-driver-580",
        machine=machine("linux", GTX_1080, driver="580.95.05"),
        build="2.14.1+cu126",
        advice=("plan.advice.last-branch",),
        expert="The driver would run CUDA 13, but its builds start at 7.5; cu126 is the last line with Pascal code, and"
        " 580 the last driver branch.",
    )
    yield Case(
        name="gtx-1080-driver-610",
        machine=machine("linux", GTX_1080, driver="610.43.02"),
        build="none",
        hint="branch 580",
        expert="Updated too far: the 610 driver no longer drives the card. Back to branch 580.",
    )
    yield Case(
        name="kepler-k80-driver-470",
        machine=machine("linux", K80, driver="470.256.02"),
        build="2.7.1+cu118",
        advice=("plan.advice.last-branch",),
        expert="3.7 is in cu118 until 2.7.1; driver 470 runs every CUDA 11 build.",
    )
    yield Case(
        name="kepler-gtx-780-driver-470",
        machine=machine("linux", nvidia("NVIDIA GeForce GTX 780", "3.5", 3), driver="470.256.02"),
        build="none",
        hint="--cpu",
        expert="3.5 is in no wheel: the CPU build, but only when asked for.",
    )
    yield Case(
        name="v100-driver-535",
        machine=machine("linux", V100, driver="535.183.01"),
        build="2.14.1+cu126",
        advice=("plan.advice.last-branch",),
        expert="Volta runs cu126 to its end; an update to 580 changes nothing.",
    )
    yield Case(
        name="v100-driver-580",
        machine=machine("linux", V100, driver="580.95.05"),
        build="2.14.1+cu126",
        expert="cu130 has no Volta code although the driver would run it.",
    )
    yield Case(
        name="rtx-5090-driver-550",
        machine=machine("linux", RTX_5090, driver="550.54.15"),
        build="none",
        hint="580 or newer",
        expert="Driver 550 is older than Blackwell (570): no build helps until the driver is updated.",
    )
    yield Case(
        name="rtx-5090-driver-570",
        machine=machine("linux", RTX_5090, driver="570.124.06"),
        build="2.13.0+cu129",
        advice=("plan.advice.unlock",),
        expert="Blackwell needs cu128 or newer; by minor-version compatibility 570 runs cu129 too, which goes to 2.13.",
    )
    yield Case(
        name="rtx-5090-windows-driver-572",
        machine=machine("windows", RTX_5090, driver="572.83"),
        build="2.11.0+cu128",
        advice=("plan.advice.unlock",),
        expert="On Windows the CUDA 12 line with Blackwell code is cu128, which ended at 2.11.",
    )
    yield Case(
        name="rtx-spark-windows-on-arm",
        machine=machine(
            "windows", nvidia("NVIDIA RTX Spark", "12.1", 128), arch="arm64", driver="616.41", python="3.13.9"
        ),
        build="2.14.0+cu134",
        expert="PyTorch's index has CPU wheels only for Windows on ARM; NVIDIA publishes CUDA ones itself.",
    )
    yield Case(
        name="b300-driver-570",
        machine=machine("linux", nvidia("NVIDIA B300", "10.3", 288), driver="570.124.06"),
        build="none",
        hint="driver 580 or newer",
        expert="sm_100 code would run, but CUDA 12.9 (branch 575) is the first that knows 10.3.",
    )
    yield Case(
        name="gb10-driver-575",
        machine=machine("linux", nvidia("NVIDIA GB10", "12.1", 120), arch="aarch64", driver="575.57.08"),
        build="2.13.0+cu129",
        expert="12.1 runs sm_120 code, and branch 575 is the first that knows it.",
    )
    yield Case(
        name="rubin-driver-610",
        machine=machine("linux", nvidia("NVIDIA Rubin", "10.7", 288), driver="610.43.02"),
        build="none",
        hint="driver 615 or newer",
        expert="Newer than every long-term branch: the advice is the first branch that knows the card, not 580.",
    )
    yield Case(
        name="a100-driver-470",
        machine=machine("linux", A100, driver="470.256.02"),
        build="2.7.1+cu118",
        advice=("plan.advice.unlock", "plan.advice.compat-package"),
        expert="cu118 on the old driver; on a data-centre GPU NVIDIA's compatibility package is the other way.",
    )
    yield Case(
        name="rtx-3060-driver-470",
        machine=machine("linux", RTX_3060, driver="470.256.02"),
        build="2.7.1+cu118",
        advice=("plan.advice.unlock",),
        expert="The same driver, but GeForce cards have no forward compatibility: only an update helps.",
    )
    yield Case(
        name="two-alike",
        machine=machine("linux", RTX_3060, RTX_3060, driver="535.183.01"),
        build="2.14.1+cu126",
        expert="Two cards of a kind have one reason.",
    )
    yield Case(
        name="article-laptop-driver-516",
        machine=machine("windows", RTX_3070_TI, driver="516.94", cuda="11.7"),
        build="2.7.1+cu118",
        advice=("plan.advice.unlock",),
        expert="516 serves CUDA 11.7 and by minor-version compatibility all of CUDA 11; the newest is 2.7.1+cu118.",
    )
    yield Case(
        name="article-laptop-newest-driver",
        machine=machine("windows", RTX_3070_TI, driver="615.65"),
        build="2.15.0+cu132",
        expert="Nothing stands in the way of the newest.",
    )
    yield Case(
        name="article-laptop-driver-561",
        machine=machine("windows", RTX_3070_TI, driver="561.09"),
        build="2.14.1+cu126",
        advice=("plan.advice.unlock",),
        expert="Below 580 CUDA 12 is the end: cu126 has the newest torch of that line.",
    )
    yield Case(
        name="1080-ti-beside-4090",
        machine=machine("linux", GTX_1080_TI, RTX_4090, driver="580.95.05"),
        build="2.14.1+cu126",
        advice=("plan.advice.last-branch",),
        expert="cu126 has code for both; and the driver must stay on 580 for the 1080 Ti's sake.",
    )
    yield Case(
        name="1080-ti-beside-5090-linux",
        machine=machine("linux", GTX_1080_TI, RTX_5090, driver="580.95.05"),
        build="2.15.0+cu132",
        advice=("plan.advice.left-out", "plan.advice.conda-all"),
        expert="No Linux wheel has 6.x and 12.0: take the larger card, hide the other; conda-forge would serve both.",
    )
    yield Case(
        name="1080-ti-beside-5090-windows",
        machine=machine("windows", GTX_1080_TI, RTX_5090, driver="581.29"),
        build="2.8.0+cu128",
        expert="On Windows cu128 of 2.8.0 still had 6.1 beside 12.0: one build for both.",
    )
    yield Case(
        name="h100-driver-525",
        machine=machine("linux", H100, driver="525.147.05"),
        build="2.14.1+cu126",
        advice=("plan.advice.unlock",),
        expert="525 is the floor of CUDA 12: every 12.x build runs, no 13.x.",
    )
    yield Case(
        name="a100-container-forward-compat-12",
        machine=machine("linux", A100, driver="470.199.02", cuda="12.8", container="docker", container_gpu=True),
        build="2.14.1+cu126",
        advice=("plan.advice.forward-compat", "plan.advice.unlock"),
        expert="The container's libcuda serves CUDA 12.8 over an R470 driver; A100 is a data-centre card, so it may.",
    )
    yield Case(
        name="a100-container-forward-compat-13",
        machine=machine("linux", A100, driver="535.104.05", cuda="13.0", container="docker", container_gpu=True),
        build="2.15.0+cu132",
        advice=("plan.advice.forward-compat",),
        expert="With a CUDA 13 libcuda over 535 the CUDA 13 builds run.",
    )
    yield Case(
        name="rtx-4090-claims-forward-compat",
        machine=machine("linux", RTX_4090, driver="535.104.05", cuda="13.0", container="docker"),
        build="2.14.1+cu126",
        expert="Forward compatibility does not exist for GeForce (error 804): the kernel driver decides.",
    )
    yield Case(
        name="jetson-orin-jetpack-6",
        machine=machine(
            "linux", nvidia("Orin", "8.7", 32), arch="aarch64", driver="540.4.0", cuda="12.6", jetson="36.4.0",
            python="3.10.12",
        ),
        build="2.10.0+cu126",
        advice=("plan.advice.not-seen",),
        expert="8.7 is in no wheel of PyTorch; NVIDIA's Jetson index has one for JetPack 6, Python 3.10.",
    )  # fmt: skip
    yield Case(
        name="jetson-orin-jetpack-7",
        machine=machine(
            "linux", nvidia("Orin", "8.7", 32), arch="aarch64", driver="595.10", cuda="13.2", jetson="39.2",
            python="3.12.3", glibc="2.39",
        ),
        build="2.9.1+cu130",
        expert="Orin with JetPack 7.2 takes the index for ARM servers, not the one of JetPack 6.",
    )  # fmt: skip
    yield Case(
        name="jetson-nano-jetpack-4",
        machine=machine(
            "linux", nvidia("Jetson Nano", "5.3", 4), arch="aarch64", cuda="10.2", glibc="2.27", jetson="32.7.4"
        ),
        build="none",
        hint="NVIDIA published torch wheels for JetPack 4",
        expert="Its GPU is what a Jetson is for: no silent CPU build; the wheels for it are NVIDIA's own.",
    )
    yield Case(
        name="jetson-orin-without-driver",
        machine=machine("linux", nvidia("Orin", "8.7", 32), arch="aarch64", jetson="36.4.0"),
        build="none",
        hint="reinstall JetPack",
        expert="No desktop driver helps a Jetson; its own comes with JetPack.",
    )
    yield Case(
        name="jetson-orin-jetpack-5",
        machine=machine(
            "linux", nvidia("Orin", "8.7", 32), arch="aarch64", driver="35.4.1", cuda="11.4", jetson="35.4.1",
            python="3.8.10", glibc="2.31",
        ),
        build="2.1.0a0+cu114",
        advice=("plan.advice.system-packages",),
        expert="NVIDIA's last file for JetPack 5, which is for Python 3.8; JetPack numbers its driver like its L4T.",
    )  # fmt: skip
    yield Case(
        name="jetson-thor",
        machine=machine(
            "linux", nvidia("NVIDIA Thor", "11.0", 128), arch="aarch64", driver="580.00", cuda="13.0", jetson="38.2",
            glibc="2.39",
        ),
        build="2.15.0+cu132",
        expert="Thor is 11.0, which PyTorch's own aarch64 CUDA 13 wheels contain.",
    )  # fmt: skip
    yield Case(
        name="gb10-dgx-spark",
        machine=machine("linux", nvidia("NVIDIA GB10", "12.1", 128), arch="aarch64", driver="580.95.05", glibc="2.39"),
        build="2.15.0+cu132",
        expert="12.1 runs 12.0 code; no -tegra kernel, so the plain aarch64 wheels.",
    )
    yield Case(
        name="gh200",
        machine=machine("linux", nvidia("NVIDIA GH200 480GB", "9.0", 96), arch="aarch64", driver="550.90.07"),
        build="2.14.1+cu126",
        advice=("plan.advice.unlock",),
        expert="aarch64 cu126 has 9.0 since 2.6.",
    )
    yield Case(
        name="rx-7900-xtx-linux",
        machine=machine("linux", RX_7900),
        build="2.14.1+rocm7.14",
        expert="gfx1100 is in PyTorch's ROCm wheels; no ROCm build of 2.15 is known.",
    )
    yield Case(
        name="rx-7900-xtx-windows",
        machine=machine("windows", RX_7900),
        build="2.13.0+rocm10.0.0",
        advice=("plan.advice.not-seen",),
        expert="PyTorch has no ROCm wheel for Windows; AMD's own channel has.",
    )
    yield Case(
        name="rx-580",
        machine=machine("linux", amd("AMD Radeon RX 580", "gfx803", 8)),
        build="none",
        hint="--cpu",
        expert="Polaris is in no ROCm build.",
    )
    yield Case(
        name="rx-6700-xt-linux",
        machine=machine("linux", amd("AMD Radeon RX 6700 XT", "gfx1031", 12)),
        build="2.13.0+rocm10.0.0",
        expert="gfx1031 is not in PyTorch's wheels; AMD's channel has it, without an HSA override.",
    )
    yield Case(
        name="radeon-vii",
        machine=machine("linux", amd("AMD Radeon VII", "gfx906", 16)),
        build="2.9.1+rocm6.3",
        expert="rocBLAS has no gfx906 kernels from 6.4 on: rocm6.3 is the last that works.",
    )
    yield Case(
        name="kfd-not-permitted",
        machine=machine("linux", RX_7900, device_nodes=(DeviceNode(path="/dev/kfd", readable=True, writable=False),)),
        build="2.14.1+rocm7.14",
        advice=("plan.advice.kfd",),
        expert="The build is right; the user is not in the render group.",
    )
    yield Case(
        name="arc-b580-linux",
        machine=machine("linux", ARC_B580, glibc="2.39"),
        build="2.15.0+xpu",
        expert="Battlemage runs the XPU build.",
    )
    yield Case(
        name="arc-b580-no-level-zero",
        machine=machine("linux", ARC_B580, glibc="2.39", level_zero=False),
        build="2.15.0+xpu",
        advice=("plan.advice.level-zero",),
        expert="The XPU build needs Intel's compute runtime, which is not there.",
    )
    yield Case(
        name="iris-xe-linux",
        machine=machine("linux", IRIS),
        build="2.15.0+cpu",
        advice=("plan.advice.cpu-only-ignored",),
        expert="Iris Xe has no XPU build: CPU, and the plan says so. uv takes xpu for any Intel display device.",
    )
    yield Case(
        name="m1-macos-12-2",
        machine=machine("macos", apple(), os_version="12.2.1"),
        build="none",
        hint="12.3",
        expert="MPS begins with macOS 12.3: an update, or --cpu.",
    )
    yield Case(
        name="m1-macos-12-2-cpu",
        machine=machine("macos", apple(), os_version="12.2.1"),
        request={"cpu": True},
        build="2.11.0+cpu",
        expert="On the CPU the wheels with a macosx_11 tag install: up to 2.11.",
    )
    yield Case(
        name="m1-macos-13",
        machine=machine("macos", apple(), os_version="13.6"),
        build="2.8.0+cpu",
        advice=("plan.advice.macos",),
        expert="2.9 to 2.11 install, but their MPS needs macOS 14: 2.8.0 uses the GPU.",
    )
    yield Case(
        name="m1-macos-14",
        machine=machine("macos", apple(), os_version="14.7"),
        build="2.14.1+cpu",
        advice=("plan.advice.macos",),
        expert="2.15 installs on 14, but its MPS asks for 15.",
    )
    yield Case(
        name="m1-macos-26",
        machine=machine("macos", apple(), os_version="26.1"),
        build="2.15.0+cpu",
        expert="The newest, with MPS inside the one macOS wheel.",
    )
    yield Case(
        name="m1-rosetta",
        machine=machine("macos", apple(), arch="x86_64", os_version="15.1", translated=True),
        build="2.15.0+cpu",
        advice=("plan.advice.rosetta", "plan.advice.python-fetched"),
        expert="An x86_64 Python would end at 2.2.2 without MPS: a native Python instead.",
    )
    yield Case(
        name="intel-mac",
        machine=machine("macos", amd("AMD Radeon Pro 5500M", None, 8), arch="x86_64", os_version="13.6"),
        build="2.2.2+cpu",
        advice=("plan.advice.intel-mac",),
        expert="2.2.2 is the last wheel, and it needs numpy<2; conda-forge goes on.",
    )
    yield Case(
        name="raspberry-pi-5",
        machine=machine("linux", arch="aarch64", glibc="2.36", distribution="debian", os_version="12"),
        build="2.15.0+cpu",
        expert="The CPU wheel from its own index: PyPI's aarch64 wheel is a CUDA 13 build of gigabytes.",
    )
    yield Case(
        name="raspberry-pi-32-bit",
        machine=machine("linux", arch="armv7l", glibc="2.31"),
        build="none",
        hint="64-bit",
        expert="No 32-bit wheels.",
    )
    yield Case(
        name="centos-7-v100",
        machine=machine("linux", V100, driver="550.54.15", glibc="2.17", distribution="centos", os_version="7"),
        build="2.6.0+cu124",
        advice=("plan.advice.glibc",),
        expert="glibc 2.17 ends at 2.6.0, and its cu126 wheel already needed 2.28: cu124.",
    )
    yield Case(
        name="centos-7-rtx-5090",
        machine=machine("linux", RTX_5090, driver="580.95.05", glibc="2.17"),
        build="none",
        hint="conda",
        expert="Blackwell needs cu128 of 2.7 (glibc 2.28); conda-forge's CUDA 12.9 build needs only 2.17.",
    )
    yield Case(
        name="alpine",
        machine=machine("linux", RTX_4090, driver="580.95.05", libc="musl", glibc=None, distribution="alpine"),
        build="none",
        hint="glibc",
        expert="No wheel for musl.",
    )
    yield Case(
        name="windows-on-arm",
        machine=machine("windows", arch="arm64"),
        build="2.15.0+cpu",
        advice=("plan.advice.windows-arm",),
        expert="Native CPU wheels exist since 2.7, on the PyTorch index only.",
    )
    yield Case(
        name="windows-on-arm-python-310",
        machine=machine("windows", arch="arm64", python="3.10.11"),
        request={"python": "3.10"},
        build="none",
        expert="Windows on ARM has Python 3.11 and newer.",
    )
    yield Case(
        name="python-3.8-only-pip",
        machine=machine("linux", RTX_3060, driver="550.54.15", python="3.8.10", glibc="2.31"),
        request={"installer": "pip"},
        build="2.4.1+cu124",
        expert="pip cannot fetch a Python; 2.4.1 is the last for 3.8.",
    )
    yield Case(
        name="python-3.8-uv-fetches",
        machine=machine("linux", RTX_3060, driver="550.54.15", python="3.8.10", glibc="2.31"),
        build="2.14.1+cu126",
        advice=("plan.advice.python-fetched",),
        expert="uv fetches a Python, so the old one costs nothing.",
    )
    yield Case(
        name="python-3.14",
        machine=machine("linux", RTX_4090, driver="580.95.05", python="3.14.0"),
        build="2.15.0+cu132",
        expert="cp314 wheels exist since 2.9.",
    )
    yield Case(
        name="python-3.14t",
        machine=machine(
            "linux", RTX_4090, driver="580.95.05",
            pythons=(PythonInterpreter(path="/opt/py/bin/python3.14t", version="3.14.0", bits=64, free_threaded=True),),
        ),
        build="2.15.0+cu132",
        expert="cp314t wheels exist; torchaudio has none for it.",
    )  # fmt: skip
    yield Case(
        name="python-32-bit-on-windows",
        machine=machine(
            "windows", RTX_3060, driver="581.29",
            pythons=(PythonInterpreter(path="C:/Python312-32/python.exe", version="3.12.3", bits=32),),
        ),
        build="2.15.0+cu132",
        advice=("plan.advice.python-fetched",),
        expert="The installed Python is a 32-bit one; uv fetches a 64-bit one.",
    )  # fmt: skip
    yield Case(
        name="wsl2-old-windows-driver",
        machine=machine("linux", RTX_3060, driver="516.94", cuda="11.7", wsl=True, wsl_version=2),
        build="2.7.1+cu118",
        advice=("plan.advice.unlock",),
        expert="In WSL the Windows driver counts, by the Windows column: 516 is CUDA 11. Update it on Windows.",
    )
    yield Case(
        name="wsl2-driver-528-33",
        machine=machine("linux", RTX_3060, driver="528.33", wsl=True, wsl_version=2),
        build="2.14.1+cu126",
        expert="528.33 is the Windows floor of CUDA 12.",
    )
    yield Case(
        name="wsl2-driver-527",
        machine=machine("linux", RTX_3060, driver="527.41", wsl=True, wsl_version=2),
        build="2.7.1+cu118",
        expert="527.41 is above the Linux floor 525.60.13, but here the Windows floor 528.33 holds.",
    )
    yield Case(
        name="nvidia-without-driver",
        machine=machine("linux", RTX_3060),
        build="none",
        hint="580 or newer",
        expert="Install the driver; never the CPU build in silence.",
    )
    yield Case(
        name="nouveau",
        machine=Machine(
            os=Os.LINUX, arch="x86_64", glibc="2.36", python="3.11.2", gpus=(GTX_1080,),
            drivers=(Driver(vendor=Vendor.NVIDIA, flavor="nouveau", loaded=True),),
        ),
        build="none",
        hint="branch 580",
        expert="nouveau cannot run CUDA; for Pascal install branch 580, not the newest.",
    )  # fmt: skip
    yield Case(
        name="driver-updated-not-rebooted",
        machine=Machine(
            os=Os.LINUX, arch="x86_64", glibc="2.36", python="3.11.2", gpus=(RTX_3060,),
            drivers=(Driver(vendor=Vendor.NVIDIA, version="550.54.15", problem="library-version-mismatch"),),
        ),
        build="2.14.1+cu126",
        advice=("plan.advice.reboot",),
        expert="The plan holds after the reboot that the machine needs anyway.",
    )  # fmt: skip
    yield Case(
        name="false-alarm-3060-driver-525",
        machine=machine("linux", RTX_3060, driver="525.60.13", cuda="12.0"),
        build="2.14.1+cu126",
        expert="CUDA 12.0 driver, CUDA 12.6 build: fine by minor-version compatibility.",
    )
    yield Case(
        name="hybrid-laptop-iris-and-rtx",
        machine=machine("linux", IRIS, RTX_3060, driver="580.95.05"),
        build="2.15.0+cu132",
        expert="The integrated graphics do not count.",
    )
    yield Case(
        name="hybrid-laptop-780m-and-rtx",
        machine=machine("linux", amd("AMD Radeon 780M", "gfx1103", 0, integrated=True), RTX_4090, driver="580.95.05"),
        build="2.15.0+cu132",
        expert="The NVIDIA card is the one with memory of its own.",
    )
    yield Case(
        name="two-vendors-discrete",
        machine=machine("linux", RX_7900, RTX_3060, driver="580.95.05"),
        build="2.14.1+rocm7.14",
        advice=("plan.advice.unused",),
        expert="One build serves one vendor: the 24 GB card wins over the 12 GB one, and the other is named.",
    )
    yield Case(
        name="no-gpu-linux",
        machine=machine("linux"),
        build="2.15.0+cpu",
        advice=("plan.advice.cpu-only",),
        expert="PyPI's Linux wheel is a CUDA build of gigabytes; the CPU index is right.",
    )
    yield Case(
        name="steam-deck",
        machine=machine("linux", amd("AMD Custom GPU 0405", "gfx1033", 1, integrated=True), glibc="2.38"),
        build="2.15.0+cpu",
        advice=("plan.advice.cpu-only-ignored",),
        expert="gfx1033 gives wrong results even with an override: CPU.",
    )
    yield Case(
        name="full-disk",
        machine=machine("linux", RTX_4090, driver="580.95.05", disk_free_bytes=3 * 10**9),
        build="2.15.0+cu132",
        advice=("plan.advice.disk",),
        expert="Right build, too little room.",
    )
    yield Case(
        name="unknown-capability",
        machine=machine("linux", nvidia("NVIDIA GeForce RTX 6090", None, 48), driver="625.10"),
        build="2.15.0+cu132",
        expert="A card that no table knows: the newest build, and verification will tell.",
    )
    yield Case(
        name="rubin",
        machine=machine("linux", nvidia("NVIDIA R100", "10.7", 288), driver="615.20"),
        build="2.15.0+cu132",
        expert="No wheel lists 10.7; 10.0 code runs by the same-major rule.",
    )
    yield Case(
        name="an-unknown-newer-architecture",
        machine=machine("linux", nvidia("NVIDIA Future", "13.0", 64), driver="615.20"),
        build="none",
        expert="No measured Linux wheel has PTX, so nothing runs on a major that no wheel has code for.",
    )
    yield Case(
        name="s390x",
        machine=machine("linux", arch="s390x", glibc="2.34"),
        build="2.10.0+cpu",
        expert="CPU wheels for IBM Z exist for 2.8.0 and 2.10.0.",
    )
    yield Case(
        name="riscv64",
        machine=machine("linux", arch="riscv64", glibc="2.39"),
        build="none",
        expert="Nobody publishes wheels for it.",
    )


NVIDIA_CARDS = (
    ("gtx-750-ti", nvidia("NVIDIA GeForce GTX 750 Ti", "5.0", 2)),
    ("gtx-970", nvidia("NVIDIA GeForce GTX 970", "5.2", 4)),
    ("gtx-1060", nvidia("NVIDIA GeForce GTX 1060 6GB", "6.1", 6)),
    ("p100", nvidia("Tesla P100-PCIE-16GB", "6.0", 16)),
    ("titan-v", nvidia("NVIDIA TITAN V", "7.0", 12)),
    ("gtx-1650", nvidia("NVIDIA GeForce GTX 1650", "7.5", 4)),
    ("t4", nvidia("Tesla T4", "7.5", 16)),
    ("a100", A100),
    ("rtx-3090", nvidia("NVIDIA GeForce RTX 3090", "8.6", 24)),
    ("l40s", nvidia("NVIDIA L40S", "8.9", 48)),
    ("h100", H100),
    ("b200", nvidia("NVIDIA B200", "10.0", 180)),
    ("b300", nvidia("NVIDIA B300", "10.3", 288)),
    ("rtx-5060", nvidia("NVIDIA GeForce RTX 5060", "12.0", 8)),
)
LINUX_DRIVERS = ("450.80.02", "470.256.02", "525.60.13", "575.57.08", "580.95.05", "610.43.02")
WINDOWS_DRIVERS = ("472.12", "528.33", "576.80", "581.29")


def nvidia_matrix() -> Iterator[Case]:
    """Cards by drivers: the floors of CUDA 11, 12 and 13 against the code in the builds."""
    expert = "The newest torch whose build has code for the card and whose CUDA major the driver serves."
    for name, gpu in NVIDIA_CARDS:
        for driver in LINUX_DRIVERS:
            case = machine("linux", gpu, driver=driver)
            yield Case(name=f"linux-{name}-driver-{driver}", machine=case, expert=expert)
    for name, gpu in NVIDIA_CARDS[:6]:
        for driver in WINDOWS_DRIVERS:
            case = machine("windows", gpu, driver=driver)
            yield Case(name=f"windows-{name}-driver-{driver}", machine=case, expert=expert)


AMD_CARDS = (
    ("vega-64", "AMD Radeon RX Vega 64", "gfx900", 8),
    ("mi100", "AMD Instinct MI100", "gfx908", 32),
    ("mi250x", "AMD Instinct MI250X", "gfx90a", 64),
    ("mi300x", "AMD Instinct MI300X", "gfx942", 192),
    ("mi355x", "AMD Instinct MI355X", "gfx950", 288),
    ("rx-5700-xt", "AMD Radeon RX 5700 XT", "gfx1010", 8),
    ("rx-6800", "AMD Radeon RX 6800", "gfx1030", 16),
    ("rx-6600", "AMD Radeon RX 6600", "gfx1032", 8),
    ("rx-7800-xt", "AMD Radeon RX 7800 XT", "gfx1101", 16),
    ("rx-7600", "AMD Radeon RX 7600", "gfx1102", 8),
    ("radeon-780m", "AMD Radeon 780M", "gfx1103", 0),
    ("radeon-890m", "AMD Radeon 890M", "gfx1150", 0),
    ("strix-halo", "AMD Radeon 8060S", "gfx1151", 0),
    ("rx-9070-xt", "AMD Radeon RX 9070 XT", "gfx1201", 16),
    ("raphael-igpu", "AMD Radeon Graphics", "gfx1036", 0),
    ("gfx-unknown", "AMD Radeon RX 9999", None, 32),
)


def amd_matrix() -> Iterator[Case]:
    """AMD's targets on both systems: PyTorch's ROCm wheels are for Linux, AMD's own for Linux and Windows."""
    expert = "PyTorch's newest ROCm wheel with the card's target; else AMD's own channel; Windows has only the latter."
    for name, title, gfx, gib in AMD_CARDS:
        for system in ("linux", "windows"):
            gpu = amd(title, gfx, gib, integrated=gib == 0)
            yield Case(name=f"{system}-{name}", machine=machine(system, gpu), expert=expert)


def intel_and_apple() -> Iterator[Case]:
    """Intel's graphics, Apple's chips by macOS."""
    for name, title in (
        ("arc-a770", "Intel Arc A770 Graphics"),
        ("arc-b580", "Intel Arc B580 Graphics"),
        ("core-ultra-arc", "Intel(R) Arc(TM) Graphics"),
        ("uhd-770", "Intel UHD Graphics 770"),
        ("iris-xe", "Intel Iris Xe Graphics"),
        ("max-1550", "Intel Data Center GPU Max 1550"),
    ):
        for system in ("linux", "windows"):
            yield Case(
                name=f"{system}-{name}",
                machine=machine(system, intel(title)),
                expert="XPU for Arc, Core Ultra and Data Center Max; older graphics have no build.",
            )
    for version in ("11.7", "12.3", "12.7", "13.0", "13.7", "14.0", "14.7", "15.0", "15.6", "26.0", "27.0"):
        yield Case(
            name=f"m2-macos-{version}",
            machine=machine("macos", apple("Apple M2"), os_version=version),
            expert="The newest torch whose MPS runs on this macOS.",
        )
    for version in ("10.15", "12.7", "15.1"):
        yield Case(
            name=f"intel-mac-{version}",
            machine=machine("macos", arch="x86_64", os_version=version),
            expert="Intel Macs end at 2.2.2, with numpy below 2.",
        )
    yield Case(
        name="apple-silicon-gpu-not-named",
        machine=machine("macos", os_version="15.1"),
        expert="Every Apple-silicon Mac has the GPU, named or not.",
    )


def requests() -> Iterator[Case]:
    """One machine, many wishes."""
    base = machine("linux", RTX_4090, driver="580.95.05")
    wishes: dict[str, tuple[dict, str]] = {
        "torch-2.6": ({"torch": "2.6"}, "2.6.* means its newest CUDA build."),
        "torch-2.14.0": ({"torch": "2.14.0"}, "Exactly that one."),
        "torch-range": ({"torch": ">=2.9,<2.12"}, "The newest inside the range."),
        "torch-future": ({"torch": "3.0"}, "Not published."),
        "variant-cu118": ({"variant": "cu118"}, "cu118 ended with 2.7.1."),
        "variant-cu134": ({"variant": "cu134"}, "Nobody saw such a build for Linux."),
        "variant-cpu": ({"variant": "cpu"}, "Asked for, so no complaint about the GPU."),
        "variant-rocm": ({"variant": "rocm7.2"}, "No AMD GPU here."),
        "never-a-pair": ({"torch": "2.6", "variant": "cu121"}, "2.6 was never built with CUDA 12.1."),
        "python-3.9": ({"python": "3.9"}, "2.8.0 is the last for Python 3.9."),
        "python-3.13t": ({"python": "3.13t"}, "cp313t wheels existed from 2.7 to 2.12.0."),
        "python-3.15": ({"python": "3.15"}, "2.15 has cp315 wheels; uv fetches it when asked."),
        "python-2.7": ({"python": "2.7"}, "No."),
        "require-torchaudio": ({"require": ("torchaudio",)}, "torchaudio 2.11.1 of PyPI serves cu132 too."),
        "cpu": ({"cpu": True}, "The CPU build, asked for."),
        "nightly": ({"channel": "nightly"}, "The nightly index of the newest runtime; any pre-release from 2.15 on."),
        "analysis": ({"profile": "analysis"}, "JupyterLab, pandas and friends beside torch."),
        "hub": ({"profile": "hub"}, "And JupyterHub."),
        "installer-pip": ({"installer": "pip"}, "Same build by pip."),
        "installer-conda": ({"installer": "conda"}, "conda-forge's CUDA 13 build of 2.13."),
        "old-torch-1.12": ({"torch": "1.12"}, "cu116 has 8.6 code; Python 3.10 and numpy below 2 belong to it."),
    }
    for name, (request, expert) in wishes.items():
        yield Case(name=name, machine=base, request=request, expert=expert)
    yield Case(
        name="hub-windows",
        machine=machine("windows", RTX_4090, driver="581.29"),
        request={"profile": "hub"},
        expert="JupyterHub does not run on Windows.",
    )
    conda = {
        "conda-gtx-1080": (machine("linux", GTX_1080, driver="580.95.05"), "2.13.0+cu129"),
        "conda-centos-7": (machine("linux", RTX_5090, driver="580.95.05", glibc="2.17"), "2.13.0+cu129"),
        "conda-1080-ti-and-5090": (machine("linux", GTX_1080_TI, RTX_5090, driver="580.95.05"), "2.13.0+cu129"),
        "conda-intel-mac": (machine("macos", arch="x86_64", os_version="13.6"), "2.13.0+cpu"),
        "conda-m1": (machine("macos", apple(), os_version="15.1"), "2.13.0+cpu"),
        "conda-windows-4090": (machine("windows", RTX_4090, driver="581.29"), "2.13.0+cu130"),
        "conda-amd": (machine("linux", RX_7900), "none"),
        "conda-no-gpu": (machine("linux"), "2.13.0+cpu"),
    }
    for name, (target, build) in conda.items():
        yield Case(
            name=name,
            machine=target,
            request={"installer": "conda"},
            build=build,
            expert="conda-forge: CUDA 12.9 has 5.0 to 12.0 in one build on glibc 2.17; CUDA 13.0 where all cards can.",
        )


def systems() -> Iterator[Case]:
    """C libraries, containers and Pythons."""
    for glibc in ("2.12", "2.17", "2.26", "2.27", "2.28", "2.31", "2.39"):
        yield Case(
            name=f"glibc-{glibc}",
            machine=machine("linux", RTX_3060, driver="550.54.15", glibc=glibc),
            expert="2.28 is the floor since 2.7 (2.6.0's cu126 wheel already); 2.17 before.",
        )
        yield Case(
            name=f"glibc-{glibc}-aarch64-cpu",
            machine=machine("linux", arch="aarch64", glibc=glibc),
            expert="aarch64 wheels need 2.28 since 2.6.",
        )
    for python in ("3.7.17", "3.9.18", "3.10.14", "3.11.9", "3.12.3", "3.13.1", "3.15.0"):
        yield Case(
            name=f"python-{python}",
            machine=machine("linux", RTX_3060, driver="580.95.05", python=python),
            expert="The installed Python where the newest torch has a wheel for it, else one that uv fetches.",
        )
        yield Case(
            name=f"python-{python}-pip",
            machine=machine("linux", RTX_3060, driver="580.95.05", python=python),
            request={"installer": "pip"},
            expert="The newest torch for the Python that is there.",
        )
    for container in ("docker", "podman", "kubernetes", "apptainer"):
        yield Case(
            name=f"{container}-host-driver-535",
            machine=machine("linux", A100, driver="535.183.01", container=container, container_gpu=True),
            expert="The driver is the host's; so is its update.",
        )


GROUPS = {
    "hard": hard,
    "nvidia": nvidia_matrix,
    "amd": amd_matrix,
    "intel-apple": intel_and_apple,
    "requests": requests,
    "systems": systems,
}
