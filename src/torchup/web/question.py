"""What the page asks: the names are those of its form fields, and of the command line's options. Pure."""

from __future__ import annotations

from enum import StrEnum

from torchup.model import InstallerName, Manager, Request, Secret, Value


class Verb(StrEnum):
    """What is wanted."""

    PLAN = "plan"
    DOCTOR = "doctor"


class Question(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question. Empty text is a field that is not filled in.

    ``paste``: what a tool printed, or a machine as `torchup detect --json` describes it. ``asked``: a build, as in
    ``--why-not``. ``manager``: whose commands are shown.
    """

    verb: Verb
    lang: str = "en"
    paste: str = ""
    # the machine, as in --assume
    os: str = ""
    arch: str = ""
    gpu: str = ""
    driver: str = ""
    cuda: str = ""
    glibc: str = ""
    # the request
    torch: str = ""
    variant: str = ""
    python: str = ""
    packages: str = ""
    purpose: str = ""
    profile: str = "core"
    channel: str = "stable"
    mirror: str = ""
    cpu: bool = False
    manager: Manager = Manager.UV_VENV
    asked: str = ""


ASSUMED = ("os", "arch", "gpu", "driver", "cuda", "glibc")
INSTALLERS = {Manager.PIP: InstallerName.PIP, Manager.CONDA: InstallerName.CONDA, Manager.PIXI: InstallerName.CONDA}


def assumptions(question: Question) -> tuple[str, ...]:
    """The form's machine as ``KEY=VALUE`` items; several GPUs are parted by commas."""
    items = []
    for key in ASSUMED:
        value = getattr(question, key).strip()
        parts = value.split(",") if key == "gpu" else [value]
        items += [f'{key}="{part.strip()}"' for part in parts if part.strip()]
    return tuple(items)


def request_of(question: Question) -> Request:
    """What the planner is asked for."""
    return Request(
        torch=question.torch.strip() or None,
        variant=question.variant.strip().lower() or None,
        python=question.python.strip() or None,
        packages=tuple(question.packages.replace(",", " ").split()),
        purpose=question.purpose.strip() or None,
        profile=question.profile,
        channel=question.channel,
        mirror=Secret.of(question.mirror.strip()),
        cpu=question.cpu,
        installer=INSTALLERS.get(question.manager),
    )
