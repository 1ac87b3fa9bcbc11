"""Which build a remedy installs: what `torchup.plan.resolve` plans for the facts, as the cause wishes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.catalog.types import kind_of
from torchup.catalog.versions import variant_key, version_key
from torchup.compat.target import platform_of
from torchup.doctor.remedy.install_commands import interpreter_of, is_bundled
from torchup.doctor.remedy.machine import Imagined, machine_of
from torchup.doctor.remedy.tables import tables
from torchup.errors import TorchupError
from torchup.model import InstallerName, Manager, Plan, Request, Value
from torchup.patterns import lazy_pattern
from torchup.plan import resolve
from torchup.plan.candidates import plain_variant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.catalog.types import Catalog
    from torchup.doctor.facts import Facts, Package

TORCH_FAMILY = ("torch", "torchvision", "torchaudio")
_PINNED_TORCH = lazy_pattern(r"torch\s*==\s*(?P<version>\d[\d.]*)(?:\+(?P<variant>[a-z]+[\d.]*))?")
_CUBLAS = lazy_pattern(r"cublas(?:Lt)?(?:64_|\.so\.)(\d\d)")  # numbered as CUDA is
_CONDA_MANAGERS = {Manager.CONDA, Manager.PIXI}


class Wish(Value, frozen=True, kw_only=True):
    """What a cause asks of a reinstall; the default is the build that fits best.

    Attributes:
        keep_torch: the same release and variant again, where it fits the machine.
        companions_only: torch itself stays as it is; its companions are exchanged.
        requested: the release and variant that the user asked an installer for, where it is published and fits.
        torch, variant, python: as in a `Request`; ``None``: the planner chooses.
        packages: further requirements, installed afterwards: ``numpy<2``.
        remove: installed packages that have to go first, by exact name; those that no listing shows are left out.
        fresh: into a new environment.
        conda: whether conda's own packages may be the answer where conda or pixi made the environment.
    """

    keep_torch: bool = False
    companions_only: bool = False
    requested: bool = False
    torch: str | None = None
    variant: str | None = None
    python: str | None = None
    packages: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    fresh: bool = False
    conda: bool = True


class Kept(Value, frozen=True, kw_only=True):
    """The CUDA major that other installed packages need, and which ones."""

    major: int
    packages: tuple[str, ...]


class Choice(Value, frozen=True, kw_only=True):
    """What was chosen, for which machine; ``kept`` where another package decided about CUDA.

    ``installed``: the variant of the torch that is there, as far as its label or its release says it.
    """

    plan: Plan
    imagined: Imagined
    kept: Kept | None = None
    conda_error: TorchupError | None = None  # why conda's own packages are not the answer
    installed: str | None = None


def choose(facts: Facts, catalog: Catalog, wish: Wish) -> Choice:
    """The plan of a remedy.

    Raises:
        TorchupError: what the planner says where nothing fits (see `torchup.plan.resolve`).
    """
    imagined = machine_of(facts, catalog)
    *others, last = requests(facts, catalog, wish, imagined)
    by_conda: TorchupError | None = None
    for request in others:
        try:
            plan = resolve(imagined.machine, request, catalog)
        except TorchupError as failed:
            by_conda = failed if request.installer is InstallerName.CONDA else by_conda
            continue
        break
    else:
        request, plan = last, resolve(imagined.machine, last, catalog)
    choice = Choice(
        plan=plan,
        imagined=imagined,
        conda_error=by_conda if plan.conda is None else None,
        installed=installed_variant(facts, catalog, imagined),
    )
    return _keeping_cuda(facts, catalog, request, choice)


def requests(facts: Facts, catalog: Catalog, wish: Wish, imagined: Imagined) -> Iterator[Request]:
    """What the planner is asked, in this order, until something fits."""
    installers = (InstallerName.CONDA, None) if _by_conda(facts, wish) else (None,)
    if wish.keep_torch or wish.companions_only:
        yield from _same_torch(facts, catalog, imagined, installers)
    if wish.requested:
        yield from _asked_for(facts)
    if wish.python is None and is_bundled(interpreter_of(facts)) and facts.python.version:
        yield Request(torch=wish.torch, variant=wish.variant, python=_short(facts.python.version))
    for installer in installers:
        yield Request(torch=wish.torch, variant=wish.variant, python=wish.python, installer=installer)


def _same_torch(
    facts: Facts, catalog: Catalog, imagined: Imagined, installers: tuple[InstallerName | None, ...]
) -> Iterator[Request]:
    version, variant = facts.torch.version, installed_variant(facts, catalog, imagined)
    if version is None or variant is None:
        return
    python = _short(facts.python.version) if facts.python.version else None
    cpu = kind_of(variant) == "cpu"
    for installer in installers:
        yield Request(torch=version, variant=variant, python=python, installer=installer, cpu=cpu)


def installed_variant(facts: Facts, catalog: Catalog, imagined: Imagined) -> str | None:
    """The variant of the torch that is there; where its name does not say it, what PyPI's wheel of that release is."""
    if facts.torch.variant is not None:
        return facts.torch.variant
    if facts.torch.cuda:
        return "cu" + "".join(facts.torch.cuda.split(".")[:2])
    platform = platform_of(imagined.machine)
    return plain_variant(facts.torch.version, platform, catalog) if facts.torch.version and platform else None


