"""Value readers: what stands behind a label, beside an expression or in a sentence -> the fact it states.

Every reader takes what was collected so far and one value as text. It keeps the first value of a fact and ignores text
of another kind, so that a reader may be tried on anything. `READERS` gives them the names of ``labels.toml``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.model import Os
from torchup.patterns import LETTER_BEYOND_LATIN, lazy_pattern
from torchup.reports.collected import is_unknown, vendor_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.reports.collected import Collected

    Reader = Callable[[Collected, str], None]

_ARCH = r"x86_64|amd64|aarch64|arm64|i[36]86|ppc64le"
_VERSION = lazy_pattern(r"\d{1,4}(?:\.\d{1,9}){1,4}")
_TORCH = lazy_pattern(
    r"\W{0,6}v?(\d{1,3}\.\d{1,3}(?:\.\d{1,3})?(?:(?:a|b|rc|\.?post|\.?dev)\d{1,10}){0,3})"
    r"(?:\+([\w.]{1,60})| \+ ((?:cu|rocm|cpu|xpu)[\d.]{0,8}(?<!\.)))?"
)
_LOCAL = lazy_pattern(r"\+((?:rocm|cu|cpu|xpu)[\d.]{0,10})")
_LABEL_OF_BUILD = lazy_pattern(r"\b(cu\d{2,3}|rocm\d\.\d)\b|cuda ?(\d{1,2}\.\d)", re.IGNORECASE)
_LINUX = lazy_pattern(
    r"ubuntu|debian|cent ?os|red ?hat|rhel|fedora|nobara|suse|arch linux|manjaro|endeavour|cachyos|bazzite|"
    r"alpine|rocky|"
    r"alma|amazon|mint|pop!?_?os|gentoo|nixos|kali|tencentos|euler|kylin|deepin|uos|oracle|raspbian|linux|wsl|alinux"
)


def torch_version(collected: Collected, value: str) -> None:
    """``2.6.0+cu124``, ``N/A`` (collect_env without torch), ``2.5.1, index cu121``, ``2.9.1 (CUDA 12.8)``."""
    if value.strip().upper() == "N/A":
        collected.torch_missing = True
        return
    value = re.sub(r"(\d) ?\+ ?(?=cu\d|cpu|rocm\d|xpu)", r"\1+", value)
    match = _TORCH.match(value)
    if match is None:
        local = _LOCAL.match(value)
        if local:
            collected.torch.setdefault("local", local[1])
        return
    label = match[2] or match[3]
    if "version" not in collected.torch:
        collected.torch["version"] = match[1]
        if label:
            collected.torch["local"] = label
    elif label and match[1] == collected.torch["version"]:
        collected.torch.setdefault("local", label)
    build = _LABEL_OF_BUILD.search(value[match.end() : match.end() + 100])
    if build and "local" not in collected.torch:
        collected.torch.setdefault("variant", build[1].lower() if build[1] else "cu" + build[2].replace(".", ""))


def torch_installed(collected: Collected, value: str) -> None:
    """``installed torch: the CPU build``."""
    if re.search(r"\bcpu\b", value, re.IGNORECASE):
        collected.torch.setdefault("variant", "cpu")
    torch_version(collected, value)


def torch_cuda(collected: Collected, value: str) -> None:
    """``12.1``, ``10.1.243``, ``None`` or ``Could not collect``: a build without CUDA."""
    collected.cuda_said = collected.cuda_said or value
    if _VERSION.match(value):
        collected.first(collected.torch, "cuda", value)


def torch_cuda_asked(collected: Collected, value: str) -> None:
    """The value of ``torch.version.cuda``; the prompt prints nothing for ``None``."""
    torch_cuda(collected, value or "None")


def torch_hip(collected: Collected, value: str) -> None:
    """``6.3.42131-fa1d09cbd`` or ``N/A``."""
    if re.match(r"\d", value):
        collected.first(collected.torch, "hip", value)


def os_name(collected: Collected, value: str) -> None:
    """``Ubuntu 22.04.4 LTS (x86_64)``, ``macOS 14.5 (arm64)``, ``Windows 11 ARM64``, ``WSL2``."""
    if is_unknown(value):
        return
    lower = value.lower()
    arch = re.search(rf"\b({_ARCH})\b", lower)
    if arch and collected.arch is None:
        collected.arch = {"amd64": "x86_64"}.get(arch[1], arch[1])
    if "wsl" in lower:
        collected.wsl = True
    kind = os_kind(lower) or {"nt": Os.WINDOWS}.get(lower.strip())
    if kind is None or collected.os not in (None, kind):
        return
    collected.os = kind
    version = re.search(r"\d{1,6}(?:\.\d{1,6}){0,3}", value.replace(arch[1], "") if arch else value)
    if version and collected.os_version is None and not lower.startswith("wsl"):
        collected.os_version = version[0]
    if kind is Os.LINUX and collected.distribution is None:
        collected.distribution = re.sub(
            r"\s{0,9}\([^()]{0,60}\)", "", re.split(r"[,;]| (?:in|on|with|inside) ", value)[0]
        )[:60]


def os_kind(lower: str) -> Os | None:
    """The system that a name in lower case stands for."""
    if re.search(r"mac ?os|os ?x\b|darwin", lower):
        return Os.MACOS
    if re.search(r"windows|\bwin ?1[01]\b", lower, re.ASCII) and "subsystem" not in lower and "wsl" not in lower:
        return Os.WINDOWS
    return Os.LINUX if _LINUX.search(lower) else None


def python_version(collected: Collected, value: str) -> None:
    """``3.10.12 | packaged by conda-forge | (main, ...) [GCC 11.4.0] (64-bit runtime)``."""
    match = re.match(r"\W{0,6}(?:c?python )?v?([23]\.\d{1,2}(?:\.\d{1,2}\w{0,6})?)", value, re.IGNORECASE)
    if match is None:
        return
    collected.versions_at.append((collected.position, match[1]))
    collected.first(collected.python, "version", match[1])
    bits = re.search(r"\b(32|64)[- ]bit", value)
    if bits and collected.python_bits is None:
        collected.python_bits = int(bits[1])
    collected.conda_python |= bool(re.search(r"conda", value, re.IGNORECASE))
    compiler = re.search(r"\[(?:MSC v\.\d{1,6} )?\d\d bit \(?(AMD64|ARM64|Intel)\)?\]", value)
    if compiler:
        collected.first(collected.python, "arch", {"AMD64": "x86_64", "ARM64": "arm64", "Intel": "i686"}[compiler[1]])
        collected.os = collected.os or Os.WINDOWS


def python_arch(collected: Collected, value: str) -> None:
    """``AMD64``, ``arm64``: what the interpreter was built for."""
    collected.first(collected.python, "arch", value.lower().replace("amd64", "x86_64")[:20])


def platform_text(collected: Collected, value: str) -> None:
    """``Linux-5.15.0-1063-azure-x86_64-with-glibc2.35``, ``macOS-15.3-arm64-arm-64bit``, ``Windows-10-...``."""
    lower = value.lower()
    collected.first(collected.python, "platform", value)
    arch = re.search(rf"(?<![a-z0-9])({_ARCH})(?![a-z0-9])", lower)
    if arch:
        python_arch(collected, arch[1])
    kernel = re.match(r"Linux-(\S{1,80}?)-(?:x86_64|aarch64|i[36]86)", value)
    if re.search(r"mac ?os|darwin", lower) and re.search(r"\bm[1-9]\b", lower):
        collected.os, collected.apple_silicon = collected.os or Os.MACOS, True  # "macOS (M3)", typed by hand
    if kernel:
        linux_kernel(collected, kernel[1])
    elif lower.startswith(("macos-", "darwin-")):
        collected.os = collected.os or Os.MACOS
        found = re.match(r"macos-(\d{1,3}(?:\.\d{1,3}){0,2})", lower)
        if found and collected.os_version is None and found[1] != "10.16":  # what old Pythons call any newer macOS
            collected.os_version = found[1]
    elif re.match(r"windows\b", lower):
        collected.os = collected.os or Os.WINDOWS
    glibc = re.search(r"with-glibc(\d\.\d{1,3})", value)
    if glibc and collected.glibc is None:
        collected.glibc = glibc[1]


def linux_kernel(collected: Collected, release: str) -> None:
    """``5.15.0-105-generic``; Jetson's and WSL's kernels say what they are."""
    collected.os, collected.kernel = collected.os or Os.LINUX, collected.kernel or release
    collected.wsl |= "microsoft" in release.lower()
    collected.jetson |= "tegra" in release.lower()


def flag(name: str) -> Reader:
    """A reader of yes-or-no values."""

    def handle(collected: Collected, value: str) -> None:
        match = re.match(r"\W{0,6}(true|yes|是|可用|false|no|否|不可用)(?![\w-])", value, re.IGNORECASE)
        if match and "No CUDA" not in value:
            collected.flags.setdefault(name, match[1].lower() in ("true", "yes", "是", "可用"))

    return handle


def xpu_available(collected: Collected, value: str) -> None:
    """``Is XPU available`` is printed by every build; only its truth says that this one is an XPU build."""
    flag("xpu_available")(collected, value)
    if collected.flags.get("xpu_available"):
        collected.flags["xpu_built"] = True


def device_count(collected: Collected, value: str) -> None:
    """``torch.cuda.device_count()``."""
    if re.fullmatch(r"\d{1,4}", value):
        collected.device_count = int(value)


def xpu_count(collected: Collected, value: str) -> None:
    """``torch.xpu.device_count()``: more than none is an answer to ``is_available`` too."""
    device_count(collected, value)
    if collected.device_count:
        collected.flags.setdefault("xpu_available", True)


def gpu(collected: Collected, value: str) -> None:
    """A GPU that a tool or the user names; ``GPU 0: name``, ``cuda:0 name : allocator``, or several of them."""
    if is_unknown(value):
        if value.strip().lower() in ("no cuda", "none", "no"):
            collected.tools_found_none = True
        return
    if len(set(_TARGETS.findall(value))) > 1:
        return  # what a build covers
    value = re.sub(r"\s{1,9}:\s?\w{1,30}$", "", re.sub(r"^\W{0,3}(?:cuda|xpu|hip):\d{1,2}\s{1,9}", "", value))
    match = re.match(r"GPU ?(\d{1,3})\s{0,9}:\s{0,9}(\S.*)", value)
    if match:
        collected.add_gpu(_without_uuid(match[2]), match[1])
        return
    parts = (
        [value] if "[" in value or "Inc." in value else re.split(r"\s{0,9}[,;]\s{0,9}|\s[+/]\s|\s(?:and|和)\s", value)
    )
    for part in parts:
        _named_gpu(collected, _AROUND_NAME.sub("", part).split(". ", maxsplit=1)[0])


# What tools and people write before a name: "Card series: ", "2x ", "显卡 ".
_AROUND_NAME = lazy_pattern(
    r"^\s{0,9}(?:(?:\[\d{1,2}\]|\W)\s{0,9}:\s{0,9})?(?:card (?:series|"
    r"model):\s{0,9})?(?:\d{1,2}\s?[x×*]\s{0,3})?"
    rf"(?:{LETTER_BEYOND_LATIN}|[\s:]){{0,12}}",
    re.IGNORECASE,
)
_OF_CARD = lazy_pattern(r"\s{0,9}card (?:vendor|sku)|\s{0,9}(?:subsystem|node|guid|gfx version)", re.IGNORECASE)


_TARGETS = lazy_pattern(r"\bgfx[0-9a-f]{3,5}\b")


def named_gpu(collected: Collected, value: str) -> None:
    """Behind a label that only resembles "GPU": a name counts, its absence does not."""
    if not is_unknown(value):
        gpu(collected, value)


def _named_gpu(collected: Collected, name: str) -> None:
    if re.match(r"\d{1,3}\s?%|true|false|yes", name, re.IGNORECASE) or _OF_CARD.match(name):
        return
    if vendor_of(name) is not None:
        collected.add_gpu(_without_uuid(name)[:100])
    elif re.search(r"\d", name) or "spark" in name.lower():
        from torchup.reports.gpu_names import mentions  # noqa: PLC0415  # reads the table of GPUs

        for mention in mentions(name)[:1]:
            collected.add_gpu(mention.name, vendor=mention.vendor)


def _without_uuid(name: str) -> str:
    return name.split("(UUID:", maxsplit=1)[0].strip()


def driver(collected: Collected, value: str) -> None:
    """``535.104.05``, ``GeForce 470.76``, ``528.49 (CUDA 12.0)``; ``26.10.1`` of AMD is not one of NVIDIA's."""
    match = re.search(r"(?<![\d.])([1-9]\d{2}\.\d{1,3}(?:\.\d{1,3})?)\b", value)
    if match:
        collected.first(collected.nvidia, "driver", match[1])
        served = re.search(r"CUDA\D{0,12}(\d{1,2}\.\d)", value[match.end() :][:40], re.IGNORECASE)
        if served:
            cuda_api(collected, served[1])
    elif (
        branch := re.fullmatch(r"\W{0,3}(?:nvidia\W{1,3})?(?:driver\W)?r?([3-7]\d{2})(?:\.x{1,2})?", value.lower())
    ) is not None:
        collected.first(collected.nvidia, "driver", branch[1])
    elif value.strip().lower() == "no cuda":
        collected.tools_found_none = True


