"""Environments that conda, mamba and pixi have made, as torchup reads and adopts them."""

from __future__ import annotations

import json

import pytest

from torchup.cli import main
from torchup.envs import registry
from torchup.envs.conda_prefix import read_prefix, variant_of
from torchup.host import RealHost
from torchup.model import InstallerName

HOST = RealHost()


@pytest.fixture
def prefix(tmp_path):
    """Makes a prefix with these records (file name -> channel)."""

    def make(records, folder="env"):
        meta = tmp_path / folder / "conda-meta"
        meta.mkdir(parents=True)
        (tmp_path / folder / "bin").mkdir()
        (tmp_path / folder / "bin" / "python").touch()
        (meta / "history").write_text("==> 2026-08-01 <==\n# cmd: conda create -n torch\n")
        for name, channel in records.items():
            (meta / f"{name}.json").write_text(json.dumps({"channel": channel}))
        return str(tmp_path / folder)

    return make


@pytest.mark.parametrize(
    ("build", "variant"),
    [
        ("cuda129_generic_py312_h4d5a4b1_202", "cu129"),
        ("cuda130_mkl_py313_habc_302", "cu130"),
        ("py3.12_cuda12.4_cudnn9.1.0_0", "cu124"),
        ("gpu_cuda118py310h1234_0", "cu118"),
        ("cpu_generic_py312_hdead_1", "cpu"),
        ("py3.11_cpu_0", "cpu"),
        ("py3.12_0", "cpu"),
        ("mps_py312h_0", "cpu"),
        ("h123_0", None),
    ],
)
def test_build_strings_of_all_channels_name_the_flavour(build, variant):
    """conda-forge's, PyTorch's and Anaconda's ways to write a build string."""
    assert variant_of(build) == variant


def test_a_prefix_tells_torch_its_flavour_and_channel(prefix):
    """Versions from the file names, the channel from torch's record, whatever its address."""
    path = prefix(
        {
            "pytorch-2.13.0-cuda129_generic_py312_h4d5a4b1_202": "https://conda.anaconda.org/conda-forge/linux-64",
            "cuda-version-12.9-h123_3": "https://conda.anaconda.org/conda-forge",
        }
    )
    found = read_prefix(HOST, path)
    assert (found.torch, found.variant, found.channel) == ("2.13.0", "cu129", "conda-forge")
    assert found.packages["cuda-version"] == "12.9"


def test_what_is_no_conda_environment_is_none(tmp_path):
    """Only `conda-meta` makes one; a damaged record does no harm."""
    assert read_prefix(HOST, str(tmp_path)) is None
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta" / "pytorch-2.13.0-cpu_generic_py312_h_0.json").write_text("{")
    assert read_prefix(HOST, str(tmp_path)).channel is None


@pytest.mark.parametrize("folder", ["miniforge3/envs/torch", "project/.pixi/envs/default"])
def test_adopting_takes_it_as_it_is(prefix, folder):
    """Torch, flavour, installer and channel are known without starting anything, and nothing changes in it."""
    path = prefix({"pytorch-2.13.0-cpu_generic_py312_h_0": "https://conda.anaconda.org/conda-forge"}, folder)
    before = sorted(HOST.list_dir(path))
    environment = registry.adopt(HOST, path, "mine")
    assert (environment.torch, environment.variant) == ("2.13.0", "cpu")
    assert (environment.installer, environment.source) == (InstallerName.CONDA, "conda-forge")
    assert sorted(HOST.list_dir(path)) == before


def test_an_environment_of_the_channel_that_ended_is_told(prefix, capsys):
    """Adopting works; the notice names the page that explains it."""
    path = prefix(
        {"pytorch-2.5.1-py3.12_cuda12.4_cudnn9.1.0_0": "https://mirrors.example/anaconda/cloud/pytorch/linux-64"}
    )
    assert main(["env", "adopt", path, "--name", "old"]) == 0
    assert "torchup explain conda-channels-ended" in capsys.readouterr().err


def test_explain_tells_of_the_channels_that_ended(capsys):
    """The old channel, its names, Mambaforge, and what to do today."""
    assert main(["explain", "conda-channels-ended"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for words in ("2.5.1", "pytorch-gpu", "Mambaforge was retired in January 2025", "torchup up --installer conda"):
        assert words in out
    assert main(["explain"]) == 0
    assert "conda-channels-ended" in capsys.readouterr().out
