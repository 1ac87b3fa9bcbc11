"""Packages around torch that are compiled here: what that takes, checked before anything is installed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.types import kind_of
from torchup.errors import NoBuildError
from torchup.model import Notice, PackageWheel, message

if TYPE_CHECKING:
    from torchup.catalog.packages import Package, Packages
    from torchup.model import Machine, Plan

COMPILERS = ("c++", "cl")
_GIGABYTE = 1 << 30


def compiled_wheel(package: Package, span: str | None, machine: Machine, plan: Plan, tables: Packages) -> PackageWheel:
    """A package as it is compiled beside the planned torch.

    Args:
        package: one that can be compiled.
        span: the release that was asked for (``>=2.8``); ``None``: the newest.
        machine: where it is compiled.
        plan: torch.
        tables: how much memory a compiler takes.

    Raises:
        NoBuildError: the machine has no toolkit of torch's CUDA major, or no compiler.
    """
    check_tools(package, machine, plan.build.variant)
    return PackageWheel(
        package=package.name,
        requirement=f"{package.name} @ {package.checkout}" if package.checkout else f"{package.name}{span or ''}",
        requires=tuple(package.requires.split()),
        environment=package.build_environment | jobs(machine, plan.build.variant, tables),
        compiled=True,
        build_requires=tuple(package.build_requires.split()),
        status="build",
    )


def jobs(machine: Machine, variant: str, tables: Packages) -> dict[str, str]:
    """Limit the compilers that run at once by memory; empty if the user set MAX_JOBS, or if no GPU code is compiled."""
    if kind_of(variant) == "cpu" or machine.memory_bytes is None or "MAX_JOBS" in machine.environment:
        return {}
    by_memory = machine.memory_bytes // (tables.compiling.gigabytes_per_job * _GIGABYTE)
    return {"MAX_JOBS": str(max(1, min(by_memory, machine.cpu.threads or by_memory)))}


def check_tools(package: Package, machine: Machine, variant: str) -> None:
    """Refuse a compilation that would fail after an hour; tools that were not examined are unknown and allowed.

    Raises:
        NoBuildError: see `compiled_wheel`.
    """
    if package.gpu_only and kind_of(variant) == "cpu":
        raise NoBuildError(
            message(
                "plan.compile.gpu-only", "{package} cannot be compiled for a CPU build of torch", package=package.name
            ),
            hint=message(
                "plan.compile.gpu-only.hint",
                "leave out the package; to plan a GPU build, leave out --cpu or run `torchup plan --assume gpu=NAME`",
            ),
        )
    if not machine.tools:
        return
    if not any(tool.name in COMPILERS for tool in machine.tools):
        raise NoBuildError(
            message("plan.compile.no-compiler", "compiling {package} needs a C++ compiler", package=package.name),
            hint=message(
                "plan.compile.no-compiler.hint", "run `torchup explain compiler-missing` to see how to install one"
            ),
        )
    if kind_of(variant) == "cuda":
        _check_toolkit(package, machine, variant)


def _check_toolkit(package: Package, machine: Machine, variant: str) -> None:
    wanted = variant.removeprefix("cu")[:-1]
    found = next((tool.version for tool in machine.tools if tool.name == "nvcc" and tool.version), None)
    if found is not None and found.split(".")[0] == wanted:
        return
    raise NoBuildError(
        message(
            "plan.compile.toolkit",
            "compiling {package} for {variant} needs nvcc of CUDA {wanted}; this machine has {found}",
            package=package.name,
            variant=variant,
            wanted=wanted,
            found=found or message("plan.compile.none", "none"),
        ),
        hint=message(
            "plan.compile.toolkit.hint",
            "install the CUDA {wanted} toolkit and put its bin folder on PATH, or leave out --build to use a "
            "torch for which a wheel of the package exists",
            wanted=wanted,
        ),
    )


def compile_notices(wheel: PackageWheel, package: Package, machine: Machine, tables: Packages) -> tuple[Notice, ...]:
    """What compiling takes, said before the question."""
    takes = message(
        "plan.compile.takes",
        "torchup compiles {package} on this machine; this takes minutes to hours; requirements for compiling: {needs}",
        package=package.name,
        needs=package.build,
    )
    found = [Notice(code="plan.compile.takes", text=takes, level="warning")]
    if "MAX_JOBS" in wheel.environment and machine.memory_bytes is not None:
        text = message(
            "plan.compile.jobs",
            "torchup sets MAX_JOBS={jobs} for {memory} GB of memory and this processor; set MAX_JOBS yourself to "
            "change how many compilers run at a time",
            jobs=wheel.environment["MAX_JOBS"],
            memory=machine.memory_bytes // _GIGABYTE,
        )
        found.append(Notice(code="plan.compile.jobs", text=text))
        needed = tables.compiling.gigabytes_per_job
        if machine.memory_bytes < needed * _GIGABYTE:
            text = message(
                "plan.compile.memory",
                "one compiler process for this package can need {needed} GB of memory, but this machine has "
                "{memory} GB: the compilation may fail or take very long",
                needed=needed,
                memory=machine.memory_bytes // _GIGABYTE,
            )
            found.append(Notice(code="plan.compile.memory", text=text, level="warning"))
    return tuple(found)
