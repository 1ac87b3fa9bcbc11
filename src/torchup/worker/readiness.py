"""What torch.compile needs, as it is here: compiler, Python's headers, Triton and its assembler. One JSON object."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, Dict, Optional

sys.path.insert(0, str(Path(__file__).resolve().parent))  # -I leaves the script's own folder out

import compiler  # after the path is set
import lines  # same

TRITONS = ("triton", "triton-windows", "pytorch-triton-rocm", "triton-rocm", "pytorch-triton")
_RELEASE = re.compile(r"release (\d+\.\d+)")


def version(name: str) -> Optional[str]:
    """The version of an installed distribution."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def triton_wanted() -> Optional[str]:
    """The version that torch's own metadata asks for, as it is written there."""
    try:
        needs = importlib.metadata.requires("torch") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = (re.match(r"(?:pytorch-)?triton(?:-rocm)?\s*\(?([=~<>]=?[^;)]*)", need) for need in needs)
    return next((match.group(1).strip() for match in found if match), None)


def ptxas() -> Optional[str]:
    """The CUDA release of the assembler that Triton would call."""
    path = os.environ.get("TRITON_PTXAS_PATH") or _bundled() or shutil.which("ptxas")
    if not path:
        return None
    try:
        done = subprocess.run(  # noqa: S603  # the assembler itself, no shell
            [path, "--version"], capture_output=True, text=True, timeout=20, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _RELEASE.search(done.stdout)
    return match.group(1) if match else None


def _bundled() -> Optional[str]:
    spec = importlib.util.find_spec("triton")
    folder = Path(spec.origin).parent if spec is not None and spec.origin else None
    found = folder / "backends" / "nvidia" / "bin" / "ptxas" if folder else None
    return str(found) if found is not None and found.exists() else None


def facts() -> Dict[str, Any]:
    """Everything, ``None`` where it is not there."""
    include = sysconfig.get_path("include")
    return {
        "python": "%d.%d" % sys.version_info[:2],
        "compiler": shutil.which("cl") if sys.platform == "win32" else compiler.find(),
        "headers": bool(include) and (Path(include) / "Python.h").exists(),
        "triton": next((found for found in map(version, TRITONS) if found), None),
        "triton_wanted": triton_wanted(),
        "ptxas": ptxas(),
        "torch": version("torch"),
    }


def main() -> int:
    """Answer."""
    lines.claim_stdout()
    lines.emit({"readiness": facts()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
