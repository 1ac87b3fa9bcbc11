"""Reinstalling torch: the planner's build as commands for this user's installer, interpreter and shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import version_key
from torchup.compat.target import variant_name
from torchup.doctor.remedy.choice import TORCH_FAMILY, Choice, Wish, choose
from torchup.doctor.remedy.driver import driver_order
from torchup.doctor.remedy.install_commands import (
    Order,
    install,
    interpreter_of,
    new_interpreter,
    plain_install,
    uninstall,
)
from torchup.doctor.remedy.shells import shell_of
from torchup.errors import TorchupError
from torchup.model import Machine, Manager, Message, Os, Plan, Remedy, joined, message
from torchup.patterns import lazy_pattern
from torchup.plan.drivers import DriverPlace, driver_steps

if TYPE_CHECKING:
    from torchup.catalog.types import Catalog
    from torchup.doctor.facts import Facts

_REQUIREMENT = lazy_pattern(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*(?P<pin>[<>=!~].*)?")
_WHEEL_OF_CUDA = lazy_pattern(r"(?P<stem>nvidia-.+)-cu(?P<major>\d\d)")


def reinstall(facts: Facts, catalog: Catalog, wish: Wish | None = None, *, text: Message | None = None) -> Remedy:
    """Install the build that fits, into the environment of the facts.

    Args:
        facts: what is known of machine and environment.
        catalog: the published builds.
        wish: what the cause asks for; ``None``: the build that fits best.
        text: the cause's own words; the build is named after them.

    Returns:
        Text and commands; where nothing fits, what the planner says, and where that is about the driver, its commands.
    """
    wanted = wish or Wish()
    try:
        choice = choose(facts, catalog, wanted)
    except TorchupError as error:
        return _nothing_fits(facts, catalog, error, text)
    order = order_of(facts, choice, wanted)
    commands = (
        *(() if order.fresh else uninstall(_listed(facts, wanted.remove), order)),
        *install(choice.plan, order),
        *plain_install(wanted.packages, order),
    )
    return Remedy(
        text=_text(choice, order, text),
        commands=commands,
        interpreter=new_interpreter(order) if order.fresh else order.interpreter,
        shell=shell_of(facts),
    )


def order_of(facts: Facts, choice: Choice, wish: Wish) -> Order:
    """How the planned packages go in: by which manager, into which interpreter, over what is there."""
    plan = choice.plan
    fresh = wish.fresh or _other_python(facts, plan) or _over_conda(facts, plan)
    alone = wish.companions_only and same_torch(facts, plan) and choice.installed in {None, plan.build.variant}
    packages = tuple(line for line in plan.packages if _belongs(line, facts, alone=alone))
    return Order(
        packages=packages,
        manager=_manager(facts, plan, fresh=fresh),
        interpreter=interpreter_of(facts),
        windows=choice.imagined.machine.os is Os.WINDOWS,
        again=same_torch(facts, plan),
        alone=alone,
        fresh=fresh,
        processor=_processor(facts, choice.imagined.machine),
        subdir="osx-arm64" if choice.imagined.machine.translated else None,
    )


def _processor(facts: Facts, machine: Machine) -> str | None:
    """What uv calls the right Python's system and processor, where the Python here is for another."""
    if machine.translated:
        return "macos-aarch64"
    return "windows-x86_64" if machine.os is Os.WINDOWS and facts.python.bits == 32 else None  # noqa: PLR2004  # bits


def _manager(facts: Facts, plan: Plan, *, fresh: bool) -> Manager:
    """What changes the environment; wheels in a conda environment are pip's."""
    manager = facts.manager or Manager.PIP
    return Manager.PIP if manager is Manager.CONDA and plan.conda is None and not fresh else manager


def _over_conda(facts: Facts, plan: Plan) -> bool:
    """Whether wheels would go over a torch of conda's, whose files pip does not remove: two torches in one folder."""
    listed = any(package.from_conda for package in facts.packages if package.name in {"torch", "pytorch"})
    return listed and facts.manager is Manager.CONDA and plan.conda is None


def _belongs(requirement: str, facts: Facts, *, alone: bool) -> bool:
    """Torch, the companions that are there (both, where no listing says it), and pins that torch needs."""
    found = _REQUIREMENT.match(requirement)
    name, pin = (found["name"], found["pin"]) if found else (requirement, None)
    if name not in TORCH_FAMILY or name == "torch":
        return not alone and (name == "torch" or pin is not None)
    listed = {package.name for package in facts.packages}
    return name in listed or not listed & set(TORCH_FAMILY) or name in facts.companion_errors


def same_torch(facts: Facts, plan: Plan) -> bool:
    """Whether the planned torch is there, so that an installer would call it "already satisfied"."""
    torch = facts.torch
    if torch.version is None or version_key(torch.version) != version_key(plan.build.torch):
        return False
    return (torch.local or torch.variant) in {None, plan.build.variant}


