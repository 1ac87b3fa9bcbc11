"""What `torchup project sync` writes before the tools that read it: uv, pip, Poetry where it is, pixi's schema.

An index on this machine speaks PyTorch's layout; only its address is put into the file in place of the real one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
import uv

from support.index_server import IndexServer, make_wheel
from support.projects import EVERYTHING, MODERN_POETRY, PIXI, PLAIN, POETRY, REQUIREMENTS, UV, synced

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="drives POSIX shells")]
WHL = "https://download.pytorch.org/whl"
BINARY = uv.find_uv_bin()
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PAIRS = {"2.15.0": "0.29.2", "2.14.1": "0.29.1", "2.7.1": "0.22.1"}
WHEELS = {  # label -> platforms, versions
    "cu132": (("manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "win_amd64"), ("2.15.0", "2.14.1")),
    "cu126": (("manylinux_2_28_x86_64", "win_amd64"), ("2.14.1",)),
    "cpu": (("manylinux_2_28_x86_64", "win_amd64"), ("2.15.0", "2.14.1")),
    "rocm7.14": (("manylinux_2_28_x86_64",), ("2.14.1",)),
    "cu118": (("manylinux_2_28_x86_64", "win_amd64"), ("2.7.1",)),
}
PLAIN_PLATFORMS = ("macosx_14_0_arm64", "manylinux_2_28_x86_64", "win_amd64")
ROCM = ("triton-rocm", "rocm", "rocm-sdk-core", "rocm-sdk-libraries")
PLATFORMS = {"linux": "x86_64-manylinux_2_28", "mac": "aarch64-apple-darwin", "windows": "x86_64-pc-windows-msvc"}
TAG = f"cp{sys.version_info.major}{sys.version_info.minor}"


@pytest.fixture(scope="module")
def server():
    """PyTorch's indexes and a main one, with wheels of metadata only."""
    with IndexServer() as running:
        for label, (platforms, versions) in WHEELS.items():
            needs = ["filelock", *(["triton-rocm", "rocm-sdk-core"] if label == "rocm7.14" else [])]
            for version in versions:
                _publish(running, f"whl/{label}", f"{version}+{label}", platforms, needs, label)
        for version in PAIRS:
            _publish(running, "simple", version, PLAIN_PLATFORMS, ["filelock"], None)
        data = tomllib.loads(synced("pyproject.toml", PLAIN, "linux-rocm").after.decode())
        for name in data["tool"]["uv"]["sources"]:
            if name.startswith("rocm") or name in ROCM:
                running.publish("whl/rocm7.14", make_wheel(name, "7.14.0"))
        for name in ("filelock", "numpy", "pytest", "ruff", "matplotlib", "tokenizers", "rich", "uvloop"):
            running.publish("simple", make_wheel(name, "9.0"))
        yield running


def _publish(server, index, version, platforms, needs, label):
    public = version.partition("+")[0]
    for platform in platforms:
        torch = make_wheel("torch", version, python=TAG, platform=platform, requires=needs)
        server.publish(index, torch, links="absolute")
        if public in PAIRS:
            pair = f"{PAIRS[public]}+{label}" if label else PAIRS[public]
            vision = make_wheel("torchvision", pair, python=TAG, platform=platform, requires=[f"torch=={public}"])
            server.publish(index, vision, links="absolute")


@pytest.fixture
def clean(server, tmp_path):
    """Variables without the developer's settings; the main index stands in for PyPI."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    return kept | {
        "UV_DEFAULT_INDEX": server.url("simple"), "UV_CACHE_DIR": str(tmp_path / "uv"), "UV_PYTHON_DOWNLOADS": "never",
        "HOME": str(tmp_path), "MACOSX_DEPLOYMENT_TARGET": "15.0", "UV_PYTHON": sys.executable,
    }  # fmt: skip


def run(*argv, **options):
    """Run a tool; its output, or a failed test with what it said."""
    done = subprocess.run(
        [str(word) for word in argv], capture_output=True, text=True, timeout=240, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def write(server, folder, name, text, fleet):
    """Sync a file and point its indexes at this machine."""
    content = synced(name, text, fleet).after.decode().replace(WHL, server.url("whl"))
    path = folder / name
    path.write_text(content, "utf-8")
    return path


def torches(said):
    """The torch lines of a dry run."""
    return sorted(line.strip().removeprefix("+ ") for line in said.splitlines() if line.strip().startswith("+ torch=="))


UV_PROJECT = UV.replace('    "albumentations @ git+https://github.com/example/albumentations@v2",\n', "")


@pytest.mark.parametrize(
    ("fleet", "wanted"),
    [
        ("linux-cuda", {"linux": "2.15.0+cu132"}),
        ("mac,windows-cuda,linux-cuda", {"linux": "2.15.0+cu132", "windows": "2.15.0+cu132", "mac": "2.15.0"}),
        ("linux-cuda='GTX 1080',windows-cpu", {"linux": "2.14.1+cu126", "windows": "2.14.1+cpu"}),
    ],
)
def test_uv_locks_and_syncs_each_platform(server, tmp_path, clean, fleet, wanted):
    """`uv lock` accepts the file, and each platform's dry run installs what was planned for it."""
    write(server, tmp_path, "pyproject.toml", UV_PROJECT, fleet)
    run(BINARY, "lock", cwd=tmp_path, env=clean)
    for system, version in wanted.items():
        line = (BINARY, "sync", "--dry-run", "--frozen", "--no-install-project", "--python-platform", PLATFORMS[system])
        assert torches(run(*line, cwd=tmp_path, env=clean)) == [f"torch=={version}"], system


