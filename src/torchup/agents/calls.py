"""What happens when an agent calls a tool: the command line is run in a process of its own, and its JSON handed back.

A tool that changes the machine asks first: its call is a dry run that answers with a token, and only the same call with
that token, once, is carried out.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.agents.tools import command_line, standard_input
from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.agents.tools import Tool
    from torchup.host import Host

KEPT = ("VIRTUAL_ENV", "CONDA_PREFIX")  # which environment is active, as the user's own shell would tell the command
PENDING = 32  # dry runs that wait for an answer


class Reply(Value, frozen=True, kw_only=True):
    """What the agent gets: the envelope, further words for it, and whether the call itself failed."""

    envelope: dict[str, Any] | None
    words: str = ""
    failed: bool = False


class Calls:
    """The calls of one agent; remembers the dry runs that it was shown."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._shown: dict[str, tuple[str, bytes]] = {}

    def call(self, tool: Tool, given: Mapping[str, Any]) -> Reply:
        """Carry out one call whose arguments fit the tool's schema."""
        if not tool.changes:
            return self._run(tool, given)
        asked = {name: value for name, value in given.items() if name != "confirm"}
        mark = tool.name, msgspec.json.encode(asked, order="deterministic")
        token = given.get("confirm")
        if token is not None:
            if self._shown.pop(token, None) != mark:
                return Reply(envelope=None, words=_NOT_SHOWN, failed=True)
            return self._run(tool, asked, "--yes")
        reply = self._run(tool, asked, "--dry-run")
        if reply.failed or not reply.envelope or reply.envelope["status"] != "ok":
            return reply
        return msgspec.structs.replace(reply, words=_SHOW_FIRST.format(token=self._remember(mark)))

    def _remember(self, mark: tuple[str, bytes]) -> str:
        token = secrets.token_urlsafe(9)
        self._shown[token] = mark
        while len(self._shown) > PENDING:
            del self._shown[next(iter(self._shown))]
        return token

    def _run(self, tool: Tool, given: Mapping[str, Any], *more: str) -> Reply:
        host = self._host
        environ = host.environ()
        kept = {name: environ[name] for name in KEPT if name in environ}
        done = host.run(
            # -P: a module of the folder that the agent works in must not stand in for torchup's own
            (host.platform().python_executable, "-P", "-m", "torchup", *command_line(tool, given), *more),
            timeout=tool.limit,
            environment=kept,
            cwd=host.cwd(),
            stdin=standard_input(tool, given),
        )
        if done.timed_out:
            return Reply(envelope=None, words=f"`{tool.name}` took longer than {tool.limit:.0f} seconds", failed=True)
        try:
            envelope: dict[str, Any] = msgspec.json.decode(done.stdout, type=dict[str, Any])
        except msgspec.DecodeError:
            return Reply(envelope=None, words=f"`{tool.name}` gave no answer: {done.stderr[-400:]}", failed=True)
        return Reply(envelope=envelope)


_NOT_SHOWN = (
    "nothing was changed: this token is of no dry run with these arguments. Call without `confirm`, show the plan to"
    " the user, then call again with the same arguments and the new token."
)
_SHOW_FIRST = (
    "This was a dry run; nothing was changed. Show the plan to the user. To carry it out, call again with the same"
    " arguments and confirm={token}"
)
