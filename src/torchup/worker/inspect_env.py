"""Say what this Python and its torch are, for the doctor: two JSON lines, the second only if torch survives its import.

The first line is written before torch is touched, so that a crash or a hang still leaves what the interpreter is.
"""

# os.path costs nothing beside torch; torch's facts on its own build have private names:
# ruff: noqa: PTH100, PTH112, PTH113, PTH118, PTH120, PTH123, PTH208, SLF001

import os
import platform
import re
import struct
import sys
import sysconfig
import traceback
import warnings
from typing import Any, Dict, List, Optional

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lines import claim_stdout, emit

NAMES = re.compile(
    r"^(torch|torchvision|torchaudio|pytorch|numpy|triton|triton[-_].*|pytorch[-_]triton.*|nvidia[-_].*|xformers|flash[-_]attn|vllm|"
    r"bitsandbytes|intel[-_]extension[-_]for[-_]pytorch|torchcodec|torchtext)$",
    re.IGNORECASE,
)
DISTRIBUTION = re.compile(r"^(?P<name>.+?)-(?P<version>[^-]+)\.(?:dist|egg)-info$")
TEXT_LIMIT = 4000


def inspect_python() -> Dict[str, Any]:
    """What is known without torch: the interpreter, the distributions beside it, the folders that hold a torch."""
    folders = site_folders()
    return {
        "version": platform.python_version(),
        "bits": struct.calcsize("P") * 8,
        "machine": platform.machine(),
        "platform": platform.platform(),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "conda": os.path.isdir(os.path.join(sys.prefix, "conda-meta")),
        "packages": [row for folder in folders for row in distributions(folder)] + conda_packages(),
        "torch_folders": [folder for folder in folders if os.path.isdir(os.path.join(folder, "torch"))],
        "extension_suffix": sysconfig.get_config_var("EXT_SUFFIX"),
        "torch_extensions": [name for folder in folders for name in extensions(os.path.join(folder, "torch"))],
        "companion_cuda": {
            name: cuda for name in ("torchvision", "torchaudio") if (cuda := companion_cuda(folders, name)) is not None
        },
    }


def site_folders() -> List[str]:
    """The folders that packages are imported from; the user's too, which a normal start of this Python would see."""
    folders = [path for path in sys.path if path.endswith(("site-packages", "dist-packages")) and os.path.isdir(path)]
    if sys.prefix == sys.base_prefix:
        import site

        user = site.getusersitepackages()
        if os.path.isdir(user) and user not in folders:
            folders.append(user)
    return folders


def distributions(folder: str) -> List[Dict[str, str]]:
    """Name, version and place of the distributions that the doctor asks about; file names only, nothing is opened."""
    found = []
    for entry in sorted(os.listdir(folder)):
        match = DISTRIBUTION.match(entry)
        if match and NAMES.match(match["name"]):
            name = match["name"].lower().replace("_", "-")
            found.append({"name": name, "version": match["version"], "location": folder, "origin": "pip"})
    return found


def conda_packages() -> List[Dict[str, str]]:
    """What conda installed here, from the names of its records."""
    folder = os.path.join(sys.prefix, "conda-meta")
    found = []
    for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        parts = entry[:-5].rsplit("-", 2) if entry.endswith(".json") else []
        if len(parts) == 3 and (NAMES.match(parts[0]) or parts[0] in ("libtorch", "cudatoolkit")):
            found.append(
                {"name": parts[0], "version": parts[1], "build": parts[2], "origin": "conda", "channel": "conda"}
            )
    return found


def extensions(folder: str) -> List[str]:
    """File names of torch's own extension module: they say for which Python it was built."""
    if not os.path.isdir(folder):
        return []
    return [name for name in os.listdir(folder) if name.startswith("_C.") and name.endswith((".so", ".pyd"))]


def companion_cuda(folders: List[str], name: str) -> Optional[str]:
    """The CUDA that a companion says it was built with ("" for none), read from its version file, not imported."""
    for folder in folders:
        path = os.path.join(folder, name, "version.py")
        if os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read(TEXT_LIMIT)
            return stated_cuda(text)
    return None


