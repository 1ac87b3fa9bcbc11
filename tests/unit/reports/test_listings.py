"""Listings of packages in the formats of every installer, and lists of wishes that are none."""

# ruff: noqa: E501, ISC004  # the lines are those of tools, which are long

from __future__ import annotations

import pytest

from torchup.doctor.facts import Package
from torchup.reports import parse_report

CONDA = {"origin": "conda"}
LISTINGS = {
    "pip list": (
        "Package       Version\n------------- -----------\nnumpy         1.26.4\ntorch         2.6.0+cu124",
        [Package(name="numpy", version="1.26.4"), Package(name="torch", version="2.6.0+cu124")],
    ),
    "uv pip list, editable": (
        "Package     Version     Editable project location\n----------- ----------- -----\ntorch       2.6.0       /home/me/src/torch",
        [Package(name="torch", version="2.6.0")],
    ),
    "uv pip tree": (
        "demo v0.1.0\n├── torch v2.6.0+cu124\n│   ├── filelock v3.18.0\n│   └── nvidia-cudnn-cu12 v9.1.0.70\n"
        "└── torchvision v0.21.0 (*)",
        [
            Package(name="torch", version="2.6.0+cu124"),
            Package(name="nvidia-cudnn-cu12", version="9.1.0.70"),
            Package(name="torchvision", version="0.21.0"),
        ],
    ),
    "uv pip show": (
        "Name: torch\nVersion: 2.6.0\nLocation: /opt/v/lib/python3.12/site-packages\nRequires: filelock, sympy\nRequired-by:",
        [Package(name="torch", version="2.6.0", location="/opt/v/lib/python3.12/site-packages")],
    ),
    "poetry show": (
        "filelock            3.18.0     A platform independent file lock.\n"
        "torch               2.6.0      Tensors and Dynamic neural networks in Python\n"
        "torchvision     (!) 0.21.0     Image and video datasets and models",
        [Package(name="torch", version="2.6.0"), Package(name="torchvision", version="0.21.0")],
    ),
    "conda list": (
        "# packages in environment at /opt/mc/envs/dl:\n#\n# Name                    Version                   Build  Channel\n"
        "pytorch                   2.5.1           py3.11_cuda12.4_cudnn9.1.0_0    pytorch\n"
        "torch                     2.6.0                    pypi_0    pypi",
        [
            Package(name="pytorch", version="2.5.1", build="py3.11_cuda12.4_cudnn9.1.0_0", channel="pytorch", **CONDA),
            Package(name="torch", version="2.6.0", build="pypi_0", channel="pypi", **CONDA),
        ],
    ),
    "micromamba list": (
        'List of packages in environment: "/opt/mm/envs/dl"\n\n  Name      Version  Build                Channel\n'
        "────────────────────────\n  pytorch   2.5.1    cuda126_py312_h4aa6f2f_307  conda-forge",
        [Package(name="pytorch", version="2.5.1", build="cuda126_py312_h4aa6f2f_307", channel="conda-forge", **CONDA)],
    ),
    "pixi list": (
        "Package    Version  Build                     Size       Kind   Source\n"
        "libtorch   2.3.1    cpu_mkl_h0bb0d08_100      47.5 MiB   conda  libtorch-2.3.1-cpu_mkl_h0bb0d08_100.conda\n"
        "torch      2.6.0                              731.1 MiB  pypi   torch-2.6.0-cp312-cp312-manylinux1_x86_64.whl",
        [
            Package(name="libtorch", version="2.3.1", build="cpu_mkl_h0bb0d08_100", **CONDA),
            Package(name="torch", version="2.6.0"),
        ],
    ),
    "conda env export": (
        "name: dl\nchannels:\n  - conda-forge\ndependencies:\n  - numpy=1.26.4=py311h64a7726_0\n  - pip:\n      - torch==2.6.0+cu124\n",
        [
            Package(name="numpy", version="1.26.4", build="py311h64a7726_0", **CONDA),
            Package(name="torch", version="2.6.0+cu124"),
        ],
    ),
    "pip freeze": (
        "$ pip freeze\nfilelock==3.18.0\nnumpy==1.26.4\ntorch @ https://a.example/torch-2.6.0-cp312.whl\ntorchvision==0.21.0",
        [
            Package(name="numpy", version="1.26.4"),
            Package(name="torchvision", version="0.21.0"),
        ],
    ),
    "installed": (
        "Successfully installed torch-2.6.0 triton-3.2.0",
        [Package(name="torch", version="2.6.0"), Package(name="triton", version="3.2.0")],
    ),
}


@pytest.mark.parametrize("name", LISTINGS)
def test_a_listing_is_read_whole(name):
    """Each relevant row gives name, version, and what the tool adds; nothing else is invented."""
    text, expected = LISTINGS[name]
    assert list(parse_report(text).packages) == expected


WISHES = {
    "requirements.txt with an option": (
        "--extra-index-url https://me:pw@a.example/whl/cu124\ntorch==2.6.0+cu124\nnumpy<2\nrequests==2.0",
        ("torch==2.6.0+cu124", "numpy<2"),
    ),
    "requirements.txt under its name": ("requirements.txt:\ntorch==2.6.0\ntransformers==4.40.0", ("torch==2.6.0",)),
    "cat": ("$ cat requirements.txt\ntorch==2.6.0\nnumpy", ("torch==2.6.0",)),
    "pyproject.toml": ('dependencies = [\n    "torch==2.6.0",\n    "numpy>=1.26",\n]', ("torch==2.6.0", "numpy>=1.26")),
    "environment.yml": ("environment.yml\n  - pytorch=2.5\n  - numpy=1.26", ("pytorch=2.5", "numpy=1.26")),
}


@pytest.mark.parametrize("name", WISHES)
def test_a_list_of_wishes_installs_nothing(name):
    """What a file asks for is requested; whether it is there, nobody knows."""
    text, requested = WISHES[name]
    facts = parse_report(text)
    assert facts.requested == requested
    assert facts.packages == ()
    assert facts.torch.version is None
    assert "pw" not in str(facts.index_urls)
