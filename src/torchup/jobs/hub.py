"""JupyterHub beside an environment: looked at before the question, prepared after the installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from torchup.catalog.load import built_in
from torchup.envs.hub import write_hub
from torchup.envs.hub_proxy import check_registry, find_node, find_proxy, install_proxy
from torchup.envs.paths import join
from torchup.errors import InstallError, UsageError
from torchup.install.keep import requirement_name
from torchup.model import InstallerName, message
from torchup.plan.packages import wanted_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torchup.host import Host
    from torchup.model import Environment, Message, Plan, Request

HUB = "jupyterhub"


def has_hub(packages: Iterable[str]) -> bool:
    """Whether JupyterHub is among requirement lines or names of packages."""
    return any(requirement_name(line) == HUB for line in packages)


def with_node(host: Host, request: Request) -> Request:
    """The request with Node.js among its packages, where a hub is wanted and no Node.js here runs its proxy."""
    catalog = built_in()
    if request.installer == InstallerName.CONDA or not has_hub(wanted_packages(request, catalog)):
        return request
    found = find_node(host)
    if found is not None and catalog.hub.release(found.major) is not None:
        return request
    return structs.replace(request, packages=(*request.packages, catalog.hub.node))


def check_hub(
    host: Host, plan: Plan, path: str, name: str, say: Callable[[Message], None], *, offline: bool = False
) -> None:
    """Check before the question whether the hub's proxy is available.

    Raises:
        NetworkError: npm's registry does not give it.
        UsageError: it is not here, and --offline forbids asking.
    """
    catalog = built_in()
    known = catalog.hub
    if not has_hub(plan.packages) or plan.installer is InstallerName.CONDA:
        return
    if find_proxy(host, known, path, name) is not None:
        return
    if offline:
        raise UsageError(
            message("hub.offline", "JupyterHub needs the program {proxy}, which is not installed", proxy=known.name),
            hint=message(
                "hub.offline.hint",
                "run `npm install --global {proxy}` first, or use a network: leave out --offline and --from",
                proxy=known.name,
            ),
        )
    say(message("hub.asking", "asking the npm registry for JupyterHub's proxy"))
    check_registry(host, known, catalog.channels.conda_forge, name)


def prepare_hub(
    host: Host, environment: Environment, tell: Callable[[Message], None], on_line: Callable[[str], None]
) -> None:
    """Bring the proxy and the configuration where they are not there; fast where they are.

    Raises:
        InstallError: the proxy could not be installed, or the files could not be written.
    """
    known, name = built_in().hub, environment.name
    try:
        proxy = find_proxy(host, known, environment.path, name)
        if proxy is None:
            tell(message("hub.installing", "installing JupyterHub's proxy from npm"))
            proxy = install_proxy(host, known, environment.path, name, on_line)
        write_hub(host, name, proxy)
    except OSError as error:
        raise InstallError(
            message(
                "install.os-error",
                "cannot write {path}: {error}",
                path=error.filename or join(host.folders().data, "hub"),
                error=error.strerror or error,
            ),
            hint=message("hub.os-error.hint", "free some space, or set TORCHUP_HOME to a folder that you can write to"),
        ) from error
