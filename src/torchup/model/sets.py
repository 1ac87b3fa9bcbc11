"""Closed sets."""

from __future__ import annotations

from enum import StrEnum


class Os(StrEnum):
    """Operating system, as the Machine document spells it."""

    LINUX = "linux"
    WINDOWS = "windows"
    MACOS = "macos"


class Vendor(StrEnum):
    """GPU vendor."""

    NVIDIA = "nvidia"
    AMD = "amd"
    INTEL = "intel"
    APPLE = "apple"


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Reason(StrEnum):
    """Why a build was not chosen."""

    DRIVER = "driver"
    ARCH = "arch"
    PYTHON = "python"
    GLIBC = "glibc"
    OS = "os"
    PLATFORM = "platform"
    MISSING_PAIR = "missing-pair"
    COMPANION = "companion"
    UNREACHABLE = "unreachable"
    OLDER = "older"
    CPU_ONLY = "cpu-only"


class InstallerName(StrEnum):
    """What installs packages into an environment."""

    UV = "uv"
    PIP = "pip"
    CONDA = "conda"


class Manager(StrEnum):
    """What made an environment, and so what must change it."""

    PIP = "pip"
    UV_VENV = "uv-venv"  # `uv venv`: has no pip; `uv pip install --python` changes it
    UV_PROJECT = "uv-project"  # `uv sync` undoes what anything else installs
    CONDA = "conda"
    PIXI = "pixi"
    POETRY = "poetry"


class Shell(StrEnum):
    """Whose rules the commands of a remedy are quoted by."""

    SH = "sh"
    CMD = "cmd"
    POWERSHELL = "powershell"


class Verdict(StrEnum):
    """The doctor's three answers. Healthy stands on evidence only; what is not known is undetermined."""

    HEALTHY = "healthy"
    CAUSE = "cause"
    UNDETERMINED = "undetermined"


class RecipeKind(StrEnum):
    """What a way of running a workload is."""

    REPLICA = "replica"  # the published program as written
    SAME_MATH = "same-math"  # the same mathematics, executed in another way
    SPEEDRUN = "speedrun"  # another training than the published one: a recipe or a batch size of its own
    MICRO = "micro"  # a workload that has only one recipe


class RungStatus(StrEnum):
    """What became of a rung of the verification ladder."""

    PASS = "pass"  # noqa: S105  # a status, no password
    FAIL = "fail"
    WARN = "warn"
    SKIP = "skip"


class Bound(StrEnum):
    """What a device's limit is made of."""

    FLOPS = "flops"
    BYTES = "bytes"
    LAUNCH = "launch"


class Scaling(StrEnum):
    """How work grows with the processes that share it."""

    STRONG = "strong"  # the same work shared
    WEAK = "weak"  # the same work for each


class Origin(StrEnum):
    """Where a run was measured."""

    HERE = "here"
    IMPORTED = "imported"
    BASELINE = "baseline"
