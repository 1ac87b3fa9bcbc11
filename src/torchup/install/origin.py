"""Which index each installed package came from: asked of uv, by the same rule by which it was chosen.

Installers write it down only for a package that came from an address. For the others uv resolves exactly the installed
versions once more, from its cache, and names the index of each.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.errors import InstallError
from torchup.install.arguments import UV_CLEARED, uv_arguments
from torchup.install.downloading import WEB
from torchup.install.hashes import address, sha256
from torchup.install.keep import requirement_name
from torchup.install.uv import uv_binary
from torchup.model import InstallerName
from torchup.privacy import shown_address
from torchup.sources.child_environment import child_environment
from torchup.sources.private import handed_over, secret_addresses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.host import Host
    from torchup.model import Plan

TIMEOUT = 60.0  # seconds; 0.3 from the cache. An unknown origin does not fail an installation
_OF_PYTHON = frozenset({"pip", "setuptools", "wheel"})  # `python -m venv` brings its own
_FROM = re.compile(r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]{0,100})==\S+(?: \\)?\n(?:[ ]{4}#[^\n]*\n)*?[ ]{4}# from (\S+)")


def origins(
    host: Host, plan: Plan, packages: Mapping[str, str], python: str, direct_urls: Mapping[str, str]
) -> dict[str, str]:
    """Package -> where it came from; what is not known is left out.

    That is the name of its source in the plan, or the address of an index, or the address of its file with the hash
    (``https://...whl#sha256=...``), each as it may be shown.

    Args:
        host: the machine.
        plan: the plan that was installed.
        packages: installed name -> version.
        python: the environment's interpreter, for its version and platform.
        direct_urls: package -> text of its ``direct_url.json``.
    """
    if plan.hashes:
        return dict.fromkeys(packages, plan.build.source or "bundle")
    if plan.installer is InstallerName.CONDA or not packages:
        return {}
    own = {**_own_places(plan, packages), **addresses(direct_urls)}
    known = {name: version for name, version in packages.items() if name not in _OF_PYTHON and name not in own}
    asked = {requirement_name(line) for line in plan.packages}
    planned = {name: version for name, version in known.items() if name in asked}
    try:
        return (_asked(host, plan, known, python) or _asked(host, plan, planned, python)) | own
    except (InstallError, OSError):
        return own


def _own_places(plan: Plan, packages: Mapping[str, str]) -> dict[str, str]:
    """Of the wheels that have an index or a page of their own."""
    places = {wheel.package: wheel.index or wheel.find_links for wheel in plan.wheels if wheel.package in packages}
    return {name: shown_address(place) for name, place in places.items() if place}


def addresses(direct_urls: Mapping[str, str]) -> dict[str, str]:
    """Package -> the address of the web that its file came from, with the file's hash where that is known. Pure."""
    found = {name: (address(text), sha256(text)) for name, text in direct_urls.items()}
    return {
        name: shown_address(f"{url}#sha256={digest}" if digest else url)
        for name, (url, digest) in found.items()
        if url and url.startswith(WEB)
    }


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
