"""What else people paste: prompts and their answers, commands, variables, device nodes, kernel and system tools."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.doctor.facts import Node
from torchup.model import Os
from torchup.reports.labels import (
    flag,
    read_arch,
    read_driver,
    read_gpu,
    read_platform,
    read_python,
    read_torch_version,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.reports.draft import Draft

_COMMAND = (
    r"^\s*(?:\(\S+\)\s*)?(?:[\w.-]+@[\w.-]+[:\s][^$#]*[$#]|\$|%|PS [A-Z]:\\[^>]*>|[A-Z]:\\[^>]*>|!|RUN)\s*(\S.*)$"
)
_PROMPT = r"^\s*(?:>>>|In \[\d*\]:)\s*(.*)$"
_INLINE = (
    r"\b((?:torch\.)?(?:cuda|xpu|backends\.mps|mps)\.(?:is_available|is_built|_is_compiled|"
    r"device_count)\(\))[`'\")\s]{0,4}(?:always )?(?:return(?:s|ed)?|gives?|gave|prints?|printed|is|was|shows?|"
    r"=+>?|-+>|:|→|返回|为|是|结果)?[`'\"\s:]{0,4}((?i:True|False)|\d+)\b"
)
_VARIABLE = (
    r"(?:^|\s|export |set |env )[\"']?((?:CUDA|HIP|ROCR|NVIDIA|LD|DYLD|PYTORCH|HSA|GPU|ONEAPI|ZE|SYCL|"
    r"KMP|OMP|NCCL|VLLM|TORCH|PYTHON|CONDA|MKL)_?[A-Z0-9_]*|LD_LIBRARY_PATH|PYTHONPATH)=[\"']?([^\s\"']*)"
)
_OS_ENVIRON = (
    r"os\.environ\[\s*[\"'](\w+)[\"']\s*\]\s*=\s*[\"']([^\"']*)[\"']|"
    r"\$env:(\w+)\s*=\s*[\"']([^\"']*)[\"']|%env (\w+)[= ](\S+)"
)
_NODE = r"^\s*([cb]([rwxsStT-]{9})[.+@]?)\s+\d+\s+(\S+)\s+(\S+)\s+[\d, ]+(?:\s.*)?\s(/dev/\S+|\S+)\s*$"
_LIBRARY = r"^\s*(lib[\w.+-]+)\s*=>\s*(/\S+)"
_MODULE = r"(?:site|dist)-packages[/\\](\w+)"
_PLACE = r"([^\s\"'(]{0,300}(?:site|dist)-packages)[/\\](?:torch|torchvision|torchaudio)[/\\]"
_WANTED = r"\binstall\b.*?\btorch={2,3}(\d[\w.]*)(?:\+(\w[\w.]*))?"
_INDEX = r"whl/(?:nightly/|test/)?(cu\d{2,3}|cpu|xpu|rocm[\d.]+)"
_KERNEL_MODULE = r"NVRM version.*?(?:Kernel Module|Module for \S+)\s+([\d.]+)"
_DPKG = (
    r"^[ih]i\s+(nvidia-(?:driver|smi|utils|kernel|headless)\S*|libnvidia-\S+|cuda-drivers\S*)\s+(?:\d:)?(\d{3}\.[\d.]+)"
)
_UNAME = r"\bLinux \S+ (\d+\.\d+\.\S+) .*\b(x86_64|aarch64|i686|ppc64le)\b(?: GNU/Linux)?"
_BANNER = r"^\s*Python (\d\.\d+\.\d+\w*)\s*(\|[^(]*)?(\(.*)$"
_BANNER_OS = r"\bon (linux|darwin|win32)\b"
_LSPCI = r"(?:VGA compatible controller|3D controller|Display controller|Processing accelerators)[^:]*:\s*(.+)"
_GFX = r"\bgfx(?:9[0-9a-f]{2}|1[0-2][0-9a-f]{2}|8\d\d)\b"
_PROPERTIES = r"_(?:Cuda|Xpu)DeviceProperties\(name='([^']+)'(?:.*?major=(\d+), minor=(\d+))?"
_DOCKER = re.compile(
    r"\b(?:docker|podman|nerdctl)(?:-compose)?\s+(?:run|start|exec|compose)\b|\bdocker-compose\b|\bnvidia-docker\b",
    re.IGNORECASE,
)
_CAPABILITY = r"(\S.*?) with CUDA capability sm_(\d+)"


def read_session(draft: Draft, lines: Sequence[str]) -> None:
    """Read prompts, commands and tool output among the lines."""
    for position, line in enumerate(lines):
        prompt = re.match(_PROMPT, line)
        if prompt is not None:
            _answer(draft, prompt[1], lines[position + 1 : position + 3])
        elif (command := re.match(_COMMAND, line)) is not None:
            _read_command(draft, command[1], lines[position + 1 : position + 4])
        if "=" in line or "%env" in line:
            _read_variables(draft, line)
        _read_tools(draft, line)


def _answer(draft: Draft, expression: str, following: Sequence[str]) -> None:
    """Match an expression typed at Python's prompt with the line printed below it."""
    answer = next((line.strip() for line in following[:2] if line.strip()), "")
    answer = re.sub(r"^Out\[\d*\]:\s*", "", answer)
    if answer.startswith((">>>", "In [", "Traceback")):
        answer = ""
    inner = re.match(r"^print\s*\((.*)\)\s*$", expression)
    take_value(draft, (inner[1] if inner else expression).strip(), answer.strip("'\""))


