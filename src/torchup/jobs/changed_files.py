"""What differs from what was installed but is not a cause by itself: shown with the diagnosis and what restores it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from torchup.doctor.cause import text_of
from torchup.model import Notice, message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.doctor.facts import Facts
    from torchup.envs.damage import Damage
    from torchup.model import Message


def changed_files(damage: Sequence[Damage], facts: Facts) -> tuple[Notice, ...]:
    """A warning for each package, and each start file, that no rule of the doctor speaks of."""
    told = {one.line for one in facts.damage} if facts.torch.installed else set()  # a rule quotes these
    first: dict[str, Damage] = {}
    for one in damage:
        if _sentence(one) not in told:
            first.setdefault(one.package, one)
    texts = dict.fromkeys(_text(one, facts) for one in first.values())
    return tuple(Notice(code=text.code, level="warning", text=text) for text in texts)


def _sentence(damage: Damage) -> Message:
    from torchup.envs.damage import said  # noqa: PLC0415  # only damage pays for it
    from torchup.i18n.sentences import sentence  # noqa: PLC0415  # same

    return sentence(said(damage))


def _text(damage: Damage, facts: Facts) -> Message:
    from torchup.envs.damage import DamageKind  # noqa: PLC0415  # only damage pays for it

    if damage.kind is DamageKind.START_FILE and facts.restorable is None:
        return message(
            "doctor.files.start",
            "{file} belongs to no package and runs code whenever Python starts; remove it unless you know what it does",
            file=damage.file,
        )
    what, command = _sentence(damage), " && ".join(_commands(damage, facts))
    if not command:
        return message("doctor.files.told", "{what}", what=what)
    if facts.restorable is not None:
        return message(
            "doctor.files.repair",
            "{what}; run `{command}` to restore the environment",
            what=what,
            command=command,
        )
    return message("doctor.files.changed", "{what}; run `{command}` to restore the package", what=what, command=command)


def _commands(damage: Damage, facts: Facts) -> Iterator[str]:
    """An environment of torchup is recreated as a whole; elsewhere a package is reinstalled as it was."""
    from torchup.doctor import remedy  # noqa: PLC0415  # the planner comes with it
    from torchup.doctor.rules.damaged import repair_command  # noqa: PLC0415  # only damage pays for it
    from torchup.envs.damage import DamageKind  # noqa: PLC0415  # same

    text = text_of("mixed-install", "remedy-damage")
    version = _version(damage, facts)
    if facts.restorable is not None:
        yield shlex.join(repair_command(facts))
        return
    if damage.conda:
        made = remedy.linked_anew(facts, (damage.conda,), text=text)
    elif version:
        unlisted = damage.kind is DamageKind.NO_RECORD
        made = remedy.renewed(facts, (f"{damage.package}=={version}",), text=text, unlisted=unlisted)
    else:
        return
    yield from (remedy.line(command, made.shell) for command in made.commands)


def _version(damage: Damage, facts: Facts) -> str | None:
    """The verified version where another one took its place, else the one that is there."""
    if damage.detail:
        return damage.detail.partition(" -> ")[0]
    return next((one.version for one in facts.packages if one.name == damage.package), None)
