"""`torchup wheel PACKAGE`: which file of a package goes with which torch here, and what is nearest where none does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from torchup.catalog.packages import load_packages
from torchup.cli.answer import Answer
from torchup.cli.machine_options import named_machines, one_machine_options
from torchup.cli.plan import current_catalog
from torchup.cli.session import Session, common_options
from torchup.cli.verb import Verb
from torchup.compat.packages import Wish
from torchup.encoding import to_builtins
from torchup.errors import ExitCode
from torchup.i18n import text
from torchup.jobs.wheel import find_wheel, named
from torchup.model import UNKNOWN, Message, Vendor, message
from torchup.plan.whatif import with_usual_driver
from torchup.report.wheel_text import packages_text, wheels_text

if TYPE_CHECKING:
    from torchup.cli.machine_options import NamedMachine
    from torchup.compat.packages import Match
    from torchup.model import Machine


@click.command(
    "wheel",
    cls=Verb,
    help=text(
        "wheel.help",
        "Show which wheel of a package fits which torch here, where it is published, and how to install it "
        "without changing torch. Without PACKAGE, list the known packages.",
    ),
)
@click.argument("packages", metavar="[PACKAGE]...", nargs=-1)
@click.option(
    "--torch",
    metavar="VERSION",
    help=text("wheel.option.torch", "torch to use the package with, e.g. 2.14, 2.14.1 or 2.14.1+cu130 (default: any)"),
)
@click.option(
    "--variant",
    metavar="NAME",
    help=text(
        "wheel.option.variant",
        "CUDA version of the torch to use the package with, e.g. cu130, 13.0 or 13 (default: any)",
    ),
)
@click.option(
    "--python",
    metavar="VERSION",
    help=text("wheel.option.python", "Python to use the package with, e.g. 3.12 or 3.13t (default: any)"),
)
@click.option(
    "--version",
    "version",
    metavar="SPAN",
    help=text("wheel.option.version", "Version of the package, e.g. 2.8.3 or '>=2.8' (default: any)"),
)
@click.option(
    "--why-not",
    "asked",
    metavar="VERSION",
    help=text(
        "wheel.option.why-not",
        "Version of torch for which to explain why no wheel of the package fits, e.g. 2.15+cu132 (default: none)",
    ),
)
@click.option("--all", "every", is_flag=True, help=text("wheel.option.all", "Show every file that fits"))
@click.option(
    "--trust", metavar="NAME", multiple=True,
    help=text("wheel.option.trust",
        "Publisher to show besides the project itself (repeatable; default: every publisher)"),
)  # fmt: skip
@click.option("--offline", is_flag=True, help=text("cli.request.offline", "Do not access the network"))
@one_machine_options
@common_options
def command(
    session: Session,
    *,
    packages: tuple[str, ...],
    torch: str | None,
    variant: str | None,
    python: str | None,
    version: str | None,
    asked: str | None,
    every: bool,
    trust: tuple[str, ...],
    offline: bool,
    machine_path: str | None,
    assumed: tuple[str, ...],
    recording: str | None,
) -> Answer:
    """Ask the tables, show."""
    tables = load_packages()
    if not packages:
        data = [{"package": one.name, "kind": one.kind, "pypi": one.pypi} for one in tables.packages]
        return Answer(command="wheel", data={"packages": data}, text=lambda: packages_text(tables, session.style))
    wish = wish_of(asked or torch, variant, python)
    wish = replace(wish, version=version, trusted=trust or None)
    target = named_machines(session.host, machine_path, assumed, recording)[0]
    found = _found(session, packages, target, wish, look=not offline)
    return Answer(
        command="wheel",
        data=[document(one) for one in found] if len(found) > 1 else document(found[0]),
        text=lambda: wheels_text(found, session.style, every=every),
        exit_code=ExitCode.OK if all(one.found or one.kind == "source" for one in found) else ExitCode.NO_BUILD,
    )


def _found(
    session: Session, names: tuple[str, ...], target: NamedMachine, wish: Wish, *, look: bool
) -> tuple[Match, ...]:
    catalog = current_catalog(session)
    machine = with_usual_driver(target.machine, catalog)
    if machine != target.machine:
        session.note(_assumed(machine))
    return tuple(
        find_wheel(session.host, package, machine, wish, catalog, look=look)
        for package in named(names, load_packages())
    )


def _assumed(machine: Machine) -> Message:
    """That a driver was taken for granted, as a plan says it."""
    driver = machine.driver(Vendor.NVIDIA)
    return message(
        "wheel.assumed-driver",
        "no NVIDIA driver was given, so the answer assumes a current one (branch {branch}); use `--assume "
        "driver=VERSION` to set the version",
        branch=driver.version if driver is not None else UNKNOWN,
    )


def wish_of(torch: str | None, variant: str | None, python: str | None) -> Wish:
    """What the options say: ``2.14.1+cu130`` parted, ``13.0`` and ``130`` written ``cu130``, ``13`` as ``cu13``."""
    version, _, local = (torch or "").strip().partition("+")
    named_variant = (variant or local or "").strip().lower().replace(".", "")
    if named_variant.isdigit():
        named_variant = f"cu{named_variant}"
    return Wish(torch=version or None, variant=named_variant or None, python=(python or "").strip() or None)


def document(found: Match) -> dict[str, object]:
    """The answer for programs; ``source`` in full."""
    tables = load_packages()
    sources = [part.strip() for part in (found.source or "").split(",")]
    data: dict[str, object] = to_builtins(found)
    return data | {"source": "; ".join(tables.sources.get(one, one) for one in sources if one) or None}
