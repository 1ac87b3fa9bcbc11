"""Packages beside torch, put into the environment by the tool that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.remedy.install_commands import Order, interpreter_of, plain_install
from torchup.doctor.remedy.shells import shell_of
from torchup.model import Manager, Remedy

if TYPE_CHECKING:
    from torchup.doctor.facts import Facts
    from torchup.model import Message


def add_packages(facts: Facts, requirements: tuple[str, ...], *, text: Message) -> Remedy:
    """Install further packages from where the user's own settings say; torch stays as it is."""
    interpreter = interpreter_of(facts)
    order = Order(packages=(), manager=facts.manager or Manager.PIP, interpreter=interpreter)
    commands = plain_install(requirements, order)
    return Remedy(text=text, commands=commands, interpreter=interpreter, shell=shell_of(facts))
