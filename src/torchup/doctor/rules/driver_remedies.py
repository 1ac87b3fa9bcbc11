"""What to do to NVIDIA's driver, for the rules that decide by more than their cause. Loaded where one fires."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.catalog.versions import minor, version_key
from torchup.doctor.cause import RemedyKind, text_of
from torchup.doctor.remedy import DriverAction, Wish, choose, driver_remedy, reinstall
from torchup.doctor.remedy.driver import driver_order
from torchup.doctor.rules.common import newest_driver, on_windows, remedy_of, torch_cuda
from torchup.errors import TorchupError
from torchup.model import Remedy

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.plan.drivers import DriverOrder


_OLDER_BUILD = text_of("driver-too-old", "remedy-build")
_OPEN = text_of("driver-missing-or-broken", "remedy-open")
_LOAD = text_of("driver-missing-or-broken", "remedy-load")
_NOUVEAU = text_of("driver-missing-or-broken", "remedy-nouveau")
_NO_DEVICES = text_of("driver-missing-or-broken", "remedy-no-devices")
_KEY = text_of("driver-missing-or-broken", "remedy-key")
_PROPRIETARY = text_of("driver-missing-or-broken", "remedy-proprietary")


def older_build_or_driver(facts: Facts, compat: Compat, floor: str | None) -> Remedy:
    """A build that this driver runs, where there is one; a newer driver where that gives another one."""
    update = driver_remedy(facts, compat.catalog, floor=floor)
    if newest_driver(facts) is None and facts.nvidia.cuda_api is None:
        return update
    try:
        build = choose(facts, compat.catalog, Wish()).plan.build
    except TorchupError:
        return update
    gains = driver_order(facts, compat.catalog, floor=floor).gives != build.label
    text = text_of("driver-too-old", "remedy-or", driver=update.text) if gains else _OLDER_BUILD
    return reinstall(facts, compat.catalog, text=text)


def older_image_or_driver(facts: Facts, compat: Compat, floor: str | None) -> Remedy:
    """The image asks for the driver, not torch: a newer driver, or an image that asks for less."""
    update = driver_remedy(facts, compat.catalog, floor=floor)
    return msgspec.structs.replace(update, text=text_of("driver-too-old", "remedy-image", driver=update.text))


def back_to_last_branch(facts: Facts, compat: Compat) -> Remedy:
    """The branch by its number, where the card is known."""
    text = text_of("driver-too-new", "remedy")
    known = driver_order(facts, compat.catalog).exact
    return driver_remedy(facts, compat.catalog, DriverAction.BACK, text=text) if known else Remedy(text=text)


def make_it_answer(facts: Facts, compat: Compat, kind: RemedyKind) -> Remedy | None:
    """What the cause asks for; a driver that is new enough is loaded, not installed."""
    flavour = facts.sign("driver.open-modules")
    if flavour is not None:
        text = _OPEN if "open" in flavour.values else _PROPRIETARY
        return Remedy(text=text, needs_root=True, needs_reboot=True)
    if facts.sign("driver.key-rejected") is not None:
        return Remedy(text=_KEY, needs_root=True, needs_reboot=True)
    loaded = not on_windows(facts) and _new_enough(facts, driver_order(facts, compat.catalog))
    if kind is not RemedyKind.DRIVER or not loaded:
        return remedy_of("driver-missing-or-broken", facts, compat, kind=kind)
    if facts.sign("driver.nouveau") is None and facts.sign("smi.no-devices") is not None:
        return Remedy(text=_NO_DEVICES, commands=(("sudo", "dmesg"),), needs_root=True)
    text = _NOUVEAU if facts.sign("driver.nouveau") is not None else _LOAD
    return driver_remedy(facts, compat.catalog, DriverAction.REBOOT, text=text)


def _new_enough(facts: Facts, order: DriverOrder) -> bool:
    """Whether the driver is of the advised branch or newer, and not past the last one that serves the card."""
    driver = newest_driver(facts)
    reached = driver is not None and order.branch is not None and version_key(driver)[0] >= order.branch
    return reached and order.action is not DriverAction.BACK


def for_triton(facts: Facts, compat: Compat) -> Remedy | None:
    """The driver's branch has to be that of the build's own CUDA: minor-version compatibility does not count."""
    cuda = torch_cuda(facts, compat)
    rows = [row for row in compat.catalog.toolkits if cuda and minor(row.version) == minor(cuda)]
    floor = str(rows[0].branch) if rows else None
    driver = newest_driver(facts)
    if floor is not None and driver is not None and version_key(driver) >= version_key(floor):
        return remedy_of("triton-newer-than-driver", facts, compat, kind=RemedyKind.TEXT)
    text = text_of("triton-newer-than-driver", "remedy")
    return driver_remedy(facts, compat.catalog, floor=floor, text=text)


def for_wsl(facts: Facts, compat: Compat) -> Remedy:
    """A newer Windows driver where this one is old or not known; else what lies between it and WSL."""
    order = driver_order(_in_wsl(facts), compat.catalog)
    text = text_of("wsl-driver-problem", "remedy-inside")
    if _new_enough(facts, order):
        remedy = driver_remedy(_in_wsl(facts), compat.catalog, DriverAction.UPDATE)
        return msgspec.structs.replace(remedy, text=text)
    return driver_remedy(_in_wsl(facts), compat.catalog, text=text)


def _in_wsl(facts: Facts) -> Facts:
    """The driver's messages are those of WSL, also where nothing else in the report says so."""
    system = msgspec.structs.replace(facts.system, wsl=True)
    return msgspec.structs.replace(facts, system=system)
