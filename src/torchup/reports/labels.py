"""``Label: value`` lines: collect_env of every year, vLLM's sections, what people type, in English and Chinese."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.model import Os
from torchup.reports.draft import is_unknown, vendor_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.reports.draft import Draft

LABEL = re.compile(
    r"^\s*(?:[-*•·]\s+|\d+[.)]\s+)?[*_`]{0,3}([A-Za-z\u4e00-\u9fff][^:=\n]{0,60}?)[*_`]{0,3}\s*(?::|"
    r"=(?!=))[*_`]{0,3}\s*(.*?)[*_`]{0,3}$"
)
_VERSION = re.compile(r"\d+(?:\.\d+)+\S*")
_REMARK = re.compile(r"\s+(?:-->|->|<--|#|←).*$")


def read_label(draft: Draft, line: str) -> str | None:
    """Read one line if it is a known label; returns the label's key so that list lines below it can be read too."""
    match = LABEL.match(line)
    if match is None:
        bare = re.match(r"^\s*(pytorch version|torch version|os)\s+(\S.*)$", line, re.IGNORECASE)
        if bare is None or (bare[1].lower() != "os" and not bare[2][0].isdigit()):
            return None
        label, value = bare[1], bare[2]
    else:
        label, value = match[1], match[2]
    key = re.sub(r"[\s_]+", " ", label.lower()).strip(" *`-")
    key = key.removesuffix(" used").removeprefix("your ").removeprefix("my ")
    handler = HANDLERS.get(key)
    if handler is None:
        _read_alike(draft, key, value)
        return None
    handler(draft, _REMARK.sub("", value).strip())
    return key


def _read_alike(draft: Draft, key: str, value: str) -> None:
    """A label that no tool prints: people call their GPU and their driver what they like."""
    text = _REMARK.sub("", value).strip()
    for pattern, handler in _ALIKE:
        if re.search(pattern, key):
            handler(draft, text)
            return


def read_torch_version(draft: Draft, value: str) -> None:
    """``2.6.0+cu124``, ``N/A`` (collect_env without torch), ``2.5.1, index cu121``."""
    if value.strip().upper() == "N/A":
        draft.torch_missing = True
        return
    match = re.match(r"\W*v?(\d+\.\d+(?:\.\d+)?(?:[abr]c?\d+|\.?(?:post|dev)\d*)*)(?:\+([\w.]+))?", value)
    if match is None:
        local = re.match(r"\+((?:rocm|cu|cpu|xpu)[\d.]*)", value)
        if local:
            draft.torch.setdefault("local", local[1])
        return
    if "version" not in draft.torch:
        draft.torch["version"] = match[1]
        if match[2]:
            draft.torch["local"] = match[2]
    elif match[2] and match[1] == draft.torch["version"]:
        draft.torch.setdefault("local", match[2])
    variant = re.search(
        r"\b(?:index|cuda|py3?\.?\d*[_-])?\s*\b(cu\d{2,3}|rocm\d\.\d)\b|cuda(\d+\.\d)", value[match.end() :]
    )
    if variant and "local" not in draft.torch:
        draft.torch.setdefault("variant", variant[1] or "cu" + variant[2].replace(".", ""))


def read_os(draft: Draft, value: str) -> None:
    """``Ubuntu 22.04.4 LTS (x86_64)``, ``macOS 14.5 (arm64)``, ``Windows 11 ARM64``."""
    if is_unknown(value):
        return
    lower = value.lower()
    arch = re.search(r"\b(x86_64|amd64|aarch64|arm64|i[36]86|ppc64le)\b", lower)
    if arch and draft.arch is None:
        draft.arch = {"amd64": "x86_64"}.get(arch[1], arch[1])
    if "wsl" in lower:
        draft.wsl = True
    kind = _os_kind(lower)
    if kind is None or draft.os not in (None, kind):
        return
    draft.os = kind
    version = re.search(r"\d+(?:\.\d+)*", value.replace(arch[1], "") if arch else value)
    if version and draft.os_version is None:
        draft.os_version = version[0]
    if kind is Os.LINUX and draft.distribution is None:
        draft.distribution = re.sub(r"\s*\(.*?\)", "", value)[:60]


