"""Facts by hand, in one line: `facts(cuda_available=False, gpu="RTX 4090", os="linux", signs="mps.dtype")`."""

from __future__ import annotations

from typing import Any

from torchup.doctor.facts import Facts, Nvidia, Python, Sign, System, Torch
from torchup.doctor.signatures import load_signatures
from torchup.model import Gpu, Manager, Os, Vendor

_PARTS = {"system": System, "python": Python, "torch": Torch, "nvidia": Nvidia}
_CAUSES = {row.code: row.cause for row in load_signatures()}


def facts(**known: Any) -> Facts:
    """Facts of which only what is named is known.

    Any field of `System`, `Python`, `Torch`, `Nvidia` and `Facts` by its name; where parts share a name, with the
    part's name before it (`torch_version="2.6.0"`). ``gpu="RTX 4090"`` or ``gpu="amd:RX 7900 XTX"`` is a GPU by name;
    ``signs="code, code"`` are messages of programs.
    """
    values: dict[str, Any] = {}
    parts: dict[str, dict[str, Any]] = {part: {} for part in _PARTS}
    for name, value in known.items():
        part = _part(name)
        if name == "gpu":
            values["gpus"] = tuple(_gpu(text) for text in value.split(", "))
        elif name == "signs" and isinstance(value, str):
            values["signs"] = tuple(sign(code) for code in value.split(", "))
        elif part is None:
            values[name] = Manager(value) if name == "manager" else value
        else:
            field = name.removeprefix(f"{part}_")
            parts[part][field] = Os(value) if field == "os" else value
    made = {part: _PARTS[part](**given) for part, given in parts.items()}
    return Facts(**made, **values)


def sign(code: str, line: str | None = None, **values: str) -> Sign:
    """A message of a program, as `data/signatures.toml` would find it."""
    return Sign(code=code, cause=_CAUSES.get(code, ""), line=line or f"message {code}", values=values)


def _part(name: str) -> str | None:
    """The part of the facts that a name belongs to; ``None``: the facts themselves."""
    if name == "gpu" or name in Facts.__struct_fields__:
        return None
    for part, kind in _PARTS.items():
        if name.startswith(f"{part}_") and name.removeprefix(f"{part}_") in kind.__struct_fields__:
            return part
    owners = [part for part, kind in _PARTS.items() if name in kind.__struct_fields__]
    if len(owners) != 1:
        raise TypeError(f"{name}: a field of {owners or 'nothing'}; write PART_{name}")
    return owners[0]


def _gpu(text: str) -> Gpu:
    vendor, colon, name = text.rpartition(":")
    return Gpu(vendor=Vendor(vendor) if colon else Vendor.NVIDIA, name=name)


# What makes each condition of `torchup.doctor.conditions` true, for tests of guards.
HOLDING: dict[str, dict[str, Any]] = {
    "works": {"kernel_ran": True},
    "live": {"live": True},
    "on-linux": {"os": "linux"},
    "on-windows": {"os": "windows"},
    "on-mac": {"os": "macos"},
    "apple-silicon": {"os": "macos", "apple_silicon": True},
    "wsl": {"wsl": True},
    "no-container": {"live": True},
    "container": {"container": True},
    "virtual-machine": {"virtual_machine": True},
    "cluster": {"scheduler": "slurm"},
    "jetson": {"jetson": "R36.4"},
    "conda": {"manager": "conda"},
    "cpu-build": {"variant": "cpu"},
    "cuda-build": {"cuda": "12.6"},
    "hip-build": {"hip": "6.3"},
    "xpu-build": {"variant": "xpu"},
    "no-torch": {"installed": False},
    "import-failed": {"import_error": "ImportError: no"},
    "nvidia-gpu": {"gpu": "RTX 4090"},
    "amd-gpu": {"gpu": "amd:RX 7900 XTX"},
    "intel-gpu": {"gpu": "intel:Arc A770"},
}
