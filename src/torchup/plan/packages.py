"""The exact requirements of a plan, torch first, and the companions that are not available."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import variant_key, version_key
from torchup.errors import UsageError
from torchup.model import InstallerName, Vendor, message
from torchup.patterns import lazy_pattern
from torchup.plan.judge import companion_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.catalog.types import Catalog
    from torchup.model import Machine, Request
    from torchup.plan.judge import Fit, Question

_BUILT_WITH_TORCH = ("torchvision", "torchaudio")
_PLAIN_NAME = lazy_pattern(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")  # of PEP 508


def requirements(fit: Fit, question: Question) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(requirement strings, missing companions) of a build, by profile and request."""
    extra = _extra(fit, question)
    wanted = [*wanted_packages(question.request, question.catalog), *question.request.require]
    lines, missing = [f"torch{extra}{_pin(fit)}"], []
    for name in dict.fromkeys(wanted):
        if name not in _BUILT_WITH_TORCH:
            lines.append(name)
        elif fit.candidate.floor and name in fit.candidate.companions:
            lines.append(f"{name}>=0.dev0")
        elif version := companion_of(fit.candidate, name, fit.python):
            operator = fit.candidate.companions[name].operator
            lines.append(f"{name}{extra if name == 'torchvision' else ''}{operator}{version}")
        else:
            missing.append(name)
    if "torchvision" in missing:
        lines.append("pillow")  # torchvision would have brought it, and every image data set needs it
    pins = {_name(need): need for need in fit.candidate.row.needs}
    lines = [pins.pop(line, line) for line in lines]
    return tuple(dict.fromkeys((*lines, *pins.values()))), tuple(missing)


def _pin(fit: Fit) -> str:
    """``==2.14.1+cu126``, or the address of a wheel that no index has.

    Of an unasked nightly channel ``>=2.15.0.dev0``, which lets installers take pre-releases.
    """
    candidate = fit.candidate
    if candidate.row.file:
        return f" @ {candidate.row.file}"
    return f">={candidate.floor}.dev0" if candidate.floor else f"=={candidate.label}"


def wanted_packages(request: Request, catalog: Catalog) -> tuple[str, ...]:
    """The profile's packages and those asked for by name or bundle, and what the user's language adds to them."""
    packages = list(catalog.profiles.get(request.profile, ()))
    for name in request.packages:
        packages += catalog.bundles.get(name, (name,))
    translations = catalog.with_language.get(request.language, {})
    conda = request.installer == InstallerName.CONDA
    added = [translations[name] for name in packages if name in translations]
    return (*packages, *(name for name in added if not (conda and name in catalog.not_in_conda)))


# What does the same on the operating system that cannot run a package; the others are left out.
_INSTEAD = {
    "jupyterhub": message(
        "plan.package.not-here.hint",
        "run `torchup up --profile analysis`, then `torchup lab`, to work alone. A hub needs Linux, macOS or "
        "WSL: run `wsl --install`, then `torchup up --profile hub` inside WSL",
    )
}


def refuse_unfit(machine: Machine, request: Request, catalog: Catalog) -> None:
    """Say before anything else that a package does not run on the operating system, and what does the same there.

    Raises:
        UsageError: it would be installed for nothing.
    """
    unfit = [name for name in wanted_packages(request, catalog) if catalog.not_on.get(name) == machine.os.value]
    if unfit:
        raise UsageError(
            message("plan.package.not-here", "{package} does not run on {os}", package=unfit[0], os=machine.os),
            hint=_INSTEAD.get(unfit[0])
            or message(
                "plan.package.left-out.hint",
                "leave out {package}, or install it on another operating system",
                package=unfit[0],
            ),
        )


def overrides(fit: Fit, question: Question) -> tuple[str, ...]:
    """Requirements instead of those that torch names: of ROCm the libraries of the devices here, not of all.

    Empty for builds that need none, for pip and conda, which cannot replace a requirement, or if no target is known.
    """
    row, sdk = fit.candidate.row, question.catalog.rocm_sdk
    by_packages = row.kind == "rocm" and variant_key(row.variant) >= version_key(sdk.since)
    devices = _devices(sdk.extra, fit, question)
    if not by_packages or row.extra or not devices or question.request.installer not in {None, InstallerName.UV}:
        return ()
    return (sdk.requirement.format(devices=",".join(devices), rocm=row.variant.removeprefix("rocm")),)


def _extra(fit: Fit, question: Question) -> str:
    template = fit.candidate.row.extra
    return f"[{','.join(_devices(template, fit, question))}]" if template else ""


def _devices(template: str, fit: Fit, question: Question) -> tuple[str, ...]:
    """The extras of the AMD GPUs that a build serves, each once."""
    gpus = question.target.machine.gpus
    targets = [gpus[index].gfx for index in fit.covered if gpus[index].vendor == Vendor.AMD]
    return tuple(dict.fromkeys(template.format(gfx=gfx) for gfx in targets if gfx))


def _name(requirement: str) -> str:
    return requirement.split("<", maxsplit=1)[0].split(">", maxsplit=1)[0].split("=", maxsplit=1)[0].strip()


def check_packages(packages: Iterable[str]) -> tuple[str, ...]:
    """Refuse anything that is not a requirement: an option in its place would change what pip or uv does.

    Returns:
        The names of the packages.

    Raises:
        UsageError: a text that PEP 508 does not know.
    """
    return tuple(text if _PLAIN_NAME.fullmatch(text) else _checked_name(text) for text in packages)


def _checked_name(text: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415  # plain names need no parser

    try:
        return Requirement(text).name
    except InvalidRequirement:
        raise UsageError(
            message("plan.package.invalid", "`{text}` is not a valid package name or requirement", text=text),
            hint=message(
                "plan.package.invalid.hint",
                "write a requirement such as `pandas>=2`, or `name @ https://...` for a file",
            ),
        ) from None