def _os_kind(lower: str) -> Os | None:
    if re.search(r"mac ?os|os ?x\b|darwin", lower):
        return Os.MACOS
    if "windows" in lower and "subsystem" not in lower:
        return Os.WINDOWS
    names = (
        r"ubuntu|debian|cent ?os|red ?hat|rhel|fedora|suse|arch linux|manjaro|alpine|rocky|alma|"
        r"amazon|mint|pop!?_?os|gentoo|"
        r"nixos|kali|tencentos|euler|kylin|uos|oracle|raspbian|linux|wsl|alinux"
    )
    return Os.LINUX if re.search(names, lower) else None


def read_python(draft: Draft, value: str) -> None:
    """``3.10.12 | packaged by conda-forge | (main, ...) [GCC 11.4.0] (64-bit runtime)``."""
    match = re.match(r"\W*(?:python )?v?(\d\.\d+(?:\.\d+\w*)?)", value, re.IGNORECASE)
    if match is None:
        return
    draft.first(draft.python, "version", match[1])
    bits = re.search(r"\b(32|64)[- ]bit", value)
    if bits and draft.python_bits is None:
        draft.python_bits = int(bits[1])
    draft.conda_python |= bool(re.search(r"conda", value, re.IGNORECASE))
    compiler = re.search(r"\[(?:MSC v\.\d+ )?\d\d bit \(?(AMD64|ARM64|Intel)\)?\]", value)
    if compiler:
        draft.first(draft.python, "arch", {"AMD64": "x86_64", "ARM64": "arm64", "Intel": "i686"}[compiler[1]])
        draft.os = draft.os or Os.WINDOWS


def read_platform(draft: Draft, value: str) -> None:
    """``Linux-5.15.0-1063-azure-x86_64-with-glibc2.35``, ``macOS-15.3-arm64-arm-64bit``, ``Windows-10-...``."""
    draft.first(draft.python, "platform", value)
    arch = re.search(r"(?<![a-z0-9])(x86_64|aarch64|arm64|amd64|i[36]86|ppc64le)(?![a-z0-9])", value, re.IGNORECASE)
    if arch:
        draft.first(draft.python, "arch", arch[1].lower().replace("amd64", "x86_64"))
    kernel = re.match(r"Linux-(\S+?)-(?:x86_64|aarch64|i[36]86)", value)
    if re.search(r"mac ?os|darwin", value, re.IGNORECASE) and re.search(r"\bm[1-9]\b", value, re.IGNORECASE):
        draft.os, draft.apple_silicon = draft.os or Os.MACOS, True  # "macOS (M3)", typed by hand
    if kernel:
        draft.os, draft.kernel = draft.os or Os.LINUX, draft.kernel or kernel[1]
        draft.wsl |= "microsoft" in value.lower()
        draft.jetson = draft.jetson or ("unknown" if "tegra" in value.lower() else None)
    elif value.lower().startswith(("macos-", "darwin-")):
        draft.os = draft.os or Os.MACOS
        found = re.match(r"macos-(\d+(?:\.\d+)*)", value, re.IGNORECASE)
        if found and draft.os_version is None and found[1] != "10.16":  # 10.16 is what old Pythons call any newer macOS
            draft.os_version = found[1]
    elif value.lower().startswith("windows-"):
        draft.os = draft.os or Os.WINDOWS
    glibc = re.search(r"with-glibc(\d\.\d+)", value)
    if glibc and draft.glibc is None:
        draft.glibc = glibc[1]


def flag(name: str) -> Callable[[Draft, str], None]:
    """A handler of yes-or-no lines."""

    def handle(draft: Draft, value: str) -> None:
        match = re.match(r"\W*(true|yes|是|false|no|否)\b", value, re.IGNORECASE)
        if match and "No CUDA" not in value:
            draft.flags.setdefault(name, match[1].lower() in ("true", "yes", "是"))

    return handle


