"""Compiled packages around torch: whose they are, what they were built for, and the file that fits instead."""

# ruff: noqa: E501  # the lines are those of tools, which are long

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.facts import facts, sign
from torchup.catalog.packages import load_packages
from torchup.catalog.spans import minor_of, spans
from torchup.compat.packages.contents import string_abi
from torchup.compat.questions import load_compat
from torchup.doctor import diagnose
from torchup.doctor.facts import Compiled, Replaced
from torchup.doctor.remedy import line
from torchup.doctor.rules import CHECKS
from torchup.doctor.rules.compiled import cuda_summary
from torchup.i18n import render
from torchup.model import Manager, Readiness, Severity, message
from torchup.reports import parse_report

COMPAT = load_compat()
MACHINE = "GPU: NVIDIA GeForce RTX 4090\nDriver Version: 580.95.05\nOS: Ubuntu 22.04 (x86_64)\nPython version: 3.12.3\n"
WINDOWS = "OS: Microsoft Windows 11 Pro\nPython version: 3.12.3\nGPU: NVIDIA GeForce RTX 4090\nNvidia driver version: 581.15\n"
LOADER = "ImportError: /v/lib/python3.12/site-packages/{file}: undefined symbol: {symbol}\n"


def told(text):
    """Cause, summary and the text to type, of a pasted report."""
    found = diagnose(parse_report(text))
    first = next((one for one in found.findings if one.rule == found.primary), None)
    commands = [line(command) for command in first.remedy.commands] if first and first.remedy else []
    return found.primary, render(first.summary) if first else "", commands


@pytest.mark.parametrize(
    ("file", "symbol", "torch", "words"),
    [
        ("flash_attn_2_cuda.cpython-312-x86_64-linux-gnu.so", "_ZN3c104cuda9SetDeviceEa", "2.8.0+cu128", "torch 2.7 or older"),
        ("selective_scan_cuda.cpython-312-x86_64-linux-gnu.so", "_ZN3c104cuda9SetDeviceEab", "2.6.0+cu124", "torch 2.8 or newer"),
        (
            "causal_conv1d_cuda.cpython-312-x86_64-linux-gnu.so",
            "_ZN3c104cuda29c10_cuda_check_implementationEiPKcS2_jb", "2.14.0+cu130", "torch 2.10 to 2.13",
        ),
        ("vllm/_C.abi3.so", "_ZN5torch3jit17parseSchemaOrNameERKSsb", "2.7.0+cu126", "built with the old C++ string ABI"),
        (
            "torch_scatter/_version_cuda.so",
            "_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE", "2.5.1+cu124",
            "built with the new C++ string ABI",
        ),
    ],
)  # fmt: skip
def test_a_missing_symbol_says_what_the_package_was_built_for(file, symbol, torch, words):
    """The summary names the package and its torch; the cause is the package's, not torch's."""
    cause, summary, _ = told(MACHINE + f"PyTorch version: {torch}\n" + LOADER.format(file=file, symbol=symbol))
    assert cause == "companion-mismatch"
    assert words in summary
    assert torch in summary


@pytest.mark.parametrize("symbol", load_packages().symbols, ids=lambda symbol: symbol.name[-20:])
def test_a_torch_that_has_the_symbol_is_never_said_to_lack_it(symbol):
    """Where the table says that the torch of the report exports it, another torch was met: nothing is claimed."""
    path = "/v/site-packages/flash_attn_2_cuda.cpython-312-x86_64-linux-gnu.so"
    seen = (sign("companion.extension", f"ImportError: {path}: undefined symbol: {symbol.name}"),)
    for torch in ("2.5.1", "2.7.1", "2.9.1", "2.10.0", "2.12.1", "2.14.1", "2.15.0"):
        found = CHECKS["companion-mismatch"](
            facts(os="linux", torch_version=torch, variant="cu128", signs=seen), COMPAT
        )
        claimed = "was built for torch" in render(found.summary)
        assert not claimed or not spans(symbol.have, minor_of(torch))