def cuda_api(collected: Collected, value: str) -> None:
    """The newest CUDA that the driver serves."""
    match = re.match(r"\W{0,6}(\d{1,2}\.\d)", value)
    if match:
        collected.first(collected.nvidia, "cuda_api", match[1])


def toolkit(collected: Collected, value: str) -> None:
    """A CUDA toolkit on the machine, which torch does not need; ``CUDA: True`` answers another question."""
    match = re.match(r"\D{0,12}(\d{1,2}\.\d{1,2}(?:\.\d{1,4})?)", value)
    if match:
        collected.first(collected.nvidia, "toolkit", match[1])
    else:
        flag("cuda_available")(collected, value) if re.match(r"\W{0,3}(?:true|false)", value.lower()) else None


def rocm(collected: Collected, value: str) -> None:
    """The system's ROCm: ``6.4.1``, ``rocm-6.3``, ``(6, 4)`` as ComfyUI prints it."""
    match = re.match(r"\W{0,6}(?:rocm)?\W{0,3}(\d{1,2})(?:\.|, )(\d{1,2}(?:\.\d{1,6})?)", value, re.IGNORECASE)
    if match and collected.rocm is None:
        collected.rocm = f"{match[1]}.{match[2]}"


def glibc(collected: Collected, value: str) -> None:
    """``glibc-2.35``."""
    match = re.search(r"(\d\.\d{1,3})", value)
    if match and collected.glibc is None:
        collected.glibc = match[1]