def read_xpu_available(draft: Draft, value: str) -> None:
    """``Is XPU available`` is printed by every build; only its truth says that this one is an XPU build."""
    flag("xpu_available")(draft, value)
    if draft.flags.get("xpu_available"):
        draft.flags["xpu_built"] = True


def read_cuda_build(draft: Draft, value: str) -> None:
    """``12.1``, ``10.1.243``, ``None`` or ``Could not collect``: a build without CUDA."""
    draft.cuda_said = draft.cuda_said or value
    if _VERSION.match(value):
        draft.first(draft.torch, "cuda", value)


def read_hip_build(draft: Draft, value: str) -> None:
    """``6.3.42131-fa1d09cbd`` or ``N/A``."""
    if re.match(r"\d", value):
        draft.first(draft.torch, "hip", value)


def read_gpu(draft: Draft, value: str) -> None:
    """A GPU that a tool or the user names; ``GPU 0: name`` too."""
    if is_unknown(value):
        if value.strip().lower() in ("no cuda", "none", "no"):
            draft.tools_found_none = True
        return
    match = re.match(r"GPU ?(\d+)\s*:\s*(.+)", value)
    if match:
        draft.add_gpu(_without_uuid(match[2]), match[1])
    elif vendor_of(value) is not None and not re.match(r"\d+\s*%|true|false|yes", value, re.IGNORECASE):
        draft.add_gpu(_without_uuid(value)[:100])


def _without_uuid(name: str) -> str:
    return re.sub(r"\s*\(UUID:.*", "", name)


def read_driver(draft: Draft, value: str) -> None:
    """``535.104.05``, also ``GeForce 470.76`` and ``NVIDIA 550.54.15``; ``26.10.1`` of AMD is not one of NVIDIA's."""
    match = re.search(r"\b([1-9]\d{2}\.\d{1,3}(?:\.\d{1,3})?)\b", value)
    if match:
        draft.first(draft.nvidia, "driver", match[1])
    elif value.strip().lower() == "no cuda":
        draft.tools_found_none = True


def read_toolkit(draft: Draft, value: str) -> None:
    """A CUDA toolkit on the machine; torch does not need it."""
    match = re.match(r"\D{0,12}(\d{1,2}\.\d+(?:\.\d+)?)", value)
    if match:
        draft.first(draft.nvidia, "toolkit", match[1])


def read_rocm(draft: Draft, value: str) -> None:
    """The system's ROCm."""
    match = re.match(r"\W*(?:rocm)?\W*(\d+\.\d+(?:\.\d+)?)", value, re.IGNORECASE)
    if match and draft.rocm is None:
        draft.rocm = match[1]


def read_glibc(draft: Draft, value: str) -> None:
    """``glibc-2.35``."""
    match = re.search(r"(\d\.\d+)", value)
    if match and draft.glibc is None:
        draft.glibc = match[1]


def read_cpu(draft: Draft, value: str) -> None:
    """The processor; ``Apple M2 Pro`` proves Apple silicon whatever the interpreter says."""
    if is_unknown(value):
        return
    draft.cpu = draft.cpu or value[:80]
    if re.match(r"apple (?:m\d|processor)", value, re.IGNORECASE):
        draft.apple_silicon, draft.os = True, draft.os or Os.MACOS
    if "virtual" in value.lower() and "apple" in value.lower():
        draft.virtual_machine = True


def read_arch(draft: Draft, value: str) -> None:
    """``x86_64``, ``aarch64``; WMI's numbers say nothing here."""
    match = re.match(r"\W*(x86_64|aarch64|arm64|amd64|i[36]86|ppc64le)\b", value, re.IGNORECASE)
    if match and draft.arch is None:
        draft.arch = match[1].lower().replace("amd64", "x86_64")


