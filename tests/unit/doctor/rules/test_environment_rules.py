"""Rules of the environment: mixed installations, libraries and DLLs that are not found."""

from __future__ import annotations

import pytest

from support.facts import facts, sign
from torchup.compat.questions import load_compat
from torchup.doctor.facts import Package
from torchup.doctor.libraries import libraries
from torchup.doctor.rules import CHECKS
from torchup.doctor.selectors import leaves_none, selectors
from torchup.doctor.signatures import load_signatures
from torchup.model import Vendor


def found(slug, **known):
    """What the rule of a cause finds in facts made by hand."""
    return CHECKS[slug](facts(**known), load_compat())


def words(remedy):
    """Text and commands of a remedy as one string."""
    return "\n".join([str(remedy.text), *(" ".join(command) for command in remedy.commands)])


def wheels(*names):
    """Installed packages, ``name==version`` each."""
    return tuple(Package(name=name, version=version) for name, _, version in (text.partition("==") for text in names))


FIRING = [
    ("windows-dll-missing", {"signs": "windows.dll"}),
    ("dll-load-order", {"signs": "windows.dll, windows.qt"}),
    ("mixed-install", {"signs": "mixed.cudnn"}),
    ("mixed-install", {"signs": "mixed.versioned"}),
    ("system-library-missing", {"signs": "library.mpi"}),
    ("system-library-missing", {"jetson": "R36.4", "signs": "mixed.library-gone"}),
    ("glibc-too-old", {"signs": "glibc.missing"}),
    ("visible-devices-hide", {"environment": {"CUDA_VISIBLE_DEVICES": "-1"}, "cuda_available": False}),
    ("visible-devices-hide", {"environment": {"CUDA_VISIBLE_DEVICES": "-1"}, "device_count": 0}),
    (
        "visible-devices-hide",
        {"environment": {"CUDA_VISIBLE_DEVICES": "7"}, "kernel_ran": True, "signs": "cuda.no-gpus"},
    ),
]
SILENT = [
    ("windows-dll-missing", {"signs": "windows.dll", "kernel_ran": True}),
    ("windows-dll-missing", {}),
    ("dll-load-order", {"signs": "windows.qt"}),
    ("dll-load-order", {"signs": "windows.dll"}),
    ("dll-load-order", {"signs": "windows.dll, windows.qt, windows.libomp"}),
    ("mixed-install", {"signs": "mixed.library-gone", "hip": "6.3"}),
    ("mixed-install", {"signs": "mixed.library-gone", "jetson": "R36.4"}),
    ("mixed-install", {}),
    ("system-library-missing", {"signs": "library.mpi", "kernel_ran": True}),
    ("system-library-missing", {"signs": "mixed.library-gone"}),
    ("system-library-missing", {}),
    ("glibc-too-old", {"signs": "glibc.cxx", "environment": {"LD_LIBRARY_PATH": "/opt/old/lib"}}),
    ("glibc-too-old", {}),
    ("visible-devices-hide", {"environment": {"CUDA_VISIBLE_DEVICES": "0"}, "kernel_ran": True}),
    ("visible-devices-hide", {"signs": "cuda.no-gpus"}),
]


@pytest.mark.parametrize(("slug", "known"), FIRING)
def test_a_rule_fires(slug, known):
    """What is known is enough for the cause."""
    assert found(slug, **known) is not None


@pytest.mark.parametrize(("slug", "known"), SILENT)
def test_a_rule_stays_silent(slug, known):
    """Where nothing speaks for the cause, or what worked speaks against it, the rule finds nothing."""
    assert found(slug, **known) is None


@pytest.mark.parametrize("stem", ["nvidia-nccl", "nvidia-cudnn", "nvidia-cusparselt"])
@pytest.mark.parametrize(("mine", "stale"), [("12", "11"), ("13", "12"), ("12", "13")])
def test_only_the_stale_wheel_goes_and_the_other_is_written_anew(stem, mine, stale):
    """Torch, and every package that does not share the folder, stays as it is."""
    packages = wheels("torch==2.9.0", "numpy==2.1.0", f"{stem}-cu{stale}==1.2.3", f"{stem}-cu{mine}==4.5.6")
    result = found("mixed-install", signs="mixed.nccl", torch_cuda=f"{mine}.0", packages=packages)
    remove, renew = result.remedy.commands
    assert remove[-1:] == (f"{stem}-cu{stale}",)
    assert remove[-3:-1] == ("uninstall", "-y")
    assert renew[-1:] == (f"{stem}-cu{mine}==4.5.6",)
    assert f"{stem}-cu{stale} 1.2.3, {stem}-cu{mine} 4.5.6" in str(result.evidence)