def is_planned(facts: Facts, catalog: Catalog) -> bool:
    """Whether the torch that is there is what the planner plans: then the build is not at fault."""
    try:
        plan = choose(facts, catalog, Wish()).plan
    except TorchupError:
        return False
    return same_torch(facts, plan) and not _other_python(facts, plan)


def reaches_gpu(facts: Facts, catalog: Catalog) -> bool:
    """Whether the planner has a build for the GPU here."""
    try:
        return choose(facts, catalog, Wish()).plan.uses_gpu
    except TorchupError:
        return False


def _other_python(facts: Facts, plan: Plan) -> bool:
    """Whether the planned build needs another Python than the environment's, or one for another processor."""
    version = facts.python.version
    if version is None:
        return facts.python.bits == 32  # noqa: PLR2004  # bits of a pointer
    short = ".".join(version.removesuffix("t").split(".")[:2]) + ("t" if facts.python.free_threaded else "")
    known = facts.python.bits is not None or facts.python.arch is not None
    return plan.python != short or (known and plan.python_path is None)


def _listed(facts: Facts, names: tuple[str, ...]) -> tuple[str, ...]:
    installed = {package.name for package in facts.packages if not package.from_conda}
    return tuple(name for name in dict.fromkeys(names) if name in installed)


def leftovers(facts: Facts, *, keep: int | None = None) -> tuple[str, ...]:
    """NVIDIA's wheels that write the same folder as torch's own: of one library, for another CUDA major.

    Args:
        facts: what is known.
        keep: the CUDA major that stays; ``None``: torch's, and where that is unknown the newest one of each library.
    """
    found = [match for package in facts.packages if (match := _WHEEL_OF_CUDA.fullmatch(package.name))]
    cuda = facts.torch.cuda or (facts.torch.variant or "").removeprefix("cu")
    mine = str(keep) if keep is not None else cuda[:2] if cuda[:2].isdigit() else None
    majors = {stem: {m["major"] for m in found if m["stem"] == stem} for stem in {m["stem"] for m in found}}
    kept = {stem: mine or max(several) for stem, several in majors.items() if mine is None or mine in several}
    return tuple(dict.fromkeys(m[0] for m in found if m["major"] != kept.get(m["stem"], m["major"])))


def partners(facts: Facts, removed: tuple[str, ...]) -> tuple[str, ...]:
    """The wheels whose files go when others that write the same folder are removed, as requirements."""
    gone = {match["stem"] for name in removed if (match := _WHEEL_OF_CUDA.fullmatch(name))}
    return tuple(
        f"{package.name}=={package.version}"
        for package in facts.packages
        if package.name not in removed and (match := _WHEEL_OF_CUDA.fullmatch(package.name)) and match["stem"] in gone
    )


# ---------------------------------------------------------------- words


def _text(choice: Choice, order: Order, text: Message | None) -> Message:
    plan = choice.plan
    what = message("doctor.remedy.build", "the build that fits is {build}", build=_label(choice))
    parts = [*([text] if text is not None else []), what]
    if order.fresh:
        parts.append(
            message("doctor.remedy.fresh", "install it into a new environment with Python {python}", python=plan.python)
        )
    if choice.kept is not None:
        parts.append(
            message(
                "doctor.remedy.kept",
                "this build stays at CUDA {major} to match {packages}",
                major=choice.kept.major,
                packages=", ".join(choice.kept.packages),
            )
        )
    if choice.conda_error is not None:
        parts.append(
            message("doctor.remedy.no-conda", "conda-forge does not help here ({why})", why=choice.conda_error.text)
        )
    parts += choice.imagined.assumed
    return _sentence(parts)


def _label(choice: Choice) -> str:
    build = choice.plan.build
    return f"torch {build.torch}+{variant_name(build.variant, choice.imagined.machine)}"


def _sentence(parts: list[Message]) -> Message:
    whole = parts[0]
    for part in parts[1:]:
        whole = joined(whole, part)
    return whole


def _nothing_fits(facts: Facts, catalog: Catalog, error: TorchupError, text: Message | None) -> Remedy:
    """What the planner says; where the driver is what is in the way, how this system changes it."""
    parts = [*([text] if text is not None else []), error.text, *([error.hint] if error.hint is not None else [])]
    about_driver = error.hint is not None and any(code.startswith("plan.driver.") for code in _codes(error.hint))
    order = driver_order(facts, catalog) if about_driver else None
    commands = driver_steps(order) if order is not None else ()
    on_machine = order is not None and order.place in {DriverPlace.LINUX, DriverPlace.WINDOWS}
    return Remedy(
        text=_sentence(parts),
        commands=commands,
        shell=shell_of(facts),
        needs_root=on_machine,
        needs_reboot=on_machine,
    )


def _codes(text: Message) -> list[str]:
    """The codes of a message and of the messages inside it."""
    inner = [code for _, value in text.values if isinstance(value, Message) for code in _codes(value)]
    return [text.code, *inner]
