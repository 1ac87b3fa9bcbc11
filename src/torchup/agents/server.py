"""The server: the official SDK speaks the protocol on stdin and stdout, `calls` does the work.

Imported only by ``torchup mcp``: the SDK is the extra ``torchup[mcp]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio.to_thread
import jsonschema
import mcp_types
import msgspec
from mcp.server import Server
from mcp.server.stdio import stdio_server

import torchup
from torchup.agents.calls import Calls
from torchup.agents.schemas import output_schema
from torchup.agents.tools import BY_NAME, TOOLS, input_schema

if TYPE_CHECKING:
    from torchup.agents.tools import Tool
    from torchup.host import Host

INSTRUCTIONS = (
    "torchup chooses, installs, proves, measures and diagnoses PyTorch on this machine. Start with `detect` and `plan`;"
    " for something that does not work, `doctor` (give it the pasted text in `report`). Every answer is the JSON that"
    " the command line prints with --json. Only `up` and `bench` write: `up` shows a dry run first."
)


def serve(host: Host) -> None:
    """Answer one agent on stdin and stdout until it hangs up."""
    anyio.run(_serve, host)


async def _serve(host: Host) -> None:
    calls = Calls(host)

    async def list_tools(_: Any, __: Any) -> mcp_types.ListToolsResult:
        return mcp_types.ListToolsResult(tools=[_described(tool) for tool in TOOLS])

    async def call_tool(_: Any, params: mcp_types.CallToolRequestParams) -> mcp_types.CallToolResult:
        return await _answer(calls, params.name, params.arguments or {})

    server: Server[Any] = Server(
        "torchup",
        version=torchup.__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def _described(tool: Tool) -> mcp_types.Tool:
    return mcp_types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.text,
        input_schema=input_schema(tool),
        output_schema=output_schema(tool.name),
        annotations=mcp_types.ToolAnnotations(read_only_hint=not (tool.changes or tool.keeps), destructive_hint=False),
    )


async def _answer(calls: Calls, name: str, given: dict[str, Any]) -> mcp_types.CallToolResult:
    tool = BY_NAME.get(name)
    if tool is None:
        return _failed(f"there is no tool `{name}`; there are: {', '.join(BY_NAME)}")
    problem = next(iter(jsonschema.Draft202012Validator(input_schema(tool)).iter_errors(given)), None)
    if problem is not None:
        return _failed(f"`{problem.json_path}` of the arguments: {problem.message[:200]}")
    reply = await anyio.to_thread.run_sync(calls.call, tool, given)
    if reply.envelope is None:
        return _failed(reply.words)
    told = [msgspec.json.encode(reply.envelope).decode(), *([reply.words] if reply.words else [])]
    return mcp_types.CallToolResult(
        content=[mcp_types.TextContent(type="text", text=text) for text in told],
        structured_content=reply.envelope,
        is_error=reply.envelope["status"] == "error",
    )


def _failed(text: str) -> mcp_types.CallToolResult:
    return mcp_types.CallToolResult(content=[mcp_types.TextContent(type="text", text=text)], is_error=True)
