"""Specifications of recorded machines: a base a system, changed by what a machine is about, and what must come out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from support import machine_writers as write
from torchup.detect.apple import SYSCTL_NAMES
from torchup.detect.nvidia_smi import FIELDS
from torchup.detect.python import QUESTION
from torchup.detect.windows import DISPLAY_CLASS, POWERSHELL_PLACES, SCRIPT, SECURE_BOOT
from torchup.host import Completed, PlatformFacts, StandardFolders
from torchup.host.recorded import Recording

GIB = 1024**3
PYTHON = "/home/user/.local/share/torchup-app/bin/python"
MAC_PYTHON = "/Users/user/.local/torchup-app/bin/python"
WINDOWS_PYTHON = "C:\\Users\\user\\AppData\\Local\\torchup-app\\Scripts\\python.exe"


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One machine: its folder's name, its recording, and facts that detection must report (dotted path -> value)."""

    name: str
    recording: Recording
    claims: dict[str, Any] = field(default_factory=dict)


def done(*argv: str, out: str = "", err: str = "", code: int | None = 0, timed_out: bool = False) -> Completed:
    """A command that ended."""
    return Completed(argv=argv, returncode=None if timed_out else code, stdout=out, stderr=err, timed_out=timed_out)


def interpreter(
    path: str, version: str, arch: str = "x86_64", *, free_threaded: bool = False, bits: int = 64
) -> Completed:
    """The answer of one Python."""
    said = {"version": version, "bits": bits, "arch": arch, "free_threaded": free_threaded, "implementation": "cpython"}
    return done(path, "-I", "-S", "-c", QUESTION, out=msgspec.json.encode(said).decode() + "\n")


def nvml(out: str, python: str = PYTHON, **rest: Any) -> Completed:
    """The NVML child's end."""
    return done(python, "-I", "-m", "torchup.detect.nvml_probe", out=out, **rest)


NO_NVML = write.nvml(error={"code": 12, "text": "NVML Shared Library Not Found"})


