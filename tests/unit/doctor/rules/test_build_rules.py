"""Rules of the build: is it the right one for the GPU, and do its companions fit?"""

from __future__ import annotations

import pytest

from support.facts import facts, sign
from torchup.compat.questions import load_compat
from torchup.doctor import diagnose
from torchup.doctor.facts import Package, Python
from torchup.doctor.remedy import line
from torchup.doctor.rules import CHECKS
from torchup.doctor.rules.coverage import side, uncovered
from torchup.model import ComputeCapability, Manager

COMPAT = load_compat()
ARM = {"os": "linux", "system_arch": "aarch64"}
CU124 = {"os": "linux", "system_arch": "x86_64", "torch_version": "2.6.0", "variant": "cu124", "cuda": "12.4"}
CU129 = {"os": "linux", "system_arch": "x86_64", "torch_version": "2.8.0", "variant": "cu129", "cuda": "12.9"}
CUDART_13 = sign("companion.cudart", major="13")
GONE = sign("torch.uninstalled", old="2.4.0+cu121")


def warned(capability, **values):
    """Torch's own warning about a GPU."""
    return sign("arch.range" if values else "arch.warned", capability=capability, **values)


def fires(slug, **known):
    """Whether the rule of a cause finds something in facts made by hand."""
    return CHECKS[slug](facts(**known), COMPAT) is not None


FIRING = [
    ("cpu-build-installed", {"variant": "cpu", "gpu": "RTX 4090"}),
    ("cpu-build-installed", {"variant": "cpu", "cuda_available": False, "signs": "cuda.wanted"}),
    ("torch-not-installed", {"installed": False}),
    ("numpy-abi", {"signs": "numpy.two"}),
    ("numpy-abi", {"torch_version": "2.1.0", "packages": (Package(name="numpy", version="2.1.0"),)}),
    ("aarch64-wheel-is-cpu", {**ARM, "variant": "cpu", "gpu": "GH200"}),
    ("arch-not-in-build-too-new", {**CU124, "gpu": "RTX 5090"}),
    ("arch-not-in-build-too-old", {**CU129, "gpu": "GTX 1070"}),
    ("arch-not-in-build-too-old", {**CU129, "signs": (warned("6.0"),)}),
    ("triton-ptxas-too-old", {**CU129, "signs": (sign("arch.ptxas", sm="sm_121a"),)}),
    ("extension-arch-missing", {**CU129, "gpu": "RTX 5090", "signs": "arch.no-kernel", "modules": ("xformers",)}),
    ("extension-arch-missing", {"signs": "extension.flash"}),
    ("companion-mismatch", {**CU129, "signs": (CUDART_13,), "modules": ("torchaudio",)}),
    ("companion-mismatch", {**CU129, "signs": (CUDART_13,), "modules": ("vllm",)}),
    ("companion-mismatch", {"torch_version": "2.6.0", "packages": (Package(name="torchvision", version="0.20.1"),)}),
    ("other-interpreter", {"signs": "torch.absent", "torch_version": "2.8.0"}),
    ("other-interpreter", {"signs": "torch.absent", "other_pythons": (Python(path="/opt/ml/bin/python"),)}),
    ("torch-replaced", {"signs": (GONE, sign("cpu.not-compiled"))}),
    ("python-package-missing", {"signs": (sign("package.absent", module="cv2"),)}),
    ("build-headers-missing", {"signs": "build.headers"}),
]
SILENT = [
    ("cpu-build-installed", {"variant": "cpu"}),
    ("cpu-build-installed", {"variant": "cpu", "gpu": "amd:RX 7900 XTX"}),
    ("cpu-build-installed", {"variant": "cpu", "gpu": "RTX 4090", "kernel_ran": True}),
    ("cpu-build-installed", {}),
    ("torch-not-installed", {"installed": True}),
    ("torch-not-installed", {}),
    ("numpy-abi", {}),
    ("numpy-abi", {"torch_version": "2.6.0", "packages": (Package(name="numpy", version="2.1.0"),)}),
    ("cpu-build-installed", {"variant": "cpu", "signs": "cuda.wanted", "tools_found_none": True}),
    ("aarch64-wheel-is-cpu", {**ARM, "variant": "cpu"}),
    ("aarch64-wheel-is-cpu", {**ARM, "variant": "cpu", "gpu": "GH200", "kernel_ran": True}),
    ("arch-not-in-build-too-new", {**CU129, "gpu": "RTX 5090"}),
    ("arch-not-in-build-too-new", {**CU124, "gpu": "RTX 5090", "kernel_ran": True}),
    ("arch-not-in-build-too-new", {**CU129, "signs": (sign("arch.ptxas", sm="sm_121a"),)}),
    ("arch-not-in-build-too-old", {**CU129, "gpu": "RTX 2060"}),
    ("triton-ptxas-too-old", {**CU124, "signs": (sign("arch.ptxas", sm="sm_120"),)}),
    ("extension-arch-missing", {**CU124, "gpu": "RTX 5090", "signs": "arch.no-kernel", "modules": ("xformers",)}),
    ("companion-mismatch", {"torch_cuda": "13.0", "signs": (CUDART_13,), "modules": ("torchaudio",)}),
    ("companion-mismatch", {"signs": (CUDART_13,)}),
    ("companion-mismatch", {"torch_version": "2.6.0", "packages": (Package(name="torchvision", version="0.21.0"),)}),
    ("other-interpreter", {"signs": "torch.absent"}),
    ("other-interpreter", {"signs": "torch.absent, build.frontend", "torch_version": "2.8.0"}),
    ("torch-replaced", {"signs": (GONE,)}),
    ("torch-replaced", {"signs": (GONE, sign("cpu.not-compiled")), "requested": ("torch==2.5.1",)}),
    ("python-package-missing", {}),
    ("build-headers-missing", {}),
]


