"""What made an environment, and so what must change it: read from the files that its maker left."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.envs import records
from torchup.envs.paths import join, split
from torchup.model import InstallerName, Manager

if TYPE_CHECKING:
    from torchup.host import Host

_UV_KEY = re.compile(r"^uv\s*=", re.MULTILINE)
_OF_INSTALLER = {
    InstallerName.UV: Manager.UV_VENV,
    InstallerName.PIP: Manager.PIP,
    InstallerName.CONDA: Manager.CONDA,
}
_POETRY_FOLDER = "pypoetry"


def manager_of(host: Host, prefix: str) -> Manager:
    """The manager of the environment (or the whole Python) at a prefix; pip's where nothing says otherwise.

    torchup's own record comes first, then conda's folder (pixi's lies below ``.pixi``), then a lock file beside the
    environment, then the key that uv writes into ``pyvenv.cfg``.
    """
    record = records.read(host, prefix)
    if record is not None and record.environment.installer is not None and not record.environment.adopted:
        return _OF_INSTALLER[record.environment.installer]
    if host.is_dir(join(prefix, "conda-meta")):
        return Manager.PIXI if _of_pixi(host, prefix) else Manager.CONDA
    configuration = host.read_text(join(prefix, "pyvenv.cfg")) or ""
    if _of_poetry(host, prefix):
        return Manager.POETRY
    if _UV_KEY.search(configuration) is None:
        return Manager.PIP
    return Manager.UV_PROJECT if host.exists(join(split(prefix)[0], "uv.lock")) else Manager.UV_VENV


def _of_pixi(host: Host, prefix: str) -> bool:
    folders = re.split(r"[\\/]", prefix)
    return ".pixi" in folders or host.exists(join(prefix, "conda-meta", "pixi"))


def _of_poetry(host: Host, prefix: str) -> bool:
    """Poetry keeps environments in a folder of its own, or as ``.venv`` beside its lock file."""
    parent, name = split(prefix)
    if _POETRY_FOLDER in re.split(r"[\\/]", prefix):
        return True
    return name == ".venv" and host.exists(join(parent, "poetry.lock"))