def query(smi: str, rows: str, fields: tuple[str, ...] = FIELDS, **rest: Any) -> Completed:
    """``nvidia-smi --query-gpu``."""
    return done(smi, f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", out=rows, **rest)


def linux(
    name: str,
    note: str,
    *,
    distribution: tuple[str, str] = ("ubuntu", "22.04"),
    kernel: str = "5.15.0-105-generic",
    glibc: str = "2.35",
    arch: str = "x86_64",
    python: str = "3.12.3",
    system_python: str = "3.10.12",
    cpuinfo: str | None = None,
    cores: tuple[int, int] = (8, 16),
    memory_gib: float = 64,
    pci: tuple[tuple[str, str | None, str], ...] = (),
    smi: bool = False,
    files: dict[str, str | None] | None = None,
    directories: dict[str, tuple[str, ...]] | None = None,
    accesses: dict[str, tuple[bool, bool]] | None = None,
    commands: tuple[Completed, ...] = (),
    programs: dict[str, str] | None = None,
    environ: dict[str, str] | None = None,
    claims: dict[str, Any] | None = None,
) -> Spec:
    """A Linux machine; ``pci``: (pci id, kernel module, slot) of display devices."""
    cpuinfo = (
        cpuinfo
        or "processor\t: 0\nmodel name\t: AMD Ryzen 7 5800X 8-Core Processor\nflags\t\t: fpu sse4_2 avx f16c fma avx2\n"
    )
    base = {
        "/etc/os-release": f'NAME="{distribution[0].title()}"\nID={distribution[0]}\nVERSION_ID="{distribution[1]}"\n',
        "/proc/cpuinfo": cpuinfo,
        "/proc/meminfo": f"MemTotal: {round(memory_gib * 2**20)} kB\nMemAvailable: {round(memory_gib * 786432)} kB\n",
        "/proc/self/cgroup": "0::/user.slice/user-1000.slice\n",
        **{f"/sys/bus/pci/devices/{slot}/uevent": write.uevent(pci_id, module, slot) for pci_id, module, slot in pci},
    }
    found_programs = {"python3": "/usr/bin/python3"} | ({"nvidia-smi": "/usr/bin/nvidia-smi"} if smi else {})
    recording = Recording(
        note=note,
        platform=PlatformFacts(
            system="Linux", machine=arch, release=kernel, python_version=python, python_executable=PYTHON,
            libc=("glibc", glibc) if glibc else ("", ""),
        ),
        environ={"PATH": "/usr/bin"} | (environ or {}),
        cpu_count=cores,
        memory_total=int(memory_gib * GIB),
        disk_free=200 * GIB,
        programs=found_programs | (programs or {}),
        commands=(interpreter("/usr/bin/python3", system_python, arch), *commands),
        files=base | (files or {}),
        directories=directories or {},
        accesses={"/usr/bin/python3": (True, False)} | (accesses or {}),
    )  # fmt: skip
    return Spec(name=name, recording=recording, claims=claims or {})


def wsl(name: str, note: str, *, kernel: str = "5.15.90.1-microsoft-standard-WSL2", **rest: Any) -> Spec:
    """A WSL machine: no PCI bus of its own, the GPU behind /dev/dxg, nvidia-smi where Windows puts it."""
    accesses = {"/dev/dxg": (True, True)} if "WSL2" in kernel else {}
    rest["accesses"] = accesses | rest.get("accesses", {})
    return linux(name, note, kernel=kernel, **rest)


def windows(
    name: str,
    note: str,
    *,
    video: list[dict[str, Any]] | None = None,
    registry: list[tuple[str, str, str, str, int | None]] | None = None,
    cpu: str = "12th Gen Intel(R) Core(TM) i9-12900H",
    version: str = "10.0.22631",
    arch: str = "AMD64",
    python: str = "3.12.5",
    memory_gib: float = 32,
    shell: Completed | None = None,
    secure_boot: bool | None = True,
    commands: tuple[Completed, ...] = (),
    programs: dict[str, str] | None = None,
    accesses: dict[str, tuple[bool, bool]] | None = None,
    cim: dict[str, Any] | None = None,
    claims: dict[str, Any] | None = None,
) -> Spec:
    """A Windows machine; ``shell`` replaces PowerShell's answer."""
    powershell = POWERSHELL_PLACES[0]
    asked = (powershell, "-NoProfile", "-NonInteractive", "-Command", SCRIPT)
    said = shell or done(*asked, out=write.cim(video or [], cpu=cpu, version=version, **(cim or {})))
    boot = "" if secure_boot is None else f"    UEFISecureBootEnabled    REG_DWORD    0x{int(secure_boot)}\n"
    recording = Recording(
        note=note,
        platform=PlatformFacts(
            system="Windows", machine=arch, release="11", version=version, python_version=python,
            python_executable=WINDOWS_PYTHON,
        ),
        folders=StandardFolders(
            home="C:\\Users\\user", data="C:\\Users\\user\\AppData\\Local\\torchup",
            cache="C:\\Users\\user\\AppData\\Local\\torchup\\Cache", config="C:\\Users\\user\\AppData\\Local\\torchup",
            log="C:\\Users\\user\\AppData\\Local\\torchup\\Logs",
        ),
        cwd="C:\\Users\\user",
        environ={"PATH": "C:\\Windows\\System32;C:\\Python311", "LOCALAPPDATA": "C:\\Users\\user\\AppData\\Local"},
        cpu_count=(8, 16),
        memory_total=int(memory_gib * GIB),
        disk_free=300 * GIB,
        programs={"powershell": powershell, "reg": "C:\\Windows\\System32\\reg.exe"} | (programs or {}),
        commands=(
            msgspec.structs.replace(said, argv=asked),
            done("reg", "query", DISPLAY_CLASS, "/s", out=write.registry(registry or [])),
            done("reg", "query", SECURE_BOOT, "/v", "UEFISecureBootEnabled", out=boot, code=0 if boot else 1),
            interpreter("C:\\Python311\\python.exe", "3.11.9", arch),
            *commands,
        ),
        accesses={"C:\\Python311\\python.exe": (True, True)} | (accesses or {}),
    )  # fmt: skip
    return Spec(name=name, recording=recording, claims=claims or {})


def macos(
    name: str,
    note: str,
    *,
    sysctl: dict[str, Any],
    rows: list[dict[str, Any]] | None = None,
    text: str | None = None,
    version: str = "14.5",
    kernel: str = "23.5.0",
    arch: str = "arm64",
    mac_ver: str = "",
    cores: tuple[int, int] = (8, 8),
    memory: int = 16 * GIB,
    system_python: tuple[str, str] = ("3.12.4", "arm64"),
    python: str = "3.12.4",
    commands: tuple[Completed, ...] = (),
    profiler_hangs: bool = False,
    claims: dict[str, Any] | None = None,
) -> Spec:
    """A Mac; ``rows`` are system_profiler's JSON, ``text`` its plain output (old systems)."""
    profiler = "/usr/sbin/system_profiler"
    known = {key: value for key, value in sysctl.items() if key in SYSCTL_NAMES}
    hangs = done(profiler, "SPDisplaysDataType", "-json", timed_out=True)
    shown = (
        hangs
        if profiler_hangs
        else (
            done(profiler, "SPDisplaysDataType", "-json", out=write.displays(rows))
            if rows is not None
            else done(profiler, "SPDisplaysDataType", "-json", out="", err="usage: system_profiler", code=1)
        )
    )
    recording = Recording(
        note=note,
        platform=PlatformFacts(
            system="Darwin", machine=arch, release=kernel, python_version=python, python_executable=MAC_PYTHON,
            mac_version=mac_ver or version,
        ),
        folders=StandardFolders(
            home="/Users/user", data="/Users/user/Library/Application Support/torchup",
            cache="/Users/user/Library/Caches/torchup", config="/Users/user/Library/Application Support/torchup",
            log="/Users/user/Library/Logs/torchup",
        ),
        cwd="/Users/user",
        environ={"PATH": "/usr/local/bin:/usr/bin"},
        cpu_count=cores,
        memory_total=memory,
        disk_free=120 * GIB,
        commands=(
            done("/usr/sbin/sysctl", "-i", *SYSCTL_NAMES, out=write.sysctl(known)),
            done("/usr/bin/sw_vers", "-productVersion", out=f"{version}\n"),
            shown,
            done(profiler, "SPDisplaysDataType", out=text or ""),
            interpreter("/opt/homebrew/bin/python3", *system_python),
            *commands,
        ),
        accesses={"/opt/homebrew/bin/python3": (True, True), "/usr/bin/python3": (True, False)},
    )  # fmt: skip
    return Spec(name=name, recording=recording, claims=claims or {})
