"""What system tools print: device nodes, the kernel, packages of the system, lspci, rocminfo, banners of Pythons."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.doctor.facts import Node
from torchup.model import Os, Vendor
from torchup.patterns import lazy_pattern
from torchup.reports.collected import vendor_of
from torchup.reports.values import gpu, linux_kernel, os_name, platform_text, python_arch, python_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.reports.collected import Collected

_NODE = lazy_pattern(r"\s{0,80}([cb]([rwxsStT-]{9})[.+@]?)\s+\d+\s+(\S+)\s+(\S+)\s+\d+,\s{0,9}\d+\s(?:.*\s)?(\S+)\s*")
_IS_NODE = lazy_pattern(r"/dev/(?:nvidia|kfd|dri|render|card)")
_OWNED = lazy_pattern(
    r"\W{0,9}(/dev/[\w/*]{2,40})\s{1,40}(\w{1,32}):(\w{1,32})\s{1,9}0?([0-7]{3})\b"
)  # stat's %n %U:%G %a
_LIBRARY = lazy_pattern(r"\s*(lib[\w.+-]+)\s*=>\s*(/\S+)")
_LOADED = lazy_pattern(r"\s{0,40}\d{0,9}:?\s{0,9}calling init:\s{1,9}(/\S{1,300}/)(lib[\w.+-]{1,100})\s*$")
_MODULE = lazy_pattern(r"(?:site|dist)-packages[/\\](\w{1,80})")
_PLACE = lazy_pattern(r"([^\s\"'(]{0,300}(?:site|dist)-packages)[/\\](?:torch|torchvision|torchaudio)[/\\]")
_KERNEL_MODULE = lazy_pattern(r"NVRM version.{0,80}?(?:Kernel Module|Module for \S{1,40})\s{1,9}([\d.]+)")
_DPKG = lazy_pattern(
    r"[ih]i\s+(nvidia-(?:driver|smi|utils|kernel|headless)\S*|libnvidia-\S+|cuda-drivers\S*)\s+(?:\d:)?(\d{3}\.[\d.]+)"
)
_UNAME = lazy_pattern(
    r"\bLinux \S{1,80} (\d{1,2}\.\d{1,3}\.\S{1,80}) .{0,200}?\b(x86_64|aarch64|i686|ppc64le)\b(?: GNU/Linux)?"
)
_PROC_VERSION = lazy_pattern(r"\bLinux version (\d{1,2}\.\d{1,3}\.\S{1,80})")
_TEGRA = lazy_pattern(r"(?<![\w.-])(\d{1,2}\.\d{1,3}\.\d{1,3}(?:-[\w.]{1,30}){0,3}?-tegra)\b")
_WSL_KERNEL = lazy_pattern(
    r"(?<![\w.-])(\d{1,2}\.\d{1,3}\.\d{1,3}(?:\.\d{1,3})?-microsoft\S{0,40})", re.IGNORECASE | re.ASCII
)
_BANNER = lazy_pattern(r"\s{0,80}Python (\d\.\d{1,2}\.\d{1,2}\w{0,6})\s{0,4}(\|[^(]{0,120})?(\(.*)")
_BANNER_OS = lazy_pattern(r"\bon (linux|darwin|win32)\b")
_PLATFORM = {"linux": Os.LINUX, "darwin": Os.MACOS, "win32": Os.WINDOWS, "windows": Os.WINDOWS}
_LSPCI = lazy_pattern(
    r"(?:VGA compatible controller|3D controller|Display controller|Processing accelerators)[^:]{0,40}:\s{0,9}(\S.*)"
)
_DEVICE_ROW = lazy_pattern(r"[|\s\d]{0,40}Device Name:\s{0,9}(\S[^|]{0,120}\S)\s{0,80}\|")  # of xpu-smi
_GFX = lazy_pattern(r"\bgfx(?:9[0-9a-f]{2}|1[0-2][0-9a-f]{2}|8\d\d)\b")
_OF_GPU = lazy_pattern(r"\A(?:\s*+(?:Name:\s|Target:|AMD arch)|.*(?:GPU|GCN|Agent|Radeon|AMD))")
_PROPERTIES = lazy_pattern(
    r"_(?:Cuda|Xpu)DeviceProperties\(name='([^']{1,120})'(?:.{0,120}?major=(\d{1,2}), minor=(\d))?"
)
_CAPABILITY = lazy_pattern(r"(\S.{0,200}) with CUDA capability sm_(\d{2,3})")
_NV_TEGRA = lazy_pattern(r"#? ?R(\d\d) \(release\), REVISION: (\d{1,2}(?:\.\d{1,2})?)")
_MARKER = lazy_pattern(
    r'"(platform_machine|sys_platform|platform_system|python_full_version|python_version)"\s?:\s?"([^"]{1,60})"'
)
_WINDOWS = lazy_pattern(r"Microsoft Windows \[(?:Version|版本) ([\d.]{1,30})\]")
_WSL = lazy_pattern(r"(.{0,40})\bwsl ?2?\b", re.IGNORECASE | re.ASCII)
_TAKEN_BACK = lazy_pattern(
    r"\b(?:not|no|without|outside|instead of|works|fine|never)\b[^.;,]{0,40}$|不是|没有", re.IGNORECASE | re.ASCII
)
_SYSTEM_ALONE = lazy_pattern(
    r"\s{0,20}(?:[-*•]\s)?((?:Microsoft )?Windows (?:1[01]|8\.1|7|Server 20\d\d)|"
    r"Ubuntu(?: Server)? \d\d\.\d\d(?:\.\d)?|macOS (?:\w{1,12} )?\d{1,2}(?:\.\d{1,2}){0,2}|"
    r"Debian(?: GNU/Linux)? \d{1,2}|Fedora(?: Linux)? \d\d|"
    r"CentOS(?: Linux)? \d|Rocky Linux \d|AlmaLinux \d|Arch Linux|Linux Mint \d\d|openSUSE(?: \w{1,12})?)"
    r"((?:[ ,]{1,2}(?:Pro|Home|Enterprise|Education|LTSC?|Workstations?|for|build|version|x64|x86_64|amd64|arm64|WSL2?|"
    r"64[- ]?bit|\d[\w.]{0,12}|\([^()]{0,40}\)|专业版|家庭版|Desktop|Server|Edition)){0,5})\s*",
    re.IGNORECASE | re.ASCII,
)


def read_tools(collected: Collected, lines: Sequence[str]) -> None:
    """Read what each line shows by itself."""
    for collected.position, line in enumerate(lines):
        _read_paths(collected, line)
        if "DeviceProperties(" in line:
            _read_properties(collected, line)
        if "with CUDA capability" in line:
            _read_capability(collected, line)
        if line.lstrip()[:1] in ("c", "b") and (node := _NODE.fullmatch(line)) is not None:
            _read_node(collected, node)
        if "/dev/" in line and (owned := _OWNED.match(line)) is not None:
            _read_owned(collected, *owned.groups())
        _read_kernel(collected, line)
        _read_banner(collected, line)
        _read_machine(collected, line)
        _read_system(collected, line)


def _read_paths(collected: Collected, line: str) -> None:
    if "-packages" in line:
        collected.modules.extend(name.lower() for name in _MODULE.findall(line))
        collected.locations.extend(_PLACE.findall(line))
    if "=>" in line and (library := _LIBRARY.match(line)):
        collected.libraries.setdefault(library[1], library[2])
    if "calling init:" in line and (loaded := _LOADED.match(line)):
        collected.libraries.setdefault(loaded[2], loaded[1] + loaded[2])


def _read_properties(collected: Collected, line: str) -> None:
    for name, major, minor in _PROPERTIES.findall(line):
        collected.add_gpu(name, **({"capability": f"{major}.{minor}"} if major else {}))
        if major:
            collected.flags.setdefault("cuda_available", True)  # torch prints it of a device it has opened


def _read_capability(collected: Collected, line: str) -> None:
    found = _CAPABILITY.search(line)
    if found is not None:
        name = found[1].split("UserWarning:")[-1].strip()
        collected.add_gpu(name, capability=f"{found[2][:-1]}.{found[2][-1]}", vendor="nvidia")


def _read_node(collected: Collected, node: re.Match[str]) -> None:
    path = node[5] if node[5].startswith("/") else f"/dev/{node[5]}"
    if _IS_NODE.match(path):
        mode = node[2]
        group = node[4] if mode[4] == "w" and node[4] != "root" else None
        collected.nodes.append(Node(path=path, accessible=mode[7] == "w", mode=node[1], group=group))


def _read_owned(collected: Collected, path: str, owner: str, group: str, digits: str) -> None:
    """A node with its owner and its mode in octal digits, of which the second bit allows to write."""
    del owner
    if _IS_NODE.match(path):
        _, group_digit, others = (int(digit) & 2 for digit in digits)
        shared = group if group_digit and group != "root" else None
        collected.nodes.append(Node(path=path, accessible=bool(others), mode=digits, group=shared))


def _read_kernel(collected: Collected, line: str) -> None:
    if "NVRM" in line and (module := _KERNEL_MODULE.search(line)):
        collected.first(collected.nvidia, "module", module[1])
    if line[:2] in ("ii", "hi") and (package := _DPKG.match(line)):
        collected.first(collected.nvidia, "library", package[2].split("-")[0])
    if "Linux " in line and (uname := _UNAME.search(line)):
        linux_kernel(collected, uname[1])
        collected.arch = collected.arch or uname[2]
        collected.wsl |= "microsoft" in line.lower()
    for mark, pattern in (("Linux version", _PROC_VERSION), ("-tegra", _TEGRA), ("icrosoft", _WSL_KERNEL)):
        if mark in line and (kernel := pattern.search(line)):
            linux_kernel(collected, kernel[1])
    if "REVISION" in line and (release := _NV_TEGRA.search(line)):
        collected.jetson, collected.l4t = True, collected.l4t or f"{release[1]}.{release[2]}"
    collected.jetson |= "nv_tegra_release" in line


def _read_banner(collected: Collected, line: str) -> None:
    if "Python " in line and (banner := _BANNER.match(line)):
        python_version(collected, banner[1] + " " + (banner[2] or "") + banner[3])
    if ("[" in line or "GCC" in line or "Clang" in line) and (where := _BANNER_OS.search(line)) is not None:
        collected.os = collected.os or _PLATFORM[where[1]]
        collected.conda_python |= "conda" in line.lower()


def _read_machine(collected: Collected, line: str) -> None:
    if ("controller" in line or "accelerators" in line) and (pci := _LSPCI.search(line)) is not None:
        gpu(collected, pci[1].split(" (rev ", maxsplit=1)[0].strip())
    if "Device Name:" in line and (device := _DEVICE_ROW.match(line)) is not None:
        gpu(collected, device[1])
    if "gfx" in line and not any("gfx" in device["name"] or "gfx" in device for device in collected.gpus):
        _read_target(collected, line)
    if ('"' in line and '"platform_' in line) or '"python_' in line or '"sys_' in line:
        for name, value in _MARKER.findall(line):
            _read_marker(collected, name, value)


def _read_marker(collected: Collected, name: str, value: str) -> None:
    """The "environment" of ``pip inspect``, which is that of the interpreter."""
    if name == "platform_machine":
        python_arch(collected, value)
    elif name.startswith("python"):
        python_version(collected, value)
    else:
        collected.os = collected.os or _PLATFORM.get(value.lower())


def _read_target(collected: Collected, line: str) -> None:
    """AMD's target of a GPU; a list of targets is what a build covers."""
    targets = _GFX.findall(line)
    if len(set(targets)) == 1 and "WARNING" not in line and _OF_GPU.match(line):
        devices = [device for device in collected.gpus if vendor_of(device["name"]) is Vendor.AMD]
        if len(devices) == 1:
            devices[0].setdefault("gfx", targets[0])
            return
        collected.add_gpu(f"AMD {targets[0]}", vendor="amd", gfx=targets[0])


def _read_system(collected: Collected, line: str) -> None:
    lower = line.lower()
    if "productversion" in lower and (version := re.search(r"ProductVersion:\s{0,20}([\d.]+)", line)):
        collected.os, collected.os_version = Os.MACOS, version[1]
    if lower.lstrip().startswith(("macos-", "linux-", "windows-")):
        platform_text(collected, line.strip())
    if "Windows" in line and (windows := _WINDOWS.search(line)):
        collected.os_version = collected.os_version or windows[1]
        collected.os = collected.os or Os.WINDOWS
    if "wsl" in lower and any(not _TAKEN_BACK.search(match[1]) for match in _WSL.finditer(line)):
        collected.wsl = True
    if "osx-64" in line and re.search(r"platform\s{0,9}:\s{0,9}osx-64", line):
        collected.first(collected.python, "arch", "x86_64")
        collected.os = collected.os or Os.MACOS
    if line[:60].strip() and (alone := _SYSTEM_ALONE.fullmatch(line)):
        os_name(collected, alone[1] + alone[2])
