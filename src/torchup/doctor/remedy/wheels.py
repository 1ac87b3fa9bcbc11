"""The wheel of a package that goes with the torch that is there, as text and commands. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.packages import load_packages
from torchup.compat.packages import Axis, By, Wish, ask, match_one
from torchup.compat.packages.against import none_fits
from torchup.compat.packages.fits import CERTAIN
from torchup.doctor.remedy.choice import installed_variant
from torchup.doctor.remedy.install_commands import interpreter_of
from torchup.doctor.remedy.machine import machine_of
from torchup.doctor.remedy.quoting import set_variable
from torchup.doctor.remedy.rebuild import install_by, rebuild
from torchup.doctor.remedy.shells import shell_of
from torchup.model import Manager, Remedy, joined, message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.catalog.packages import Package
    from torchup.catalog.types import Catalog
    from torchup.compat.packages import Match
    from torchup.doctor.facts import Facts
    from torchup.model import ComputeCapability, Message

Command = tuple[str, ...]


def fitting_wheel(facts: Facts, catalog: Catalog, package: Package) -> Match | None:
    """What the tables say of a package for the torch, Python and machine of the facts; ``None``: torch is not known."""
    imagined = machine_of(facts, catalog)
    torch, variant = facts.torch.version, installed_variant(facts, catalog, imagined)
    if torch is None:
        return None
    python = ".".join(facts.python.version.split(".")[:2]) if facts.python.version else None
    if python and facts.python.free_threaded:
        python = python.removesuffix("t") + "t"
    wish = Wish(torch=torch, variant=variant, python=python, any_gpu=not imagined.machine.gpus)
    try:
        return match_one(package, ask(imagined.machine, wish, catalog, load_packages()))
    except ValueError:
        return None  # a torch whose version is none: a build of one's own


def wheel_remedy(
    facts: Facts, catalog: Catalog, package: Package, *, text: Message, gpus: Iterable[ComputeCapability] = ()
) -> Remedy:
    """Install the wheel that fits the torch that is there; if no wheel fits, say what is nearest.

    Args:
        facts: what is known of machine and environment.
        catalog: the published builds.
        package: whose wheel is at fault.
        text: the cause's own words; what is found follows them.
        gpus: the GPUs that it has to have code for, where it is compiled.
    """
    found = fitting_wheel(facts, catalog, package)
    if found is None:
        told = message("doctor.wheel.ask", "run `torchup wheel {package}` to see which file fits", package=package.name)
        return _remedy(facts, joined(text, told), ())
    if found.found:
        return _remedy(facts, joined(text, _fits(facts, found)), _commands(facts, found))
    return _without_wheel(facts, package, found, text, gpus)


def _without_wheel(
    facts: Facts, package: Package, found: Match, text: Message, gpus: Iterable[ComputeCapability]
) -> Remedy:
    """The nearest torch, what to use instead, and the package compiled here, as far as there is each."""
    compiled = () if _never(found) or package.kind == "pinned" else rebuild(facts, _module(package), gpus)
    needs = message("doctor.wheel.compile", "needed to compile the package here: {needs}", needs=found.build_needs)
    more = (_nearest(found), _instead(found), needs if compiled and found.build_needs else None)
    for part in (none_fits(found), *(one for one in more if one is not None)):
        text = joined(text, part)
    both = (("torchup", "up", "--with", package.name),) if _nearest(found) is not None else ()
    return _remedy(facts, text, compiled or both)


def _remedy(facts: Facts, text: Message, commands: tuple[Command, ...]) -> Remedy:
    return Remedy(text=text, commands=commands, interpreter=interpreter_of(facts), shell=shell_of(facts))


def _module(package: Package) -> str:
    return package.modules.split()[0] if package.modules else package.name.replace("-", "_")


# ---------------------------------------------------------------- words


def _fits(facts: Facts, found: Match) -> Message:
    """Which wheel it is, whose, and how it is known."""
    what = found.file or found.requirement or found.package
    told = message("doctor.wheel.fits", "this wheel fits: {wheel}", wheel=what)
    if found.by == By.MEASURED_REUSE:
        reuse = message(
            "doctor.wheel.reuse",
            "the wheel was built for torch {built} and tested with this torch",
            built=found.built,
        )
        told = joined(told, reuse)
    if found.publisher:
        told = joined(
            told, message("doctor.wheel.publisher", "a third party built the wheel: {name}", name=found.publisher)
        )
    if found.url and found.evidence not in CERTAIN:
        told = joined(told, message("doctor.wheel.unchecked", "torchup has not checked the address of the wheel"))
    if facts.python.version is None and found.file and found.python:
        told = joined(told, _for_python(found))
    return told


def _for_python(found: Match) -> Message:
    """The Python that the file is for, if the report does not name one."""
    return message(
        "doctor.wheel.python",
        "your report does not show the Python version, and this file is for Python {python}; run `torchup wheel "
        "{package} --python X.Y` for another Python version",
        python=found.python,
        package=found.package,
    )


def _nearest(found: Match) -> Message | None:
    """The torch that has one; where GPU or system stand in the way, no torch helps."""
    if not found.nearest or _never(found):
        return None
    near = found.nearest[0]
    label = f"+cu{near.cuda}" if near.cuda.isdigit() else f"+{near.cuda}"
    python = f" (Python {near.python})" if Axis.PYTHON in near.changes else ""
    return message(
        "doctor.wheel.nearest",
        "{package} has a wheel for torch {torch}: run `torchup up --with {package}` to install both",
        torch=f"{near.torch}{label}{python}",
        package=found.package,
    )


def _never(found: Match) -> bool:
    fixed = {Axis.PLATFORM, Axis.CAPABILITY}
    return any(one.axis in fixed for one in found.failed)


def _instead(found: Match) -> Message | None:
    if not found.alternative or not _never(found):
        return None
    return message("doctor.wheel.instead", "use an alternative: {what}", what=found.alternative)


# ---------------------------------------------------------------- commands


def _commands(facts: Facts, found: Match) -> tuple[Command, ...]:
    """The package alone, written over what is there; torch is not touched."""
    variables = tuple(set_variable(name, value) for name, value in found.environment.items())
    if facts.manager is Manager.UV_PROJECT and found.url:
        return (*variables, ("uv", "add", "--reinstall-package", found.package, f"{found.package} @ {found.url}"))
    words = found.install[0][2:] if found.install else (found.package,)
    again = ("--reinstall-package", found.package) if _by_uv(facts) else ("--force-reinstall",)
    places = tuple(word for word in words if word != "--no-deps")
    needs = [install_by(facts, line[2:]) for need in found.needs for line in need.install if need.found]
    return (*variables, install_by(facts, (*again, "--no-deps", *places)), *needs)


def _by_uv(facts: Facts) -> bool:
    return facts.manager in {Manager.UV_VENV, Manager.UV_PROJECT}
