"""The driver remedies of the doctor: `torchup.plan.drivers` asked for the system of the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import version_key
from torchup.doctor.package_tools import package_tool, package_tools
from torchup.doctor.remedy.machine import machine_of
from torchup.doctor.remedy.shells import shell_of
from torchup.errors import TorchupError
from torchup.model import Message, Remedy, Request, Vendor, joined
from torchup.patterns import lazy_pattern
from torchup.plan.drivers import DriverAction, DriverOrder, DriverPlace, driver_steps, driver_text, place_of
from torchup.plan.planner import make_question
from torchup.plan.whatif import advised_branch, driver_gives, families

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog, Family
    from torchup.doctor.facts import Facts
    from torchup.doctor.package_tools import PackageTool
    from torchup.plan.judge import Question

_HERE = {DriverPlace.LINUX, DriverPlace.WINDOWS, DriverPlace.JETSON}  # the driver is this system's own
# Linux packages that bring a driver's own libcuda; the toolkit's and the container toolkit's do not.
_DRIVER_PACKAGE = lazy_pattern(
    r"(?<![\w-])((?:lib)?nvidia-(?:driver|utils|compute|compute-utils|dkms|headless)(?:-\d{3})?(?:-server|-open)*"
    r"|cuda-drivers(?:-\d{3})?)(?![\w-])"
)


def driver_remedy(
    facts: Facts,
    catalog: Catalog,
    action: DriverAction | None = None,
    *,
    floor: str | None = None,
    text: Message | None = None,
) -> Remedy:
    """What to do to the NVIDIA driver here.

    Args:
        facts: what is known.
        catalog: the published builds.
        action: ``None``: back to the last branch that serves the card where the driver is past it, else update or
            install, to the branch that the planner advises for these cards.
        floor: the oldest driver that is enough ("525.60.13"), where the cause knows it.
        text: the cause's own words, put before.

    Returns:
        Text and commands. Nothing is removed: distributions exchange branches themselves.
    """
    order = driver_order(facts, catalog, action, floor=floor)
    commands = (*_linux_driver_in_wsl(facts, order), *driver_steps(order))
    changes = order.action is not DriverAction.RELOAD
    words = driver_text(order)
    return Remedy(
        text=words if text is None else joined(text, words),
        commands=commands,
        shell=shell_of(facts),
        needs_root=order.place in _HERE or any(command[:1] == ("sudo",) for command in commands),
        needs_reboot=changes and order.place in _HERE,
    )


def _linux_driver_in_wsl(facts: Facts, order: DriverOrder) -> tuple[tuple[str, ...], ...]:
    """Remove exactly the driver packages that the report shows inside WSL; nothing without a sign of one."""
    if order.place is not DriverPlace.WSL:
        return ()
    lines = (*(sign.line for sign in facts.signs_of("wsl-driver-problem")), *facts.commands)
    names = tuple(dict.fromkeys(name for text in lines for name in _DRIVER_PACKAGE.findall(text)))
    tool = package_tool(facts) or next((tool for tool in package_tools() if _is_of(tool, names, lines)), None)
    return ((*tool.remove, *names),) if names and tool is not None else ()


def _is_of(tool: PackageTool, names: tuple[str, ...], lines: tuple[str, ...]) -> bool:
    """Whether the packages are those of a program: a line has its name, or they end in a branch as its packages do."""
    words = {word for line in lines for word in line.split()}
    return tool.program in words or (tool.numbered and any(name[-3:].isdigit() for name in names))


def driver_order(
    facts: Facts, catalog: Catalog, action: DriverAction | None = None, *, floor: str | None = None
) -> DriverOrder:
    """Place, action and branch for the system of the facts."""
    imagined = machine_of(facts, catalog)
    question = make_question(imagined.machine, Request(), catalog)
    served = families(question)
    exact = any(family.last_branch for family in served)
    branch = _branch(question, floor, exact=exact)
    return DriverOrder(
        action=action or _action(facts, served),
        place=place_of(imagined.machine, cluster=facts.system.scheduler is not None),
        branch=branch,
        exact=exact,
        gives=_gives(question, branch),
        distribution=facts.system.distribution,
        open_modules=_open_modules(question, served),
    )


def _action(facts: Facts, served: list[Family]) -> DriverAction:
    version = facts.nvidia.driver or facts.nvidia.module
    if version is None:
        return DriverAction.INSTALL
    past = [f for f in served if f.last_branch and version_key(version)[0] > f.last_branch]
    return DriverAction.BACK if past else DriverAction.UPDATE


def _branch(question: Question, floor: str | None, *, exact: bool) -> int:
    """The advised branch; a cause's floor may ask for a newer one, but never past the last that serves the card."""
    advised = advised_branch(question)
    return advised if exact or floor is None else max(advised, version_key(floor)[0])


def _gives(question: Question, branch: int) -> str | None:
    try:
        row = driver_gives(question, branch)
    except TorchupError:
        return None
    return row.label if row is not None else None


def _open_modules(question: Question, served: list[Family]) -> bool | None:
    """NVIDIA's open kernel modules serve the cards that newest drivers serve; ``None``: a card is not known."""
    gpus = [gpu for gpu in question.target.machine.gpus if gpu.vendor is Vendor.NVIDIA]
    if any(family.last_branch for family in served):
        return False
    return True if gpus and len(served) == len(gpus) else None