def _asked_for(facts: Facts) -> Iterator[Request]:
    """``torch==2.0.1+cu118`` among the user's requirements: for this Python, or where it is not bundled, another."""
    python = _short(facts.python.version) if facts.python.version else None
    pins = [found for text in facts.requested if (found := _PINNED_TORCH.fullmatch(text.strip()))]
    for here in (python,) if is_bundled(interpreter_of(facts)) else dict.fromkeys((python, None)):
        for found in pins:
            yield Request(torch=found["version"], variant=found["variant"], python=here)


def _short(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _by_conda(facts: Facts, wish: Wish) -> bool:
    """Whether conda brings torch here: its environment, and no wheel of pip's in it."""
    if facts.manager not in _CONDA_MANAGERS or not wish.conda:
        return False
    listed = [package for package in facts.packages if package.name in {"torch", "pytorch"}]
    return facts.torch.local is None and (not listed or any(package.from_conda for package in listed))


# ---------------------------------------------------------------- CUDA that others need


def needed_cuda(facts: Facts) -> Kept | None:
    """The one CUDA major that other installed packages need; ``None``: none, or they contradict each other."""
    found: dict[int, list[str]] = {}
    for package in facts.packages:
        major = _major_of(package)
        if major is not None:
            found.setdefault(major, []).append(package.name)
    sign = facts.sign("mixed.other-major")
    library = sign.values.get("library", "") if sign is not None else ""
    if (asked := _CUBLAS.search(library)) is not None:
        found.setdefault(int(asked[1]), []).append(library)
    if len(found) != 1:
        return None
    ((major, names),) = found.items()
    return Kept(major=major, packages=tuple(dict.fromkeys(names)))


def _major_of(package: Package) -> int | None:
    for pattern in tables().cuda_named.patterns:
        if match := re.fullmatch(pattern, package.name):
            return int(match[1])
    rows = [row for row in tables().cuda_need if row.package == package.name]
    return next((row.major for row in rows if _among(package.version, row.versions)), None)


def _among(version: str, versions: str) -> bool:
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415  # few environments hold such a package
    from packaging.version import InvalidVersion  # noqa: PLC0415  # same

    try:
        return SpecifierSet(versions).contains(version, prereleases=True)
    except InvalidVersion:
        return False


def _keeping_cuda(facts: Facts, catalog: Catalog, request: Request, choice: Choice) -> Choice:
    """The best plan with the CUDA major that others need, where there is one; else the choice as it is."""
    kept = needed_cuda(facts)
    if kept is None or kind_of(choice.plan.build.variant) != "cuda" or _major(choice.plan) == kept.major:
        return choice
    plans = list(_with_major(kept.major, choice.imagined, request, catalog))
    if not plans:
        return choice
    best = max(plans, key=lambda plan: (version_key(plan.build.torch), variant_key(plan.build.variant)))
    return replace(choice, plan=best, kept=kept)


def _with_major(major: int, imagined: Imagined, request: Request, catalog: Catalog) -> Iterator[Plan]:
    for variant in catalog.variants:
        if kind_of(variant) == "cuda" and variant_key(variant)[0] == major:
            wish = Request(variant=variant, python=request.python, installer=request.installer)
            try:
                yield resolve(imagined.machine, wish, catalog)
            except TorchupError:
                continue


def _major(plan: Plan) -> int:
    return variant_key(plan.build.variant)[0]
