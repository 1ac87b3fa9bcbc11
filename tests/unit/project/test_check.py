"""Every rule of `torchup project check`: what it finds, and what it leaves alone."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from support.projects import project_file
from torchup.catalog import load_catalog
from torchup.jobs.project import flaws
from torchup.project.check import RULES

WHL = "https://download.pytorch.org/whl"


def uv(requirements, sources="", *, url=f"{WHL}/cu130", explicit=True, more="", tool=""):
    """A pyproject.toml for uv with one index called `torch`."""
    lines = ["[project]", 'name = "x"', 'version = "1"', 'requires-python = ">=3.11"',
             "dependencies = [" + ", ".join(f'"{one}"' for one in requirements) + "]", more, "[tool.uv]", tool,
             "[[tool.uv.index]]", 'name = "torch"', f'url = "{url}"', *(["explicit = true"] if explicit else []),
             "[tool.uv.sources]", sources]  # fmt: skip
    return "pyproject.toml", "\n".join(lines) + "\n"


LINUX = 'torch = { index = "torch", marker = "sys_platform == \'linux\'" }'
BOTH = LINUX + "\ntorchvision" + LINUX.removeprefix("torch")
HEAD = '[project]\nname = "x"\nversion = "1"\n'
EXTRAS = f"""{HEAD}[project.optional-dependencies]
cpu = ["torch"]
gpu = ["torch"]
[[tool.uv.index]]
name = "c"
url = "{WHL}/cpu"
explicit = true
[[tool.uv.index]]
name = "g"
url = "{WHL}/cu130"
explicit = true
[tool.uv.sources]
torch = [{{ index = "c", extra = "cpu" }}, {{ index = "g", extra = "gpu", marker = "sys_platform == 'linux'" }}]
"""
PIXI = '[workspace]\nname = "x"\nchannels = ["conda-forge"]\nplatforms = []\n[pypi-dependencies]\ntorch = "*"\n'
PINNED = f"--extra-index-url {WHL}/cu130\ntorch==2.14.1+cu130 ; sys_platform == 'linux'\n"
POETRY_HEAD = '[tool.poetry]\nname = "x"\n[tool.poetry.dependencies]\npython = "^3.11"\n'
CASES = {
    "index-without-marker": uv(["torch"], 'torch = { index = "torch" }'),
    "index-not-explicit": uv(["torch"], LINUX, explicit=False),
    "index-missing": uv(["torch"], LINUX.replace('"torch",', '"gone",')),
    "source-unused": uv(["transformers"], LINUX),
    "label-unknown": uv(["torch"], LINUX, url=f"{WHL}/cu777"),
    "unsafe-best-match": uv(["torch"], LINUX, tool='index-strategy = "unsafe-best-match"'),
    "version-unpublished": uv(["torch==2.13.0"], LINUX, url=f"{WHL}/cu118"),
    "python-unpublished": ("pyproject.toml", f'{HEAD}requires-python = ">=3.9"\ndependencies = ["torch==2.14.1"]\n'),
    "companion-elsewhere": uv(["torch==2.14.1", "torchvision"], LINUX, url=f"{WHL}/cu126"),
    "pair-mismatch": uv(["torch==2.14.1", "torchvision==0.20.1"], BOTH),
    "conflicts-missing": (
        "pyproject.toml",
        EXTRAS,
    ),
    "label-on-macos": ("requirements.txt", f"--extra-index-url {WHL}/cpu\ntorch==2.14.1+cpu\n"),
    "index-replaces-pypi": ("requirements.txt", f"--index-url {WHL}/cpu\ntorch\nrich\n"),
    "label-not-pinned": ("requirements.txt", f"--extra-index-url {WHL}/cu118\ntorch\nrich\n"),
    "channel-ended": ("environment.yml", "channels:\n  - pytorch\ndependencies:\n  - pytorch\n"),
}  # fmt: skip
SOUND = {
    "uv": uv(["torch", "rich"], LINUX),
    "uv pairs": uv(["torch==2.14.1", "torchvision==0.29.1"], BOTH),
    "plain": ("pyproject.toml", '[project]\nname = "x"\nversion = "1"\ndependencies = ["torch>=2.1", "torchvision"]\n'),
    "poetry": ("pyproject.toml", POETRY_HEAD + 'torch = "^2.1"\n'),
    "requirements": ("requirements.txt", PINNED),
    "index for everything of torch": ("requirements.txt", f"--index-url {WHL}/cpu\ntorch\n"),
    "conda": ("environment.yml", "channels:\n  - conda-forge\ndependencies:\n  - pytorch\n"),
    "pixi": ("pixi.toml", PIXI),
    "mirror": uv(["torch"], LINUX, url="https://mirrors.example.cn/pytorch/whl/cu130"),
    "nothing": ("requirements.txt", ""),
}  # fmt: skip


def rules(name, text):
    """The names of what is found."""
    return [flaw.rule for flaw in flaws(project_file(name, text), load_catalog())]


@pytest.mark.parametrize("rule", CASES)
def test_a_flaw_is_found(rule):
    """The file made for it has it, first or beside what follows from it."""
    assert rule in rules(*CASES[rule])


def test_every_rule_has_a_case():
    """A rule without one could be anything."""
    assert len(RULES) == len(CASES)


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_file_has_none(kind):
    """No false alarm."""
    assert rules(*SOUND[kind]) == []


def test_poetry_and_pixi_are_read_too():
    """The same rules hold for their forms."""
    source = f'[[tool.poetry.source]]\nname = "t"\nurl = "{WHL}/cu130"\n'
    text = POETRY_HEAD + 'torch = { version = "^2.1", source = "t" }\n' + source
    assert {"index-without-marker", "index-not-explicit"} <= set(rules("pyproject.toml", text))
    text = "[workspace]\nchannels = []\nplatforms = []\n[pypi-dependencies]\n"
    text += f'torch = {{ version = "*", index = "{WHL}/cu130" }}\n'
    assert "index-without-marker" in rules("pixi.toml", text)
    text += "[pypi-options]\nindex-strategy = 'unsafe-best-match'\n"
    assert "unsafe-best-match" in rules("pixi.toml", text)


def test_only_uv_is_asked_for_conflicts():
    """The other tools have no declaration of conflicts, so no advice could be followed."""
    name, text = CASES["conflicts-missing"]
    found = project_file(name, text)
    other = replace(found, found=replace(found.found, kind="poetry"))
    assert "conflicts-missing" in [flaw.rule for flaw in flaws(found, load_catalog())]
    assert "conflicts-missing" not in [flaw.rule for flaw in flaws(other, load_catalog())]


def test_a_flaw_says_what_to_do():
    """Summary and fix are sentences with the values in them."""
    (flaw,) = flaws(project_file(*CASES["label-unknown"]), load_catalog())
    assert "cu777" in str(flaw.summary)
    assert str(flaw.fix)
