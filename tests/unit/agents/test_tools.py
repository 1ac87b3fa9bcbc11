"""The tools of agents: the command line of each call, its schemas, the two steps of what changes something."""

from __future__ import annotations

import json
import sys

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripts.json_answers import ANSWERS

from support.sources import IsolatedHost
from torchup.agents.calls import Calls
from torchup.agents.schemas import output_schema
from torchup.agents.tools import BY_NAME, TOOLS, command_line, input_schema, standard_input
from torchup.cli import main
from torchup.cli.app import make_app
from torchup.host import Completed
from torchup.own_commands import add_to_torchup

JSON = json.dumps(
    {"schema": "torchup/1", "command": "up", "status": "ok", "exit_code": 0, "data": None, "messages": []}
)


class AgentHost(IsolatedHost):
    """A host that keeps what was run and answers with one document."""

    def __init__(self, folder):
        super().__init__(folder)
        self.lines = []

    def run(self, argv, **_):
        """Keep the command line."""
        self.lines.append(tuple(argv))
        return Completed(argv=tuple(argv), returncode=0, stdout=JSON)


def test_every_tool_is_a_verb_and_has_its_schemas():
    """A tool's line names a verb, each argument an option of it, and both schemas are valid JSON Schema."""
    app = make_app()
    for tool in TOOLS:
        command = app.get_command(app.make_context("torchup", [], resilient_parsing=True), tool.line[0])
        options = {name for parameter in command.params for name in parameter.opts}
        named = {argument.option for argument in tool.arguments if argument.option.startswith("--")}
        assert named <= options, tool.name
        jsonschema.Draft202012Validator.check_schema(input_schema(tool))
        jsonschema.Draft202012Validator.check_schema(output_schema(tool.name))
        assert tool.line[0] in ANSWERS


@given(tool=st.sampled_from(TOOLS), data=st.data())
def test_a_value_never_becomes_an_option(tool, data):
    """Whatever an agent writes, the command line holds no option that the tool does not name."""
    text = st.one_of(st.text(min_size=1, max_size=20), st.sampled_from(["--yes", "-y", "--export=x", "--", "-"]))
    kinds = {
        "string": text, "list": st.lists(text, max_size=3), "boolean": st.booleans(), "number": st.floats(5, 9),
        "integer": st.integers(1, 9),
    }  # fmt: skip
    given_ = {argument.name: data.draw(kinds[argument.kind]) for argument in tool.arguments}
    if next(jsonschema.Draft202012Validator(input_schema(tool)).iter_errors(given_), None) is not None:
        return  # refused before it gets here
    named = {argument.option for argument in tool.arguments} | {"--json", "--report"}
    line = command_line(tool, given_)
    assert {word.split("=", 1)[0] for word in line if word.startswith("-")} <= named
    assert line[: len(tool.line) + 1] == (*tool.line, "--json")


def test_a_report_goes_over_standard_input():
    """The text of a report is no argument and no file name."""
    call = {"report": "/etc/passwd"}
    assert command_line(BY_NAME["doctor"], call) == ("doctor", "--json", "--report=-")
    assert standard_input(BY_NAME["doctor"], call) == "/etc/passwd"


def test_what_changes_something_takes_two_steps(tmp_path):
    """The first call is a dry run; the token goes with its arguments, once."""
    host = AgentHost(tmp_path)
    calls, tool = Calls(host), BY_NAME["up"]
    token = calls.call(tool, {"cpu": True}).words.rpartition("=")[2]
    assert host.lines[-1][-1] == "--dry-run"
    assert calls.call(tool, {"cpu": True, "confirm": "guess"}).failed
    assert calls.call(tool, {"cpu": False, "confirm": token}).failed
    assert len(host.lines) == 1
    token = calls.call(tool, {"cpu": True}).words.rpartition("=")[2]
    assert not calls.call(tool, {"cpu": True, "confirm": token}).failed
    assert host.lines[-1][-1] == "--yes"
    assert calls.call(tool, {"cpu": True, "confirm": token}).failed
    assert all("--yes" not in line for line in host.lines[:2])


def test_without_the_extra_the_command_says_what_to_install(capsys, monkeypatch):
    """`torchup mcp` without the SDK is a usage error with the command that brings it."""
    for name in [name for name in sys.modules if name.split(".")[0] in {"mcp", "mcp_types"}]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "torchup.agents.server", raising=False)
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    monkeypatch.setitem(sys.modules, "anyio", None)
    assert main(["mcp"]) == 2
    assert add_to_torchup("torchup[mcp]") in capsys.readouterr().err


@pytest.mark.parametrize("call", [{"torch": 3}, {"nonsense": "x"}, {"packages": "x"}, {"torch": "x" * 500}])
def test_arguments_that_do_not_fit_are_refused(call):
    """The schema lets through only what the tool names."""
    assert list(jsonschema.Draft202012Validator(input_schema(BY_NAME["plan"])).iter_errors(call))