@pytest.mark.parametrize(
    ("symbol", "abi"),
    [
        ("_ZN5torch3jit17parseSchemaOrNameERKSsb", "FALSE"),
        ("_ZN5torch7LibraryC1ENS0_4KindESsSt8optionalIN3c1011DispatchKeyEEPKcj", "FALSE"),
        ("_ZN2at4SsumEv", None),
        ("_ZN3c104cuda9SetDeviceEa", None),
        ("_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE", "TRUE"),
    ],
)
def test_the_string_abi_of_a_symbol(symbol, abi):
    """The letters ``Ss`` count outside of the words of a name, not within one."""
    assert string_abi([symbol]) == abi


@given(st.text(max_size=60))
def test_any_symbol_is_read_without_an_error(text):
    """Symbols come out of reports and of files of strangers."""
    assert string_abi([f"_Z{text}"]) in {None, "TRUE", "FALSE"}


def test_the_file_that_fits_is_named():
    """For this torch, CUDA, Python and system, alone, by the manager of the environment."""
    symbol = LOADER.format(file="flash_attn_2_cuda.cpython-312-x86_64-linux-gnu.so", symbol="_ZN3c104cuda9SetDeviceEa")
    _, _, (install,) = told(MACHINE + "PyTorch version: 2.8.0+cu128\n" + symbol)
    assert "cu128torch2.8-cp312-cp312-linux_x86_64.whl" in install
    assert "--no-deps" in install
    assert "--force-reinstall" in install


def test_the_manager_of_the_environment_installs_the_file():
    """Uv replaces the package alone; a project of uv keeps the address, which its next sync would else undo."""
    known = {"os": "linux", "python_version": "3.12", "torch_version": "2.8.0", "variant": "cu128", "gpu": "RTX 4090"}
    seen = (sign("extension.flash", "flash-attention: no kernel image"),)
    for manager, words in (
        (Manager.UV_VENV, "uv pip install"),
        (Manager.UV_PROJECT, "uv add"),
        (Manager.PIP, "pip install"),
    ):
        remedy = diagnose(facts(**known, signs=seen, modules=("flash_attn",), manager=manager)).findings[0].remedy
        assert words in line(remedy.commands[0])
        assert "torch2.8" in line(remedy.commands[0])


def test_a_gpu_that_no_wheel_is_for_gets_no_install_line():
    """Below the lowest compute capability the answer is another way, not another file."""
    text = "Tesla T4\ntorch 2.6.0+cu124\nRuntimeError: FlashAttention only supports Ampere GPUs or newer.\n"
    found = diagnose(parse_report(text)).findings[0]
    assert found.rule == "extension-arch-missing"
    assert found.remedy.commands == ()
    assert "scaled_dot_product_attention" in render(found.remedy.text)


@pytest.mark.parametrize("major", ["12", "13"])
def test_the_runtime_of_another_cuda_names_both(major):
    """The package's CUDA and torch's; of torch's own major the runtime itself is missing, which is another cause."""
    trace = '  File "/v/lib/python3.12/site-packages/xformers/ops/__init__.py", line 8, in <module>\n'
    error = f"OSError: libcudart.so.{major}: cannot open shared object file: No such file or directory\n"
    cause, summary, commands = told(MACHINE + "PyTorch version: 2.11.0+cu130\n" + trace + error)
    assert (cause == "companion-mismatch") is (major == "12")
    if major == "12":
        assert "CUDA 12" in summary
        assert "CUDA 13.0" in summary
        assert "whl/cu130" in commands[0]


@pytest.mark.parametrize(
    ("message_", "cause"),
    [
        ("importing flash_attn_2_cuda: The specified procedure could not be found.", "companion-mismatch"),
        ("importing flash_attn_2_cuda: 找不到指定的模块。", "companion-mismatch"),
        ("importing _C: The specified module could not be found.", "windows-dll-missing"),
        ("importing libtriton: The specified module could not be found.", None),
    ],
)
def test_a_dll_belongs_to_its_package(message_, cause):
    """A DLL of a package around torch is that package's matter; torch's own is the runtime's."""
    found, summary, _ = told(WINDOWS + f"PyTorch version: 2.9.1+cu130\nImportError: DLL load failed while {message_}\n")
    assert found == cause
    assert cause != "companion-mismatch" or "flash-attn" in summary


