"""A package around torch is compiled, or a file of it refused, although a wheel for this torch exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.cause import filled, text_of
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import said, torch_line
from torchup.doctor.rules.owners import package_named
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from torchup.catalog.packages import Package
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Remedy

_BUILDING = ("extension.compiling", "build.cmake", "build.frontend")
_NAME = lazy_pattern(r"[A-Za-z][\w-]{0,60}")


def prebuilt_wheel_exists(facts: Facts, compat: Compat) -> Found | None:
    """What is being compiled, or was refused for its name, has a file that fits: a remark beside the cause."""
    sign = facts.sign(*_BUILDING, "python.wheel-platform")
    package = refused_package(facts) or (_building(facts) if sign is not None else None)
    if sign is None or package is None or facts.torch.version is None:
        return None
    remedy = wheel_that_exists(facts, compat, package)
    if remedy is None:
        return None
    slug = "prebuilt-wheel-exists"
    return Found(
        summary=filled(text_of(slug, "summary"), {"package": package.name}),
        evidence=(said(sign), torch_line(facts)),
        remedy=remedy,
        certainty=Certainty.TABLE,
        primary=False,
    )


def wheel_that_exists(facts: Facts, compat: Compat, package: Package) -> Remedy | None:
    """The remedy where a wheel fits; ``None``: none is known, so that it has to be compiled."""
    from torchup.doctor import remedy  # noqa: PLC0415  # see `remedy_of`

    found = remedy.fitting_wheel(facts, compat.catalog, package)
    if found is None or not found.found or (found.url is None and package.pypi != "wheel"):
        return None
    return remedy.wheel_remedy(facts, compat.catalog, package, text=text_of("prebuilt-wheel-exists", "remedy"))


def refused_package(facts: Facts) -> Package | None:
    """The package whose file an installer refused: its tags are for another Python or system."""
    sign = facts.sign("python.wheel-platform")
    return package_named(sign.values.get("wheel", "").partition("-")[0].lower()) if sign is not None else None


def _building(facts: Facts) -> Package | None:
    """What is being compiled: as the message names it, else the one known package that was asked for."""
    sign = facts.sign("extension.compiling")
    named = [sign.values["package"]] if sign is not None and "package" in sign.values else []
    asked = [found[0] for text in facts.requested if (found := _NAME.match(text))]
    packages = (package_named(name.replace("-", "_").lower()) for name in (*named, *asked))
    return next((package for package in packages if package is not None and _is_compiled(package)), None)


def _is_compiled(package: Package) -> bool:
    return package.kind in {"matched", "stable", "source", "pinned", "ended"} and package.name != "triton"
