"""The registry: every rule, in the order in which causes lie below one another. Earlier wins among equals.

A cause is a file of `torchup.doctor.causes`; most decide by their signs alone. `CHECKS` has the function of each cause
whose decision cannot be a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.cause import Cause, CauseFileError, load_cause, order
from torchup.doctor.data_rule import check_of
from torchup.doctor.rule import Rule
from torchup.doctor.rules import (
    amd_intel,
    apple,
    build,
    containers,
    devices,
    driver,
    extensions,
    installers,
    interpreters,
    loader,
    mixed,
    packages,
    platforms,
    prebuilt,
    programs,
    reach,
    ready,
    selectors,
    windows,
)
from torchup.model import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.doctor.rule import Found

CHECKS: Mapping[str, Callable[[Facts, Compat], Found | None]] = {
    "x86-python-under-rosetta": platforms.x86_python_under_rosetta,
    "intel-mac-no-new-wheels": platforms.intel_mac_no_new_wheels,
    "windows-arm64-no-wheel": platforms.windows_arm64_no_wheel,
    "jetson-needs-nvidia-wheel": platforms.jetson_needs_nvidia_wheel,
    "wrong-arch-python": platforms.wrong_arch_python,
    "glibc-too-old": loader.glibc_too_old,
    "build-not-published": installers.build_not_published,
    "python-version-unsupported": installers.python_version_unsupported,
    "container-without-gpu": containers.container_without_gpu,
    "wsl-driver-problem": driver.wsl_driver_problem,
    "permission-device-nodes": containers.permission_device_nodes,
    "mig-or-exclusive-mode": devices.mig_or_exclusive_mode,
    "rocm-wheel-not-installed": amd_intel.rocm_wheel_not_installed,
    "visible-devices-hide": selectors.visible_devices_hide,
    "driver-too-old": driver.driver_too_old,
    "driver-too-new": driver.driver_too_new,
    "driver-missing-or-broken": driver.driver_missing_or_broken,
    "other-interpreter": interpreters.other_interpreter,
    "torch-replaced": packages.torch_replaced,
    "torch-not-installed": packages.torch_not_installed,
    "dll-load-order": windows.dll_load_order,
    "windows-dll-missing": windows.windows_dll_missing,
    "numpy-abi": packages.numpy_abi,
    "xpu-driver-missing": amd_intel.xpu_driver_missing,
    "xpu-wheel-not-installed": amd_intel.xpu_wheel_not_installed,
    "aarch64-wheel-is-cpu": build.aarch64_wheel_is_cpu,
    "cpu-build-installed": build.cpu_build_installed,
    "arch-not-in-build-too-old": build.arch_too_old,
    "arch-not-in-build-too-new": build.arch_too_new,
    "rocm-version-mismatch": amd_intel.rocm_version_mismatch,
    "hsa-override-wrong": amd_intel.hsa_override_wrong,
    "gfx-not-in-build": amd_intel.gfx_not_in_build,
    "system-library-missing": loader.system_library_missing,
    "mixed-install": mixed.mixed_install,
    "companion-mismatch": packages.companion_mismatch,
    "mps-no-device": apple.mps_no_device,
    "macos-too-old": apple.macos_too_old,
    "mps-not-built": apple.mps_not_built,
    "extension-arch-missing": extensions.extension_arch_missing,
    "triton-ptxas-too-old": extensions.triton_ptxas_too_old,
    "triton-newer-than-driver": devices.triton_newer_than_driver,
    "memory-held-by-other-process": devices.memory_held_by_others,
    "build-headers-missing": programs.build_headers_missing,
    "python-package-missing": programs.python_package_missing,
    "prebuilt-wheel-exists": prebuilt.prebuilt_wheel_exists,
    **{slug: ready.check_of_requirement(name) for name, slug in ready.SLUGS.items()},
    "no-gpu-present": devices.no_gpu_present,
    "job-without-gpu": reach.job_without_gpu,
    "gpu-not-reached": reach.gpu_not_reached,
}


def build_rules() -> Iterator[Rule]:
    """A rule for each cause that can be recognised; of a file that is broken one that says so when it is asked."""
    for slug in order():
        try:
            cause = load_cause(slug)
            if slug in CHECKS or cause.signs:
                yield _rule(cause)
        except CauseFileError as error:
            yield _broken(slug, error)


def _rule(cause: Cause) -> Rule:
    return Rule(
        slug=cause.slug,
        family=cause.family,
        severity=cause.severity,
        check=CHECKS[cause.slug] if cause.slug in CHECKS else check_of(cause),
        supersedes=cause.supersedes,
        last_resort=cause.last_resort,
    )


def _broken(slug: str, error: CauseFileError) -> Rule:
    """A rule whose outcome is `crash`, with the file and the key that are wrong."""

    def check(_: Facts, __: Compat) -> Found | None:
        raise error

    return Rule(slug=slug, family="unreadable", severity=Severity.INFO, check=check)


RULES: tuple[Rule, ...] = tuple(build_rules())
