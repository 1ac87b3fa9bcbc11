"""Make an environment that was built in one place work in another: its scripts name the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.envs.paths import join, scripts_of

if TYPE_CHECKING:
    from torchup.host import Host

LARGEST = 2 * 1024 * 1024  # bytes; a console script or a Windows launcher is far smaller, real programs name no path


def rewrite_paths(host: Host, path: str, target: str) -> int:
    """Replace ``path`` by ``target`` in the environment's scripts and ``pyvenv.cfg``; returns how many files changed.

    A Windows launcher may change its length: its shebang lies between program and archive, both are found from the
    file's two ends. Raises `OSError`.
    """
    folder = scripts_of(path)
    files = [join(folder, name) for name in host.list_dir(folder) or ()]
    return sum(_rewrite(host, file, path, target) for file in (*files, join(path, "pyvenv.cfg")))


def _rewrite(host: Host, file: str, path: str, target: str) -> bool:
    content = host.read_bytes(file, LARGEST + 1)
    if content is None or len(content) > LARGEST or path.encode() not in content:
        return False
    if host.real_path(file) != join(host.real_path(path), *_below(file, path)):
        return False  # a link to the Python that the environment came from
    host.write_bytes(file, content.replace(path.encode(), target.encode()))
    return True


def _below(file: str, path: str) -> tuple[str, ...]:
    return tuple(part for part in file[len(path) :].replace("\\", "/").split("/") if part)
