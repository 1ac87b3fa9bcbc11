"""The tools that an agent gets: what each takes, and the command line that it stands for. Pure.

A tool is a verb of the command line: its answer is the verb's ``--json`` document, and it can do nothing that the user
could not type. A value never becomes an option of its own: it is always the second half of ``--option=value``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

REPORT_LIMIT = 1 << 20  # characters; a pasted report has 2 to 60 KB
TEXT_LIMIT = 400  # characters of any other value
MINUTE = 60.0


class Argument(Value, frozen=True, kw_only=True):
    """One argument of a tool, and the option that it becomes.

    ``kind``: string, boolean, integer, number or list (of strings). ``option``: ``--torch``; ``<``: standard input;
    empty: the argument stands by itself.
    """

    name: str
    kind: str
    option: str
    text: str
    required: bool = False


class Tool(Value, frozen=True, kw_only=True):
    """One tool. ``changes``: it changes this machine, so it asks first; ``keeps``: it keeps a file of its own.

    ``limit`` is in seconds.
    """

    name: str
    title: str
    text: str
    line: tuple[str, ...]
    arguments: tuple[Argument, ...] = ()
    limit: float = 2 * MINUTE
    changes: bool = False
    keeps: bool = False


_WANTED = (
    Argument(name="torch", kind="string", option="--torch", text="torch to choose: 2.14, 2.14.1 or >=2.12"),
    Argument(name="variant", kind="string", option="--variant", text="build to choose: cu126, rocm6.4, xpu, cpu"),
    Argument(name="python", kind="string", option="--python", text="Python to choose: 3.12, or 3.14t"),
    Argument(name="packages", kind="list", option="--with", text="further packages: transformers, flash-attn"),
    Argument(name="cpu", kind="boolean", option="--cpu", text="take the CPU build even where there is a GPU"),
    Argument(name="mirror", kind="string", option="--mirror", text="name or address of a mirror: tuna, nju, sjtu"),
)
_ELSEWHERE = (
    Argument(
        name="assume",
        kind="list",
        option="--assume",
        text="plan for another machine: gpu=RTX 4090, driver=550.54, os=windows; nothing: this machine",
    ),
    Argument(name="offline", kind="boolean", option="--offline", text="do not access the network"),
)
_TARGET = (
    Argument(name="env", kind="string", option="--env", text="environment of torchup; default: the default one"),
    Argument(name="python", kind="string", option="--python", text="path of another Python to look at"),
)

TOOLS = (
    Tool(
        name="detect",
        title="Detect this machine",
        text="Say what this machine has: system, GPUs, drivers, Pythons, and the source of each fact. Changes nothing.",
        line=("detect",),
    ),
    Tool(
        name="plan",
        title="Plan the PyTorch build",
        text="Say which PyTorch build fits this machine or another, why, with which commands, and what speaks against"
        " the other builds. Changes nothing.",
        line=("plan",),
        arguments=(*_WANTED, *_ELSEWHERE),
    ),
    Tool(
        name="why_not",
        title="Ask why a build does not fit",
        text="Say why one build, such as cu132, 2.15 or 2.15.0+cu130, is not chosen for a machine. Changes nothing.",
        line=("plan",),
        arguments=(
            Argument(
                name="build",
                kind="string",
                option="--why-not",
                text="variant, version or both: cu132, 2.15, 2.15.0+cu130",
                required=True,
            ),
            *_WANTED,
            *_ELSEWHERE,
        ),
    ),
    Tool(
        name="doctor",
        title="Diagnose PyTorch",
        text="Find the one cause why PyTorch does not work, with evidence and commands. Looks at an environment here,"
        " or reads a report that somebody pasted: output of collect_env, nvidia-smi, pip list, a traceback, or prose."
        " The report is read as data and never carried out. Changes nothing.",
        line=("doctor",),
        arguments=(
            Argument(
                name="report", kind="string", option="<", text="text of a report; without it: an environment here"
            ),
            *_TARGET,
        ),
        limit=5 * MINUTE,
    ),
    Tool(
        name="explain",
        title="Explain a finding",
        text="Say what a finding of `doctor` means and how to fix it; without a code, list all codes. Changes nothing.",
        line=("explain",),
        arguments=(Argument(name="code", kind="string", option="", text="code: driver-too-old, numpy-abi"),),
    ),
    Tool(
        name="verify",
        title="Prove that PyTorch works",
        text="Run kernels in an environment: devices, matrix product, convolution, training step, compiler. Changes"
        " nothing; takes up to some minutes.",
        line=("verify",),
        arguments=(
            *_TARGET,
            Argument(name="deep", kind="boolean", option="--deep", text="compare every installed file with its hash"),
        ),
        limit=10 * MINUTE,
    ),
    Tool(
        name="bench",
        title="Measure the devices",
        text="Measure a workload on every device of an environment and keep the result. Uses the machine fully for the"
        " time of `budget`.",
        line=("bench",),
        arguments=(
            Argument(name="workload", kind="string", option="", text="mnist (default), matmul, conv, bandwidth, gpt"),
            *_TARGET,
            Argument(name="device", kind="string", option="--device", text="devices, comma-separated: cuda,cpu"),
            Argument(name="recipe", kind="string", option="--recipe", text="recipes, comma-separated"),
            Argument(name="budget", kind="number", option="--budget", text="seconds to spend"),
        ),
        limit=60 * MINUTE,
        keeps=True,
    ),
    Tool(
        name="up",
        title="Install a PyTorch that works",
        text="Detect, plan, install, verify and measure. The first call shows what would be done and changes nothing;"
        " it answers with a token. Show that plan to the user. When the user agrees, call again with the same"
        " arguments and the token in `confirm`.",
        line=("up",),
        arguments=(
            *_WANTED,
            Argument(name="env", kind="string", option="--env", text="name of the environment; default: default"),
            Argument(name="no_bench", kind="boolean", option="--no-bench", text="stop after the verification"),
            Argument(name="confirm", kind="string", option="?", text="token of the dry run that the user agreed to"),
        ),
        limit=120 * MINUTE,
        changes=True,
    ),
)
BY_NAME = {tool.name: tool for tool in TOOLS}

_WORD = "^[A-Za-z0-9][A-Za-z0-9_-]*$"
_LIST = {"type": "array", "items": {"type": "string", "maxLength": TEXT_LIMIT}, "maxItems": 32}


def input_schema(tool: Tool) -> dict[str, Any]:
    """The JSON Schema of a tool's arguments."""
    properties = {argument.name: _kind(argument) | {"description": argument.text} for argument in tool.arguments}
    required = [argument.name for argument in tool.arguments if argument.required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _kind(argument: Argument) -> dict[str, Any]:
    if argument.kind == "list":
        return dict(_LIST)
    if argument.kind != "string":
        return {"type": argument.kind}
    if not argument.option:  # it stands by itself: nothing that could be read as an option or a path
        return {"type": "string", "pattern": _WORD, "maxLength": TEXT_LIMIT}
    return {"type": "string", "minLength": 1, "maxLength": REPORT_LIMIT if argument.option == "<" else TEXT_LIMIT}


def command_line(tool: Tool, given: Mapping[str, Any]) -> tuple[str, ...]:
    """The arguments of ``torchup`` for a call whose arguments fit `input_schema`."""
    options: list[str] = []
    words: list[str] = []
    for argument in tool.arguments:
        value = given.get(argument.name)
        if argument.option == "<" and value is not None:
            options.append("--report=-")
        elif argument.option in {"<", "?"} or value is None or value is False:
            continue
        elif not argument.option:
            words.append(str(value))
        elif value is True:
            options.append(argument.option)
        else:
            options += [f"{argument.option}={one}" for one in (value if isinstance(value, list) else [value])]
    return (*tool.line, "--json", *options, *words)


def standard_input(tool: Tool, given: Mapping[str, Any]) -> str:
    """What the command reads: the report, or nothing."""
    names = [argument.name for argument in tool.arguments if argument.option == "<"]
    return next((str(given[name]) for name in names if name in given), "")
