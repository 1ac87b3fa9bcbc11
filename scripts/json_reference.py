"""docs/reference/json.md and schema.json, from the value types: fields, types, defaults, the comments behind them."""

from __future__ import annotations

import ast
import inspect
import io
import json
import textwrap
import tokenize
import types
import typing
from enum import Enum
from typing import Any

import msgspec

from scripts.json_answers import ANSWERS
from torchup.cli.events import EVENTS
from torchup.encoding import json_schemas
from torchup.model import Message

PAGE = """# JSON

Every verb takes `--json` and then prints one document on stdout and nothing else. `env run` is the exception: stdout is
the program's.

```json
{"schema": "torchup/1", "command": "plan", "status": "ok", "exit_code": 0, "data": {}, "messages": []}
```

| field | type | meaning |
|---|---|---|
| `schema` | string | `torchup/1`; another number where a field goes or changes its meaning, not where one is added |
| `command` | string | the verb, with its subcommand |
| `status` | string | `ok`, `findings` (exit code 1) or `error` |
| `exit_code` | integer | what the process ends with: [exit codes](exit-codes.md) |
| `data` | see below | `null` when `status` is `error` because nothing came of it |
| `messages` | list of [Notice](#notice) | notices; of an error the first is the error, the next its hint |

Codes and texts are English whatever the language. Unknown is `null`, never 0 or an empty text. The same as JSON Schema:
[schema.json](schema.json).

## Progress

`up`, `env create` and `fetch` take `--progress json`: stderr is then one JSON object a line and nothing else. `event`
says which of these it is; further keys may be added.

| event | object |
|---|---|
EVENTS

An error is the last event; the exit code says the kind. torchup asks no question in this mode: add `--yes`.

## `data` of each command

| command | data |
|---|---|
COMMANDS

## Types

TYPES
"""
NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", Message: "string", type(None): "null"}


def page() -> str:
    """The whole page."""
    rows = [f"| `{name}` | {' or '.join(_link(shape) for shape in shapes)} |" for name, shapes in ANSWERS.items()]
    sections = "\n".join(_section(kind) for kind in (*EVENTS, *structs()))
    told = "\n".join(f"| `{kind.__struct_config__.tag}` | {_link(kind)} |" for kind in EVENTS)
    return PAGE.replace("EVENTS", told).replace("COMMANDS", "\n".join(rows)).replace("TYPES", sections.rstrip())


def schema() -> str:
    """The JSON Schema of every command's data, with the shared types under ``$defs``."""
    shapes = [*(shape for shapes in ANSWERS.values() for shape in shapes), *EVENTS]
    found, shared = json_schemas(shapes)
    one_by_one = iter(found)
    named = {name: [next(one_by_one) for _ in shapes] for name, shapes in ANSWERS.items()}
    events = list(one_by_one)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "data of torchup's --json answers, by command",
        "properties": {name: kinds[0] if len(kinds) == 1 else {"anyOf": kinds} for name, kinds in named.items()}
        | {"--progress json": {"anyOf": events}},
        "$defs": shared,
    }
    return json.dumps(_settled(document), indent=1, ensure_ascii=False) + "\n"


def _settled(value: Any) -> Any:
    """The same schema whatever Python (it indents docstrings before 3.13) and msgspec (it orders a union) made it."""
    if isinstance(value, list):
        return [_settled(item) for item in value]
    if not isinstance(value, dict):
        return value
    settled = {key: _settled(item) for key, item in value.items()}
    if isinstance(settled.get("description"), str):
        settled["description"] = inspect.cleandoc(settled["description"])
    if "anyOf" in settled:
        settled["anyOf"].sort(key=lambda one: (one == {"type": "null"}, json.dumps(one)))
    return settled


def structs() -> list[type[msgspec.Struct]]:
    """Every struct that an answer can hold, in the order in which a reader meets them."""
    found: dict[str, type[msgspec.Struct]] = {}

    def visit(kind: Any) -> None:
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if found.setdefault(kind.__name__, kind) is not kind:
                raise LookupError(f"two types are called {kind.__name__}")
            for inner in fields_of(kind).values():
                visit_new(inner)
        for argument in typing.get_args(kind):
            visit_new(argument)

    def visit_new(kind: Any) -> None:
        if found.get(getattr(kind, "__name__", "")) is not kind:
            visit(kind)

    for shapes in ANSWERS.values():
        for shape in shapes:
            visit_new(shape)
    return list(found.values())


def fields_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Field name -> type, in the order of the JSON."""
    hints = typing.get_type_hints(kind)
    return {name: hints[name] for name in kind.__struct_fields__}


def comments_of(kind: type) -> dict[str, str]:
    """Field name -> the comment behind it, for the fields that the class and its bases declare."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base in {object, msgspec.Struct} or not issubclass(base, msgspec.Struct) or "msgspec" in base.__module__:
            continue
        source = textwrap.dedent(inspect.getsource(base))
        remarks = {
            token.start[0]: token.string.lstrip("# ")
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type == tokenize.COMMENT and "noqa" not in token.string
        }
        body = typing.cast("ast.ClassDef", ast.parse(source).body[0]).body
        for field in body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                lines = range(field.lineno, (field.end_lineno or field.lineno) + 1)
                words = [remarks[line] for line in lines if line in remarks]
                found[field.target.id] = " ".join(words)
    return found


def _section(kind: type[msgspec.Struct]) -> str:
    remarks = comments_of(kind)
    defaults = _defaults(kind)
    rows = [
        f"| `{name}` | {_link(inner)} | {defaults.get(name, '')} | {_cell(remarks.get(name, ''))} |"
        for name, inner in fields_of(kind).items()
    ]
    words = " ".join(inspect.cleandoc(kind.__doc__ or "").replace("``", "`").split())
    return f"### {kind.__name__}\n\n{words}\n\n| field | type | default | meaning |\n|---|---|---|---|\n" + (
        "\n".join(rows) + "\n"
    )


def _defaults(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Field -> its default as JSON; fields that are always written have none."""
    found = {}
    for field in msgspec.structs.fields(kind):
        if field.default is not msgspec.NODEFAULT:
            value = field.default
        elif field.default_factory is not msgspec.NODEFAULT:
            value = field.default_factory()
        else:
            continue
        shown = "{...}" if isinstance(value, msgspec.Struct) else json.dumps(msgspec.to_builtins(value))
        found[field.name] = f"`{shown}`"
    return found


def _link(kind: Any) -> str:
    """A type as a reader sees it, with a link where it is a type of this page."""
    arguments = typing.get_args(kind)
    if arguments:
        return _compound(typing.get_origin(kind), arguments)
    if kind is None or kind in NAMES:
        return NAMES[type(None) if kind is None else kind]
    if kind is Any:
        return "anything"
    if issubclass(kind, Enum):
        return ", ".join(f"`{member.value}`" for member in kind)
    return f"[{kind.__name__}](#{kind.__name__.lower()})"


def _compound(origin: Any, arguments: tuple[Any, ...]) -> str:
    if origin in {typing.Union, types.UnionType}:
        return " or ".join(map(_link, arguments))
    if origin is dict:
        return f"object of {_link(arguments[1])}"
    if arguments[-1] is Ellipsis:
        return f"list of {_link(arguments[0])}"
    return "list: " + ", ".join(map(_link, arguments))


def _cell(text: str) -> str:
    """Text for a table's cell: a bar would end it."""
    return text.replace("|", "\\|").replace("``", "`").replace("<", "&lt;")