def test_uv_takes_extras_for_several_builds(server, tmp_path, clean):
    """One file for five kinds of machines: the extra chooses on Linux and Windows, a Mac needs none."""
    write(server, tmp_path, "pyproject.toml", UV_PROJECT, EVERYTHING)
    run(BINARY, "lock", cwd=tmp_path, env=clean)
    wanted = {
        ("linux", "cpu"): "+cpu",
        ("linux", "cuda"): "+cu132",
        ("linux", "rocm"): "+rocm7.14",
        ("windows", "cpu"): "+cpu",
        ("windows", "cuda"): "+cu132",
        ("mac", None): "",
    }
    for (system, extra), label in wanted.items():
        line = [BINARY, "sync", "--dry-run", "--frozen", "--no-install-project", "--python-platform", PLATFORMS[system]]
        line += ["--extra", extra] if extra else []
        assert torches(run(*line, cwd=tmp_path, env=clean)) == [f"torch==2.14.1{label}"], (system, extra)


def test_uv_and_pip_follow_the_requirements(server, tmp_path, clean):
    """`uv pip compile` for each platform, and pip for this one, end at the planned builds."""
    text = "".join(
        line for line in REQUIREMENTS.splitlines(keepends=True) if not line.startswith(("-r", "gradio", " "))
    )
    path = write(server, tmp_path, "requirements.txt", text, "mac,windows-cuda,linux-cuda")
    for system, version in (("linux", "2.15.0+cu132"), ("windows", "2.15.0+cu132"), ("mac", "2.15.0")):
        line = (BINARY, "pip", "compile", path, "--index-strategy", "unsafe-best-match", "--python-platform",
                PLATFORMS[system])  # fmt: skip
        assert f"torch=={version}\n" in run(*line, env=clean), system
    pip = {**clean, "PIP_INDEX_URL": server.url("simple"), "PIP_CONFIG_FILE": os.devnull}
    said = run(sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "-r", path, env=pip)
    assert "torch-2.15.0+cu132" in said


def test_uv_reads_a_plain_file(server, tmp_path, clean):
    """A project of no tool gets uv's tables, which other tools leave alone."""
    write(server, tmp_path, "pyproject.toml", PLAIN.partition("\n\n")[2], "linux-rocm")
    run(BINARY, "lock", cwd=tmp_path, env=clean)
    locked = tomllib.loads((tmp_path / "uv.lock").read_text("utf-8"))["package"]
    assert {one["version"] for one in locked if one["name"] == "torch"} == {"2.14.1+rocm7.14", "2.15.0"}
    (triton,) = [one for one in locked if one["name"] == "triton-rocm"]
    assert triton["source"]["registry"].endswith("/whl/rocm7.14")


CLASSIC = POETRY.replace('readme = "README.md"\n', "package-mode = false\n").replace('pytest = "^8.0"', 'pytest = "*"')
CLASSIC = "".join(line for line in CLASSIC.splitlines(keepends=True) if not line.startswith(("torchaudio", "librosa")))


@pytest.mark.parametrize("text", [CLASSIC, MODERN_POETRY], ids=["classic", "modern"])
def test_poetry_locks_it(server, tmp_path, clean, text):
    """Poetry resolves both forms; its lock has one torch a platform."""
    poetry = shutil.which("poetry") or pytest.skip("no Poetry here")
    path = write(server, tmp_path, "pyproject.toml", text, "mac,linux-cuda")
    main = f'\n[[tool.poetry.source]]\nname = "main"\nurl = "{server.url("simple")}"\npriority = "primary"\n'
    path.write_text(path.read_text("utf-8") + main, "utf-8")
    settings = {**clean, "POETRY_CACHE_DIR": str(tmp_path / "cache"), "POETRY_VIRTUALENVS_CREATE": "false"}
    run(poetry, "lock", "--no-interaction", cwd=tmp_path, env=settings)
    locked = tomllib.loads((tmp_path / "poetry.lock").read_text("utf-8"))["package"]
    assert {"2.15.0", "2.15.0+cu132"} == {one["version"] for one in locked if one["name"] == "torch"}


CONDA_PIXI = PIXI.replace('torch = ">=2.1"\ntorchvision = "*"\n', "").replace('numpy = ">=2"', 'pytorch = "*"')


@pytest.mark.parametrize("text", [PIXI, CONDA_PIXI], ids=["pypi", "conda"])
@pytest.mark.parametrize("fleet", ["linux-cuda", "mac,windows-cuda,linux-cuda", "mac,linux-cuda,linux-cpu"])
def test_pixi_knows_every_key(text, fleet):
    """The manifest fits pixi's own schema (of pixi 0.77), before and after."""
    schema = json.loads((Path(__file__).parents[1] / "support" / "schemas" / "pixi.json").read_text("utf-8"))
    jsonschema.validate(tomllib.loads(text), schema)
    jsonschema.validate(tomllib.loads(synced("pixi.toml", text, fleet).after.decode()), schema)
