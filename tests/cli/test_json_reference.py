"""The reference of the JSON answers is what the program writes: every command, every key, every field."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import typing
from pathlib import Path

import click
import msgspec
import pytest
from scripts.json_answers import ANSWERS
from scripts.json_reference import fields_of, structs

from support.results import result
from torchup.cli import main
from torchup.cli.app import make_app
from torchup.host import RealHost
from torchup.model import Environment, Plan, Result
from torchup.results import store

ROOT = Path(__file__).parents[2]
CLI = ROOT / "src" / "torchup" / "cli"
RTX_3060 = ("--assume", "gpu=RTX 3060", "--assume", "driver=580.95", "--assume", "os=linux")
OFFLINE = (
    ("detect",),
    ("plan", *RTX_3060),
    ("plan", "--why-not", "cu118", *RTX_3060),
    ("plan", "--export", "requirements", *RTX_3060),
    ("plan", "--machine", "machines"),
    ("self", "completion", "fish"),
    ("env", "list"),
    ("doctor", "--report", "report.txt"),
    ("doctor", "--list"),
    ("doctor", "--machine", "machines"),
    ("explain",),
    ("explain", "numpy-abi"),
    ("explain", "driver-or-toolkit"),
    ("results", "list"),
    ("results", "show"),
    ("results", "compare", "article", "latest"),
    ("results", "report", "--html", "page.html"),
    ("results", "export"),
    ("results", "export", "-o", "run.json"),
    ("mirror", "list"),
    ("project", "show", "project"),
    ("project", "check", "project"),
    ("project", "sync", "project", "--for", "mac,linux-cuda", "--dry-run"),
    ("fleet", "report", "machines"),
    ("wheel",),
    ("wheel", "flash-attn", "--offline", *RTX_3060),
    ("wheel", "xformers", "mmcv", "--offline", "--torch", "2.8+cu128", *RTX_3060),
    ("kernel", "list"),
    ("kernel", "remove", "--stale"),
    ("catalog", "show"),
    ("catalog", "check"),
    ("self", "paths"),
    ("self", "uninstall", "--dry-run"),
)


def test_the_pages_are_what_the_code_says():
    """Every generated page is current. In a process of its own: help is in the language in which it was first asked."""
    check = [sys.executable, str(ROOT / "scripts" / "generate_reference.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def leaves(group: click.Group, context: click.Context, path: tuple[str, ...] = ()) -> list[str]:
    """The names of all commands that do something, as answers spell them."""
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        inner = click.Context(command, parent=context, info_name=name)
        found += (
            leaves(command, inner, (*path, name)) if isinstance(command, click.Group) else [" ".join((*path, name))]
        )
    return found


def test_every_command_has_its_answer_described():
    """The described commands are those that the program has."""
    app = make_app()
    assert set(ANSWERS) == set(leaves(app, click.Context(app, info_name="torchup")))


def written_in_code() -> list[tuple[str, set[str]]]:
    """Every answer whose data the code writes as a dictionary: the command and the literal keys."""
    found = []
    for path in CLI.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Answer":
                words = {keyword.arg: keyword.value for keyword in node.keywords}
                command, data = words["command"], words["data"]
                if isinstance(command, ast.Constant) and isinstance(data, ast.Dict):
                    found.append((command.value, {key.value for key in data.keys if isinstance(key, ast.Constant)}))
    return found


@pytest.mark.parametrize(
    ("command", "keys"),
    written_in_code(),
    ids=lambda value: value if isinstance(value, str) else "-".join(sorted(value)),
)
def test_keys_that_the_code_writes_are_described(command, keys):
    """A key that a verb puts into its data is in one of the shapes of that command."""
    shapes = [set(fields_of(shape)) for shape in ANSWERS[command] if isinstance(shape, type)]
    assert any(keys <= shape for shape in shapes), (keys, shapes)


def differences(data: object, kind: object, path: str = "data") -> list[str]:
    """Where plain data has a key that its type lacks, or lacks one that is always written."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(data, dict):
        fields = fields_of(kind)
        optional = {"environment"} if kind.__name__ == "DoctorFixed" else set()
        wrong = [f"{path}.{key} is not described" for key in data.keys() - fields.keys()]
        wrong += [f"{path}.{key} is missing" for key in fields.keys() - data.keys() - optional]
        return wrong + [
            d for key in data.keys() & fields.keys() for d in differences(data[key], fields[key], f"{path}.{key}")
        ]
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is tuple and isinstance(data, list) and arguments[-1] is Ellipsis:
        return [d for index, item in enumerate(data) for d in differences(item, arguments[0], f"{path}[{index}]")]
    if typing.get_origin(kind) is dict and isinstance(data, dict):
        return [d for key, item in data.items() for d in differences(item, arguments[1], f"{path}.{key}")]
    if arguments and typing.get_origin(kind) is not tuple and data is not None:  # a union with null
        inner = [argument for argument in arguments if argument is not type(None)]
        return differences(data, inner[0], path) if len(inner) == 1 else []
    return []


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a report, a machine and two stored runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "machines").mkdir()
    (tmp_path / "machines" / "one.json").write_text('{"os": "linux", "arch": "x86_64"}', "utf-8")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "requirements.txt").write_text("torch==2.5.1+cu999\n", "utf-8")
    (tmp_path / "report.txt").write_text("PyTorch version: 2.13.0+cpu\nIs CUDA available: False\n", "utf-8")
    store.save(RealHost(), [result()])
    return tmp_path


@pytest.mark.parametrize("arguments", OFFLINE, ids=" ".join)
def test_what_commands_write_is_what_is_described(arguments, folder, capsys):
    """A real answer has the described fields at every depth, no more and no fewer."""
    main([*arguments, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"schema", "command", "status", "exit_code", "data", "messages"}
    assert document["data"] is not None, document["messages"]
    tried = [differences(document["data"], shape) for shape in ANSWERS[document["command"]]]
    assert min(tried, key=len) == []


def test_the_types_of_the_main_values_are_all_there():
    """The page has a section for the values that programs read most."""
    assert {Plan, Environment, Result} <= set(structs())
