"""JupyterHub's proxy: found, or installed from npm beside the hub's files. It is a program of Node.js."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from torchup.envs.hub import hub_folder
from torchup.envs.paths import join, scripts_of
from torchup.errors import InstallError, NetworkError
from torchup.host.stream import StreamError
from torchup.model import Value, message, verbatim
from torchup.sources.index_client import why_nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.catalog.types import HubProxy
    from torchup.host import Host
    from torchup.model import Message

NPM_TIMEOUT = 600.0  # seconds; the proxy and what it needs are 9 MB
ASK_TIMEOUT = 20.0  # seconds for one answer of the registry


class NodeJs(Value, frozen=True, kw_only=True):
    """A Node.js with its npm."""

    node: str
    npm: str
    major: int


def find_node(host: Host, path: str | None = None) -> NodeJs | None:
    """The Node.js of the environment at ``path``, else the one on PATH; ``None`` where node or npm is missing."""
    folders = (scripts_of(path),) if path is not None else ()
    for node, npm in (*((join(f, "node"), join(f, "npm")) for f in folders), ("node", "npm")):
        program, manager = host.which(node), host.which(npm)
        said = host.run((program, "--version")).stdout.strip() if program and manager else ""
        if program and manager and said.removeprefix("v").partition(".")[0].isdigit():
            return NodeJs(node=program, npm=manager, major=int(said.removeprefix("v").partition(".")[0]))
    return None


def find_proxy(host: Host, known: HubProxy, path: str, name: str) -> tuple[str, ...] | None:
    """The command that starts the proxy: the environment's own (conda), the hub's, or one on PATH; else ``None``."""
    own = join(scripts_of(path), known.name)
    if host.exists(own):
        return (own,)
    script, node = _script(host, known, name), find_node(host, path)
    if node is not None and host.exists(script):
        return (node.node, script)
    found = host.which(known.name)
    return (found,) if found else None


def _script(host: Host, known: HubProxy, name: str) -> str:
    return join(hub_folder(host, name), "node_modules", known.name, "bin", known.name)


def check_registry(host: Host, known: HubProxy, conda_forge: str, name: str) -> None:
    """Ask npm's registry for the proxy before anything is installed, and where it fails conda-forge (an address).

    ``name``: the environment that the hint recreates.

    Raises:
        NetworkError: npm's registry does not answer; what works instead.
    """
    found = find_node(host)
    reason = _refusal_of_npm(host, found, known) if found is not None else _refusal_of_web(host, known)
    if reason is None:
        return
    if _answers(host, conda_forge):
        raise NetworkError(
            message(
                "hub.registry",
                "JupyterHub needs the program {proxy}, but the npm registry does not provide it: {reason}",
                proxy=known.name,
                reason=reason,
            ),
            hint=message(
                "hub.registry.hint",
                "run `torchup up --env {name} --profile hub --installer conda` to install the program from "
                "conda-forge, which is reachable",
                name=name,
            ),
        )
    raise NetworkError(
        message(
            "hub.nowhere",
            "JupyterHub needs the program {proxy}, but conda-forge does not answer and the npm registry does not "
            "provide it: {reason}",
            proxy=known.name,
            reason=reason,
        ),
        hint=message(
            "hub.nowhere.hint",
            "set the environment variable npm_config_registry to the address of an npm mirror. If you work "
            "alone, you do not need a hub: run `torchup up --profile analysis`, then `torchup lab`",
        ),
    )


def _answers(host: Host, channel: str) -> bool:
    """Whether a conda channel is there; nothing is downloaded."""
    try:
        with host.stream(f"{channel.rstrip('/')}/noarch/repodata.json.zst", headers={}, timeout=ASK_TIMEOUT):
            return True
    except StreamError:
        return False


def _refusal_of_npm(host: Host, found: NodeJs, known: HubProxy) -> Message | None:
    """What npm says against it: it knows the user's mirror, proxy and certificates."""
    answer = host.run((found.npm, "view", known.name, "version", "--json"), timeout=ASK_TIMEOUT, environment=QUIET)
    if answer.ok:
        return None
    if words := _last_words(answer.stderr):
        return verbatim(words)
    return message("sources.no-answer", "no answer within {seconds} s", seconds=f"{ASK_TIMEOUT:.0f}")


def _refusal_of_web(host: Host, known: HubProxy) -> Message | None:
    registry = host.environ().get("npm_config_registry", known.registry).rstrip("/")
    answer = host.fetch(f"{registry}/{known.name}/latest", timeout=ASK_TIMEOUT)
    if answer.ok:
        return None
    return message("hub.registry.silent", "{registry}: {why}", registry=registry, why=why_nothing(answer, ASK_TIMEOUT))


# Nothing of npm's own: no funding, no advertisement of a newer npm, no colour, one try of two minutes less.
QUIET: dict[str, str | None] = {
    "npm_config_fund": "false",
    "npm_config_audit": "false",
    "npm_config_update_notifier": "false",
    "npm_config_fetch_retries": "1",
    "NO_COLOR": "1",
}


def install_proxy(host: Host, known: HubProxy, path: str, name: str, on_line: Callable[[str], None]) -> tuple[str, ...]:
    """Install the proxy beside the hub's files; returns the command that starts it.

    Raises:
        InstallError: there is no Node.js for it, or npm failed; its words.
    """
    node = find_node(host, path)
    wanted = known.release(node.major) if node is not None else None
    if node is None and (host.which(join(scripts_of(path), "node")) or host.which("node")):
        raise InstallError(
            message(
                "hub.no-npm", "torchup installs {proxy} with npm, but there is no npm beside Node.js", proxy=known.name
            ),
            hint=_with_node(name),
        )
    if node is None or wanted is None:
        raise InstallError(
            message(
                "hub.no-node",
                "{proxy} needs Node.js {oldest} or newer, with npm",
                proxy=known.name,
                oldest=_oldest(known),
            ),
            hint=_with_node(name),
        )
    folder = hub_folder(host, name)
    host.write_text(join(folder, "package.json"), json.dumps({"private": True}) + "\n")
    argv = (node.npm, "install", "--prefix", folder, "--no-progress", "--ignore-scripts", f"{known.name}@{wanted}")
    done = host.run(argv, timeout=NPM_TIMEOUT, environment=QUIET, on_line=on_line, cwd=folder)
    script = _script(host, known, name)
    if not done.ok or not host.exists(script):
        raise InstallError(
            message(
                "hub.npm",
                "npm cannot install {proxy}: {words}",
                proxy=known.name,
                words=verbatim(_last_words(done.stderr)),
            ),
            hint=message("hub.npm.hint", "run `torchup hub {name}` to try again; the environment is ready", name=name),
        )
    return (node.node, script)


def _with_node(name: str) -> Message:
    """What installs Node.js and npm."""
    return message("hub.no-node.hint", "run `torchup up --profile hub --env {name}` to install Node.js too", name=name)


def _oldest(known: HubProxy) -> int:
    return min(node for node, _ in known.releases)


_UNTOLD = ("code ", "errno ", "syscall ", "network ", "A complete log", "npm warn", "npm notice")


def _last_words(text: str) -> str:
    """The sentence of npm: the line of ``npm error`` that is not a code, a log or the address of a log."""
    lines = [line.removeprefix("npm error ").removeprefix("npm ERR! ").strip() for line in text.splitlines()]
    told = [line for line in lines if line and not line.startswith(_UNTOLD)]
    return told[0][:200] if told else ""
