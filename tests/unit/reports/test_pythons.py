"""Which interpreter a report is about: any mixture of paths, banners and failures is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchup.reports import parse_report

WINDOWS = ("Lib\\site-packages", "lib\\site-packages")
PREFIXES = (
    "C:\\Users\\me\\AppData\\Roaming\\other\\env",
    "C:\\Users\\me\\AppData\\Roaming\\uv\\tools\\demo",
    "C:\\Users\\me\\AppData\\Local\\Programs\\Python\\Python312",
    "D:\\...\\env",
    "C:\\Users\\****\\miniconda3\\envs\\demo",
    ".\\python_embeded",
    "C:\\Comfy\\python_embeded",
)
LINES = (
    *(f'  File "{prefix}\\{below}\\torch\\__init__.py", line 9, in x' for prefix in PREFIXES for below in WINDOWS),
    '  File "/home/me/.local/lib/python3.10/site-packages/torch/__init__.py", line 9, in x',
    '  File "/home/.../env/lib/python3.12/site-packages/torch/__init__.py", line 9, in x',
    '  File "/opt/venv/lib/python3.12/site-packages/torch/__init__.py", line 9, in x',
    '  File "/opt/venv/lib/python3.10/site-packages/torch/__init__.py", line 9, in x',
    "Python executable: /opt/venv/bin/python",
    "Python version: 3.12.10",
    "Python 3.10.12 (main, Nov 20 2023, 15:14:05) [GCC 11.4.0] on linux",
    "Python 3.12",
    "** Python executable: C:\\Comfy\\python_embeded\\python.exe",
    'venv "D:\\webui\\venv\\Scripts\\Python.exe"',
    "OSError: [WinError 1114] A dynamic link library (DLL) initialization routine failed.",
    "False",
)


@given(st.lists(st.sampled_from(LINES), max_size=8))
def test_any_mixture_of_interpreters_is_read(lines):
    """Folders that name no interpreter are passed over, whatever stands beside them; no other one gets their place."""
    facts = parse_report("\n".join(lines))
    paths = {facts.interpreter, *(other.path for other in facts.other_pythons)} - {None}
    assert all("Roaming\\other" not in path and "..." not in path and "*" not in path for path in paths)


def test_an_interpreter_that_changed_its_version_is_read():
    """The environment was made anew with another Python between two answers."""
    old = '  File "/opt/venv/lib/python3.10/site-packages/torch/__init__.py", line 9, in x'
    other = "\n".join(["-"] * 9)
    new = "Python version: 3.12.10\nPython executable: /opt/venv/bin/python"
    facts = parse_report(f"{old}\n{other}\nPython version: 3.10\nOSError: it failed\n{other}\n{new}")
    assert facts.interpreter == "/opt/venv/bin/python"


@pytest.mark.parametrize("line", LINES)
def test_one_line_alone_is_read(line):
    """Also where it is the only one, and hides whose folder it is."""
    parse_report(f"{line}\nOSError: it failed")


@pytest.mark.parametrize(
    ("prefix", "python"),
    [
        ("C:\\Users\\me\\AppData\\Roaming\\uv\\tools\\demo", "Scripts\\python.exe"),
        ("C:\\Users\\me\\pipx\\venvs\\demo", "Scripts\\python.exe"),
        ("C:\\Users\\me\\AppData\\Local\\Programs\\Python\\Python312", "python.exe"),
    ],
)
def test_the_environment_of_a_tool_has_its_own_python(prefix, python):
    """Uv and pipx make a virtual environment for each program that they install."""
    facts = parse_report(f'  File "{prefix}\\Lib\\site-packages\\torch\\__init__.py", line 9, in x\nOSError: it failed')
    assert facts.interpreter == f"{prefix}\\{python}"