@pytest.mark.parametrize(("slug", "known"), FIRING)
def test_a_rule_fires(slug, known):
    """What is known is enough for the cause."""
    assert fires(slug, **known)


@pytest.mark.parametrize(("slug", "known"), SILENT)
def test_a_rule_stays_silent(slug, known):
    """Where nothing speaks for the cause, or what worked speaks against it, the rule finds nothing."""
    assert not fires(slug, **known)


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ({"variant": "cpu"}, "installed torch"),
        ({"commands": ("pip install torch",)}, "the command installs"),
        ({"commands": ("pip install torch==2.9.1",)}, "the command installs"),
        ({"commands": ("pip install torch==2.14.0",)}, None),
    ],
)
def test_only_a_torch_that_is_known_is_called_installed(known, says):
    """Of a command alone it is unknown what it gave; of a release whose wheel on PyPI has CUDA nothing is said."""
    found = CHECKS["aarch64-wheel-is-cpu"](facts(**ARM, gpu="GH200", **known), COMPAT)
    assert (found is None) if says is None else says in str(found.summary)


@pytest.mark.parametrize("printed", [(), ("sm_80", "sm_120")])
@pytest.mark.parametrize("gpu", [str(code) for code in COMPAT.capabilities])
def test_a_warning_with_a_range_follows_the_law_of_one_major(gpu, printed):
    """Whatever torch warns of: code of the same major number and no newer one runs, as the catalogue's law says."""
    known = facts(signs=(warned(gpu, minimum="8.0", maximum="12.0"),), arch_list=printed)
    runs = COMPAT.code(["sm_80", "sm_120"], ComputeCapability.parse(gpu)) is not None
    assert (uncovered(known, COMPAT) is None) == runs


@pytest.mark.parametrize("gpu", [str(code) for code in COMPAT.capabilities])
def test_a_gpu_without_code_is_either_too_new_or_too_old(gpu):
    """Never both; neither only where torch contradicts the table about a GPU that builds of all times have code for."""
    known = facts(**CU129, signs=(warned(gpu),))
    found = uncovered(known, COMPAT)
    named = [slug for slug in ("arch-not-in-build-too-new", "arch-not-in-build-too-old") if CHECKS[slug](known, COMPAT)]
    told = found is not None and side(found, COMPAT) is not None
    assert len(named) == told
    assert told or COMPAT.side(ComputeCapability.parse(gpu)) is None


def commands(**known):
    """The text to type for the main cause."""
    remedy = diagnose(facts(**known)).findings[0].remedy
    return [line(command) for command in remedy.commands]


def test_an_extension_is_rebuilt_beside_the_torch_that_is_there():
    """Without isolation, in its version, for the GPU, by the manager of the environment."""
    known = {
        **CU129,
        "gpu": "RTX 5090",
        "signs": "extension.flash",
        "modules": ("exllamav2",),
        "packages": (Package(name="exllamav2", version="0.3.2"),),
    }
    variable, install = commands(**known)
    assert variable == "export TORCH_CUDA_ARCH_LIST=12.0"
    assert install.startswith("python -m pip install --no-build-isolation --no-deps ")
    assert install.endswith(" exllamav2==0.3.2")
    assert commands(**known, manager=Manager.UV_VENV)[1].startswith("uv pip install --no-build-isolation ")


def test_a_package_is_asked_for_by_its_own_name():
    """The module cv2 is the package opencv-python, and uv's project adds it."""
    known = {"signs": (sign("package.absent", module="cv2"),)}
    assert commands(**known) == ["python -m pip install opencv-python"]
    assert commands(**known, manager=Manager.UV_PROJECT) == ["uv add opencv-python"]


def test_the_build_that_was_replaced_comes_back():
    """With its label, from its index."""
    (install,) = commands(signs=(GONE, sign("cpu.not-compiled")))
    assert "torch==2.4.0+cu121" in install
    assert "whl/cu121" in install
