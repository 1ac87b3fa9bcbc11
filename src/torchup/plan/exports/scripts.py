"""Shell scripts that make the environment without torchup: POSIX sh and PowerShell."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from torchup.model import Os
from torchup.plan.exports.common import (
    conda_channels,
    header,
    later_commands,
    main_index,
    places,
    plain_python,
    together,
    variables,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.model import CondaOrder, Machine, Plan


def pip_options(plan: Plan, tool: str) -> list[str]:
    """Index options for ``pip`` or ``uv``; both search every index, the best version wins."""
    found = places(plan)
    main, extra = ("--index-url", "--extra-index-url") if tool == "pip" else ("--default-index", "--index")
    options = main_index(found, lambda url: [main, url])
    for url in found.extra_index_urls:
        options += [extra, url]
    if found.extra_index_urls and tool == "uv":
        options += ["--index-strategy", "unsafe-best-match"]
    for place in found.find_links:
        options += ["--find-links", place]
    return options


def channel_options(order: CondaOrder) -> str:
    """``--override-channels --channel URL ...`` quoted for sh."""
    return "--override-channels " + " ".join(f"--channel {shlex.quote(url)}" for url in conda_channels(order))


def script_sh(plan: Plan, machine: Machine) -> str:
    """A POSIX shell script: ``sh torch.sh [FOLDER]``. Uses uv where it is installed, else venv and pip.

    Windows has such a shell, too (Git's); there an environment has its Python in another folder.
    """
    launcher, inside = _launcher(plan, machine), "Scripts/python.exe" if machine.os is Os.WINDOWS else "bin/python"
    python = f"$environment/{inside}"
    if plan.conda is not None:
        specs = " ".join(shlex.quote(spec) for spec in plan.conda.specs)
        body = [
            "for tool in micromamba mamba conda; do",
            '  if command -v "$tool" >/dev/null 2>&1; then',
            f'    exec "$tool" create --yes --prefix "$environment" {channel_options(plan.conda)} {specs}',
            "  fi",
            "done",
            'echo "none of micromamba, mamba, conda is installed" >&2',
            "exit 1",
        ]
    else:
        body = [
            "if command -v uv >/dev/null 2>&1; then",
            f'  uv venv --python {shlex.quote(plan.python)} "$environment"',
            f'  uv pip install --python "$environment" {_line(plan, "uv", shlex.quote)}',
            *_sh_compiled(plan, 'uv pip install --python "$environment"'),
            "else",
            f'  {launcher} -m venv "$environment"',
            f'  "{python}" -m pip install {_line(plan, "pip", shlex.quote)}',
            *_sh_compiled(plan, f'"{python}" -m pip install'),
            "fi",
            f'"{python}" -c "import torch; print(torch.__version__)"',
        ]
    start = ["#!/bin/sh", header(plan, machine).rstrip("\n"), "set -eu", "environment=${1:-.venv}"]
    return "\n".join([*start, *body]) + "\n"


def _sh_compiled(plan: Plan, tool: str) -> list[str]:
    before = "".join(f"{name}={shlex.quote(value)} " for name, value in variables(plan).items())
    return [f"  {before}{tool} {shlex.join(words)}" for words in later_commands(plan, (), _index_option(tool))]


def _index_option(tool: str) -> str:
    return "--default-index" if tool.startswith("uv ") else "--index-url"


def _ps1_compiled(plan: Plan, tool: str) -> list[str]:
    lines = later_commands(plan, (), _index_option(tool))
    before = [f"    $env:{name} = {_quote_ps1(value)}" for name, value in variables(plan).items()]
    return [*before, *(f"    Invoke-Checked {tool} {' '.join(map(_quote_ps1, words))}" for words in lines)]


def _launcher(plan: Plan, machine: Machine) -> str:
    """What starts the planned Python where no environment is active."""
    return f"py -{plain_python(plan)}" if machine.os is Os.WINDOWS else f"python{plan.python}"


def _line(plan: Plan, tool: str, quote: Callable[[str], str]) -> str:
    return " ".join(quote(part) for part in (*pip_options(plan, tool), *together(plan)))


def _quote_ps1(text: str) -> str:
    """A literal string of PowerShell: only the quote itself (and its typographic kin) needs doubling."""
    return "'" + "".join(c * 2 if c in "'‘’‚‛" else c for c in text) + "'"


def script_ps1(plan: Plan, machine: Machine) -> str:
    """A PowerShell script (5.1 and newer) with the same argument. Uses uv where it is installed, else venv and pip."""
    start = [
        header(plan, machine).rstrip("\n"),
        "param([string]$Environment = '.venv')",
        "$ErrorActionPreference = 'Stop'",
        "function Invoke-Checked {",
        "    $program, $rest = $args",
        "    & $program @rest",
        '    if ($LASTEXITCODE -ne 0) { throw "$program ended with $LASTEXITCODE" }',
        "}",
    ]
    body = _ps1_pip(plan, machine) if plan.conda is None else _ps1_conda(plan.conda)
    return "\n".join([*start, *body]) + "\n"


def _ps1_pip(plan: Plan, machine: Machine) -> list[str]:
    inside = "Scripts\\python.exe" if machine.os is Os.WINDOWS else "bin/python"
    program, *version = _launcher(plan, machine).split()
    launcher = " ".join((program, *map(_quote_ps1, version)))
    return [
        f"$python = Join-Path $Environment {_quote_ps1(inside)}",
        "if (Get-Command uv -ErrorAction SilentlyContinue) {",
        f"    Invoke-Checked uv venv '--python' {_quote_ps1(plan.python)} $Environment",
        f"    Invoke-Checked uv pip install '--python' $Environment {_line(plan, 'uv', _quote_ps1)}",
        *_ps1_compiled(plan, "uv pip install '--python' $Environment"),
        "} else {",
        f"    Invoke-Checked {launcher} '-m' venv $Environment",
        f"    Invoke-Checked $python '-m' pip install {_line(plan, 'pip', _quote_ps1)}",
        *_ps1_compiled(plan, "$python '-m' pip install"),
        "}",
        "Invoke-Checked $python '-c' 'import torch; print(torch.__version__)'",
    ]


def _ps1_conda(order: CondaOrder) -> list[str]:
    channels = [part for url in conda_channels(order) for part in ("--channel", url)]
    arguments = " ".join(_quote_ps1(part) for part in ("--override-channels", *channels, *order.specs))
    return [
        "$tools = 'micromamba', 'mamba', 'conda'",
        "$tool = Get-Command -Name $tools -ErrorAction SilentlyContinue | Select-Object -First 1",
        "if (-not $tool) { throw 'none of micromamba, mamba, conda is installed' }",
        f"Invoke-Checked $tool.Name create '--yes' '--prefix' $Environment {arguments}",
    ]
