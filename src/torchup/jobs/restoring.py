"""What restores damaged files, for who does not ask the doctor."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from torchup.doctor.facts import Facts, Package
from torchup.doctor.rules.damaged import repair_command
from torchup.envs.damage import prefix_of
from torchup.envs.distributions import versions
from torchup.jobs.changed_files import changed_files
from torchup.jobs.diagnose import of_user
from torchup.model import Notice, message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.envs.damage import Damage
    from torchup.host import Host
    from torchup.model import Message


def restoring(host: Host, python: str, damage: Sequence[Damage]) -> tuple[Notice, ...]:
    """The command that restores the environment of ``python``, or one for each package where it is not torchup's.

    Args:
        host: the machine.
        python: the environment's interpreter.
        damage: what is not as it was installed; empty where the interpreter itself does not start.
    """
    packages = tuple(Package(name=name, version=version) for name, version in versions(host, prefix_of(python)).items())
    facts = of_user(host, python, Facts(live=True, packages=packages))
    if facts.restorable is not None:
        command = shlex.join(repair_command(facts))
        return (_notice(message("files.repair", "to restore the environment, run `{command}`", command=command)),)
    if any(one.weighs and not one.conda for one in damage):
        command = shlex.join(("torchup", "doctor", "--deep", "--python", python))
        asked = message(
            "files.ask-doctor", "run `{command}` to see the commands that restore the files", command=command
        )
        return (_notice(asked),)
    return changed_files(damage, facts)


def _notice(text: Message) -> Notice:
    return Notice(code=text.code, level="warning", text=text)