def cpu(collected: Collected, value: str) -> None:
    """The processor; ``Apple M2 Pro`` proves Apple silicon whatever the interpreter says."""
    if is_unknown(value):
        return
    collected.cpu = collected.cpu or value[:80]
    lower = value.lower()
    if re.match(r"apple (?:m\d|processor)", lower):
        collected.apple_silicon, collected.os = True, collected.os or Os.MACOS
    if "virtual" in lower and "apple" in lower:
        collected.virtual_machine = True


def name(collected: Collected, value: str) -> None:
    """A bare "Name": of a processor or a GPU (WMI, rocminfo), of a package (pip show) or a process."""
    if re.search(
        r"\b(?:cpu|processor|ryzen|xeon|epyc|core|threadripper|apple m\d|neoverse|cortex)\b", value, re.IGNORECASE
    ):
        cpu(collected, value)
    elif re.search(
        r"geforce|rtx|gtx|radeon|instinct|\barc\b|iris|uhd graphics|nvidia [a-z]*\d|quadro|tesla", value, re.IGNORECASE
    ):
        named_gpu(collected, value)


def arch(collected: Collected, value: str) -> None:
    """``x86_64``, ``aarch64``; WMI's numbers say nothing here."""
    match = re.match(rf"\W{{0,6}}({_ARCH})\b", value, re.IGNORECASE)
    if match and collected.arch is None:
        collected.arch = match[1].lower().replace("amd64", "x86_64")