def test_what_xformers_met_is_the_torch_that_is_there():
    """Of the two in its message the second is here; a CPU build is the cause itself, and the first comes back."""
    built = "xFormers was built for:\n    PyTorch 2.2.0+cu121 with CUDA 1201 (you have {have})\n"
    cause, summary, _ = told(MACHINE + built.format(have="2.3.0+cu121"))
    assert cause == "companion-mismatch"
    assert "built for torch 2.2.0+cu121, but torch 2.3.0+cu121" in summary
    cause, _, (install,) = told(MACHINE + built.format(have="2.2.0+cpu"))
    assert cause == "cpu-build-installed"
    assert "torch==2.2.0+cu121" in install


def test_the_library_of_another_minor_is_named_by_the_variable():
    """Bitsandbytes without a library for 13.1 takes that of 13.0."""
    text = "RuntimeError: Configured CUDA binary not found at /v/bitsandbytes/libbitsandbytes_cuda131.so\n"
    cause, summary, commands = told(MACHINE + text)
    assert cause == "companion-mismatch"
    assert "CUDA 13.1" in summary
    assert commands[0] == "export BNB_CUDA_VERSION=130"


def test_torchao_without_kernels_is_no_error():
    """It says itself that it goes on; the environment stays healthy."""
    text = (
        "Skipping import of cpp extensions due to incompatible torch version 2.12.0+cu130 for torchao version 0.16.0\n"
    )
    found = diagnose(parse_report(MACHINE + text + "PyTorch version: 2.12.0+cu130\nIs CUDA available: True\n"))
    assert found.primary is None
    assert {one.severity for one in found.findings} == {Severity.INFO}


@pytest.mark.parametrize(
    "text",
    [
        "Building wheels for collected packages: flash-attn\n  Precompiled wheel not found. Building from source...\n",
        "ERROR: Failed building wheel for flash-attn\n",
        "ERROR: flash_attn-2.8.3+cu12torch2.8cxx11abiTRUE-cp310-cp310-linux_x86_64.whl is not a supported wheel on this platform.\n",
    ],
)
def test_what_is_compiled_although_a_wheel_exists(text):
    """A remark names the file; it never is the main cause."""
    found = diagnose(parse_report(MACHINE + "PyTorch version: 2.8.0+cu128\n" + text))
    remark = next(one for one in found.findings if one.rule == "prebuilt-wheel-exists")
    assert "cp312" in line(remark.remedy.commands[0])
    assert found.primary != "prebuilt-wheel-exists"


def test_installed_libraries_are_held_against_torch():
    """Nothing has failed yet: a warning says what is for another CUDA or another torch, and what fits."""
    known = {"os": "linux", "python_version": "3.12", "torch_version": "2.11.0", "variant": "cu130", "cuda": "13.0"}
    for compiled, words in (
        (Compiled(package="xformers", version="0.0.35", cuda_majors=(12,)), "CUDA 12"),
        (
            Compiled(package="flash-attn", version="2.8.3", cuda_majors=(13,), releases=("2.8", "2.9")),
            "torch 2.8 to 2.9",
        ),
    ):
        found = diagnose(facts(**known, gpu="RTX 4090", kernel_ran=True, compiled=(compiled,))).findings[0]
        assert found.severity is Severity.WARNING
        assert words in render(found.summary)
    fits = Compiled(package="flash-attn", version="2.8.3", cuda_majors=(13,), releases=("2.10", "2.11"))
    assert not diagnose(facts(**known, gpu="RTX 4090", kernel_ran=True, compiled=(fits,))).findings


