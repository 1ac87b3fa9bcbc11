"""Projects as people have them, written after the documented forms of uv, Poetry, PDM, pixi, conda and pip."""

from __future__ import annotations

from functools import cache

from torchup.catalog import load_catalog
from torchup.jobs.project import ProjectFile, edit_of, targets_named
from torchup.model import Request
from torchup.project.declared import declared
from torchup.project.kinds import kind_of
from torchup.project.original import read_original

UV = """\
# Trains the segmentation model.
[project]
name = "segment"        # short name
version = "0.3.0"
description = 'Quotes of "both" kinds'
requires-python = ">=3.11"
dependencies = [
    "numpy>=1.26",      # arrays
    # the framework
    "torch>=2.1",
    "torchvision",
    "albumentations @ git+https://github.com/example/albumentations@v2",
]

[project.optional-dependencies]
plots = ["matplotlib"]

[dependency-groups]
dev = ["pytest>=8", { include-group = "lint" }]
lint = ["ruff"]

[tool.uv]
default-groups = ["dev"]

[[tool.uv.index]]
name = "pytorch-cu118"
url = "https://download.pytorch.org/whl/cu118"

[[tool.uv.index]]
name = "company"        # our own
url = "https://packages.example.com/simple"
explicit = true

[tool.uv.sources]
torch = { index = "pytorch-cu118" }
company-tools = { index = "company" }

[tool.ruff]
line-length = 100

[tool.ruff.lint]
select = ["ALL"]
"""
POETRY = """\
[tool.poetry]
name = "speech"
version = "1.2.0"
description = "Recognises speech"
authors = ["Ada <ada@example.com>"]
readme = "README.md"

[tool.poetry.dependencies]
python = "^3.11"
torch = "^2.1"          # see the README
torchaudio = "*"
librosa = { version = "^0.10", extras = ["display"] }

[tool.poetry.group.dev.dependencies]
pytest = "^8.0"

[build-system]
requires = ["poetry-core>=1.0.0"]
build-backend = "poetry.core.masonry.api"
"""
PIXI = """\
[workspace]
name = "robots"
channels = ["conda-forge"]
platforms = ["linux-64", "osx-arm64"]

[tasks]
train = "python train.py"   # pixi run train

[dependencies]
python = "3.12.*"
numpy = ">=2"

[pypi-dependencies]
torch = ">=2.1"
torchvision = "*"
gymnasium = { version = ">=1.0", extras = ["mujoco"] }

[feature.test.dependencies]
pytest = "*"

[environments]
test = ["test"]
"""
CONDA = """\
# conda env create -f environment.yml
name: course
channels:
  - pytorch   # as the old install page said
  - nvidia
  - conda-forge
dependencies:
  - python=3.11
  - pytorch
  - torchvision
  - pytorch-cuda=12.1
  - jupyterlab>=4   # notebooks
  - pip
  - pip:
      - einops
variables:
  COURSE: "2026"
"""
REQUIREMENTS = """\
# Everything for the demo.
-r base.txt
--extra-index-url https://download.pytorch.org/whl/cu118

numpy>=1.26          # arrays
torch==2.5.1+cu118   # the framework
torchvision==0.20.1+cu118
uvloop; sys_platform != "win32"
gradio[oauth]>=5, \\
    <6
"""
PDM = """\
[project]
name = "vision"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["torch>=2.1", "pillow"]

[tool.pdm]
distribution = false

[tool.pdm.scripts]
train = "python train.py"
"""
MODERN_POETRY = """\
[project]
name = "text"
version = "0.1.0"
requires-python = ">=3.11,<3.15"
dependencies = ["torch>=2.1", "tokenizers"]

[tool.poetry]
package-mode = false
"""
PLAIN = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "library"
version = "0.1.0"
dependencies = ["torch", "numpy"]
"""
LAYOUTS = {
    "uv": ("pyproject.toml", UV),
    "poetry": ("pyproject.toml", POETRY),
    "pixi": ("pixi.toml", PIXI),
    "conda": ("environment.yml", CONDA),
    "requirements": ("requirements.txt", REQUIREMENTS),
    "pdm": ("pyproject.toml", PDM),
    "modern-poetry": ("pyproject.toml", MODERN_POETRY),
    "plain": ("pyproject.toml", PLAIN),
}
FLEETS = ("linux-cuda", "mac", "mac,windows-cuda,linux-cuda", "linux-cuda='GTX 1080',windows-cpu", "linux-rocm,mac",
          "linux-rocm")  # fmt: skip
EVERYTHING = "mac,windows-cuda,linux-cuda,linux-rocm,cpu"  # several builds on Linux and on Windows


def project_file(name, text):
    """A file as `jobs.project` reads it."""
    original = read_original(name, text.encode() if isinstance(text, str) else text)
    kind = kind_of(name, original.text)
    return ProjectFile(
        name=name, path=f"/{name}", kind=kind, original=original, found=declared(kind, name, original.text)
    )


@cache
def synced(name, text, fleet, **request):
    """The edit of one file for some machines."""
    targets = targets_named(fleet)
    return edit_of(project_file(name, text), targets, Request(**request), load_catalog())
