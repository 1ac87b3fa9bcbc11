"""Which index each installed package came from: asked of uv, by the same rule by which it was chosen.

Installers do not write it down. uv resolves exactly the installed versions once more, from its cache, and names the
index of each; a package that was put there by a file or an address has none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.errors import InstallError
from torchup.install.arguments import UV_CLEARED, uv_arguments
from torchup.install.keep import requirement_name
from torchup.install.uv import uv_binary
from torchup.model import InstallerName
from torchup.sources.child_environment import child_environment
from torchup.sources.private import handed_over, secret_addresses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.host import Host
    from torchup.model import Plan

TIMEOUT = 60.0  # seconds; 0.3 from the cache. An unknown origin does not fail an installation
_OF_PYTHON = frozenset({"pip", "setuptools", "wheel"})  # `python -m venv` brings its own
_FROM = re.compile(r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]{0,100})==\S+(?: \\)?\n(?:[ ]{4}#[^\n]*\n)*?[ ]{4}# from (\S+)")


def origins(host: Host, plan: Plan, packages: Mapping[str, str], python: str) -> dict[str, str]:
    """Package -> the name of its source in the plan (or the address as it may be shown); what is not known is left out.

    Args:
        host: the machine.
        plan: the plan that was installed.
        packages: installed name -> version.
        python: the environment's interpreter, for its version and platform.
    """
    if plan.hashes:
        return dict.fromkeys(packages, plan.build.source or "bundle")
    if plan.installer is InstallerName.CONDA or not packages:
        return {}
    known = {name: version for name, version in packages.items() if name not in _OF_PYTHON}
    asked = {requirement_name(line) for line in plan.packages}
    planned = {name: version for name, version in known.items() if name in asked}
    try:
        return _asked(host, plan, known, python) or _asked(host, plan, planned, python)
    except (InstallError, OSError):
        return {}


def _asked(host: Host, plan: Plan, packages: Mapping[str, str], python: str) -> dict[str, str]:
    """The origins of all packages; empty where one of them is on no index."""
    argv = (uv_binary(), "pip", "compile", "-", "--no-config", "--no-header", "--no-deps", "--quiet",
            "--emit-index-annotation", "--python", python, *uv_arguments(plan))  # fmt: skip
    argv, secret = handed_over(argv, secret_addresses(host))
    lines = "".join(f"{name}=={version}\n" for name, version in packages.items())
    with child_environment(host, (source.url for source in plan.sources)) as overlay:
        environment = {**dict.fromkeys(UV_CLEARED), **overlay, **secret}
        done = host.run(argv, timeout=TIMEOUT, environment=environment, stdin=lines)
    names = {source.url.rstrip("/"): source.name for source in reversed(plan.sources)}
    return {name: names.get(place.rstrip("/"), place) for name, place in _FROM.findall(done.stdout)} if done.ok else {}