def test_the_newest_wheel_stays_where_torch_does_not_say_its_cuda():
    """The symbol that is missing is one of a newer library."""
    packages = wheels("nvidia-nccl-cu11==2.14.3", "nvidia-nccl-cu12==2.27.3")
    assert "uninstall -y nvidia-nccl-cu11" in words(
        found("mixed-install", signs="mixed.nccl", packages=packages).remedy
    )


def test_the_cuda_that_another_package_needs_is_kept():
    """CTranslate2 needs CUDA 12: its wheels are not the ones that go."""
    packages = wheels("torch==2.12.0", "ctranslate2==4.6.0", "nvidia-cudnn-cu12==9.1.0", "nvidia-cudnn-cu13==9.20.0")
    known = {"os": "linux", "torch_version": "2.12.0", "torch_cuda": "13.0", "variant": "cu130", "gpu": "RTX 4090"}
    result = found("mixed-install", signs="mixed.cudnn", packages=packages, driver="580.95.05", **known)
    assert "nvidia-cudnn-cu12" not in words(result.remedy)
    assert "+cu12" in words(result.remedy)


def test_the_cuda_that_a_message_asks_for_is_kept():
    """The file's number is CUDA's major."""
    shown = sign("mixed.other-major", "Library libcublas.so.12 is not found", library="libcublas.so.12")
    known = {"os": "linux", "torch_version": "2.12.0", "torch_cuda": "13.0", "variant": "cu130", "gpu": "RTX 4090"}
    result = found("mixed-install", signs=(shown,), driver="580.95.05", **known)
    assert "+cu12" in words(result.remedy)


def test_a_package_that_asks_for_another_cudnn_is_brought_up_to_date():
    """Torch is not touched."""
    shown = sign(
        "mixed.other-major", "Could not load library libcudnn_ops_infer.so.8", library="libcudnn_ops_infer.so.8"
    )
    packages = wheels("torch==2.5.1", "ctranslate2==4.4.0")
    result = found("mixed-install", signs=(shown,), torch_cuda="12.4", packages=packages)
    assert [command[-1] for command in result.remedy.commands] == ["ctranslate2"]


def test_a_part_of_the_systems_cudnn_is_named_with_its_package():
    """Installing torch again would bring the same wheel."""
    library = {"libcudnn_engines_tensor_ir.so.9": "/lib/x86_64-linux-gnu/libcudnn_engines_tensor_ir.so.9"}
    result = found("mixed-install", signs="mixed.cudnn-sublibrary", libraries=library, torch_cuda="13.0")
    assert "libcudnn9-cuda-13" in words(result.remedy)
    assert "torch==" not in words(result.remedy)


def test_a_library_that_is_older_than_the_linked_one_is_mended_by_the_loader_first():
    """The variable, then the wheel by its name for that CUDA."""
    shown = sign("mixed.nvjitlink", "undefined symbol: __nvJitLinkComplete_12_4", symbol="__nvJitLinkComplete_12_4")
    result = found("mixed-install", signs=(shown,))
    assert result.remedy.commands[0] == ("unset", "LD_LIBRARY_PATH")
    assert result.remedy.commands[1][-1] == "nvidia-nvjitlink-cu12"


@pytest.mark.parametrize("code", sorted({row.code for row in load_signatures() if row.cause == "mixed-install"}))
@pytest.mark.parametrize("version", [None, "2.9.0"])
def test_windows_hears_of_path_and_not_of_the_loader_of_linux(code, version):
    """Torch's wheels for Windows contain their DLLs: no LD_LIBRARY_PATH, and no nvidia-* wheel that none needs."""
    result = found("mixed-install", signs=code, os="windows", torch_version=version, torch_cuda="12.6", gpu="RTX 4090")
    if result is not None and "mixed.other-major" not in code:
        assert "LD_LIBRARY_PATH" not in words(result.remedy)
        assert "nvidia-" not in words(result.remedy).replace("nvidia-smi", "")
        assert "PATH" in words(result.remedy)