def take_value(draft: Draft, expression: str, answer: str) -> None:
    """One expression about torch and its value."""
    if expression.endswith("is_available()") and "mps" in expression:
        flag("mps_available")(draft, answer)
    elif expression.endswith("cuda.is_available()"):
        flag("cuda_available")(draft, answer)
    elif "xpu.is_available()" in expression:
        flag("xpu_available")(draft, answer)
    elif expression.endswith("mps.is_built()"):
        flag("mps_built")(draft, answer)
    elif "xpu._is_compiled()" in expression:
        flag("xpu_built")(draft, answer)
    elif "device_count()" in expression and answer.isdecimal():
        draft.device_count = int(answer)
        if int(answer) and "xpu" in expression:
            draft.flags.setdefault("xpu_available", True)
    else:
        _take_text(draft, expression, answer)


def _take_text(draft: Draft, expression: str, answer: str) -> None:
    simple: dict[str, Callable[[Draft, str], None]] = {
        "torch.__version__": read_torch_version,
        "torch.version.__version__": read_torch_version,
        "platform.machine()": _python_arch,
        "platform.platform()": read_platform,
        "sys.version": read_python,
    }
    if expression in simple and answer:
        simple[expression](draft, answer)
    elif expression == "torch.version.cuda":
        draft.cuda_said = draft.cuda_said or answer or "None"
        if re.match(r"\d", answer):
            draft.first(draft.torch, "cuda", answer)
    elif expression == "torch.version.hip" and re.match(r"\d", answer):
        draft.first(draft.torch, "hip", answer)
    elif "get_device_name" in expression and answer:
        read_gpu(draft, answer)
    elif "get_device_capability" in expression and (pair := re.match(r"\((\d+), (\d)\)", answer)) and draft.gpus:
        draft.gpus[0].setdefault("capability", f"{pair[1]}.{pair[2]}")
    elif "get_arch_list" in expression:
        draft.arch_list = tuple(re.findall(r"(?:sm_|compute_)\d+\w?|gfx[0-9a-f]+", answer))


def _python_arch(draft: Draft, value: str) -> None:
    draft.first(draft.python, "arch", value.lower().replace("amd64", "x86_64"))


