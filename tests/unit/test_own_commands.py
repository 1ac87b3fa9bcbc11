"""Commands that change torchup itself: for what installed it, and each from one place."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import torchup
from torchup.host.installation import Installation, installer_of
from torchup.own_commands import add_to_torchup, reinstall_torchup, remove_torchup, update_torchup

SOURCE = Path(torchup.__file__).parent
CHANGES = re.compile(
    r"(?<![%\w])(?:pip|pipx|uv(?: tool| pip)?) (?:install|uninstall|upgrade|inject)(?: -\S+)* \W?torchup\b"
)
INSTALLERS = ("uv-tool", "pipx", "pip", "uv-pip")


@pytest.mark.parametrize(("file", "has_pip", "installer"), [
    ("uv-receipt.toml", False, "uv-tool"), ("pipx_metadata.json", True, "pipx"), (None, True, "pip"),
    (None, False, "uv-pip"),
])  # fmt: skip
def test_an_environment_says_what_made_it(tmp_path, file, has_pip, installer):
    """The receipt of a tool comes before the question whether there is a pip."""
    if file:
        (tmp_path / file).write_text("")
    assert installer_of(tmp_path, has_pip=has_pip) == installer


@pytest.mark.parametrize("installer", INSTALLERS)
def test_only_an_environment_with_pip_is_changed_with_pip(installer):
    """Each command starts the program that made the environment, and names torchup or what is added."""
    own = Installation(installer=installer, python="/opt/my tools/bin/python")
    first = {"uv-tool": "uv tool ", "pipx": "pipx ", "pip": '"/opt/my tools/bin/python" -m pip ', "uv-pip": "uv pip "}
    commands = (
        update_torchup(own),
        remove_torchup(own),
        reinstall_torchup(own),
        add_to_torchup("a<2,>=1", own),
        add_to_torchup("torchup[mcp]", own),
    )
    assert all(command.startswith(first[installer]) for command in commands)
    assert all("torchup" in command for command in (*commands[:3], commands[4]))
    assert '"a<2,>=1"' in commands[3]
    assert "--with" not in commands[4]


def test_no_other_text_says_how_to_change_torchup():
    """A literal that installs or removes torchup with pip lies in no other module; a notebook's own `%pip` does."""
    for path in SOURCE.rglob("*.py"):
        if path.name == "own_commands.py":
            continue
        texts = [node.value for node in ast.walk(ast.parse(path.read_text("utf-8")))
                 if isinstance(node, ast.Constant) and isinstance(node.value, str)]  # fmt: skip
        assert not [text for text in texts if CHANGES.search(text)], path
