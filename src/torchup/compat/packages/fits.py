"""Which wheels go with one build of torch and one Python, best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.spans import lowest, minor_of, spans
from torchup.catalog.versions import at_least, python_key, variant_key, version_key
from torchup.catalog.wheel_rows import place_of
from torchup.compat.packages.values import By, Fit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.catalog.packages import Packages
    from torchup.catalog.wheel_rows import Place, Wheel
    from torchup.compat.packages.values import TorchBuild, Wish

# Kinds of evidence of a file that somebody saw; the others are asked for by a HEAD request before use.
CERTAIN = frozenset({"listing", "metadata", "measured", "table"})
LABEL = 3  # digits of a whole CUDA label; fewer are a major
_RANK = {By.NAME: 3, By.METADATA: 3, By.STABLE_ABI: 2, By.MEASURED_REUSE: 1}


def fits(
    wheels: Iterable[Wheel], build: TorchBuild, python: str | None, wish: Wish, tables: Packages
) -> tuple[Fit, ...]:
    """The wheels (of this platform) that go with a build, best first."""
    found = [fit for wheel in wheels if (fit := fit_of(wheel, build, python, wish, tables)) is not None]
    if wish.checked or wish.silent:
        found = [fit for fit in found if _answers(place_for(fit, tables), wish)]
    return tuple(sorted(found, key=lambda fit: rank(fit, wish), reverse=True))


def _answers(place: Place, wish: Wish) -> bool:
    """Whether nothing says that a place is gone, or its index silent (an index is for one variant, hosts have many)."""
    if wish.checked.get(place.url or "") is False:
        return False
    return place.index is None or not any(_host(place.index) == _host(silent) for silent in wish.silent)


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]


def fit_of(wheel: Wheel, build: TorchBuild, python: str | None, wish: Wish, tables: Packages) -> Fit | None:
    """One wheel against one build, axis by axis."""
    label = label_for(wheel, build.variant)
    if label is None or not python_fits(wheel, python) or not _asked_for(wheel, wish):
        return None
    by = reason_for(wheel, build.torch, tables)
    if by is None:
        return None
    return Fit(wheel=wheel, build=build, python=python, label=label, by=by, built=built_for(wheel, build.torch))


def _asked_for(wheel: Wheel, wish: Wish) -> bool:
    span = wish.versions.get(wheel.package) or wish.version
    if span and not spans(span, wheel.version):
        return False
    return wheel.publisher is None or wish.trusted is None or wheel.publisher in wish.trusted


def rank(fit: Fit, wish: Wish) -> tuple[object, ...]:
    """Built for it before re-used, with kernels, seen, whole label, the project's own, newest."""
    wheel, label = fit.wheel, f"cu{fit.label}"
    return (
        _RANK[fit.by],
        wheel.kernels,
        certain(wheel, wish),
        label == fit.build.variant,
        wheel.publisher is None,
        version_key(fit.built) if fit.by == By.STABLE_ABI else (),
        version_key(wheel.version.split("..")[-1]),
        variant_key(label),
        version_key(wheel.tag.removeprefix("v")),
        _promise(wheel),
    )


def certain(wheel: Wheel, wish: Wish) -> bool:
    """Whether somebody saw the file, then or now; what the project's own index serves is answered by that index."""
    if wheel.evidence in CERTAIN or (wheel.publisher is None and wheel.grammar.requirement is not None):
        return True
    return any(there for url, there in wish.checked.items() if f"/{wheel.tag}/" in url)


def _promise(wheel: Wheel) -> bool:
    """The plain platform tag before copies of it with a glibc promise, which are tried where the system is older."""
    return "manylinux" not in wheel.platform_tag


def place_for(fit: Fit, tables: Packages) -> Place:
    """Where the wheel of a fit lies."""
    new = new_strings(fit.build.torch, fit.build.variant, tables)
    python = fit.python or (fit.wheel.pythons[-1] if fit.wheel.pythons else None)
    return place_of(fit.wheel, torch=fit.built, variant=fit.build.variant, label=fit.label, python=python, new_abi=new)


def new_strings(torch: str, variant: str, tables: Packages) -> bool:
    """Whether a build of torch has the new string ABI of C++."""
    abi = tables.string_abi
    return bool(at_least(torch, abi.new_from)) or f"{torch}+{variant}" in abi.also_new


# ---------------------------------------------------------------- the axes


def label_for(wheel: Wheel, variant: str) -> str | None:
    """Of a wheel's CUDA labels the best for a variant of torch, ``None``: none goes with it.

    A CUDA runtime runs what was built with an older minor of the same major, so a lower label will do; a higher one
    will not, as its libraries may call what the older runtime lacks.
    """
    exact = variant.removeprefix("cu") if variant.startswith("cu") else variant
    for label in (exact, "any"):
        if label in wheel.cuda:
            return label
    if not variant.startswith("cu"):
        return None
    lower = [label for label in wheel.cuda if label.isdigit() and _same_major(label, exact)]
    return max(lower, key=int, default="-" if "-" in wheel.cuda else None)


def _same_major(label: str, exact: str) -> bool:
    if len(label) < LABEL:
        return label == exact[:-1]
    return label[:-1] == exact[:-1] and int(label) <= int(exact)


def python_fits(wheel: Wheel, python: str | None) -> bool:
    """Whether a wheel installs in a Python; nothing is said against one that is not known."""
    if python is None:
        return True
    if wheel.abi3 is not None:
        stable = not python.endswith("t") and bool(at_least(python, wheel.abi3))
        return stable or python in wheel.pythons
    return not wheel.pythons or python in wheel.pythons


def reason_for(wheel: Wheel, torch: str, tables: Packages) -> By | None:
    """Why a wheel may be used with a torch: built for it, a stable ABI, a measured re-use; else ``None``."""
    if spans(wheel.torch, torch):
        if wheel.stable_from and wheel.torch.startswith(">="):
            return By.STABLE_ABI
        return By.NAME if wheel.torch[:1].isdigit() else By.METADATA
    built = lowest(wheel.torch)
    if built is None:
        return None
    if wheel.stable_from and at_least(built, wheel.stable_from) and version_key(torch) >= version_key(built):
        return By.STABLE_ABI
    return By.MEASURED_REUSE if reuse_of(wheel, torch, tables) else None


def reuse_of(wheel: Wheel, torch: str, tables: Packages) -> str | None:
    """How it was measured that a wheel works on another torch."""
    built = lowest(wheel.torch) or ""
    windows = [window for window in tables.windows if window.result == "works" and window.covers(wheel)]
    return next((window.how for window in windows if spans(window.built, built) and spans(window.on, torch)), None)


def built_for(wheel: Wheel, torch: str) -> str:
    """The minor in the wheel's name; for an open window the one that it starts with."""
    return (
        minor_of(torch)
        if spans(wheel.torch, torch) and wheel.torch[:1].isdigit()
        else minor_of(lowest(wheel.torch) or torch)
    )


def pythons_for(build: TorchBuild, wish: Wish, preferred: str) -> tuple[str | None, ...]:
    """The Pythons to try for a build: the wished one, else all that it has, the usual newest first."""
    if wish.python:
        return (wish.python,) if not build.pythons or wish.python in build.pythons else ()
    usual = sorted(build.pythons, key=lambda one: _usual(one, preferred), reverse=True)
    return tuple(usual) or (None,)


def _usual(python: str, preferred: str) -> tuple[object, ...]:
    key, free_threaded = python_key(python)
    return not free_threaded, key <= version_key(preferred), key
