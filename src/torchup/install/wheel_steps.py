"""Steps that install packages bound to torch: each by itself, then what it needs, with torch held where it is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping  # noqa: TC003  # msgspec reads the annotations
from typing import TYPE_CHECKING

from torchup.envs.paths import join
from torchup.model import Plan, Step, Value, message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.model import PackageWheel

FILE_NAME = "torchup-wheels.txt"
COMPILE_TIMEOUT = 12 * 3600.0  # seconds; flash-attn takes hours on few cores


class WheelCall(Value, frozen=True, kw_only=True):
    """How one installer is called."""

    argv: tuple[str, ...]
    index: str  # its option for the one index that is asked
    places: Callable[[Plan], tuple[str, ...]]  # the plan's own sources
    environment: Mapping[str, str | None]
    timeout: float


def wheel_steps(plan: Plan, path: str, call: WheelCall) -> Iterator[Step]:
    """The steps for a plan's wheels, in order."""
    for wheel in plan.wheels:
        if wheel.compiled:
            yield from _compiled(wheel, plan, call)
        elif wheel.alone:
            yield _alone(wheel, plan, call)
        yield _needs(wheel, plan, path, call)


def _alone(wheel: PackageWheel, plan: Plan, call: WheelCall) -> Step:
    return Step(
        argv=(*call.argv, "--no-deps", *_places(wheel, plan, call), _requirement(wheel, plan)),
        summary=message("install.step.wheel", "install {package} without its dependencies", package=wheel.package),
        environment=dict(call.environment),
        timeout=call.timeout,
    )


def _compiled(wheel: PackageWheel, plan: Plan, call: WheelCall) -> Iterator[Step]:
    """What its source is compiled with, then the package in this very environment, whose torch it has to see."""
    tools = message("install.step.build-tools", "install the tools that compile {package}", package=wheel.package)
    yield Step(
        argv=(*call.argv, *call.places(plan), *wheel.build_requires),
        summary=tools,
        environment=dict(call.environment),
        timeout=call.timeout,
    )
    yield Step(
        argv=(*call.argv, "--no-build-isolation", "--no-deps", *call.places(plan), wheel.requirement),
        summary=message("install.step.compile", "compile {package} (this can take hours)", package=wheel.package),
        environment={**call.environment, **wheel.environment},
        timeout=COMPILE_TIMEOUT,
    )


def _places(wheel: PackageWheel, plan: Plan, call: WheelCall) -> tuple[str, ...]:
    if not _online(plan):
        return call.places(plan)
    if wheel.index:
        return (call.index, wheel.index)
    if wheel.find_links:
        return ("--no-index", "--find-links", wheel.find_links)
    return () if wheel.url else call.places(plan)


def _online(plan: Plan) -> bool:
    """Whether an index may be asked at all: a bundle's plan has folders only, and holds the wheels in one of them."""
    return any(source.kind == "index" for source in plan.sources)


def _requirement(wheel: PackageWheel, plan: Plan) -> str:
    if _online(plan):
        return wheel.requirement
    return wheel.by_version


def _needs(wheel: PackageWheel, plan: Plan, path: str, call: WheelCall) -> Step:
    """What it requires; torch and its companions may not move. A wheel that is there satisfies its own requirement."""
    file = join(path, FILE_NAME)
    held = [line for line in plan.packages if line.partition("==")[0].partition("[")[0] in plan.build.companions]
    lines = [line for line in plan.packages if line.partition("[")[0].partition("==")[0] == "torch"] + held
    return Step(
        argv=(*call.argv, *call.places(plan), "--constraint", file, _requirement(wheel, plan), *wheel.requires),
        files={file: "".join(f"{line}\n" for line in (*lines, *plan.constraints))},
        summary=message(
            "install.step.wheel-needs",
            "install the dependencies of {package} without changing torch",
            package=wheel.package,
        ),
        environment=dict(call.environment),
        timeout=call.timeout,
        required=not wheel.alone,
    )
