"""Really broken environments with a real torch: the doctor names what was broken, and --fix repairs it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.bench import torch_python
from support.doctor_environments import link_packages, new_environment, put_distribution, python_of
from torchup.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the breakages are those of Linux")]


@pytest.fixture(scope="module")
def packages() -> Path:
    """site-packages of an environment with a working torch."""
    code = "import torch, os; print(os.path.dirname(os.path.dirname(torch.__file__)))"
    done = subprocess.run([torch_python(), "-c", code], capture_output=True, text=True, check=True, timeout=300)
    return Path(done.stdout.strip())


@pytest.fixture
def broken(tmp_path, packages):
    """An environment of its own with the packages linked into it: (site-packages, python)."""
    folder = tmp_path / "environment"
    site = new_environment(folder)
    link_packages(packages, site)
    return site, python_of(folder)


def diagnosis(capsys, python: str, *arguments: str) -> dict:
    """What `torchup doctor --python` answers."""
    main(["doctor", "--python", python, "--json", *arguments])
    return json.loads(capsys.readouterr().out)["data"]


def test_a_working_environment_is_healthy(capsys, packages):
    """Nothing broken: no error, whatever this machine has."""
    del packages
    found = diagnosis(capsys, torch_python())
    assert [finding for finding in found["findings"] if finding["severity"] == "error"] == []


def test_half_of_torch_deleted(capsys, broken):
    """A torch without its nn folder is named, and the files that are missing are the evidence."""
    shutil.rmtree(broken[0] / "torch" / "nn")
    found = diagnosis(capsys, broken[1])
    assert found["primary"] == "torch-not-installed"
    assert "are missing or changed" in found["findings"][0]["summary"]
    assert any("torch/nn" in line for line in found["findings"][0]["evidence"])


def test_a_foreign_libstdcxx_in_front(capsys, broken, tmp_path, monkeypatch):
    """LD_LIBRARY_PATH with a library that calls itself libstdc++ and is not."""
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    shutil.copy(next(path for path in map(Path, LIBRARIES) if path.exists()), libraries / "libstdc++.so.6")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(libraries))
    found = diagnosis(capsys, broken[1])
    assert found["primary"] == "mixed-install"
    assert any("LD_LIBRARY_PATH" in line for line in found["findings"][0]["evidence"])


LIBRARIES = (
    "/lib/x86_64-linux-gnu/libdl.so.2",
    "/lib64/libdl.so.2",
    "/usr/lib/libdl.so.2",
    "/lib/aarch64-linux-gnu/libdl.so.2",
)


def test_two_torches(capsys, broken, tmp_path):
    """A second torch of another version on the path interferes."""
    second = tmp_path / "second" / "site-packages"
    put_distribution(second, "torch", "2.4.0")
    (broken[0] / "second.pth").write_text(f"{second}\n")
    found = diagnosis(capsys, broken[1])
    assert found["primary"] == "mixed-install"


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [("cpython-3", "cpython-2", "python-version-unsupported"), ("x86_64", "aarch64", "wrong-arch-python")],
)
def test_a_wheel_of_another_python(capsys, broken, old, new, cause):
    """Torch's extension is of another Python, or of another processor."""
    extension = next((broken[0] / "torch").glob("_C.*.so"))
    if old not in extension.name:
        pytest.skip(f"this machine's extension is {extension.name}")
    extension.rename(extension.with_name(extension.name.replace(old, new)))
    assert diagnosis(capsys, broken[1])["primary"] == cause


def test_torchvision_of_pypi_beside_a_cpu_torch(capsys, broken):
    """PyPI's torchvision is built for CUDA: its operators do not register beside a CPU torch."""
    version = next(broken[0].glob("torch-*.dist-info")).name.split("-")[1].split("+")[0]
    companion = {"2.13.0": "0.28.0"}.get(version)
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--python", broken[1]]
    done = subprocess.run([*uv, f"torchvision=={companion}"], capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        pytest.skip("torchvision is not to be had here")
    found = diagnosis(capsys, broken[1])
    assert found["primary"] == "companion-mismatch"


def test_a_kernel_whose_python_is_gone(capsys, broken, tmp_path, monkeypatch):
    """A kernelspec that cannot start is told beside the diagnosis."""
    folder = tmp_path / "jupyter" / "kernels" / "old"
    folder.mkdir(parents=True)
    spec = {
        "argv": ["/nonexistent/bin/python", "-m", "ipykernel_launcher"],
        "display_name": "old",
        "language": "python",
    }
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    main(["doctor", "--python", broken[1], "--json"])
    messages = json.loads(capsys.readouterr().out)["messages"]
    assert [m for m in messages if m["code"] == "doctor.kernel.stray" and "`old`" in m["text"]]
