"""What to do to NVIDIA's driver, for the rules that decide by more than their cause. Loaded where one fires."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.catalog.versions import version_key
from torchup.doctor.cause import text_of
from torchup.doctor.remedy import DriverAction, Wish, choose, driver_remedy, reinstall
from torchup.doctor.remedy.driver import driver_order
from torchup.doctor.rules.common import newest_driver
from torchup.errors import TorchupError
from torchup.model import Remedy, message

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts


def older_build_or_driver(facts: Facts, compat: Compat, floor: str | None) -> Remedy:
    """A build that this driver runs, where there is one; a newer driver in any case."""
    update = driver_remedy(facts, compat.catalog, floor=floor)
    if newest_driver(facts) is None and facts.nvidia.cuda_api is None:
        return update
    try:
        choose(facts, compat.catalog, Wish())
    except TorchupError:
        return update
    text = message(
        "doctor.driver-old.remedy-or", "{driver}, or install a build that this driver runs", driver=update.text
    )
    return reinstall(facts, compat.catalog, text=text)


def back_to_last_branch(facts: Facts, compat: Compat) -> Remedy:
    """The branch by its number, where the card is known."""
    text = text_of("driver-too-new", "remedy")
    known = driver_order(facts, compat.catalog).exact
    return driver_remedy(facts, compat.catalog, DriverAction.BACK, text=text) if known else Remedy(text=text)


def for_wsl(facts: Facts, compat: Compat) -> Remedy:
    """A newer Windows driver where this one is old or not known; else what lies between it and WSL."""
    order = driver_order(_in_wsl(facts), compat.catalog)
    driver = newest_driver(facts)
    enough = driver is not None and order.branch is not None and version_key(driver)[0] >= order.branch
    past = order.action is DriverAction.BACK
    text = message(
        "doctor.wsl.remedy-inside",
        "remove a Linux driver package if WSL has one (`dpkg -l` shows it; keep toolkits), then update and restart WSL",
    )
    if enough and not past:
        remedy = driver_remedy(_in_wsl(facts), compat.catalog, DriverAction.UPDATE)
        return msgspec.structs.replace(remedy, text=text)
    return driver_remedy(_in_wsl(facts), compat.catalog, text=text)


def _in_wsl(facts: Facts) -> Facts:
    """The driver's messages are those of WSL, also where nothing else in the report says so."""
    system = msgspec.structs.replace(facts.system, wsl=True)
    return msgspec.structs.replace(facts, system=system)
