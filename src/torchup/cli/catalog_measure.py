"""`torchup catalog measure`: what a wheel is built for, read out of the wheel, and whether it fits a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from torchup.cli.answer import Answer
from torchup.cli.machine_options import named_machines, one_machine_options
from torchup.cli.plan import current_catalog
from torchup.cli.session import Session, common_options
from torchup.cli.verb import Verb
from torchup.compat.target import platform_of
from torchup.encoding import to_builtins
from torchup.i18n import text
from torchup.model import Request, Secret, message
from torchup.plan.pythons import short
from torchup.plan.wheel_fit import fit
from torchup.report.measure_text import measure_text
from torchup.sources.requirement_sizes import Index, Installation, total_size
from torchup.sources.wheel_find import find_wheel
from torchup.sources.wheel_measure import measure

if TYPE_CHECKING:
    from torchup.catalog.measured import MeasuredWheel
    from torchup.host import Host
    from torchup.sources.wheel_find import Found


@click.command(
    cls=Verb,
    name="measure",
    help=text(
        "catalog.measure.help",
        "Show what a torch wheel is built for, and whether it fits a machine. torchup reads only the parts that "
        "it needs (1 to 10 MB), so the server of a remote wheel must support range requests.",
    ),
)
@click.argument("wheel", metavar="WHEEL|URL|torch==VERSION")
@click.option(
    "--platform",
    metavar="NAME",
    help=text(
        "catalog.measure.platform",
        "Platform of the wheel, used only with torch==VERSION, e.g. linux_x86_64 (default: the machine's)",
    ),
)
@click.option(
    "--python",
    metavar="VERSION",
    help=text(
        "catalog.measure.python",
        "Python version of the wheel, used only with torch==VERSION, e.g. 3.12 (default: the machine's)",
    ),
)
@click.option(
    "--mirror",
    metavar="NAME|URL",
    help=text("catalog.measure.mirror", "Mirror to search first for torch==VERSION (default: none)"),
)
@click.option(
    "--deep", is_flag=True,
    help=text("catalog.measure.deep",
        "Also find the oldest macOS on which MPS works, from an error message in the wheel (reads 40 MB)"),
)  # fmt: skip
@click.option(
    "--no-total", is_flag=True, help=text("catalog.measure.no-total", "Do not add up the sizes of the dependencies")
)
@one_machine_options
@common_options
def command(
    session: Session,
    *,
    wheel: str,
    platform: str | None,
    python: str | None,
    mirror: str | None,
    deep: bool,
    no_total: bool,
    machine_path: str | None,
    assumed: tuple[str, ...],
    recording: str | None,
) -> Answer:
    """`torchup catalog measure`."""
    catalog = current_catalog(session)
    machine = named_machines(session.host, machine_path, assumed, recording)[0].machine
    place = platform or platform_of(machine) or "linux_x86_64"
    usual = short(machine.python) if machine.python else None
    found = find_wheel(
        session.host, wheel, Request(mirror=Secret.of(mirror), python=python), platform=place, usual=usual
    )
    session.note(message("catalog.measuring", "reading parts of {name}", name=found.address.rsplit("/", 1)[-1]))
    measured = measure(session.host, found.address, found.connection, offer=found.offer, deep=deep)
    if not no_total:
        measured = _with_total(session.host, measured, found)
    verdict = fit(measured, machine, catalog)
    return Answer(
        command="catalog measure",
        data=to_builtins(measured) | {"fits": verdict.fits, "why": verdict.why, "known": verdict.known},
        text=lambda: measure_text(measured, verdict, session.style),
        notices=found.notices,
    )


def _with_total(host: Host, measured: MeasuredWheel, found: Found) -> MeasuredWheel:
    if not (measured.platforms and measured.pythons and found.indexes):
        return measured
    system = Installation(platform=measured.platforms[0], python=measured.pythons[-1])
    index = Index(places=found.indexes, connection=found.connection)
    total = total_size(host, measured.requires, system, index).bytes
    return replace(measured, total_bytes=measured.size_bytes + total) if total is not None else measured
