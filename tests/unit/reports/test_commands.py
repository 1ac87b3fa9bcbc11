"""What the user ran, in which shell, with which installer, and what they asked it for."""

# ruff: noqa: E501, ISC004  # the lines are those of tools, which are long

from __future__ import annotations

import pytest

from torchup.model import Manager, Shell
from torchup.reports import parse_report


@pytest.mark.parametrize(
    ("line", "command", "shell"),
    [
        ("$ pip list", "pip list", Shell.SH),
        ("(base) $ pip list", "pip list", Shell.SH),
        ("me@host:~/src$ pip list", "pip list", Shell.SH),
        ("(dl) root@host:/# pip list", "pip list", Shell.SH),
        ("[me@login1 ~]$ pip list", "pip list", Shell.SH),
        ("% pip list", "pip list", Shell.SH),
        ("C:\\>pip list", "pip list", Shell.CMD),
        ("(dl) C:\\Users\\me>pip list", "pip list", Shell.CMD),
        ("PS C:\\Users\\me> pip list", "pip list", Shell.POWERSHELL),
        ("(dl) PS D:\\> pip list", "pip list", Shell.POWERSHELL),
        ("!pip list", "pip list", None),
        ("%pip list", "pip list", None),
        ("In [2]: !pip list", "pip list", None),
        ("pip list", "pip list", None),
        ("> pip list", "pip list", None),
        ("I ran `pip list` then", "pip list", None),
        ("我运行了 `pip list`", "pip list", None),
        ("RUN pip list", "pip list", None),
    ],
)
def test_a_command_is_found_at_every_prompt(line, command, shell):
    """Prompts of sh, cmd, PowerShell and notebooks; without a prompt only what can be nothing else."""
    facts = parse_report(line)
    assert (facts.commands, facts.shell) == ((command,), shell)


@pytest.mark.parametrize(
    "line",
    ["pip is broken", "You should consider upgrading via 'pip install --upgrade pip'", "python is slow", "uv is fast"],
)
def test_prose_and_advice_are_no_commands(line):
    """Nobody ran what a program recommends."""
    assert parse_report(line).commands == ()


@pytest.mark.parametrize(
    ("text", "manager"),
    [
        ("$ uv sync", Manager.UV_PROJECT),
        ("$ uv add torch", Manager.UV_PROJECT),
        ("$ uv pip install torch", Manager.UV_VENV),
        ("$ uv venv\n$ uv pip install torch", Manager.UV_VENV),
        ("$ poetry add torch", Manager.POETRY),
        ("$ pixi add pytorch", Manager.PIXI),
        ('File "/home/me/p/.pixi/envs/default/lib/python3.12/site-packages/torch/__init__.py"', Manager.PIXI),
        ("$ conda install pytorch -c conda-forge", Manager.CONDA),
        ("[conda] pytorch 2.5.1 py3.11_cuda12.4_cudnn9.1.0_0 pytorch", Manager.CONDA),
        ("$ conda create -n dl python=3.11\n$ pip install torch", Manager.PIP),
        ("$ conda create -n dl python=3.11", Manager.CONDA),
        ("[pip3] torch==2.6.0", Manager.PIP),
        ("$ python -m pip install torch", Manager.PIP),
        ("torch is broken", None),
    ],
)
def test_the_manager_is_what_must_change_the_environment(text, manager):
    """A project's tool wins over pip; pip wins in a conda environment whose torch pip installed."""
    assert parse_report(text).manager == manager