def read_machine(draft: Draft, value: str) -> None:
    """What people write after "Machine:": a Mac, a Jetson, a GPU, an operating system."""
    read_arch(draft, value)
    lower = value.lower()
    if re.search(r"apple silicon|\bm[1-9]\b|apple m\d", lower) and "mac" in lower + str(draft.os):
        draft.apple_silicon = True
    if "intel mac" in lower or re.search(r"mac.*intel", lower):
        draft.apple_silicon = False
    if re.search(r"\bmac", lower):
        draft.os = draft.os or Os.MACOS
        version = re.search(r"mac ?os\D{0,12}(\d+(?:\.\d+)*)", lower)
        draft.os_version = draft.os_version or (version[1] if version else None)
    if "jetson" in lower:
        draft.jetson, draft.os = draft.jetson or "unknown", draft.os or Os.LINUX
    found = re.search(r"\b(aarch64|arm64|x86_64)\b", lower)
    draft.arch = draft.arch or (found[1] if found else None)
    if vendor_of(value) is not None and not re.search(r"\bmac", lower):
        read_gpu(draft, value)


def read_jetson(draft: Draft, value: str) -> None:
    """L4T or JetPack."""
    if not is_unknown(value):
        draft.jetson, draft.os = value[:40], draft.os or Os.LINUX
        draft.arch = draft.arch or "aarch64"


def read_mode(draft: Draft, value: str) -> None:
    """``Compute Mode: Exclusive_Process``."""
    lower = value.lower()
    mode = "prohibited" if "prohibit" in lower else "exclusive-process" if "exclusive" in lower else "default"
    gpu = draft.gpus[-1] if draft.gpus else draft.add_gpu("NVIDIA GPU")
    gpu.setdefault("mode", mode)


def read_capability(draft: Draft, value: str) -> None:
    """``Compute capability: 12.0``, ``sm_120`` or ``(12, 0)``: of the one GPU that was named, or of an unnamed one."""
    match = re.match(r"\W*(?:sm_?)?(\d{1,2})(?:\.|, ?)?(\d)\b", value)
    if match is not None and len(draft.gpus) < 2:  # noqa: PLR2004  # of which of two, it does not say
        gpu = draft.gpus[0] if draft.gpus else draft.add_gpu("NVIDIA GPU")
        gpu.setdefault("capability", f"{match[1]}.{match[2]}")


def read_arch_list(draft: Draft, value: str) -> None:
    """``['sm_50', 'sm_60']`` beside a label such as "Arch list"."""
    found = tuple(re.findall(r"(?:sm_|compute_)\d+\w?|gfx[0-9a-f]+", value))
    draft.arch_list = draft.arch_list or found


def read_hypervisor(draft: Draft, value: str) -> None:
    """Lscpu's hypervisor line."""
    if not is_unknown(value):
        draft.virtual_machine = True


def read_installed(draft: Draft, value: str) -> None:
    """``installed torch: the CPU build``."""
    if re.search(r"\bcpu\b", value, re.IGNORECASE):
        draft.torch.setdefault("variant", "cpu")
    read_torch_version(draft, value)


def _names(handler: Callable[[Draft, str], None], names: str) -> dict[str, Callable[[Draft, str], None]]:
    return dict.fromkeys(names.split("|"), handler)


