"""Pure: facts -> what to do, as text and commands for this user's installer, interpreter and shell.

What is installed is what `torchup.plan.resolve` plans for the machine of the facts; every sentence about a driver is
`torchup.plan.drivers`'. Nothing is removed that the facts do not show.
"""

from __future__ import annotations

from torchup.doctor.cause import RemedyKind
from torchup.doctor.remedy.additions import add_packages, linked_anew, plain, renewed
from torchup.doctor.remedy.build import is_planned, leftovers, reaches_gpu, reinstall
from torchup.doctor.remedy.choice import TORCH_FAMILY, Choice, Wish, choose, needed_cuda
from torchup.doctor.remedy.commands import WISHES, CommandRow, RemedyRow, commands_for, make
from torchup.doctor.remedy.driver import driver_remedy
from torchup.doctor.remedy.install_commands import interpreter_of, is_bundled, python_words
from torchup.doctor.remedy.machine import Imagined, machine_of
from torchup.doctor.remedy.of_cause import remedy_of
from torchup.doctor.remedy.quoting import line, set_variable, unset_variable
from torchup.doctor.remedy.rebuild import rebuild
from torchup.doctor.remedy.shells import shell_of
from torchup.doctor.remedy.wheels import fitting_wheel, wheel_remedy
from torchup.plan.drivers import DriverAction, DriverPlace

__all__ = [
    "TORCH_FAMILY",
    "WISHES",
    "Choice",
    "CommandRow",
    "DriverAction",
    "DriverPlace",
    "Imagined",
    "RemedyKind",
    "RemedyRow",
    "Wish",
    "add_packages",
    "choose",
    "commands_for",
    "driver_remedy",
    "fitting_wheel",
    "interpreter_of",
    "is_bundled",
    "is_planned",
    "leftovers",
    "line",
    "linked_anew",
    "machine_of",
    "make",
    "needed_cuda",
    "plain",
    "python_words",
    "reaches_gpu",
    "rebuild",
    "reinstall",
    "remedy_of",
    "renewed",
    "set_variable",
    "shell_of",
    "unset_variable",
    "wheel_remedy",
]
