"""Packages beside torch, put into the environment by the tool that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.remedy.install_commands import Order, interpreter_of, plain_install, renew
from torchup.doctor.remedy.shells import shell_of
from torchup.model import Manager, Remedy

if TYPE_CHECKING:
    from torchup.doctor.facts import Facts
    from torchup.model import Message


def add_packages(facts: Facts, requirements: tuple[str, ...], *, text: Message) -> Remedy:
    """Install further packages from where the user's own settings say; torch stays as it is."""
    order = _order(facts)
    return _typed(facts, order, plain_install(requirements, order), text)


def renewed(facts: Facts, requirements: tuple[str, ...], *, text: Message, unlisted: bool = False) -> Remedy:
    """Reinstall packages in their present versions, without their dependencies.

    ``unlisted``: the lists of their files are missing, so that pip cannot remove them before.
    """
    order = _order(facts)
    return _typed(facts, order, renew(requirements, order, unlisted=unlisted), text)


def plain(facts: Facts, commands: tuple[tuple[str, ...], ...], *, text: Message) -> Remedy:
    """Commands that name no interpreter."""
    return Remedy(text=text, commands=commands, shell=shell_of(facts))


def linked_anew(facts: Facts, packages: tuple[str, ...], *, text: Message) -> Remedy:
    """Have conda or pixi link packages (``name==version``) again, in the versions that are there."""
    order = _order(facts)
    if order.manager is Manager.PIXI:
        return _typed(facts, order, (("pixi", "reinstall", *(pin.partition("==")[0] for pin in packages)),), text)
    return _typed(facts, order, (("conda", "install", "--force-reinstall", *packages),), text)


def _order(facts: Facts) -> Order:
    return Order(packages=(), manager=facts.manager or Manager.PIP, interpreter=interpreter_of(facts))


def _typed(facts: Facts, order: Order, commands: tuple[tuple[str, ...], ...], text: Message) -> Remedy:
    return Remedy(text=text, commands=commands, interpreter=order.interpreter, shell=shell_of(facts))