@pytest.mark.parametrize(
    ("line", "requested", "indexes"),
    [
        ("$ pip install torch==2.0.0+cu113", ("torch==2.0.0+cu113",), ()),
        (
            "$ pip3 install --pre torch torchvision --index-url https://download.example/whl/nightly/cu128",
            ("torch", "torchvision"),
            ("https://download.example/whl/nightly/cu128",),
        ),
        ("$ pip install torch -f https://a.example/torch.html", ("torch",), ("https://a.example/torch.html",)),
        ('C:\\>pip install "numpy<2"', ("numpy<2",), ()),
        ("$ uv add torch --index https://a.example/simple", ("torch",), ("https://a.example/simple",)),
        ("$ conda install pytorch=2.5 -c pytorch", ("pytorch=2.5",), ()),
        (
            "$ pip install torch -i https://me:secret@a.example/simple?token=x",
            ("torch",),
            ("https://a.example/simple",),
        ),
        (
            "用 pip install torch==2.6.0 -i https://a.example/simple 安装",
            ("torch==2.6.0",),
            ("https://a.example/simple",),
        ),
        (
            "$ pip install torch \\\n    --index-url https://a.example/whl/cu126",
            ("torch",),
            ("https://a.example/whl/cu126",),
        ),
        ("$ pip install -r requirements.txt", (), ()),
        ("pip install it and be happy", (), ()),
    ],
)
def test_what_was_asked_for(line, requested, indexes):
    """Requirements and indexes of every installer, credentials gone."""
    facts = parse_report(line)
    assert (facts.requested, facts.index_urls) == (requested, indexes)


@pytest.mark.parametrize(
    ("text", "interpreter", "others"),
    [
        ("** Python executable: C:\\Comfy\\python_embeded\\python.exe", "C:\\Comfy\\python_embeded\\python.exe", []),
        ("C:\\>.\\python_embeded\\python.exe -m pip install torch", ".\\python_embeded\\python.exe", []),
        (">>> import sys; sys.executable\n'/opt/v/bin/python'", "/opt/v/bin/python", []),
        ('venv "C:\\sd\\venv\\Scripts\\Python.exe"', "C:\\sd\\venv\\Scripts\\Python.exe", []),
        ('File "/opt/v/lib/python3.12/site-packages/torch/__init__.py", line 1', "/opt/v/bin/python", []),
        ('File "D:\\mc\\envs\\a\\lib\\site-packages\\torch\\__init__.py"', "D:\\mc\\envs\\a\\python.exe", []),
        ('File "D:\\w\\.venv\\Lib\\site-packages\\torch\\__init__.py"', "D:\\w\\.venv\\Scripts\\python.exe", []),
        ('File "/usr/lib/python3/dist-packages/torch/__init__.py"', None, []),
        (
            "$ /a/bin/python t.py\nTrue\n$ /b/bin/python t.py\nModuleNotFoundError: No module named 'torch'",
            "/b/bin/python",
            ["/a/bin/python"],
        ),
        (
            "$ /b/bin/python t.py\nModuleNotFoundError: No module named 'torch'\n$ /a/bin/python t.py\n2.6.0 True",
            "/b/bin/python",
            ["/a/bin/python"],
        ),
    ],
)
def test_the_interpreter_that_failed_is_told_from_the_others(text, interpreter, others):
    """The one that was named last before the last failure."""
    facts = parse_report(text)
    assert facts.interpreter == interpreter
    assert [python.path for python in facts.other_pythons] == others


def test_two_versions_are_two_interpreters():
    """The version of the one that failed is the report's; the other one is kept."""
    facts = parse_report(
        "$ python\nPython 3.11.7 (main) [GCC 11.4.0] on linux\n>>> import torch\n$ ipython\n"
        "Python 3.9.2 (main) [GCC 11.4.0] on linux\nModuleNotFoundError: No module named 'torch'"
    )
    assert facts.python.version == "3.9.2"
    assert [python.version for python in facts.other_pythons] == ["3.11.7"]


def test_one_interpreter_named_in_several_ways_is_one():
    """A label, a path and a traceback of the same environment."""
    facts = parse_report(
        "Python version: 3.12.3 (main) [GCC 13.3.0]\n"
        'File "/opt/v/lib/python3.12/site-packages/torch/__init__.py", line 1\nImportError: libx.so: undefined symbol'
    )
    assert (facts.python.version, facts.interpreter, facts.other_pythons) == ("3.12.3", "/opt/v/bin/python", ())