def machine(collected: Collected, value: str) -> None:
    """What people write after "Machine:": a Mac, a Jetson, a GPU, an operating system."""
    arch(collected, value)
    lower = value.lower()
    if re.search(r"apple silicon|\bm[1-9]\b", lower) and "mac" in lower + str(collected.os):
        collected.apple_silicon = True
    if ("mac" in lower and "intel" in lower.split("mac", maxsplit=1)[1]) or "intel mac" in lower:
        collected.apple_silicon = False
    if re.search(r"\bmac", lower):
        collected.os = collected.os or Os.MACOS
        version = re.search(r"mac ?os\D{0,12}(\d{1,3}(?:\.\d{1,3}){0,2})", lower)
        collected.os_version = collected.os_version or (version[1] if version else None)
    if "jetson" in lower:
        collected.jetson, collected.os = True, collected.os or Os.LINUX
    found = re.search(r"\b(aarch64|arm64|x86_64)\b", lower)
    collected.arch = collected.arch or (found[1] if found else None)
    if vendor_of(value) is not None and not re.search(r"\bmac", lower):
        gpu(collected, value)


def jetson(collected: Collected, value: str) -> None:
    """A bare release behind "JetPack" or "L4T": JetPack has one digit, L4T (behind "R" or not) two."""
    if is_unknown(value):
        return
    collected.jetson, collected.os = True, collected.os or Os.LINUX
    collected.arch = collected.arch or "aarch64"
    l4t = re.search(r"(?<![\d.])R?([23]\d\.\d{1,2}(?:\.\d{1,2})?)(?![\d.])", value)
    jetpack = re.search(r"(?<![\d.])([3-9](?:\.\d{1,2}){0,2})(?![\d.])", value)
    if l4t:
        collected.l4t = collected.l4t or l4t[1]
    elif jetpack:
        collected.jetpack = collected.jetpack or jetpack[1]


