"""`torchup lab`: JupyterLab of an environment, in the browser."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import click

from torchup.catalog.load import built_in
from torchup.cli.answer import Answer
from torchup.cli.serve import Server, data_of, named, serve, server_options
from torchup.cli.session import Session, changing_options, common_options
from torchup.cli.verb import Verb
from torchup.envs import activation, jupyter, kernels, registry
from torchup.envs.hub import lab_command
from torchup.envs.paths import python_of
from torchup.envs.project import environment_name
from torchup.errors import InstallError, UsageError
from torchup.host.network import LOOPBACK, free_port
from torchup.i18n import current, text
from torchup.model import message, verbatim
from torchup.package_names import normalise

if TYPE_CHECKING:
    from torchup.host import Host
    from torchup.model import Environment, Message

PORT = 8888  # JupyterLab's own default
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


@click.command(
    cls=Verb,
    name="lab",
    help=text("lab.help", "Open the JupyterLab of an environment in the browser; press Ctrl-C to stop it"),
    options_metavar="[OPTIONS]",
)
@server_options(
    "JUPYTERLAB'S OPTIONS", text("lab.option.port", "Port to use (default: the first free one from 8888 on)")
)
@click.option(
    "--no-browser", is_flag=True, help=text("lab.option.no-browser", "Print the address without opening a browser")
)
@changing_options
@common_options
def command(session: Session, *, words: tuple[str, ...], port: int | None, no_browser: bool) -> Answer | None:
    """`torchup lab [NAME]`."""
    host = session.host
    name, more = named(words)
    found = registry.find(host, environment_name(host, name))
    wanted = (*jupyter.LAB_PACKAGES, *translation())
    missing = jupyter.missing_packages(host, found.path, wanted)
    python = registry.find_python(host, found.path) or python_of(found.path)
    chosen, token = port or free_port(PORT), secrets.token_hex(24)
    root = _is_root(host)
    argv = lab_command(
        python,
        port=chosen,
        browser=not no_browser and _has_browser(host) and not session.as_json,
        verbose=session.verbose,
        more=(*(("--allow-root",) if root else ()), *more),
    )
    server = Server(
        command="lab",
        name="JupyterLab",
        argv=argv,
        variables={**activation.run_environment(host, found.path), "JUPYTER_TOKEN": token},
        port=chosen,
        url=f"http://{LOOPBACK}:{chosen}/lab?token={token}",
        environment=found.name,
        said=tuple(_said(host, found, chosen, root=root)),
        install=missing,
    )
    if session.dry_run:
        return Answer(
            command="lab",
            data={**data_of(server, ready=False), "url": None},
            text=lambda: _would(found, argv, missing),
        )
    if missing:
        _install(session, found, missing)
    _register(session, found, python)
    return serve(session, server)


def translation() -> tuple[str, ...]:
    """JupyterLab in the user's language, where there is such a package."""
    found = built_in().with_language.get(current(), {}).get("jupyterlab")
    return (normalise(found),) if found else ()


def _install(session: Session, found: Environment, missing: tuple[str, ...]) -> None:
    """Add what is missing after a question. Raises `UsageError` if the user does not agree."""
    listed = ", ".join(missing)
    question = message("lab.ask", "install {packages} in `{name}`?", name=found.name, packages=listed)
    if not session.confirm(question):
        raise UsageError(
            message(
                "lab.missing", "the environment `{name}` does not contain {packages}", name=found.name, packages=listed
            ),
            hint=message(
                "lab.missing.hint", "run `torchup lab {name} --yes` to install what is missing", name=found.name
            ),
        )
    jupyter.add_with_words(session.host, found, missing, session.note, verbose=session.verbose)


def _register(session: Session, found: Environment, python: str) -> None:
    """Make the environment a kernel of this user's Jupyter, where it is none yet; JupyterLab starts without, too."""
    if kernels.of_environment(session.host, found.path):
        return
    try:
        base = jupyter.own_kernelspec(session.host, python)
        kernel = kernels.add(session.host, found, python, folder=kernels.user_folder(session.host), base=base)
    except (OSError, InstallError, UsageError) as error:
        session.note(
            message(
                "lab.no-kernel",
                "cannot add the environment to your Jupyter as a kernel: {reason}",
                reason=str(error),
            )
        )
        return
    session.note(message("lab.kernel", "added the kernel `{label}` to your Jupyter", label=kernel.display_name))


def _said(host: Host, found: Environment, port: int, *, root: bool) -> list[Message]:
    said = [
        message("lab.kernel-of", "The kernel `Python 3 (ipykernel)` runs in the environment `{name}`.", name=found.name)
    ]
    if "SSH_CONNECTION" in host.environ():
        tunnel = f"`ssh -L {port}:{LOOPBACK}:{port} HOST`"
        said.append(
            message("lab.tunnel", "To open JupyterLab on another computer, first run {line} there.", line=tunnel)
        )
    if root:
        said.append(message("lab.root", "You are root, so everything in a notebook runs as root."))
    return said


def _would(found: Environment, argv: tuple[str, ...], missing: tuple[str, ...]) -> str:
    packages = ", ".join(missing)
    install = text("kernel.would-install", "would install {packages} into {path}", packages=packages, path=found.path)
    start = text("lab.would-start", "would start {line}", line=verbatim(" ".join(argv)))
    return "\n".join([*([install] if missing else []), start])


def _is_root(host: Host) -> bool:
    """Whether this is the administrator of a POSIX system: Jupyter needs an option for it."""
    return host.platform().system != "Windows" and host.run(("id", "-u")).stdout.strip() == "0"


def _has_browser(host: Host) -> bool:
    """Whether a browser can be opened here: not over SSH, and on Linux not without a display."""
    environ = host.environ()
    if "SSH_CONNECTION" in environ:
        return False
    return host.platform().system != "Linux" or any(environ.get(name) for name in DISPLAYS)
