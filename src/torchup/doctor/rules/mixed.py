"""Two installations that interfere: pip over conda, stale wheels, a loader that was led elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.cause import text_of
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import plain, said
from torchup.doctor.rules.mixed_facts import foreign_libraries, overwritten, two_places, two_torches
from torchup.model import Severity, message
from torchup.patterns import lazy_pattern
from torchup.privacy import redact

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts, Package, Sign
    from torchup.model import Message, Remedy

_WHEEL = lazy_pattern(r"(nvidia-.+)-cu\d\d")


def mixed_install(facts: Facts, compat: Compat) -> Found | None:
    """Two installs interfere: pip over conda, stale wheels, LD_LIBRARY_PATH picking another library."""
    signs = _signs(facts)
    doubles, places = two_torches(facts), two_places(facts)
    cxx = facts.sign("glibc.cxx")
    foreign = foreign_libraries(facts) if signs or cxx else {}
    path = facts.environment.get("LD_LIBRARY_PATH", "") if signs or cxx else ""
    changed = overwritten(facts)
    symptom = (
        bool(signs)
        or (bool(changed) and facts.torch.import_error is not None)
        or (bool(places) and bool(facts.signs_of("companion-mismatch")))
    )
    if cxx is not None and (foreign or path):
        signs, symptom = [*signs, cxx], True
    if not symptom and not changed and not ((doubles or places) and not facts.works):
        return None
    several = len(facts.versions("torch", origin="pip")) > 1
    quiet = facts.live and not symptom and facts.torch.import_error is None and not (doubles or several)
    lines: list[Message] = [*map(said, signs), *_double_lines(doubles), *_place_lines(places), *_stale_lines(facts)]
    lines += [one.line for one in changed[:3]]
    lines += [message("doctor.mixed.path", "LD_LIBRARY_PATH={value}", value=redact(path)[:300])] if path else []
    lines += [plain(f"{name} => {where}") for name, where in list(foreign.items())[:3]]
    if places and not signs:
        lines += [*map(said, facts.signs_of("companion-mismatch"))]
    return Found(
        summary=text_of("mixed-install", "summary"),
        evidence=tuple(dict.fromkeys(lines)),
        remedy=_remedy(facts, compat),
        certainty=Certainty.PROVEN if symptom else Certainty.TABLE,
        severity=Severity.WARNING if quiet else None,  # the same torch twice: confusing, not broken
        primary=not quiet,
    )


def _remedy(facts: Facts, compat: Compat) -> Remedy:
    from torchup.doctor.rules import mixed_remedies  # noqa: PLC0415  # the planner comes with it

    return mixed_remedies.mend(facts, compat)


def _signs(facts: Facts) -> list[Sign]:
    """The messages that speak for it; a Jetson's wheel takes libraries from the system, as ROCm's does."""
    elsewhere = facts.torch.hip or facts.system.jetson
    return [sign for sign in facts.signs_of("mixed-install") if not (sign.code == "mixed.library-gone" and elsewhere)]


def _double_lines(doubles: tuple[Package, ...]) -> tuple[Message, ...]:
    if not doubles:
        return ()
    conda, pip = doubles
    return (
        message(
            "doctor.mixed.two",
            "conda has pytorch {conda}, and pip has torch {pip}",
            conda=conda.version,
            pip=pip.version,
        ),
    )


def _place_lines(folders: tuple[str, ...]) -> tuple[Message, ...]:
    if not folders:
        return ()
    return (
        message(
            "doctor.mixed.places",
            "torch and its companions are loaded from {folders}",
            folders=", ".join(map(redact, folders)),
        ),
    )


def _stale_lines(facts: Facts) -> tuple[Message, ...]:
    """Wheels of one library for several CUDA majors, which write the same folder."""
    stems = [match[1] if (match := _WHEEL.fullmatch(package.name)) else "" for package in facts.packages]
    twice = [p for p, stem in zip(facts.packages, stems, strict=True) if stem and stems.count(stem) > 1]
    names = list(dict.fromkeys(f"{package.name} {package.version}" for package in twice))
    if len(names) < 2:  # noqa: PLR2004  # one is as it should be
        return ()
    return (
        message("doctor.mixed.wheels", "these wheels write into the same folder: {wheels}", wheels=", ".join(names)),
    )