def compute_mode(collected: Collected, value: str) -> None:
    """``Compute Mode: Exclusive_Process``."""
    lower = value.lower()
    mode = "prohibited" if "prohibit" in lower else "exclusive-process" if "exclusive" in lower else "default"
    device = collected.gpus[-1] if collected.gpus else collected.add_gpu("NVIDIA GPU")
    device.setdefault("mode", mode)


def compute_capability(collected: Collected, value: str) -> None:
    """``Compute capability: 12.0``, ``sm_120`` or ``(12, 0)``: of the one GPU that was named, or of an unnamed one."""
    match = re.match(r"\W{0,6}(?:sm_?)?(\d{1,2})(?:\.|, ?)?(\d)\b", value)
    if match is not None and len(collected.gpus) < 2:  # noqa: PLR2004  # of which of two, it does not say
        device = collected.gpus[0] if collected.gpus else collected.add_gpu("NVIDIA GPU")
        device.setdefault("capability", f"{match[1]}.{match[2]}")


def arch_list(collected: Collected, value: str) -> None:
    """``['sm_50', 'sm_60']``."""
    collected.arch_list = collected.arch_list or tuple(
        re.findall(r"(?:sm_|compute_)\d{2,3}\w?|gfx[0-9a-f]{3,5}", value)
    )


def hypervisor(collected: Collected, value: str) -> None:
    """Lscpu's hypervisor line."""
    if not is_unknown(value):
        collected.virtual_machine = True


def interpreter(collected: Collected, value: str) -> None:
    """The path of a Python: ``sys.executable``, ``** Python executable:``; `pythons` works out which one failed."""
    path = value.strip().strip("'\"")
    if re.fullmatch(r"\S.{0,250}[/\\].{0,250}", path) or re.search(r"python[\d.]*(?:\.exe)?$", path.lower()):
        collected.pythons_at.append((collected.position, path))


def ignored(_collected: Collected, _value: str) -> None:
    """A label that only looks as if it named a fact: memory, counts, what is supported."""


READERS: dict[str, Reader] = {
    "torch-version": torch_version,
    "torch-installed": torch_installed,
    "torch-cuda": torch_cuda,
    "torch-cuda-asked": torch_cuda_asked,
    "torch-hip": torch_hip,
    "os": os_name,
    "python": python_version,
    "python-arch": python_arch,
    "platform": platform_text,
    "cuda-available": flag("cuda_available"),
    "mps-available": flag("mps_available"),
    "mps-built": flag("mps_built"),
    "xpu-available": xpu_available,
    "xpu-built": flag("xpu_built"),
    "device-count": device_count,
    "xpu-count": xpu_count,
    "gpu": gpu,
    "gpu-named": named_gpu,
    "driver": driver,
    "cuda-api": cuda_api,
    "toolkit": toolkit,
    "rocm": rocm,
    "glibc": glibc,
    "cpu": cpu,
    "name": name,
    "arch": arch,
    "arch-list": arch_list,
    "machine": machine,
    "jetson": jetson,
    "compute-mode": compute_mode,
    "compute-capability": compute_capability,
    "hypervisor": hypervisor,
    "interpreter": interpreter,
    "ignored": ignored,
}
