"""A kernel's label follows its environment through an upgrade and back."""

from __future__ import annotations

from support.plans import folder_plan, importing
from support.wheels import make_fake_torch
from torchup.cli import main
from torchup.envs import kernels, registry
from torchup.host import RealHost
from torchup.install import engine

HOST = RealHost()


def test_the_label_names_the_torch_that_is_there(tmp_path, monkeypatch):
    """After an upgrade the kernel says the new version, after a rollback the old one again."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.delenv("JUPYTER_PATH", raising=False)
    for version in ("2.12.0", "2.13.0"):
        make_fake_torch(tmp_path / "wheels", version)
    first = engine.install(HOST, folder_plan(tmp_path / "wheels", "2.12.0"), "default", verify=importing())
    kernels.add(HOST, first, registry.python_of(first.path), folder=kernels.user_folder(HOST))
    assert labels() == ["PyTorch 2.12 cpu (default)"]
    engine.install(HOST, folder_plan(tmp_path / "wheels"), "default", verify=importing())
    assert labels() == ["PyTorch 2.13 cpu (default)"]
    assert main(["env", "rollback", "default", "--yes"]) == 0
    assert labels() == ["PyTorch 2.12 cpu (default)"]


def labels() -> list[str]:
    """What notebooks show."""
    return [kernel.display_name for kernel in kernels.find(HOST)]