@pytest.mark.parametrize("row", libraries().system_library, ids=lambda row: row.title)
def test_each_system_library_has_a_command_where_it_can_be_installed(row):
    """By the file's name in the loader's message; torch is not among what is installed."""
    shown = sign("library.mpi", f"ImportError: {row.names[0]}.so.1: cannot open shared object file")
    known = {"signs": (shown,), "os": "linux", "torch_cuda": "13.0"}
    result = found("system-library-missing", distribution="Ubuntu 24.04", **known)
    assert row.title in str(result.remedy.text)
    assert result.remedy.commands
    assert not {"torch", "torchvision"} & {word for command in result.remedy.commands for word in command}
    elsewhere = found("system-library-missing", distribution="openSUSE Leap 15.6", **known).remedy
    assert row.title in str(elsewhere.text)
    assert not {"apt"} & {word for command in elsewhere.commands for word in command}


def test_conda_updates_its_own_visual_c_runtime():
    """The copy beside its python.exe wins over the system's."""
    path = r'OSError: [WinError 1114] Error loading "D:\miniconda3\envs\x\lib\site-packages\torch\lib\c10.dll"'
    assert "vc14_runtime" in str(found("windows-dll-missing", signs=(sign("windows.dll", path),)).remedy.commands)
    assert "vc14_runtime" in str(found("windows-dll-missing", signs="windows.dll", manager="conda").remedy.commands)


@pytest.mark.parametrize(
    ("line", "cure"), [("c10_hip.dll", "Adrenalin"), ("libomp140.x86_64.dll", "BuildTools"), ("c10.dll", "VCRedist")]
)
def test_a_dll_with_a_cure_of_its_own_gets_it(line, cure):
    """Not every DLL comes with the redistributable."""
    assert cure in words(found("windows-dll-missing", signs=(sign("windows.dll", f"Error loading {line}"),)).remedy)


@pytest.mark.parametrize("vendor", [Vendor.NVIDIA, Vendor.AMD, Vendor.INTEL])
@pytest.mark.parametrize("name", sorted({row.name for row in selectors()}))
def test_a_value_hides_a_gpu_only_where_its_runtime_says_so(name, vendor):
    """An empty value is blamed exactly where a row with a source says so; of every variable and every vendor."""
    known = {"environment": {name: ""}, "gpu": f"{vendor.value}:card", "live": True, "cuda_available": False}
    build = {"hip": "6.4"} if vendor is Vendor.AMD else {}
    assert (found("visible-devices-hide", **known, **build) is not None) == leaves_none(name, "", vendor)


@pytest.mark.parametrize(("name", "vendor", "hidden"), [
    ("CUDA_VISIBLE_DEVICES", Vendor.NVIDIA, True), ("CUDA_VISIBLE_DEVICES", Vendor.AMD, False),
    ("HIP_VISIBLE_DEVICES", Vendor.AMD, False), ("ROCR_VISIBLE_DEVICES", Vendor.AMD, True),
    ("ZE_AFFINITY_MASK", Vendor.INTEL, False), ("ONEAPI_DEVICE_SELECTOR", Vendor.INTEL, True),
    ("GPU_DEVICE_ORDINAL", Vendor.AMD, False), ("NVIDIA_VISIBLE_DEVICES", Vendor.NVIDIA, False),
])  # fmt: skip
def test_an_empty_selector(name, vendor, hidden):
    """What each runtime does with an empty value."""
    assert leaves_none(name, "", vendor) is hidden


@pytest.mark.parametrize(("os", "first"), [("linux", "unset"), ("windows", "unset")])
def test_a_hiding_variable_is_unset(os, first):
    """Each shell's own words are made from it where it is shown."""
    known = {"environment": {"CUDA_VISIBLE_DEVICES": ""}, "cuda_available": False, "os": os}
    assert found("visible-devices-hide", **known).remedy.commands == ((first, "CUDA_VISIBLE_DEVICES"),)
