"""What the export formats share: the header, the sources in their roles, the platform's names."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec.structs import replace

from torchup.compat.target import variant_name
from torchup.errors import UsageError
from torchup.model import InstallerName, message
from torchup.plan.index_options import IndexOptions, chosen_source, index_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.model import CondaOrder, Machine, Plan, Source


def places(plan: Plan) -> IndexOptions:
    """The plan's sources as pip and uv understand them, with the pages that list the files of its packages."""
    found = index_options(plan.sources, variant=plan.build.variant, chosen=plan.build.source)
    pages = (wheel.find_links for wheel in plan.wheels)
    return replace(found, find_links=tuple(dict.fromkeys((*found.find_links, *filter(None, pages)))))


def together(plan: Plan) -> tuple[str, ...]:
    """What one command installs: all but what has an index of its own, where other files have the same version."""
    wheels = (wheel.requirement for wheel in plan.wheels if not wheel.compiled and not wheel.index)
    return (*plan.packages, *wheels)


def conda_channels(order: CondaOrder) -> tuple[str, ...]:
    """The addresses that the plan takes conda's packages from: a mirror, where one stands in for a channel."""
    return tuple(next(iter(order.mirrors.get(url, ())), url) for url in order.channels)


def torch_source(plan: Plan) -> Source | None:
    """The source that torch comes from."""
    return chosen_source(plan.sources, plan.build.variant, plan.build.source)


def header(plan: Plan, machine: Machine, mark: str = "#") -> str:
    """Comment lines that say what the file holds. The same plan gives the same text: no date, no user."""
    label = f"{plan.build.torch}+{variant_name(plan.build.variant, machine)}"
    what = f"torch {label} for {machine.os.value} {machine.arch}, Python {plan.python}"
    lines = [f"{mark} {what}; written by `torchup plan --export`"]
    local = [url for url in (*places(plan).find_links, places(plan).index_url or "") if _is_local(url)]
    if local:
        lines.append(f"{mark} these folders are on the machine that was planned for: {', '.join(local)}")
    return "\n".join(lines) + "\n"


def _is_local(url: str) -> bool:
    return bool(url) and ("://" not in url or url.startswith("file:"))


def main_index(found: IndexOptions, named: Callable[[str], list[str]]) -> list[str]:
    """The option for the main index. The public one is not named: who uses the file may have a private one instead."""
    if found.index_url is None:
        return ["--no-index"]
    return [] if found.default else named(found.index_url)


def pip_option_lines(plan: Plan) -> list[str]:
    """Index options as lines of a requirements file; folders with spaces become addresses, since pip splits at them."""
    found = places(plan)
    return [
        *main_index(found, lambda url: [f"--index-url {_unbroken(url)}"]),
        *(f"--extra-index-url {_unbroken(url)}" for url in found.extra_index_urls),
        *(f"--find-links {_unbroken(place)}" for place in found.find_links),
    ]


def later_commands(plan: Plan, tool: tuple[str, ...], index: str) -> list[tuple[str, ...]]:
    """What is typed after the installation: files from an index of their own, and what is compiled beside torch.

    Args:
        plan: what is installed.
        tool: the installation command before its arguments: ``("pip", "install")``.
        index: its option for the one index that is asked.
    """
    found: list[tuple[str, ...]] = []
    for wheel in plan.wheels:
        if wheel.index and not wheel.compiled:
            found.append((*tool, "--no-deps", index, wheel.index, wheel.requirement))
        if wheel.compiled:
            found.append((*tool, *wheel.build_requires))
            found.append((*tool, "--no-build-isolation", "--no-deps", wheel.requirement))
            found += [(*tool, *wheel.requires)] if wheel.requires else []
    return found


def later_notes(plan: Plan) -> list[str]:
    """The same as comment lines of a file that cannot do it."""
    lines = later_commands(plan, ("pip", "install"), "--index-url")
    first = ["# then, with torch installed:"] if lines else []
    said = [f"#   (with {' '.join(f'{name}={value}' for name, value in variables(plan).items())})"]
    return [*first, *(said if variables(plan) else []), *(f"#   {shlex.join(line)}" for line in lines)]


def variables(plan: Plan) -> dict[str, str]:
    """What has to be set while packages are compiled."""
    return {name: value for wheel in plan.compiled for name, value in wheel.environment.items()}


def _unbroken(place: str) -> str:
    if "://" in place or not any(character in place for character in " \t#'\"\\"):
        return place
    forward = place.replace("\\", "/")
    return "file://" + quote(forward if forward.startswith("/") else f"/{forward}", safe="/:")


def quoted(text: str) -> str:
    """A basic string of TOML (and of YAML): JSON's escapes are a subset of both."""
    return json.dumps(text, ensure_ascii=False)


def array(items: tuple[str, ...] | list[str]) -> str:
    """A TOML array, one item a line when there are several."""
    if len(items) < 2:  # noqa: PLR2004  # one item fits on the line
        return "[" + ", ".join(quoted(item) for item in items) + "]"
    return "[\n" + "".join(f"  {quoted(item)},\n" for item in items) + "]"


def for_pip(plan: Plan, kind: str) -> None:
    """Refuse a plan that conda carries out: its packages are not pip's.

    Raises:
        UsageError: the plan is for conda.
    """
    if plan.installer == InstallerName.CONDA:
        raise UsageError(
            message("export.conda", "the plan is for conda, but `{kind}` needs a plan for uv or pip", kind=kind),
            hint=message(
                "export.conda.hint",
                "use --installer uv, or export environment.yml, pixi, dockerfile, script-sh or script-ps1",
            ),
        )


def plain_python(plan: Plan) -> str:
    """``3.14`` of ``3.14t``."""
    return plan.python.removesuffix("t")
