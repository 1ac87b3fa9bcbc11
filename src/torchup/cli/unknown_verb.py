"""Suggestions for an unknown command."""

from __future__ import annotations

import importlib

import click

from torchup.cli.registry import VERBS
from torchup.errors import UsageError
from torchup.model import Message, message
from torchup.near_names import did_you_mean

# Words that other tools use for what torchup calls otherwise, and the command line that does it here.
ELSEWHERE: dict[str, str] = {
    "help": "torchup --help",
    "version": "torchup --version",
    "install": "torchup up",
    "setup": "torchup up",
    "init": "torchup up",
    "update": "torchup up",
    "upgrade": "torchup up",
    "info": "torchup detect",
    "status": "torchup env show",
    "list": "torchup env list",
    "run": "torchup env run -- python train.py",
    "test": "torchup verify",
    "check": "torchup doctor",
    "fix": "torchup doctor --fix",
    "repair": "torchup doctor --fix",
    "diagnose": "torchup doctor",
    "benchmark": "torchup bench",
    "search": "torchup catalog show",
    "report": "torchup results report --html report.html",
    "uninstall": "torchup self uninstall",
}


def unknown_verb(name: str) -> UsageError:
    """The error for a verb that is not one: a word of other tools, a subverb without its verb, a misspelling."""
    word = name.lower()
    known = ELSEWHERE.get(word) or _subverb(word)
    meant = message("cli.verb.did-you-mean", "did you mean `{command}`?", command=known) if known else None
    hint: Message = (
        meant
        or did_you_mean(word, VERBS, prefix="torchup ")
        or message("cli.verb.see-help", "run `torchup --help` to list the commands")
    )
    return UsageError(message("cli.verb.unknown", "there is no command `{name}`", name=f"torchup {name}"), hint=hint)


def _subverb(word: str) -> str | None:
    """`adopt` -> `torchup env adopt`."""
    for verb, (module, _) in VERBS.items():
        command = importlib.import_module(module).command
        if isinstance(command, click.Group) and word in command.list_commands(click.Context(command)):
            return f"torchup {verb} {word}"
    return None
