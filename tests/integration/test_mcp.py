"""`torchup mcp` driven by the official SDK's own client over standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
mcp = pytest.importorskip("mcp", reason="the extra torchup[mcp]", exc_type=ImportError)

MACHINE = ["gpu=RTX 4090", "driver=550.54", "os=linux"]
REPORT = "RuntimeError: The NVIDIA driver on your system is too old (found version 12020)."
CALLS = (
    ("detect", {}, "ok"),
    ("plan", {"assume": MACHINE, "offline": True}, "ok"),
    ("why_not", {"build": "cu132", "assume": MACHINE, "offline": True}, "ok"),
    ("doctor", {"report": REPORT}, "findings"),
    ("explain", {}, "ok"),
    ("explain", {"code": "driver-too-old"}, "ok"),
    ("verify", {"env": "nope"}, "error"),
    ("bench", {"env": "nope"}, "error"),
    ("plan", {"torch": "--yes"}, "error"),
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Everything that one session with the server said: tools, answers by position, refusals, files afterwards."""
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "TORCHUP_HOME": str(home), "LANG": "zh_CN.UTF-8"}
    server = mcp.StdioServerParameters(command=sys.executable, args=["-m", "torchup", "mcp"], env=environment)

    async def talk():
        async with mcp.Client(server) as client:
            tools = (await client.list_tools()).tools
            told = [await client.call_tool(name, given) for name, given, _ in CALLS]
            refused = [
                await client.call_tool(name, given)
                for name, given in (("nope", {}), ("plan", {"x": 1}), ("up", {"confirm": "guess"}))
            ]
            return tools, told, refused

    return *asyncio.run(talk()), home


def test_the_client_lists_every_tool(answers):
    """Each has both schemas, and only what writes is not marked as reading."""
    tools = {tool.name: tool for tool in answers[0]}
    assert set(tools) == {"detect", "plan", "why_not", "doctor", "explain", "verify", "bench", "up"}
    assert {name for name, tool in tools.items() if not tool.annotations.read_only_hint} == {"bench", "up"}
    assert all(tool.output_schema["properties"]["data"] for tool in tools.values())


def test_every_call_answers_with_the_json_of_the_command_line(answers):
    """The structured answer fits its schema (the client holds it against that) and is what ``--json`` prints."""
    for (name, given, status), told in zip(CALLS, answers[1], strict=True):
        assert told.structured_content["status"] == status, (name, given, told.content)
        assert told.is_error == (status == "error")
        assert json.loads(told.content[0].text) == told.structured_content
    line = ["plan", "--json", "--offline", *(word for item in MACHINE for word in ("--assume", item))]
    run = subprocess.run([sys.executable, "-m", "torchup", *line], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout)["data"]["build"] == answers[1][1].structured_content["data"]["build"]


def test_what_does_not_fit_is_refused_and_nothing_is_written(answers):
    """An unknown tool, an unknown argument and a guessed token change nothing."""
    assert all(told.is_error for told in answers[2])
    assert not (answers[3] / "data" / "envs").exists()
