"""An Ansible playbook that brings each host to its plan; Ansible's own modules do the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchup.errors import UsageError
from torchup.model import InstallerName, Os, message
from torchup.plan.exports.common import together
from torchup.plan.exports.fleet import (
    LeftOut,
    Planned,
    by_label,
    check_program,
    head,
    in_one_step,
    install_words,
    to_yaml,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.model import Message

_FOLDER = "torch_environment"


def ansible(fleet: Sequence[Planned], left_out: Sequence[LeftOut]) -> str:
    """A playbook with one play for each group of hosts that are installed alike.

    Raises:
        UsageError: no host that Ansible reaches over ssh is left.
    """
    reasons = {one.name: in_one_step(one) or _windows(one) for one in fleet}
    kept = [one for one in fleet if reasons[one.name] is None]
    gone = [reason for reason in reasons.values() if reason is not None]
    if not kept:
        raise UsageError(
            message(
                "export.ansible",
                "a playbook cannot set up any of the planned machines; the first reason is: {reason}",
                reason=_reason(fleet[0]),
            ),
            hint=message(
                "export.ansible.hint",
                "plan for Linux or macOS with one of these installers: {installers}; export script-sh instead if "
                "the plan installs packages after torch",
                installers=f"{InstallerName.UV}, {InstallerName.PIP}",
            ),
        )
    plays = [_play(group) for group in by_label(kept).values()]
    return "\n".join(["---", *head(kept, [*left_out, *gone], "ansible"), to_yaml(plays)])


def _windows(one: Planned) -> LeftOut | None:
    return LeftOut(name=one.name, why="Windows: use script-ps1") if one.machine.os is Os.WINDOWS else None


def _reason(one: Planned) -> Message:
    """Why no playbook sets up a machine."""
    if one.plan.conda is not None:
        return message("export.ansible.conda", "the plan of {name} is for conda", name=one.name)
    if one.machine.os is Os.WINDOWS:
        return message("export.ansible.windows", "{name} runs Windows", name=one.name)
    return message("export.ansible.later", "the plan of {name} installs packages after torch", name=one.name)


def _play(group: Sequence[Planned]) -> dict[str, Any]:
    one = group[0]
    words = install_words(one)
    packages = together(one.plan)
    options = words[: len(words) - len(packages)]
    return {
        "name": f"Torch {one.label} for Python {one.plan.python}",
        "hosts": ",".join(dict.fromkeys(member.host for member in group)),
        "gather_facts": False,
        "vars": {
            _FOLDER: "{{ torch_home | default('~/torch') }}",
            "torch_python": f"python{one.plan.python}",
            "torch_packages": list(packages),
            "torch_options": " ".join(options),
        },
        "tasks": [_install(), _check(one)],
    }


def _install() -> dict[str, Any]:
    return {
        "name": "Install the planned packages",
        "ansible.builtin.pip": {
            "name": "{{ torch_packages }}",
            "virtualenv": f"{{{{ {_FOLDER} }}}}",
            "virtualenv_command": "{{ torch_python }} -m venv",
            "extra_args": "{{ torch_options }}",
        },
    }


def _check(one: Planned) -> dict[str, Any]:
    return {
        "name": "Prove that torch is the planned one and reaches the device",
        "ansible.builtin.command": {"argv": [f"{{{{ {_FOLDER} }}}}/bin/python", "-c", check_program(one.plan)]},
        "changed_when": False,
        "when": "not ansible_check_mode",
    }