def stated_cuda(text: str) -> Optional[str]:
    """CUDA in a version file: ``cuda = '12.6'``, or the label of ``__version__ = '0.28.0+cu130'``."""
    match = re.search(r"^cuda\b[^=\n]*=\s*['\"]([\d.]+)['\"]", text, re.MULTILINE)
    if match:
        return match[1]
    label = re.search(r"^__version__\s*=\s*['\"][^'\"+]+\+(?:cu(\d+)(\d)|cpu)['\"]", text, re.MULTILINE)
    if label is None:
        return None
    return "%s.%s" % (label[1], label[2]) if label[1] else ""


def inspect_torch(python: Dict[str, Any]) -> Dict[str, Any]:
    """What torch says of itself; an import that fails is an answer too."""
    if not python["torch_folders"]:
        return {"installed": False}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            import torch

            found = describe(torch)
        except BaseException as error:  # noqa: BLE001  # SystemExit and loader errors are findings, not ends
            found = {"installed": True, "import_error": last_lines(error)}
        else:
            found["companion_errors"] = companion_errors(python, found)
    found["warnings"] = [str(warning.message)[:TEXT_LIMIT] for warning in caught][:20]
    return found


def last_lines(error: BaseException) -> str:
    """The end of a traceback."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))[-TEXT_LIMIT:]


def describe(torch: Any) -> Dict[str, Any]:
    """Version, build and devices."""
    version = str(torch.__version__)
    cuda = torch.version.cuda
    found: Dict[str, Any] = {
        "installed": True,
        "version": version,
        "cuda": cuda,
        "hip": getattr(torch.version, "hip", None),
        "location": os.path.dirname(os.path.dirname(os.path.abspath(torch.__file__))),
        "numpy_error": attempt(lambda: torch.ones(1).numpy()) if has_numpy() else None,
    }
    mps = getattr(torch.backends, "mps", None)
    if mps is not None:
        found["mps_built"], found["mps_available"] = bool(mps.is_built()), bool(mps.is_available())
    if hasattr(torch, "xpu"):
        found["xpu_built"] = bool(getattr(torch._C, "_has_xpu", False))
        found["xpu_available"] = bool(torch.xpu.is_available())
    found["cuda_available"] = bool(torch.cuda.is_available())
    if cuda or found["hip"]:
        found.update(describe_cuda(torch, available=found["cuda_available"]))
    return found


def describe_cuda(torch: Any, *, available: bool) -> Dict[str, Any]:
    """Architectures of the build, devices, and whether an operation on the first one gives the right number."""
    found: Dict[str, Any] = {"arch_list": list(torch._C._cuda_getArchFlags().split())}
    if not available:
        found["cuda_error"] = attempt(torch.cuda.init)
        return found
    count = torch.cuda.device_count()
    found["device_count"] = count
    found["devices"] = [torch.cuda.get_device_name(index) for index in range(count)]
    found["capabilities"] = [".".join(map(str, torch.cuda.get_device_capability(index))) for index in range(count)]
    error = attempt(lambda: check(torch.ones(2, device="cuda").sum().item()))
    found["kernel_ran"] = error is None
    found["kernel_error"] = error
    return found


def check(value: float) -> None:
    """Fail unless the GPU added one and one to two."""
    if value != 2.0:
        raise RuntimeError("wrong sum on the GPU: %r" % value)


def attempt(action: Any) -> Optional[str]:
    """The error of an action, or nothing."""
    try:
        action()
    except BaseException as error:  # noqa: BLE001  # every kind of end is an answer
        return "%s: %s" % (type(error).__name__, str(error)[:TEXT_LIMIT])
    return None


def has_numpy() -> bool:
    """Whether there is a NumPy to convert to."""
    import importlib.util

    return importlib.util.find_spec("numpy") is not None


def companion_errors(python: Dict[str, Any], torch: Dict[str, Any]) -> Dict[str, str]:
    """Import only those companions whose CUDA is not torch's: importing all of them would cost as much as torch."""
    errors = {}
    for name, cuda in python["companion_cuda"].items():
        if cuda != (torch["cuda"] or ""):
            error = attempt(lambda name=name: __import__(name))
            if error is not None:
                errors[name] = error
    return errors


def main() -> None:
    """Two lines: without torch, with torch."""
    claim_stdout()
    python = inspect_python()
    emit({"python": python})
    emit({"python": python, "torch": inspect_torch(python)})


if __name__ == "__main__":
    main()
    sys.stderr.flush()
    os._exit(0)  # a driver that hangs at exit must not hang the doctor