def test_an_exchanged_torch_is_the_main_cause():
    """Whatever the torch that is there does: who wrote it, when, for whom, and the verified one comes back."""
    replaced = Replaced(
        before="2.13.0+cpu", after="2.12.1", installer="uv", when="2026-11-30 10:04 UTC", wanted_by=("x",)
    )
    known = {"live": True, "os": "linux", "system_arch": "x86_64", "python_version": "3.11.2", "installed": True}
    error = "ImportError: libcudnn.so.9: cannot open shared object file"
    found = diagnose(facts(**known, torch_version="2.12.1", import_error=error, replaced=replaced))
    evidence = " ".join(map(render, found.findings[0].evidence))
    assert found.primary == "torch-replaced"
    assert [one.rule for one in found.findings if one.severity is Severity.ERROR] == ["torch-replaced"]
    assert all(words in evidence for words in ("2.13.0+cpu", "2.12.1", "uv", "2026-11-30", "not the verified one: x"))
    assert "torch==2.13.0+cpu" in line(found.findings[0].remedy.commands[0])


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("compiler", "compiler-missing"), ("headers", "python-headers-missing"), ("triton", "triton-missing"),
        ("ptxas", "triton-ptxas-too-old"),
    ],
)  # fmt: skip
def test_each_requirement_of_compile_is_a_remark(name, slug):
    """Missing: an information, never the main cause; met or unknown: nothing."""
    for ready in (False, True, None):
        row = Readiness(name=name, what=message("x", "x"), ready=ready, found="12.4", wanted=">=12.8")
        found = diagnose(facts(live=True, os="linux", torch_version="2.11.0", gpu="RTX 5090", readiness=(row,)))
        mine = [one for one in found.findings if one.rule == slug]
        assert [one.severity for one in mine] == ([Severity.INFO] if ready is False else [])
        assert found.primary != slug


def test_every_package_that_can_be_blamed_is_asked_of_the_tables():
    """What a rule names has a row, so that `torchup wheel` answers for it."""
    tables = load_packages()
    assert all(tables.get(package.name) is not None for package in tables.by_module.values())


def test_a_torch_that_was_removed_is_not_said_to_be_replaced():
    """Without any torch there is no other one: it is not installed, and the verified one comes back."""
    known = {"live": True, "os": "linux", "system_arch": "x86_64", "python_version": "3.11.2", "installed": False}
    found = diagnose(facts(**known, replaced=Replaced(before="2.13.0+cpu", after=None)))
    assert found.primary == "torch-not-installed"
    assert [one.rule for one in found.findings if one.severity is Severity.ERROR] == ["torch-not-installed"]
    assert "torch 2.13.0+cpu was verified here" in " ".join(map(render, found.findings[0].evidence))
    assert "torch==2.13.0+cpu" in line(found.findings[0].remedy.commands[0])


def test_companions_of_another_variant_are_shown_with_both_labels():
    """The evidence holds the contradiction: the label of torch beside that of the companion."""
    text = MACHINE + "PyTorch version: 2.5.1+cu124\n[pip3] torch==2.5.1+cu124\n[pip3] torchvision==0.20.1+cpu\n"
    found = next(one for one in diagnose(parse_report(text)).findings if one.rule == "companion-mismatch")
    assert [render(one) for one in found.evidence] == [
        "torchvision 0.20.1+cpu is installed next to torch 2.5.1+cu124, which needs torchvision of the variant cu124"
    ]


@pytest.mark.parametrize(
    ("given", "end"),
    [
        ({}, "needs x: not found"),
        ({"found": "3.12"}, "needs x: not found"),  # the version of something else
        ({"wanted": ">=3.7"}, "needs x: not found (needed: >=3.7)"),
        ({"found": "3.0", "wanted": ">=3.7"}, "needs x (found: 3.0; needed: >=3.7)"),
    ],
)
def test_a_requirement_shows_versions_only_if_one_is_needed(given, end):
    """What has no version to need is not there, and nothing else is said of it."""
    row = Readiness(name="headers", what=message("x", "x"), ready=False, **given)
    found = diagnose(facts(live=True, os="linux", torch_version="2.11.0", readiness=(row,)))
    remark = next(one for one in found.findings if one.rule == "python-headers-missing")
    assert render(remark.evidence[0]).endswith(end)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"variant": "cpu", "local": "cpu"}, "but torch 2.5.0+cpu includes no CUDA"),
        ({"variant": "rocm6.2", "local": "rocm6.2"}, "but torch 2.5.0+rocm6.2 includes no CUDA"),
        ({"variant": "cu124", "local": "cu124", "cuda": "12.4"}, "includes CUDA 12.4"),
        ({"variant": "own"}, "built for another torch"),
    ],
)
def test_the_cuda_of_a_torch_is_named_or_said_to_be_absent(known, words):
    """Whatever torch is there, no sentence says that it includes an unknown CUDA."""
    said = render(cuda_summary(facts(torch_version="2.5.0", **known), COMPAT, "flash-attn", "11"))
    assert words in said
    assert "unknown" not in said