@pytest.mark.parametrize(
    ("text", "requested", "indexes"),
    [
        (
            "Looking in indexes: https://a.example/simple, https://me:pw@b.example/whl/cu118\n"
            "ERROR: Could not find a version that satisfies the requirement torch==2.0.1+cu118 (from versions: 2.0.0)\n"
            "ERROR: No matching distribution found for torch==2.0.1+cu118",
            ("torch==2.0.1+cu118",),
            ("https://a.example/simple", "https://b.example/whl/cu118"),
        ),
        (
            "  × No solution found when resolving dependencies:\n  ╰─▶ Because there is no version of torch==2.0.0+cu113 and "
            "you require torch==2.0.0+cu113, we can conclude that your requirements are unsatisfiable.",
            ("torch==2.0.0+cu113",),
            (),
        ),
    ],
)
def test_an_installers_refusal_says_what_was_asked_for(text, requested, indexes):
    """The command itself is often missing from the report."""
    facts = parse_report(text)
    assert (facts.requested, facts.index_urls) == (requested, indexes)


def test_no_password_stays_in_a_fact():
    """Commands and indexes are quoted in answers."""
    text = "$ pip install torch -i https://me:secret@a.example/simple\nLooking in indexes: https://me:secret@a.example/simple"
    found = parse_report(text)
    assert "secret" not in str((found.commands, found.index_urls, found.requested))


def test_a_dollar_sign_on_windows_is_no_shell():
    """People write it before any command; the shell there is not known."""
    assert parse_report("OS: Windows 11\n$ uv sync").shell is None


@pytest.mark.parametrize("behind", ["", "; torch.zeros(3).cuda()+1", "; x = torch.rand(2); print(x.sum())"])
@pytest.mark.parametrize("between", ["; ", ";", "; torch.manual_seed(0); "])
def test_what_one_line_of_python_prints_is_read_whatever_stands_around_it(between, behind):
    """Statements that print nothing do not hide the values of those that do."""
    code = f"import torch; print(torch.__version__){between}print(torch.cuda.is_available()){behind}"
    facts = parse_report(f'$ python -c "{code}"\n2.15.0+cu130\nFalse\n')
    assert (facts.torch.version, facts.torch.local, facts.torch.cuda_available) == ("2.15.0", "cu130", False)


@pytest.mark.parametrize(
    ("answer", "glibc"),
    [
        ("ldd (GNU libc) 2.17", "2.17"),
        ("ldd (Ubuntu GLIBC 2.35-0ubuntu3.8) 2.35", "2.35"),
        ("ldd (Debian GLIBC 2.36-9+deb12u4) 2.36", "2.36"),
        ("musl libc (x86_64)", None),
    ],
)
def test_ldd_says_which_glibc_there_is(answer, glibc):
    """Its last number, behind the distribution's own in brackets; musl's has none."""
    assert parse_report(f"$ ldd --version\n{answer}\n").system.glibc == glibc


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (r'"C:\Program Files\Python312\python.exe" -m pip list', r"C:\Program Files\Python312\python.exe"),
        (r'& "C:\Program Files\Python312\python.exe" -m pip list', r"C:\Program Files\Python312\python.exe"),
        (r'"C:\Python312\python.exe" -m pip list', r"C:\Python312\python.exe"),
        (r"C:\Python312\python.exe -m pip list", r"C:\Python312\python.exe"),
        ('"/Users/me/my envs/lab/bin/python3.12" -m pip list', "/Users/me/my envs/lab/bin/python3.12"),
    ],
)
def test_the_path_of_a_python_keeps_its_spaces(command, path):
    """A path in quotes is one word, and a remedy calls the whole of it."""
    assert parse_report(f"$ {command}\n").python.path == path
