"""Environment variables that a report sets, in the ways of every shell, notebook, container and unit file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.reports.collected import Collected

# Only these say something about torch and GPUs; other names would be chance matches in logs.
_NAME = (
    r"(?:(?:CUDA|HIP|ROCR|NVIDIA|LD|DYLD|PYTORCH|HSA|GPU|ONEAPI|ZE|SYCL|KMP|OMP|NCCL|VLLM|TORCH|TORCHINDUCTOR|"
    r"PYTHON|CONDA|MKL|UV|PIP|"
    r"TRITON|AMD|MIOPEN|XLA|NEOReadDebugKeys|OverrideGpuAddressSpace|SLURM)_?[A-Z0-9_]{0,60})"
)
_QUOTED = r"(?:\"([^\"\n]{0,500})\"|'([^'\n]{0,500})'|([^\s\"'`;&|]{0,500}))"
_PATTERNS = tuple(
    lazy_pattern(pattern)
    for pattern in (
        rf"(?:^|[\s\"'`(;]|-e ?|--env[ =]|Environment=)({_NAME})={_QUOTED}",  # sh, cmd, docker, units
        rf"\$env:({_NAME})\s?=\s?{_QUOTED}",  # PowerShell
        rf"\b(?:os\.)?environ\[\s?[\"']({_NAME})[\"']\s?\]\s?=\s?{_QUOTED}",  # Python
        rf"\b(?:os\.environ\.setdefault|os\.putenv|environ\.setdefault)\(\s?[\"']({_NAME})[\"']\s?,\s?{_QUOTED}",
        rf"%(?:set_)?env ({_NAME})[= ]\s?{_QUOTED}",  # notebooks
        rf"\b(?:setenv|setx|set -g?x|set -Ux|set -xg|ENV) ({_NAME}) {_QUOTED}",  # csh, cmd for ever, fish, Dockerfile
        rf"^\s{{0,40}}(?:- )?[\"']?({_NAME})[\"']?: {{1,4}}{_QUOTED}\s*,?$",  # YAML, JSON
        rf"os\.environ\.get\([\"']({_NAME})[\"']\)\s?(?:->|→|is|=>)\s?{_QUOTED}",
    )
)
# What programs advise in their messages is not set: "For debugging consider passing CUDA_LAUNCH_BLOCKING=1".
_ADVICE = lazy_pattern(
    r"\b(?:please|consider|try(?:ing)?|you (?:can|may|should|could|need)|set the environment variable|"
    r"by (?:setting|passing)|"
    r"to avoid|for debugging)\b|请设置|可以设置|建议",
    re.IGNORECASE,
)
_NAMED = lazy_pattern(rf"\s{{0,40}}- name: [\"']?({_NAME})[\"']?\s*")  # Kubernetes: the value is on the next line
_VALUE = lazy_pattern(rf"\s{{0,40}}value: {_QUOTED}\s*")


def read_variables(collected: Collected, lines: Sequence[str]) -> None:
    """Keep the first value of each variable; a comparison (``==``) sets nothing."""
    named: str | None = None
    for line in lines:
        if named is not None and (value := _VALUE.fullmatch(line)) is not None:
            collected.environment.setdefault(named, next(filter(None, value.groups()), ""))
        found = _NAMED.fullmatch(line) if "- name:" in line else None
        named = found[1] if found else None
        if "_" in line and ("=" in line or "env " in line.lower() or ":" in line or "set" in line):
            _read_line(collected, line)


def _read_line(collected: Collected, line: str) -> None:
    if _ADVICE.search(line):
        return
    for pattern in _PATTERNS:
        for name, *values in pattern.findall(line):
            value = next(filter(None, values), "").rstrip(",)")
            if not value.startswith(("=", "${")):
                collected.environment.setdefault(name, value)
