"""What an upgrade takes over from the environment that it replaces, and what it changed. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.errors import InstallError
from torchup.model import Change, Message, message
from torchup.package_names import normalise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torchup.envs.distributions import Distribution
    from torchup.model import Environment, Plan

# Packages whose version follows torch's: the new plan decides about them, and about pip the installer.
FOLLOWERS = {"torch", "torchvision", "torchaudio", "triton", "pytorch-triton", "pip", "setuptools", "wheel", "uv"}
SHOWN = 8  # changes named in one line; a CUDA upgrade changes 30 packages that the user did not ask about
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def own_packages(
    distributions: Sequence[Distribution], before: Environment | None, plan: Plan
) -> tuple[Distribution, ...]:
    """The packages that the user asked for or put into an environment, and that the new plan does not name.

    They are what ``before`` was asked to hold, and what has come or changed since it was made. (uv marks every package
    as requested, dependencies too, so the mark alone would pin the old torch's own dependencies.)
    """
    planned = {requirement_name(line) for line in plan.packages} | FOLLOWERS | set(plan.build.companions)
    planned |= {wheel.package for wheel in plan.wheels}
    asked = {requirement_name(line) for line in before.requested} if before else set()
    then = before.packages if before else {}
    return tuple(
        d
        for d in distributions
        if d.name not in planned and (d.name in asked or (d.requested and then.get(d.name) != d.version))
    )


def beside_bundle(plan: Plan, mine: tuple[Distribution, ...]) -> tuple[Distribution, ...]:
    """The user's own packages, all of them; a bundle installs its files alone, so what it lacks is refused.

    Raises:
        InstallError: the bundle has no wheel of a package.
    """
    held = {normalise(wheel.partition("-")[0]) for wheel in plan.hashes}
    lacking = [distribution.name for distribution in mine if plan.hashes and distribution.name not in held]
    if lacking:
        text = message(
            "install.bundle-lacks",
            "the bundle is missing packages that you added to the environment: {names}",
            names=", ".join(lacking),
        )
        hint = message(
            "install.bundle-lacks.hint",
            "choose another environment name, or make a bundle that contains these packages",
        )
        raise InstallError(text, hint=hint)
    return () if plan.hashes else mine


def requirements(mine: Sequence[Distribution], *, exact: bool) -> tuple[str, ...]:
    """Requirements for packages to keep: with ``exact`` at the very version they have, else at any that fits."""
    return tuple(part for distribution in mine for part in _requirement(distribution, exact=exact))


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    """What differs between two environments' packages (name -> version), by name."""
    every = sorted({*before, *after})
    return tuple(
        Change(name=name, before=before.get(name), after=after.get(name))
        for name in every
        if before.get(name) != after.get(name)
    )


def changed(found: Sequence[Change]) -> Message:
    """One line of what changed, torch and its companions first."""
    if not found:
        return message("install.changed.nothing", "no package changed")
    ordered = sorted(found, key=lambda change: (change.name not in FOLLOWERS, change.name))
    parts = [f"{change.name} {change.before or '-'} -> {change.after or '-'}" for change in ordered[:SHOWN]]
    if len(ordered) > SHOWN:
        parts.append(f"+{len(ordered) - SHOWN}")
    return message("install.changed", "changed: {packages}", packages=", ".join(parts))


def requirement_name(line: str) -> str:
    """The normalised package name at the head of a requirement; "" if there is none."""
    match = _NAME.match(line)
    return normalise(match[1]) if match else ""


def _requirement(distribution: Distribution, *, exact: bool) -> tuple[str, ...]:
    if distribution.editable is not None:
        return ("--editable", distribution.editable)
    if distribution.origin is not None:
        return (distribution.origin,)
    return (f"{distribution.name}=={distribution.version}" if exact else distribution.name,)
