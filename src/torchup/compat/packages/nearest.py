"""Why nothing fits, axis by axis, and what is nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.catalog.spans import lowest, minor_of, spans
from torchup.catalog.versions import version_key
from torchup.compat.packages.builds import variant_allowed
from torchup.compat.packages.choice import choices, for_gpu, on_platform, possible, quality
from torchup.compat.packages.values import Axis, Failed, Nearest
from torchup.model import Vendor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torchup.catalog.packages import Package
    from torchup.catalog.wheel_rows import Wheel
    from torchup.compat.packages.choice import Chosen, Question
    from torchup.compat.packages.values import Wish

SHOWN = 3


def why_nothing(package: Package, question: Question) -> tuple[tuple[Failed, ...], tuple[Nearest, ...]]:
    """The axes on which every wheel fails, and the nearest torch that has one."""
    fixed = of_machine(package, question)
    if fixed is not None:
        return (fixed,), ()
    near = _relaxed(package, question)
    if not near:
        return (_cuda(package, question),), ()
    best = near[0]
    return tuple(_failed(axis, best, question.wish) for axis in best.changes), tuple(near[:SHOWN])


def of_machine(package: Package, question: Question) -> Failed | None:
    """What no choice of torch can mend: platform, C library, GPU."""
    target, every = question.target, question.tables.wheels_of(package.name)
    platforms = set(package.platforms.split()) or {wheel.platform for wheel in every}
    here = target.platform or target.machine.arch
    if "any" not in platforms and platforms and here not in platforms:
        return Failed(axis=Axis.PLATFORM, want=" ".join(sorted(platforms)), have=here)
    of_platform = [wheel for wheel in every if wheel.platform in {"any", here}]
    if every and not of_platform:
        return Failed(axis=Axis.PLATFORM, want=" ".join(sorted({wheel.platform for wheel in every})), have=here)
    installed = on_platform(package, question)
    if of_platform and not installed:
        floors = sorted({wheel.glibc for wheel in of_platform if wheel.glibc}, key=version_key)
        return Failed(axis=Axis.GLIBC, want=floors[0], have=target.machine.glibc or "-")
    return _gpu(package, installed, question)


def _gpu(package: Package, installed: Sequence[Wheel], question: Question) -> Failed | None:
    if (installed and for_gpu(installed, package, question)) or (not installed and _reaches(package, question)):
        return None
    gpus, known = question.target.machine.gpus, [c for c in question.target.capabilities if c]
    targets = sorted({gfx for wheel in installed for gfx in wheel.gfx})
    if not known and any(gpu.vendor == Vendor.AMD for gpu in gpus):
        if not targets:
            return None  # nothing is built for AMD: that is said of CUDA
        return Failed(axis=Axis.CAPABILITY, want=" ".join(targets), have=" ".join(gpu.gfx or "?" for gpu in gpus))
    floors = [wheel.min_capability or package.min_capability or "-" for wheel in installed]
    floor = min(floors, key=version_key, default=package.min_capability or "-")
    return Failed(axis=Axis.CAPABILITY, want=floor, have=" ".join(map(str, known)) or "-")


def _reaches(package: Package, question: Question) -> bool:
    known = [capability for capability in question.target.capabilities if capability is not None]
    floor = package.min_capability
    return not floor or not known or any(version_key(str(found)) >= version_key(floor) for found in known)


def _relaxed(package: Package, question: Question) -> list[Nearest]:
    """What other torch, CUDA or Python would do, fewest changes first."""
    wish = question.wish
    open_wish = replace(wish, torch=None, python=None)
    builds = possible(replace(question, wish=open_wish))
    same_python = choices((package,), replace(question, wish=replace(open_wish, python=wish.python)), builds)
    any_python = choices((package,), replace(question, wish=open_wish), builds) if wish.python else ()
    every = sorted((*same_python, *any_python), key=lambda chosen: quality(chosen, question), reverse=True)
    found = sorted((_near(chosen, wish) for chosen in every), key=lambda pair: pair[0])
    unique = {(near.torch, near.cuda): near for _, near in reversed(found)}
    return [near for _, near in found if unique.get((near.torch, near.cuda)) is near]


def _near(chosen: Chosen, wish: Wish) -> tuple[tuple[object, ...], Nearest]:
    build = chosen.build
    changes = [
        axis
        for axis, changed in (
            (Axis.CUDA, not variant_allowed(wish.variant, build.variant)),
            (Axis.PYTHON, wish.python is not None and wish.python != chosen.python),
            (Axis.TORCH, not spans(wish.torch or "any", build.torch)),
        )
        if changed
    ]
    key = (
        len(changes),
        Axis.PYTHON in changes,
        _distance(wish.torch, build.torch),
        (wish.variant or "")[:4] != build.variant[:4],
        _newest_first(build.torch),
    )
    cuda = build.variant.removeprefix("cu") if build.variant.startswith("cu") else build.variant
    return key, Nearest(torch=minor_of(build.torch), cuda=cuda, python=chosen.python, changes=tuple(changes))


def _newest_first(torch: str) -> tuple[int, ...]:
    return tuple(-number for number in (*version_key(torch), 0, 0, 0)[:3])


def _distance(wanted: str | None, torch: str) -> int:
    """Minor releases between a wish and a build."""
    low = lowest(wanted or "")
    if low is None:
        return 0
    one, other = (*version_key(low), 0, 0), (*version_key(torch), 0, 0)
    return abs((one[0] - other[0]) * 20 + one[1] - other[1])  # a major counts like twenty minors


def _failed(axis: Axis, near: Nearest, wish: Wish) -> Failed:
    want = {Axis.TORCH: near.torch, Axis.CUDA: near.cuda, Axis.PYTHON: near.python or "-"}[axis]
    have = {Axis.TORCH: wish.torch, Axis.CUDA: wish.variant, Axis.PYTHON: wish.python}[axis]
    return Failed(axis=axis, want=want, have=have or "-")


def _cuda(package: Package, question: Question) -> Failed:
    """No build that this machine runs will do: the driver is too old, or there is no such GPU."""
    labels = _labels(for_gpu(on_platform(package, question), package, question))
    undriven = possible(question, driver=False)
    if next(iter(choices((package,), question, undriven)), None) is not None:
        driver = question.target.nvidia
        return Failed(axis=Axis.DRIVER, want=f"CUDA {labels}", have=(driver and driver.version) or "-")
    vendors = " ".join(sorted({gpu.vendor.value for gpu in question.target.machine.gpus}))
    return Failed(axis=Axis.CUDA, want=labels, have=question.wish.variant or vendors or "cpu")


def _labels(wheels: Iterable[Wheel]) -> str:
    """The CUDA majors (and other kinds) that wheels are built for: ``12 13``."""
    labels = {label for wheel in wheels for label in wheel.cuda}
    return " ".join(sorted({label[:2] if label.isdigit() else label for label in labels}))
