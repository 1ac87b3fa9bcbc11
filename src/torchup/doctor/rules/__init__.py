"""The registry: every rule, in the order in which causes lie below one another. Earlier wins among equals."""

from __future__ import annotations

from torchup.doctor.rule import Rule
from torchup.doctor.rules import amd_intel, apple, build, driver, packages, platforms, surroundings
from torchup.model import Severity

_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO
_UNSEEN = ("no-gpu-present",)

RULES: tuple[Rule, ...] = (
    # the platform: is there any wheel
    Rule(
        slug="x86-python-under-rosetta",
        family="platform",
        severity=_E,
        check=platforms.x86_python_under_rosetta,
        supersedes=(
            "mps-not-built",
            "intel-mac-no-new-wheels",
            "python-version-unsupported",
            "mps-dtype-unsupported",
            "wrong-arch-python",
            "macos-too-old",
        ),
    ),
    Rule(
        slug="intel-mac-no-new-wheels",
        family="platform",
        severity=_E,
        check=platforms.intel_mac_no_new_wheels,
        supersedes=("python-version-unsupported", "wrong-arch-python"),
    ),
    Rule(
        slug="windows-arm64-no-wheel",
        family="platform",
        severity=_E,
        check=platforms.windows_arm64_no_wheel,
        supersedes=("python-version-unsupported", "wrong-arch-python", "torch-not-installed"),
    ),
    Rule(
        slug="jetson-needs-nvidia-wheel",
        family="platform",
        severity=_E,
        check=platforms.jetson_needs_nvidia_wheel,
        supersedes=(
            "python-version-unsupported",
            "aarch64-wheel-is-cpu",
            "cpu-build-installed",
            "arch-not-in-build-too-old",
            "torch-not-installed",
        ),
    ),
    Rule(
        slug="wrong-arch-python",
        family="platform",
        severity=_E,
        check=platforms.wrong_arch_python,
        supersedes=("python-version-unsupported", "torch-not-installed"),
    ),
    Rule(
        slug="glibc-too-old",
        family="platform",
        severity=_E,
        check=surroundings.glibc_too_old,
        supersedes=("python-version-unsupported", "mixed-install", "companion-mismatch"),
    ),
    Rule(
        slug="python-version-unsupported",
        family="platform",
        severity=_E,
        check=platforms.python_version_unsupported,
        supersedes=("torch-not-installed",),
    ),
    # the container and the driver
    Rule(
        slug="container-without-gpu",
        family="container",
        severity=_E,
        check=surroundings.container_without_gpu,
        supersedes=(
            "driver-missing-or-broken",
            "driver-too-old",
            "permission-device-nodes",
            "no-gpu-present",
            "gpu-not-supported-by-kfd",
        ),
    ),
    Rule(
        slug="container-lost-gpu",
        family="container",
        severity=_E,
        check=surroundings.container_lost_gpu,
        supersedes=("driver-missing-or-broken", "no-gpu-present"),
    ),
    Rule(
        slug="wsl-driver-problem",
        family="driver",
        severity=_E,
        check=driver.wsl_driver_problem,
        supersedes=("driver-missing-or-broken", "driver-too-old", "no-gpu-present"),
    ),
    Rule(
        slug="permission-device-nodes",
        family="driver",
        severity=_E,
        check=surroundings.permission_device_nodes,
        supersedes=(
            "driver-missing-or-broken",
            "no-gpu-present",
            "visible-devices-hide",
            "gpu-not-supported-by-kfd",
            "rocm-wheel-not-installed",
        ),
    ),
    Rule(
        slug="fabric-manager-needed",
        family="driver",
        severity=_E,
        check=driver.fabric_manager_needed,
        supersedes=("driver-missing-or-broken", "no-gpu-present"),
    ),
    Rule(
        slug="libcuda-stub-or-compat",
        family="driver",
        severity=_E,
        check=driver.libcuda_stub_or_compat,
        supersedes=("driver-missing-or-broken", "driver-too-old", "no-gpu-present"),
    ),
    Rule(
        slug="mig-or-exclusive-mode",
        family="driver",
        severity=_E,
        check=driver.mig_or_exclusive_mode,
        supersedes=("visible-devices-hide",),
    ),
    Rule(
        slug="rocm-wheel-not-installed",
        family="amd",
        severity=_E,
        check=amd_intel.rocm_wheel_not_installed,
        supersedes=(
            "driver-missing-or-broken",
            "cpu-build-installed",
            "no-gpu-present",
            "python-version-unsupported",
            "aarch64-wheel-is-cpu",
        ),
    ),
    Rule(
        slug="visible-devices-hide",
        family="environment",
        severity=_E,
        check=surroundings.visible_devices_hide,
        supersedes=("driver-missing-or-broken", "gfx-not-in-build", "no-gpu-present"),
    ),
    Rule(
        slug="driver-too-old",
        family="driver",
        severity=_E,
        check=driver.driver_too_old,
        supersedes=("driver-missing-or-broken", "no-gpu-present"),
    ),
    Rule(
        slug="driver-missing-or-broken",
        family="driver",
        severity=_E,
        check=driver.driver_missing_or_broken,
        supersedes=("no-gpu-present",),
    ),
    Rule(
        slug="gpu-not-supported-by-kfd",
        family="amd",
        severity=_E,
        check=amd_intel.gpu_not_supported_by_kfd,
        supersedes=("no-gpu-present",),
    ),
    # the build
    Rule(slug="torch-not-installed", family="build", severity=_E, check=packages.torch_not_installed),
    Rule(slug="windows-dll-missing", family="environment", severity=_E, check=surroundings.windows_dll_missing),
    Rule(slug="numpy-abi", family="build", severity=_E, check=packages.numpy_abi),
    Rule(
        slug="xpu-driver-missing",
        family="intel",
        severity=_E,
        check=amd_intel.xpu_driver_missing,
        supersedes=("no-gpu-present",),
    ),
    Rule(
        slug="xpu-wheel-not-installed",
        family="intel",
        severity=_E,
        check=amd_intel.xpu_wheel_not_installed,
        supersedes=("no-gpu-present", "cpu-build-installed"),
    ),
    Rule(
        slug="aarch64-wheel-is-cpu",
        family="build",
        severity=_E,
        check=build.aarch64_wheel_is_cpu,
        supersedes=("cpu-build-installed",),
    ),
    Rule(slug="cpu-build-installed", family="build", severity=_E, check=build.cpu_build_installed),
    Rule(
        slug="arch-not-in-build-too-old",
        family="build",
        severity=_E,
        check=build.arch_too_old,
        supersedes=("extension-arch-missing",),
    ),
    Rule(
        slug="arch-not-in-build-too-new",
        family="build",
        severity=_E,
        check=build.arch_too_new,
        supersedes=("extension-arch-missing", "triton-newer-than-driver"),
    ),
    Rule(slug="rocm-version-mismatch", family="amd", severity=_E, check=amd_intel.rocm_version_mismatch),
    Rule(slug="gfx-not-in-build", family="amd", severity=_E, check=amd_intel.gfx_not_in_build),
    Rule(
        slug="mixed-install",
        family="environment",
        severity=_E,
        check=surroundings.mixed_install,
        supersedes=("companion-mismatch",),
    ),
    Rule(slug="companion-mismatch", family="build", severity=_E, check=packages.companion_mismatch),
    Rule(slug="duplicate-openmp", family="environment", severity=_E, check=surroundings.duplicate_openmp),
    # Apple
    Rule(
        slug="mps-no-device", family="apple", severity=_E, check=apple.mps_no_device, supersedes=("mps-memory-limit",)
    ),
    Rule(slug="macos-too-old", family="apple", severity=_E, check=apple.macos_too_old, supersedes=("mps-not-built",)),
    Rule(slug="mps-not-built", family="apple", severity=_E, check=apple.mps_not_built),
    # torch works; something else does not
    Rule(slug="extension-arch-missing", family="build", severity=_E, check=build.extension_arch_missing),
    Rule(slug="triton-newer-than-driver", family="driver", severity=_W, check=driver.triton_newer_than_driver),
    Rule(slug="memory-held-by-other-process", family="driver", severity=_W, check=driver.memory_held_by_others),
    Rule(slug="mps-op-not-implemented", family="apple", severity=_W, check=apple.mps_op_not_implemented),
    Rule(slug="mps-dtype-unsupported", family="apple", severity=_W, check=apple.mps_dtype_unsupported),
    Rule(slug="mps-memory-limit", family="apple", severity=_W, check=apple.mps_memory_limit),
    Rule(slug="build-headers-missing", family="program", severity=_W, check=surroundings.build_headers_missing),
    Rule(slug="python-package-missing", family="program", severity=_W, check=surroundings.python_package_missing),
    Rule(slug="healthy-but-slow", family="program", severity=_W, check=surroundings.healthy_but_slow),
    Rule(slug="no-gpu-present", family="machine", severity=_I, check=driver.no_gpu_present),
)
