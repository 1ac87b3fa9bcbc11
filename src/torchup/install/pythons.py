"""The Python that uv would download, fetched by torchup first: resumed, with progress. uv proves its hash and unpacks.

uv is given the file as its mirror of Pythons (``UV_PYTHON_INSTALL_MIRROR``): a folder that goes with the staging one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from torchup.encoding import UNREADABLE
from torchup.envs.paths import join, split
from torchup.fetch import FileOrder, fetch_all
from torchup.fetch.answers import PlaceError
from torchup.fetch.offered import size_at
from torchup.install import uv
from torchup.install.base import Event
from torchup.install.places import Reach
from torchup.model import Step, Value, message
from torchup.sources.urls import file_name, file_url

if TYPE_CHECKING:
    from torchup.install.prefetch import Staging

ASKING = 10.0  # seconds for the size


class Listed(Value, frozen=True, kw_only=True):
    """One Python of ``uv python list``."""

    url: str | None
    implementation: str
    variant: str = "default"


def fetched_python(staging: Staging, step: Step) -> Step:
    """The step that makes the environment, its Python fetched where this machine has none.

    Raises: what `fetch_all` raises.
    """
    plan = staging.plan
    if plan.python_path or "--offline" in step.argv or staging.perform(_find(plan.python)).ok:
        return step
    url = offered(staging.perform(_list(plan.python)).stdout, plan.python)
    if url is None:
        return step  # uv says what is wrong
    place = Reach(staging.host).place(url)
    try:
        size = size_at(staging.host, place, ASKING)
    except PlaceError:
        size = None  # the download itself tells why
    text = message("install.fetch-python", "download Python {python}", python=plan.python)
    event = Event(stage="download", text=text)
    staging.tell(event)
    order = FileOrder(name=file_name(url), size=size, places=(place,))
    found = fetch_all(
        staging.host, [order], connections=staging.connections,
        tell=lambda progress: staging.tell(msgspec.structs.replace(event, download=progress)),
    )  # fmt: skip
    mirror = join(split(staging.path)[0], "pythons")
    release = unquote(url.rsplit("/", 2)[1])
    staging.host.copy(found[order.key], join(join(mirror, release), order.name))
    return msgspec.structs.replace(step, environment={**step.environment, "UV_PYTHON_INSTALL_MIRROR": file_url(mirror)})


def offered(listing: str, python: str) -> str | None:
    """The address of the Python that uv would take, from its list as JSON; ``None`` where it would take none."""
    try:
        entries = msgspec.json.decode(listing, type=list[Listed])
    except UNREADABLE:
        return None
    variant = "freethreaded" if python.endswith("t") else "default"
    fitting = (entry.url for entry in entries if entry.implementation == "cpython" and entry.variant == variant)
    url = next(fitting, None)
    return url if url and url.startswith(("http://", "https://")) else None


def _find(python: str) -> Step:
    return _step("find", "--no-project", "--no-python-downloads", python)


def _list(python: str) -> Step:
    return _step("list", "--only-downloads", "--output-format", "json", python)


def _step(verb: str, *options: str) -> Step:
    return Step(
        argv=("uv", "python", verb, "--no-config", *options),
        summary=message("install.step.python", "look for Python {python}", python=options[-1]),
        environment=uv.CLEARED,
        timeout=120.0,
    )
