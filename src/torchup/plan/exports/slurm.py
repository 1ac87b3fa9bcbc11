"""A Slurm batch script: each node makes its planned environment once, then runs the program in it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from torchup.plan.exports.common import later_commands, plain_python, together
from torchup.plan.exports.fleet import by_label, check_program, conda_command, head, on_linux
from torchup.plan.exports.scripts import pip_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.plan.exports.fleet import LeftOut, Planned

_START = """\
set -euo pipefail

node=${SLURMD_NODENAME:-$(hostname -s)}
case $node in"""
_REST = """\
esac

environment=${TORCH_ENVIRONMENTS:-$HOME/torch-environments}/$build
mkdir -p "$(dirname "$environment")"
exec 9>"$environment.lock"
flock 9 # several jobs of one build: the first makes it, the others wait
if [ ! -e "$environment/.complete" ]; then
  rm -rf "$environment"
  make_environment
  touch "$environment/.complete"
fi
flock -u 9
"$environment/bin/python" -c "$check"
srun "$environment/bin/python" "$@"
"""


def slurm(fleet: Sequence[Planned], left_out: Sequence[LeftOut]) -> str:
    """A batch script: ``sbatch torch.sh train.py``. A node without a plan ends the job with 3.

    Raises:
        UsageError: no machine runs Linux.
    """
    kept, gone = on_linux(fleet, "slurm")
    comments = head(kept, [*left_out, *gone], "slurm")
    cases = [line for group in by_label(kept).values() for line in _case(group)]
    unknown = ["  *)", '    echo "no plan for the node $node" >&2', "    exit 3", "    ;;"]
    return "\n".join(["#!/bin/bash", *comments, *_directives(kept), _START, *cases, *unknown, _REST])


def _directives(fleet: Sequence[Planned]) -> list[str]:
    """What every node of the list can give; the rest is the site's (`sbatch --partition ...`)."""
    gpus = min(len(one.plan.covered_gpus) for one in fleet)
    lines = ["#SBATCH --job-name=torch", "#SBATCH --nodes=1"]
    return [*lines, *([f"#SBATCH --gpus-per-node={gpus}"] if gpus else []), ""]


def _case(group: Sequence[Planned]) -> list[str]:
    one = group[0]
    names = " | ".join(dict.fromkeys(shlex.quote(member.name.removesuffix(".json")) for member in group))
    build = re.sub(r"[^A-Za-z0-9.+-]", "-", f"torch-{one.label}-python{one.plan.python}")
    return [
        f"  {names})",
        f"    build={shlex.quote(build)}",
        f"    check={shlex.quote(check_program(one.plan))}",
        "    make_environment() {",
        *(f"      {line}" for line in _make(one)),
        "    }",
        "    ;;",
    ]


def _make(one: Planned) -> list[str]:
    conda = conda_command(one.plan)
    if conda is not None:
        return [f'micromamba create --yes --prefix "$environment" {conda}']
    packages = [shlex.quote(line) for line in together(one.plan)]
    later = [shlex.join(words) for words in later_commands(one.plan, (), "--default-index")]
    later_pip = [shlex.join(words) for words in later_commands(one.plan, (), "--index-url")]
    with_uv = " ".join([*map(shlex.quote, pip_options(one.plan, "uv")), *packages])
    with_pip = " ".join([*map(shlex.quote, pip_options(one.plan, "pip")), *packages])
    return [
        "if command -v uv >/dev/null 2>&1; then",
        f'  uv venv --python {shlex.quote(one.plan.python)} "$environment"',
        f'  uv pip install --python "$environment" {with_uv}',
        *(f'  uv pip install --python "$environment" {line}' for line in later),
        "else",
        f'  python{plain_python(one.plan)} -m venv "$environment"',
        f'  "$environment/bin/python" -m pip install {with_pip}',
        *(f'  "$environment/bin/python" -m pip install {line}' for line in later_pip),
        "fi",
    ]
