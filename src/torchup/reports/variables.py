"""Environment variables that a report sets, in the ways of every shell, notebook, container and unit file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.reports.collected import Collected

# Only these say something about torch and GPUs; other names would be chance matches in logs.
_FIRST = (
    *("CUDA", "HIP", "ROCR", "NVIDIA", "LD", "DYLD", "PYTORCH", "HSA", "GPU", "ONEAPI", "ZE", "SYCL", "KMP", "OMP"),
    *("NCCL", "VLLM", "TORCH", "TORCHINDUCTOR", "PYTHON", "CONDA", "MKL", "UV", "PIP", "TRITON", "AMD", "MIOPEN"),
    *("XLA", "NEOReadDebugKeys", "OverrideGpuAddressSpace", "SLURM"),
)
_NAME = rf"(?:(?:{'|'.join(_FIRST)})_?[A-Z0-9_]{{0,60}})"
_QUOTED = r"(?:\"([^\"\n]{0,500})\"|'([^'\n]{0,500})'|([^\s\"'`;&|]{0,500}))"
# What stands in every line that the pattern finds something in, and the pattern.
FORMS = tuple(
    (needed, lazy_pattern(pattern))
    for needed, pattern in (
        (("=",), rf"(?:^|[\s\"'`(;]|-e ?|--env[ =]|Environment=)({_NAME})={_QUOTED}"),  # sh, cmd, docker, units
        (("$env:",), rf"\$env:({_NAME})\s?=\s?{_QUOTED}"),  # PowerShell
        (("environ[",), rf"\b(?:os\.)?environ\[\s?[\"']({_NAME})[\"']\s?\]\s?=\s?{_QUOTED}"),  # Python
        (
            ("environ.setdefault(", "os.putenv("),
            rf"\b(?:os\.environ\.setdefault|os\.putenv|environ\.setdefault)\(\s?[\"']({_NAME})[\"']\s?,\s?{_QUOTED}",
        ),
        (("env ",), rf"%(?:set_)?env ({_NAME})[= ]\s?{_QUOTED}"),  # notebooks
        (  # csh, cmd for ever, fish, Dockerfile
            ("setenv ", "setx ", "set -", "ENV "),
            rf"\b(?:setenv|setx|set -g?x|set -Ux|set -xg|ENV) ({_NAME}) {_QUOTED}",
        ),
        ((": ",), rf"^\s{{0,40}}(?:- )?[\"']?({_NAME})[\"']?: {{1,4}}{_QUOTED}\s*,?$"),  # YAML, JSON
        (("environ.get(",), rf"os\.environ\.get\([\"']({_NAME})[\"']\)\s?(?:->|→|is|=>)\s?{_QUOTED}"),
    )
)
# What programs advise in their messages is not set: "For debugging consider passing CUDA_LAUNCH_BLOCKING=1".
_ADVICE = lazy_pattern(
    r"\b(?:please|consider|try(?:ing)?|you (?:can|may|should|could|need)|set the environment variable|"
    r"by (?:setting|passing)|"
    r"to avoid|for debugging)\b|请设置|可以设置|建议",
    re.IGNORECASE,
)
# A shell is asked for one variable, and its value stands alone on the next line.
_ASKED = lazy_pattern(
    rf"(?:echo|printenv|Write-Output)\s+[\"']?(?:\$env:|\$\{{?|%)?({_NAME})[}}%]?[\"']?\s*$|[>$#%]\s?\$env:({_NAME})\s*$"
)
_ANSWER = lazy_pattern(r"\s{0,20}[\w./:;,\\+-]{1,500}\s*")  # no prompt, no sentence
_NAMED = lazy_pattern(rf"\s{{0,40}}- name: [\"']?({_NAME})[\"']?\s*")  # Kubernetes: the value is on the next line
_VALUE = lazy_pattern(rf"\s{{0,40}}value: {_QUOTED}\s*")


def read_variables(collected: Collected, lines: Sequence[str]) -> None:
    """Keep the first value of each variable; a comparison (``==``) sets nothing."""
    named: str | None = None
    asked: str | None = None
    for line in lines:
        if asked is not None and _ANSWER.fullmatch(line) is not None:
            collected.environment.setdefault(asked, line.strip())
        shown = _ASKED.search(line) if "_" in line and not _ADVICE.search(line) else None
        asked = (shown[1] or shown[2]) if shown is not None else None
        if named is not None and (value := _VALUE.fullmatch(line)) is not None:
            collected.environment.setdefault(named, next(filter(None, value.groups()), ""))
        found = _NAMED.fullmatch(line) if "- name:" in line else None
        named = found[1] if found else None
        if "_" in line and any(name in line for name in _FIRST) and not _ADVICE.search(line):
            _read_line(collected, line)


def _read_line(collected: Collected, line: str) -> None:
    for needed, pattern in FORMS:
        for name, *values in pattern.findall(line) if any(text in line for text in needed) else ():
            value = next(filter(None, values), "").rstrip(",)")
            if not value.startswith(("=", "${")):
                collected.environment.setdefault(name, value)
