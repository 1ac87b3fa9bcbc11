"""A GitHub Actions workflow: one job a machine, on its own runner where the build needs a GPU."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from torchup.errors import UsageError
from torchup.model import Os, message
from torchup.plan.exports.common import together
from torchup.plan.exports.fleet import check_program, head, in_one_step, install_words, to_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.plan.exports.fleet import LeftOut, Planned

_HOSTED = {Os.LINUX: "ubuntu-latest", Os.WINDOWS: "windows-latest", Os.MACOS: "macos-latest"}


def github_actions(fleet: Sequence[Planned], left_out: Sequence[LeftOut]) -> str:
    """A workflow with a matrix. A machine with a GPU is its own runner: give that the machine's name as a label.

    Raises:
        UsageError: no plan can be installed with one command; the reason of all of them.
    """
    reasons = {one.name: in_one_step(one) for one in fleet}
    kept = [one for one in fleet if reasons[one.name] is None]
    gone = [reason for reason in reasons.values() if reason is not None]
    if not kept:
        raise _none_left(fleet)
    notes = ["# a runner with a GPU needs the name of its machine as a label"]
    lines = head(kept, [*left_out, *gone], "github-actions")
    return "\n".join([*lines, *notes, to_yaml(_workflow(kept))])


def _none_left(fleet: Sequence[Planned]) -> UsageError:
    later = dict.fromkeys(wheel.package for one in fleet for wheel in one.plan.wheels if wheel.index or wheel.compiled)
    if all(one.plan.conda is not None for one in fleet) or not later:
        return UsageError(
            message(
                "export.conda", "the plan is for conda, but `{kind}` needs a plan for uv or pip", kind="github-actions"
            ),
            hint=message(
                "export.conda.hint",
                "use --installer uv, or export environment.yml, pixi, dockerfile, script-sh or script-ps1",
            ),
        )
    return UsageError(
        message(
            "export.later",
            "`{kind}` installs everything with one command, but these packages are installed after torch: {packages}",
            kind="github-actions",
            packages=", ".join(later),
        ),
        hint=message(
            "export.later.hint",
            "plan without these packages, or export a script instead: script-sh (script-ps1 for Windows)",
        ),
    )


def _workflow(fleet: Sequence[Planned]) -> dict[str, Any]:
    job = {
        "strategy": {"fail-fast": False, "matrix": {"include": [_entry(one) for one in fleet]}},
        "name": "${{ matrix.machine }}",
        "runs-on": "${{ matrix.runner }}",
        "timeout-minutes": 60,
        "steps": [
            {"uses": "actions/checkout@v5", "with": {"persist-credentials": False}},
            {"uses": "actions/setup-python@v6", "with": {"python-version": "${{ matrix.python }}"}},
            {
                "name": "Install the planned packages",
                "shell": "bash",
                "env": {"PACKAGES": "${{ matrix.packages }}"},
                "run": 'printf "%s\\n" "$PACKAGES" > torch-requirements.txt\n'
                "python -m pip install -r torch-requirements.txt\n",
            },
            {
                "name": "Prove that torch is the planned one and reaches the device",
                "shell": "bash",
                "env": {"CHECK": "${{ matrix.check }}"},
                "run": 'python -c "$CHECK"\n',
            },
        ],
    }
    return {
        "name": "torch",
        "on": {"push": None, "pull_request": None, "workflow_dispatch": None},
        "permissions": {"contents": "read"},
        "jobs": {"torch": job},
    }


def _entry(one: Planned) -> dict[str, Any]:
    runner: Any = ["self-hosted", one.host] if one.plan.uses_gpu else _HOSTED[one.machine.os]
    words = install_words(one)
    packages = together(one.plan)
    options = list(words[: len(words) - len(packages)])
    lines = [shlex.join(pair) for pair in zip(options[::2], options[1::2], strict=False)]
    return {
        "machine": one.host,
        "runner": runner,
        "python": one.plan.python,
        "packages": "\n".join([*lines, *packages]),
        "check": check_program(one.plan),
    }
