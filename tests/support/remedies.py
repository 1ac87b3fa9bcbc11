"""Facts of machines with a wrong build, and commands read back: what does a remedy install, from where?"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import msgspec

from torchup.doctor.facts import Package, Python
from torchup.doctor.live import facts_of

TORCH = re.compile(r"torch(?:\[[^\]]*\])?(?:==(?P<version>[^ ]+)| @ \S+/torch-(?P<file>[^-]+)-\S+)")


@dataclass(frozen=True)
class Installed:
    """What the commands of a remedy install."""

    torch: str | None
    index: str | None
    interpreter: str | None
    words: tuple[str, ...]


def facts_with_wrong_build(machine, **changes):
    """A live environment of the machine's Python with a torch of 2.0.0 for the processor."""
    facts = facts_of(machine)
    own = next(iter(machine.pythons), None)
    python = Python(
        version=own.version if own else (machine.python or "").removesuffix("t") or None,
        bits=own.bits if own else None,
        arch=own.arch if own else None,
        free_threaded=own.free_threaded if own else (machine.python or "").endswith("t"),
        path=own.path if own else None,
    )
    torch = msgspec.structs.replace(facts.torch, installed=True, version="2.0.0", local="cpu", variant="cpu")
    packages = tuple(Package(name=name, version="2.0.0+cpu") for name in ("torch", "torchvision", "torchaudio"))
    return msgspec.structs.replace(facts, **{"python": python, "torch": torch, "packages": packages} | changes)


def one_python(machine):
    """The machine with the first of its Pythons alone: an environment has one."""
    pythons = machine.pythons[:1]
    return msgspec.structs.replace(machine, pythons=pythons, python=pythons[0].version if pythons else machine.python)


def read_back(remedy):
    """Parse the commands of a remedy."""
    words = tuple(word for command in remedy.commands for word in command)
    torch = next((found["version"] or found["file"] for word in words if (found := TORCH.fullmatch(word))), None)
    index = None
    for option, value in itertools.pairwise(words):
        if option in {"--index-url", "--default-index", "--index"}:
            index = value.partition("=")[2] if re.match(r"[\w-]+=", value) else value
    explicit = next((value for value in words if value.startswith("http")), None)
    named = next((v for option, v in itertools.pairwise(words) if option == "--python"), None)
    return Installed(
        torch=torch, index=index or explicit, interpreter=named or words[0] if words else None, words=words
    )
