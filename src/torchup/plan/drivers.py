"""Every sentence and every command about NVIDIA's driver: where it is changed, what is done, to which branch.

The planner's hints and the doctor's remedies are made here and nowhere else.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from torchup.catalog.distributions import distribution, driver_page
from torchup.model import Message, Os, Value, message

if TYPE_CHECKING:
    from torchup.model import Machine


class DriverPlace(StrEnum):
    """Who has the driver, and so where it is changed."""

    LINUX = "linux"
    WINDOWS = "windows"
    WSL = "wsl"  # the Windows driver serves it
    CONTAINER = "container"  # the host's driver serves it
    CLUSTER = "cluster"  # its administrators have it
    JETSON = "jetson"  # part of JetPack


class DriverAction(StrEnum):
    """What is done to the driver."""

    INSTALL = "install"
    UPDATE = "update"  # to at least a branch
    BACK = "back"  # to the last branch that serves the card
    REBOOT = "reboot"  # the loaded module is not the installed one
    RELOAD = "reload"  # the module lost its state


class DriverOrder(Value, frozen=True, kw_only=True):
    """One thing to do to a driver.

    ``exact``: only this branch, newer ones no longer serve the card. ``gives``: the build that it makes possible.
    ``open_modules``: whether the card runs the open kernel modules (Turing and newer).
    """

    action: DriverAction
    place: DriverPlace
    branch: int | None = None
    exact: bool = False
    gives: str | None = None
    distribution: str | None = None
    open_modules: bool | None = None


def place_of(machine: Machine, *, cluster: bool = False) -> DriverPlace:
    """Where the driver that serves a machine is changed."""
    if machine.jetson:
        return DriverPlace.JETSON
    if cluster:
        return DriverPlace.CLUSTER
    if machine.container:
        return DriverPlace.CONTAINER
    if machine.wsl:
        return DriverPlace.WSL
    return DriverPlace.WINDOWS if machine.os == Os.WINDOWS else DriverPlace.LINUX


# ---------------------------------------------------------------- words


def driver_text(order: DriverOrder) -> Message:
    """What to do, as one sentence without its full stop."""
    if order.action is DriverAction.REBOOT:
        return _REBOOT[order.place]
    if order.action is DriverAction.RELOAD:
        return _RELOAD[order.place]
    if order.place is DriverPlace.JETSON:
        return message("plan.hint.jetson-driver", "reinstall JetPack: a Jetson's driver is part of it")
    what = _what(order)
    if order.gives is None:
        return what
    return message("plan.driver.gives", "{what} (for torch {torch})", what=what, torch=order.gives)


def _what(order: DriverOrder) -> Message:
    if order.exact and order.branch is not None:
        return _exact(order)
    which = message("plan.driver.newer", "NVIDIA driver {branch} or newer", branch=order.branch)
    if order.place is DriverPlace.WSL:
        return message(
            "plan.driver.wsl",
            "install {which} on Windows, not inside WSL",
            which=which,
        )
    if order.place is DriverPlace.CONTAINER:
        return message("plan.driver.container", "install {which} on the container's host", which=which)
    if order.place is DriverPlace.CLUSTER:
        return message("plan.driver.cluster", "ask the cluster's administrators for {which}", which=which)
    if order.place is DriverPlace.WINDOWS:
        return message("plan.driver.windows", "install {which} from {page}", which=which, page=driver_page())
    return message("plan.driver.install", "install {which}", which=which)


def _exact(order: DriverOrder) -> Message:
    values = {"branch": order.branch}
    if order.place is DriverPlace.WSL:
        return message(
            "plan.driver.exact-wsl",
            "install driver branch {branch} on Windows, not inside WSL: it is the last that supports this GPU",
            **values,
        )
    if order.place is DriverPlace.CONTAINER:
        return message(
            "plan.driver.exact-container",
            "install driver branch {branch}, the last that supports this GPU, on the container's host",
            **values,
        )
    if order.place is DriverPlace.CLUSTER:
        return message(
            "plan.driver.exact-cluster",
            "ask the cluster's administrators for driver branch {branch}, the last that supports this GPU",
            **values,
        )
    return message("plan.driver.exact", "install driver branch {branch}, the last that supports this GPU", **values)


def keep_text(place: DriverPlace, *, branch: int, family: str) -> Message:
    """A warning for cards that newer drivers no longer serve."""
    on_windows = place in {DriverPlace.WINDOWS, DriverPlace.WSL}
    windows, plain = message("plan.place.windows", "Windows driver"), message("plan.place.driver", "driver")
    return message(
        "plan.advice.last-branch",
        "do not update the {place} past branch {branch}: newer branches no longer support {family} GPUs",
        place=windows if on_windows else plain,
        branch=branch,
        family=family,
    )


_REBOOT = {
    DriverPlace.LINUX: message("plan.driver.reboot", "reboot to load the installed driver"),
    DriverPlace.WINDOWS: message("plan.driver.reboot-windows", "restart Windows to load the installed driver"),
    DriverPlace.WSL: message("plan.driver.reboot-wsl", "restart WSL to use the driver that is installed on Windows"),
    DriverPlace.CONTAINER: message(
        "plan.driver.reboot-container", "reboot the container's host, then start the container again"
    ),
    DriverPlace.CLUSTER: message(
        "plan.driver.reboot-cluster",
        "tell the cluster's administrators that this node needs a reboot, and use another node",
    ),
    DriverPlace.JETSON: message("plan.driver.reboot-jetson", "reboot the Jetson"),
}
_RELOAD = {
    **_REBOOT,
    DriverPlace.LINUX: message("plan.driver.reload", "reload the nvidia_uvm module, or reboot"),
}


# ---------------------------------------------------------------- commands


def driver_steps(order: DriverOrder) -> tuple[tuple[str, ...], ...]:
    """The commands that this system has for it; shown, never run. Empty: it is done by hand, or elsewhere."""
    if order.place is DriverPlace.WSL:
        return _restart_wsl(order)
    if order.place not in {DriverPlace.LINUX, DriverPlace.JETSON}:
        return ()
    if order.action is DriverAction.REBOOT:
        return (("sudo", "reboot"),)
    return _of_distribution(order) if order.place is DriverPlace.LINUX else ()


def _of_distribution(order: DriverOrder) -> tuple[tuple[str, ...], ...]:
    if order.action is DriverAction.RELOAD:
        return (("sudo", "rmmod", "nvidia_uvm"), ("sudo", "modprobe", "nvidia_uvm"))
    row = distribution(order.distribution)
    if row is None:
        return ()
    return row.commands(order.branch, exact=order.exact, open_modules=order.open_modules)


def _restart_wsl(order: DriverOrder) -> tuple[tuple[str, ...], ...]:
    update = () if order.action in {DriverAction.REBOOT, DriverAction.RELOAD} else (("wsl.exe", "--update"),)
    return (*update, ("wsl.exe", "--shutdown"))
