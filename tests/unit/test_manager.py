"""Who made an environment is read from what its maker left there."""

from __future__ import annotations

import pytest

from torchup.envs.manager import manager_of
from torchup.host import RealHost
from torchup.model import Manager

PIP = "home = /usr/bin\nversion = 3.12.3\n"
UV = PIP + "uv = 0.13.9\n"


@pytest.mark.parametrize(
    ("files", "prefix", "manager"),
    [
        ({".venv/pyvenv.cfg": PIP}, ".venv", Manager.PIP),
        ({".venv/pyvenv.cfg": UV}, ".venv", Manager.UV_VENV),
        ({".venv/pyvenv.cfg": UV, "uv.lock": ""}, ".venv", Manager.UV_PROJECT),
        ({".venv/pyvenv.cfg": PIP, "poetry.lock": ""}, ".venv", Manager.POETRY),
        ({"pypoetry/virtualenvs/x-py3.12/pyvenv.cfg": PIP}, "pypoetry/virtualenvs/x-py3.12", Manager.POETRY),
        ({"envs/x/conda-meta/history": ""}, "envs/x", Manager.CONDA),
        ({".pixi/envs/default/conda-meta/history": ""}, ".pixi/envs/default", Manager.PIXI),
        ({"x/conda-meta/pixi": "{}"}, "x", Manager.PIXI),
        ({"usr/bin/python3": ""}, "usr", Manager.PIP),
    ],
)
def test_manager_of(tmp_path, files, prefix, manager):
    """One environment of each maker."""
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    assert manager_of(RealHost(), str(tmp_path / prefix)) is manager