def _read_command(draft: Draft, command: str, following: Sequence[str]) -> None:
    draft.commands.append(command[:500])
    if _DOCKER.search(command):
        draft.container = True
        given = re.search(
            r"--gpus|--runtime[= ]nvidia|nvidia-docker|--device|/dev/(?:kfd|dri)|nvidia\.com/gpu", command
        )
        draft.container_gpu_flag = bool(given) or bool(draft.container_gpu_flag)
    if command.startswith(("uname", "arch")) and following:
        read_arch(draft, following[0])
    if command.strip() in ("groups", "id -Gn"):
        answer = next((line for line in following if line.strip()), "")
        draft.groups = tuple(answer.split(":")[-1].split())
    if "version" in command and command.startswith("python") and following:
        read_python(draft, following[0])
    if "--query-gpu=driver_version" in command and following:
        read_driver(draft, next((line for line in following if re.match(r"\s*\d{3}\.", line)), ""))
    if (wanted := re.search(_WANTED, command[:500])) is not None:
        draft.wanted.setdefault("version", wanted[1])
        index = wanted[2] or (re.search(_INDEX, command) or ["", ""])[1]
        draft.first(draft.wanted, "variant", index.rstrip("."))
    _read_printed(draft, command, following)


def _read_printed(draft: Draft, command: str, following: Sequence[str]) -> None:
    """``python -c "import torch; print(torch.__version__, torch.cuda.is_available())"`` and the values below it."""
    printed = re.search(r"\bprint\s*\((.*)\)", command)
    if "python" not in command or printed is None or not following:
        return
    expressions = [part.strip() for part in re.split(r",\s*(?![^(]*\))|\)\s*;\s*print\(", printed[1])]
    answers = (
        following[0].split() if len(expressions) > 1 and len(following[0].split()) == len(expressions) else following
    )
    for expression, answer in zip(expressions, answers, strict=False):
        take_value(draft, expression, answer.strip())


def _read_variables(draft: Draft, line: str) -> None:
    for name, value in re.findall(_VARIABLE, line):
        draft.environment.setdefault(name, value)
    for groups in re.findall(_OS_ENVIRON, line):
        found = [part for part in groups if part]
        if found:
            value = found[1] if len(found) > 1 else ""
            draft.environment.setdefault(found[0], value)


def _read_tools(draft: Draft, line: str) -> None:
    if "()" in line:
        for expression, value in re.findall(_INLINE, line):
            take_value(draft, expression, value)
    if "-packages" in line:
        draft.modules.extend(name.lower() for name in re.findall(_MODULE, line))
        draft.locations.extend(re.findall(_PLACE, line))
    if "=>" in line and (library := re.match(_LIBRARY, line)):
        draft.libraries.setdefault(library[1], library[2])
    if "DeviceProperties(" in line:
        _read_properties(draft, line)
    if "with CUDA capability" in line:
        _read_capability(draft, line)
    if line[:1] in "cb " and (node := re.match(_NODE, line)) is not None:
        _read_node(draft, node)
    _read_kernel(draft, line)
    _read_machine_tools(draft, line)


def _read_properties(draft: Draft, line: str) -> None:
    for name, major, minor in re.findall(_PROPERTIES, line):
        draft.add_gpu(name, **({"capability": f"{major}.{minor}"} if major else {}))
        if major:
            draft.flags.setdefault("cuda_available", True)  # torch prints it of a device it has opened


def _read_capability(draft: Draft, line: str) -> None:
    found = re.search(_CAPABILITY, line)
    if found is None:
        return
    digits = found[2]
    name = found[1].split("UserWarning:")[-1].strip()
    draft.add_gpu(name, capability=f"{digits[:-1]}.{digits[-1]}", vendor="nvidia")


def _read_node(draft: Draft, node: re.Match[str]) -> None:
    path = node[5] if node[5].startswith("/") else f"/dev/{node[5]}"
    if re.match(r"/dev/(?:nvidia|kfd|dri|render|card)", path):
        mode = node[2]
        group = node[4] if mode[4] == "w" and node[4] != "root" else None
        draft.nodes.append(Node(path=path, accessible=mode[7] == "w", mode=node[1], group=group))


