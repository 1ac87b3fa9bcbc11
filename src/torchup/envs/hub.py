"""JupyterHub of an environment: where its files lie, its configuration, and the commands that start servers.

The files lie beside the environments, not in one, so that an upgrade keeps the hub's users and what was changed in its
configuration. Settings: JupyterHub's documentation, "Configuration Basics" and "Authentication and Users".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from torchup.envs.paths import join, scripts_of
from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.host import Host

FOLDER = "hub"
CONFIGURATION = "jupyterhub_config.py"
PORTS = (8000, 8001, 8081)  # of JupyterHub's documentation: for people, the proxy's own, the hub's own
VARIABLES = ("TORCHUP_HUB_PORT", "TORCHUP_HUB_PROXY_PORT", "TORCHUP_HUB_OWN_PORT")

_TEXT = '''\
"""JupyterHub of torchup's environment `{name}`. Change what you like: torchup writes this file once."""

import getpass
import json
import os
import sys
from pathlib import Path

c = get_config()
here = Path(__file__).resolve().parent
programs = Path(sys.prefix) / "bin"
here.chmod(0o700)  # the database and the cookies' secret are only for their owner

# Only this machine reaches it. For others put a web server with TLS in front, or set an address, ssl_key and ssl_cert.
c.JupyterHub.bind_url = f"http://127.0.0.1:{{os.environ.get('TORCHUP_HUB_PORT', '{port}')}}"
c.JupyterHub.hub_port = int(os.environ.get("TORCHUP_HUB_OWN_PORT", "{own_port}"))
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{{os.environ.get('TORCHUP_HUB_PROXY_PORT', '{proxy_port}')}}"
c.ConfigurableHTTPProxy.command = json.loads((here / "proxy.json").read_text())
c.ConfigurableHTTPProxy.log_level = "warn"
c.ConfigurableHTTPProxy.pid_file = str(here / "proxy.pid")
c.JupyterHub.cookie_secret_file = str(here / "cookie_secret")
c.JupyterHub.db_url = f"sqlite:///{{here / 'jupyterhub.sqlite'}}"

# People log in with the name and password of their account on this machine. Only root may start a server for others.
c.Spawner.args = ["--log-level=WARN"]
if os.geteuid() == 0:
    c.Authenticator.allow_all = True
    c.Spawner.args += ["--allow-root"]  # a container often has no other account
else:
    c.Authenticator.allowed_users = {{getpass.getuser()}}
    c.PAMAuthenticator.open_sessions = False

c.Spawner.cmd = [str(programs / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab"
# A first start reads much from the disk; a slow or busy machine needs more than JupyterHub's 30 and 60 seconds.
c.Spawner.http_timeout = 120
c.Spawner.start_timeout = 180
'''


class Ports(Value, frozen=True, kw_only=True):
    """Three ports of loopback."""

    public: int
    proxy: int
    own: int

    def variables(self) -> dict[str, str]:
        """What the configuration reads."""
        return dict(zip(VARIABLES, map(str, (self.public, self.proxy, self.own)), strict=True))


def hub_folder(host: Host, name: str) -> str:
    """Where the files of an environment's hub lie."""
    return join(host.folders().data, FOLDER, name)


def configuration_file(host: Host, name: str) -> str:
    """The hub's configuration, which may not be there yet."""
    return join(hub_folder(host, name), CONFIGURATION)


def configuration(name: str) -> str:
    """The text of the configuration."""
    port, proxy_port, own_port = PORTS
    return _TEXT.format(name=name, port=port, proxy_port=proxy_port, own_port=own_port)


def write_hub(host: Host, name: str, proxy: Sequence[str]) -> bool:
    """Write the hub's files. A configuration that is there stays; returns whether it was written. Raises `OSError`.

    ``proxy``: the command that starts configurable-http-proxy.
    """
    host.write_text(join(hub_folder(host, name), "proxy.json"), json.dumps(list(proxy)) + "\n")
    if host.exists(configuration_file(host, name)):
        return False
    host.write_text(configuration_file(host, name), configuration(name))
    return True


def hub_command(host: Host, path: str, name: str, *, verbose: bool) -> tuple[str, ...]:
    """The command that starts the hub of the environment at ``path``."""
    level = "INFO" if verbose else "WARN"
    program = join(scripts_of(path), "jupyterhub")
    return (program, "--config", configuration_file(host, name), f"--log-level={level}")


def lab_command(python: str, *, port: int, browser: bool, verbose: bool, more: Sequence[str] = ()) -> tuple[str, ...]:
    """The command that starts JupyterLab; its token comes by JUPYTER_TOKEN, which no list of processes shows.

    Ctrl-C ends it without a question; a port that was taken in the meantime ends it, too, instead of moving on.
    """
    level = "INFO" if verbose else "WARN"
    options = [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--Application.log_level={level}", "-y"]
    return (python, "-m", "jupyterlab", *options, *(() if browser else ("--no-browser",)), *more)