HANDLERS: dict[str, Callable[[Draft, str], None]] = {
    **_names(
        read_torch_version,
        "pytorch version|torch version|torch|pytorch|torch. version|torch.__version__|torch  version|"
        "pytorch版本|torch版本|pytorch 版本|torch 版本|pytorch/torch version|libtorch version",
    ),
    **_names(
        read_cuda_build,
        "cuda used to build pytorch|torch.version.cuda|torch cuda version|pytorch cuda"
        " version|torch"
        " cuda|构建 pytorch 所用的 cuda",
    ),
    **_names(read_hip_build, "rocm used to build pytorch|torch.version.hip|rocm available"),
    **_names(
        read_os,
        "os|operating system|os version|os platform and distribution|system|os name|"
        "操作系统|系统|系统版本|操作系统版本|"
        "os platform|linux distribution|distro|distribution|platform info",
    ),
    **_names(read_python, "python version|python|python版本|python 版本|sys.version"),
    **_names(read_platform, "python platform|platform.platform()|platform"),
    **_names(
        flag("cuda_available"),
        "is cuda available|cuda available|gpu available|torch.cuda.is available()|cuda is available|"
        "cuda是否可用|cuda 是否可用|cuda 可用|"
        "torch cuda available|is cuda available?|cuda available?|pytorch cuda available",
    ),
    **_names(flag("mps_available"), "is mps available|mps available|torch.backends.mps.is available()"),
    **_names(flag("mps_built"), "is mps built|mps built|torch.backends.mps.is built()"),
    **_names(read_xpu_available, "is xpu available|xpu available|torch.xpu.is available()"),
    **_names(
        read_toolkit,
        "cuda runtime version|cuda|cuda version|cuda toolkit|cuda toolkit version|cuda/cudnn version|"
        "cuda版本|cuda 版本|nvcc version|nvcc|cuda runtime|cuda运行时版本",
    ),
    **_names(
        read_gpu,
        "gpu models and configuration|gpu|gpus|gpu model|gpu models|graphics card|graphics|video card|"
        "device name|gpu name|gpu configuration|显卡|显卡型号|gpu型号|gpu 型号|gpu 型号和配置|gpu type|gpu info|"
        "cuda device|cuda device name|device|accelerator|hardware|gpu(s)|igpu|dgpu|apu|"
        "product name|card series|gpu device|gpu 0|gpu0|gpu device name|gpu and vram|gpu 设备",
    ),
    **_names(
        read_driver,
        "nvidia driver version|driver version|driver|nvidia driver|gpu driver|nvidia gpu driver|"
        "gpu driver version|驱动版本|显卡驱动|显卡驱动版本|nvidia驱动版本|nvidia 驱动版本|nvidia-smi driver version|"
        "nvidia driver versions|nvidia drivers|drivers|kmd version|windows driver|nvidia-driver",
    ),
    **_names(read_rocm, "rocm|rocm version|rocm版本|hip runtime version|rocm 版本|system rocm"),
    **_names(read_glibc, "libc version|glibc version|glibc|libc"),
    **_names(
        read_cpu,
        "cpu|model name|型号名称|name|processor|cpu model|处理器|chip|cpu name|brand string|machdep.cpu.brand string",
    ),
    **_names(read_arch, "architecture|arch|架构|cpu architecture|uname -m|platform.machine()"),
    **_names(
        read_machine, "machine|computer|device type|hardware model|环境|model|hw|laptop|mac|system info|environment"
    ),
    **_names(read_jetson, "l4t release|l4t|jetpack version|jetpack|l4t version|jetson"),
    **_names(read_mode, "compute mode"),
    **_names(read_hypervisor, "hypervisor vendor|超管理器厂商"),
    **_names(read_installed, "installed torch|installed pytorch|torch installed"),
}

# Labels that only resemble those above: the first pattern that is found in the label decides.
_ALIKE: tuple[tuple[str, Callable[[Draft, str], None]], ...] = (
    (r"memory|vram|util|count|number|显存|利用率|support|amd|intel|radeon|adrenalin|offload|layer", lambda *_: None),
    (r"cuda.*(?:availab|可用)", flag("cuda_available")),
    (r"mps.*availab", flag("mps_available")),
    (r"mps.*built", flag("mps_built")),
    (r"compute cap|cuda cap|sm version|计算能力", read_capability),
    (r"arch(?:itecture)? list", read_arch_list),
    (r"driver|驱动", read_driver),
    (
        r"^(?:installed |current |using )?(?:py)?torch(?: build| package| wheel| install(?:ed|ation)?)?(?: version)?$",
        read_torch_version,
    ),
    (r"\b(?:gpus?|graphics|cards?)\b|显卡", read_gpu),
    (r"^(?:installed |current )?python\b.{0,12}$", read_python),
    (r"^(?:host |guest |linux )?(?:os|distro|distribution|system)\b", read_os),
    (r"\brocm\b", read_rocm),
)