def _read_kernel(draft: Draft, line: str) -> None:
    if "NVRM" in line and (module := re.search(_KERNEL_MODULE, line)):
        draft.first(draft.nvidia, "module", module[1])
    if line[:2] in ("ii", "hi") and (package := re.match(_DPKG, line)):
        draft.first(draft.nvidia, "library", package[2].split("-")[0])
    if "Linux " in line and (uname := re.search(_UNAME, line)):
        draft.os, draft.kernel = draft.os or Os.LINUX, draft.kernel or uname[1]
        draft.arch = draft.arch or uname[2]
        draft.wsl |= "microsoft" in line.lower()
        draft.jetson = draft.jetson or ("unknown" if "tegra" in line else None)
    if "Python " in line and (banner := re.match(_BANNER, line)):
        read_python(draft, banner[1] + " " + (banner[2] or "") + banner[3])
    if (where := re.search(_BANNER_OS, line)) is not None and ("[" in line or "GCC" in line or "Clang" in line):
        draft.os = draft.os or {"linux": Os.LINUX, "darwin": Os.MACOS, "win32": Os.WINDOWS}[where[1]]
        draft.conda_python |= "conda" in line.lower()


def _read_machine_tools(draft: Draft, line: str) -> None:
    if ("controller" in line or "accelerators" in line) and (pci := re.search(_LSPCI, line)) is not None:
        read_gpu(draft, re.sub(r"\s*\(rev .*", "", pci[1]))
    if "gfx" in line and "gfx" not in str(draft.gpus):
        _read_target(draft, line)
    if "ProductVersion" in line and (version := re.search(r"ProductVersion:\s*([\d.]+)", line)):
        draft.os, draft.os_version = Os.MACOS, draft.os_version or version[1]
    if line.lstrip().lower().startswith(("macos-", "linux-", "windows-")):
        read_platform(draft, line.strip())
    _read_kind(draft, line)


def _read_marker(draft: Draft, name: str, value: str) -> None:
    """The "environment" of ``pip inspect``, which is that of the interpreter."""
    if name == "platform_machine":
        _python_arch(draft, value)
    elif name.startswith("python"):
        read_python(draft, value)
    else:
        kinds = {"win32": Os.WINDOWS, "windows": Os.WINDOWS, "darwin": Os.MACOS, "linux": Os.LINUX}
        draft.os = draft.os or kinds.get(value.lower())


def _read_target(draft: Draft, line: str) -> None:
    """AMD's target of a GPU; a list of targets is what a build covers."""
    if "WARNING" in line or re.search(r"gfx\w+[;,] ?gfx", line):
        return
    target = re.search(_GFX, line)
    if target is not None and re.search(r"^\s*(?:Name:\s+|Target:|.*(?:GPU|GCN|Agent|Radeon|AMD))", line):
        draft.add_gpu(f"AMD {target[0]}", vendor="amd", gfx=target[0])


_MARKER = r'"(platform_machine|sys_platform|platform_system|python_full_version|python_version)"\s*:\s*"([^"]+)"'


def _read_kind(draft: Draft, line: str) -> None:
    for name, value in re.findall(_MARKER, line) if '": "' in line or '":"' in line else ():
        _read_marker(draft, name, value)
    if "Windows" in line and (windows := re.search(r"Microsoft Windows \[Version ([\d.]+)\]", line)):
        draft.os_version = draft.os_version or windows[1]
        draft.os = draft.os or Os.WINDOWS
    if "wsl" in line.lower() and re.search(r"\bwsl ?2?\b", line, re.IGNORECASE):
        draft.wsl = True
    if "tegra" in line.lower() or "# R3" in line:
        draft.jetson = draft.jetson or ("unknown" if re.search(r"-tegra\b|nv_tegra_release|# R\d\d", line) else None)
    if "osx-64" in line and re.search(r"platform\s*:\s*osx-64", line):
        draft.first(draft.python, "arch", "x86_64")
        draft.os = draft.os or Os.MACOS
