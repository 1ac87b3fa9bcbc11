"""Do the installed packages go together? Companions, NumPy, another package's torch, torch itself half there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from torchup.catalog.versions import is_release, minor, version_key
from torchup.doctor.ask import failures
from torchup.doctor.cause import RemedyKind, text_of
from torchup.doctor.extensions import extension_table
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import plain, quoted, remedy_of, said, torch_cuda, torch_line
from torchup.doctor.rules.compiled import other_cuda, other_torch, unloaded_dll
from torchup.doctor.rules.compiled_messages import own_message
from torchup.doctor.rules.damaged import damaged_torch
from torchup.doctor.rules.extensions import extension_names
from torchup.model import Remedy, message
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts, Replaced, Sign
    from torchup.model import Message

_COMPANIONS = ("torchvision", "torchaudio")
_VARIANT = lazy_pattern(r"cu\d+|cpu|rocm[\d.]+|xpu")
_NO_IMPORT = message("doctor.no-torch.seen", "this Python cannot import torch")
_SOME_TOOL = message("doctor.replaced.tool", "an unknown tool")
_SOME_TIME = message("doctor.replaced.time", "at an unknown time")
_PURE_PYTHON = lazy_pattern(r"0\.[0-2](?:\.|$)")  # the first releases of torchvision hold no compiled code


# ---------------------------------------------------------------- companions


def companion_mismatch(facts: Facts, compat: Compat) -> Found | None:
    """Torchvision or torchaudio belongs to another torch version or variant."""
    signs, wrong = _signs(facts, compat), [line for name in _COMPANIONS for line in _unpaired(facts, compat, name)]
    broken = facts.companion_errors
    if not signs and not wrong and not broken:
        return _of_other_cuda(facts, compat) or unloaded_dll(facts, compat) or own_message(facts, compat)
    if signs and all(sign.code == "companion.extension" for sign in signs) and not wrong and not broken:
        return other_torch(facts, compat, signs, _package_of(signs[0]))
    errors = tuple(plain(f"import {name}: {error}") for name, error in broken.items())
    slug = "companion-mismatch"
    return Found(
        summary=text_of(slug, "summary"),
        evidence=tuple(dict.fromkeys((*map(said, signs), *errors, *wrong))),
        remedy=remedy_of(slug, facts, compat),
        certainty=Certainty.PROVEN if (signs and wrong) or broken else Certainty.SAID if signs else Certainty.TABLE,
    )


def _signs(facts: Facts, compat: Compat) -> tuple[Sign, ...]:
    """The messages; a missing operator of torchvision beside the right torchvision is the program's own doing."""
    signs = facts.signs_of("companion-mismatch")
    paired = any(_is_paired(facts, compat, name) for name in _COMPANIONS)
    wrong = any(_unpaired(facts, compat, name) for name in _COMPANIONS)
    if not paired or wrong or facts.companion_errors:
        return signs
    own = ("companion.nms", "companion.ops", "companion.attribute")
    vision = _is_paired(facts, compat, "torchvision")
    return tuple(sign for sign in signs if not (vision and sign.code in own))


def _of_other_cuda(facts: Facts, compat: Compat) -> Found | None:
    """A compiled package asks for the runtime of another CUDA major than torch's."""
    sign, cuda = facts.sign("companion.cudart"), torch_cuda(facts, compat)
    if sign is None or facts.sign("mixed.library-gone") is not None:
        return None
    if cuda is not None and sign.values.get("major") == cuda.split(".")[0]:
        return None  # torch's own runtime is missing
    companion = next((module for module in facts.modules if module in _COMPANIONS), None)
    if companion is None and _needs_cuda(facts, sign.values.get("major")):
        return _kept_cuda(facts, compat, sign)
    if companion is None:
        names = extension_names(facts, [sign.line])
        return other_cuda(facts, compat, sign, names[0] if names else None)
    slug = "companion-mismatch"
    return Found(
        summary=text_of(slug, "summary"),
        evidence=(said(sign), *([torch_line(facts)] if facts.torch.version else [])),
        remedy=remedy_of(slug, facts, compat, kind=None if cuda else RemedyKind.TEXT),  # which torch is not known
        certainty=Certainty.PROVEN if cuda else Certainty.SAID,
    )


def _needs_cuda(facts: Facts, major: str | None) -> bool:
    """Whether a package whose every release is for this CUDA major is installed."""
    from torchup.doctor import remedy  # noqa: PLC0415  # see `remedy_of`

    kept = remedy.needed_cuda(facts)
    return kept is not None and str(kept.major) == major


def _kept_cuda(facts: Facts, compat: Compat, sign: Sign) -> Found:
    """A package that knows one CUDA major alone, beside a torch of another: torch has to follow."""
    from torchup.doctor import remedy  # noqa: PLC0415  # see `remedy_of`

    text = text_of("companion-mismatch", "remedy-cuda")
    return Found(
        summary=text_of("companion-mismatch", "summary-cuda"),
        evidence=(said(sign), *([torch_line(facts)] if facts.torch.version else [])),
        remedy=remedy.reinstall(facts, compat.catalog, text=text),
        certainty=Certainty.SAID,
    )


def _package_of(sign: Sign) -> str | None:
    """The module that a message names, by its compiled library too."""
    named = sign.values.get("package")
    return extension_table().libraries.get(named, named) if named else None


def _is_paired(facts: Facts, compat: Compat, name: str) -> bool:
    pair = compat.companion(facts.torch.version, name) if facts.torch.version else None
    return pair is not None and any(map(pair.fits, facts.versions(name)))


def _unpaired(facts: Facts, compat: Compat, name: str) -> list[Message]:
    """Evidence that the one installed version is of another release; nightlies and own builds are not judged."""
    torch = facts.torch.version
    versions = facts.versions(name)
    pair = compat.companion(torch, name) if torch and (is_release(torch) or "dev" in torch) else None
    if not versions or pair is None:
        return []
    judged = [version for version in versions if is_release(version) and not _PURE_PYTHON.match(version)]
    if not judged or any(map(pair.fits, versions)) or _listed_elsewhere(facts):
        return [] if not _variants_differ(facts, name) else [_variant_line(facts, name)]
    return [_pair_line(facts, name, judged[0], pair.minor)]


def _listed_elsewhere(facts: Facts) -> bool:
    """collect_env's pip may be another Python's than the torch it reports."""
    listed = facts.versions("torch") or facts.versions("pytorch")
    torch = facts.torch.version
    return bool(listed) and torch is not None and all(minor(v) != minor(torch) for v in listed)


def _variants_differ(facts: Facts, name: str) -> bool:
    mine = facts.torch.local or ""
    other = [version.partition("+")[2] for version in facts.versions(name) if "+" in version]
    labels = bool(other) and all(map(_VARIANT.fullmatch, other)) and _VARIANT.fullmatch(mine) is not None
    return labels and mine not in other


def _variant_line(facts: Facts, name: str) -> Message:
    """Evidence that both are of releases that fit, and of builds that do not."""
    return message(
        "doctor.companion.variant",
        "{name} {found} is installed next to torch {torch}+{variant}, which needs {name} of the variant {variant}",
        name=name,
        found=next(version for version in facts.versions(name) if "+" in version),
        torch=facts.torch.version,
        variant=facts.torch.local,
    )


def _pair_line(facts: Facts, name: str, found: str, expected: str) -> Message:
    return message(
        "doctor.companion.pair",
        "{name} {found} is installed next to torch {torch}, which needs {name} {expected}",
        name=name,
        found=found,
        torch=facts.torch.version,
        expected=expected,
    )


# ---------------------------------------------------------------- NumPy


def numpy_abi(facts: Facts, compat: Compat) -> Found | None:
    """Torch was built for NumPy 1 and NumPy 2 is installed."""
    signs, numpy = facts.signs_of("numpy-abi"), facts.versions("numpy")
    two = any(version_key(version)[:1] >= (2,) for version in numpy)
    if signs and numpy and not two and all(sign.code == "numpy.not-available" for sign in signs):
        return None
    needed = _numpy_one(facts, compat)
    if not signs and not (needed and two and len(numpy) == 1):
        return None
    known = next((sign.values["numpy"] for sign in signs if "numpy" in sign.values), None) or next(iter(numpy), None)
    there = message("doctor.numpy.installed", "NumPy {version} is installed", version=known)
    slug = "numpy-abi"
    seen = known or any(sign.code != "numpy.not-available" for sign in signs)  # else there may be no NumPy at all
    return Found(
        summary=text_of(slug, "summary") if seen else text_of("numpy-abi", "summary-unseen"),
        evidence=(*map(said, signs), *([there] if known else [])),
        remedy=adding(facts, text_of(slug, "remedy"), needed or ("numpy<2",)),
        certainty=Certainty.PROVEN if signs else Certainty.TABLE,
    )


def _numpy_one(facts: Facts, compat: Compat) -> tuple[str, ...]:
    """What torch's release needs of NumPy, where that is NumPy 1; empty: nothing, or unknown."""
    needs = compat.needs(facts.torch.version) if facts.torch.version else ()
    return tuple(need for need in needs if need.startswith("numpy<"))


def adding(facts: Facts, text: Message, requirements: tuple[str, ...]) -> Remedy:
    """Further packages into the environment, with the tool that made it."""
    from torchup.doctor import remedy  # noqa: PLC0415  # see `remedy_of`

    return remedy.add_packages(facts, requirements, text=text)


# ---------------------------------------------------------------- torch


def torch_replaced(facts: Facts, compat: Compat) -> Found | None:
    """Another package's installation exchanged torch for another build or version."""
    if facts.replaced is not None:
        removed = facts.torch.installed is False and facts.replaced.after is None
        return None if removed else _replaced_here(facts, facts.replaced, compat)
    gone, came = facts.sign("torch.exchanged", "torch.uninstalled"), facts.sign("torch.came")
    old = gone.values.get("old") if gone is not None else None
    new = _came(facts, gone, came)
    if gone is None or old is None or any(re.match(r"(?:py)?torch(?![\w-])", wish) for wish in facts.requested):
        return None
    became_cpu = (facts.sign("cpu.not-compiled") is not None or facts.torch.variant == "cpu") and "cpu" not in old
    broke = facts.torch.cuda_available is False or bool(failures(facts))
    if not became_cpu and not (new is not None and new != old and (broke or _lost_label(facts, old, new))):
        return None
    slug = "torch-replaced"
    signs = [sign for sign in (gone, came, facts.sign("cpu.not-compiled")) if sign is not None]
    known = msgspec.structs.replace(facts, requested=(f"torch=={old}",))
    return Found(
        summary=text_of(slug, "summary"),
        evidence=tuple(map(said, signs)),
        remedy=remedy_of(slug, known, compat, kind=RemedyKind.REQUESTED),
        certainty=Certainty.PROVEN,
    )


def _came(facts: Facts, gone: Sign | None, came: Sign | None) -> str | None:
    """The torch that took the place: as the installer says it, else the one that the report shows."""
    said_new = (sign.values.get("new") for sign in (gone, came) if sign is not None)
    shown = "+".join(part for part in (facts.torch.version, facts.torch.local) if part)
    return next((version for version in said_new if version), shown or None)


def _lost_label(facts: Facts, old: str, new: str) -> bool:
    """Whether a build chosen by its label gave way to the default one of another release, and nothing says it works."""
    return "+" in old and "+" not in new and not facts.works and not facts.torch.cuda_available


def _replaced_here(facts: Facts, replaced: Replaced, compat: Compat) -> Found:
    """Torchup verified another torch in this environment than the one that is there."""
    slug = "torch-replaced"
    known = msgspec.structs.replace(facts, requested=(f"torch=={replaced.before}",))
    error = (facts.torch.import_error or "").strip().splitlines()[-1:]
    exchange = text_of("torch-replaced", "summary-live")
    return Found(
        summary=text_of(slug, "summary") if replaced.wanted_by else exchange,
        evidence=(_gone(replaced), *_who(replaced), *map(plain, error)),
        remedy=remedy_of(slug, known, compat, kind=RemedyKind.REQUESTED),
        certainty=Certainty.PROVEN,
    )


def _gone(replaced: Replaced) -> Message:
    """Which torch was verified, and which one is there now."""
    if replaced.after is None:
        return message(
            "doctor.replaced.unknown",
            "torch {before} was verified here, but no installed torch package is found now",
            before=replaced.before,
        )
    return message(
        "doctor.replaced.exchanged",
        "torch {before} was verified here, but torch {after} is installed",
        before=replaced.before,
        after=replaced.after,
    )


def _who(replaced: Replaced) -> Iterator[Message]:
    """Which tool wrote the torch that is there, when, and for which packages."""
    if replaced.installer or replaced.when:
        yield message(
            "doctor.replaced.by",
            "{tool} installed this torch ({when})",
            tool=replaced.installer or _SOME_TOOL,
            when=replaced.when or _SOME_TIME,
        )
    if replaced.wanted_by:
        names = ", ".join(replaced.wanted_by)
        yield message(
            "doctor.replaced.for", "these packages accept this torch but not the verified one: {packages}",
            packages=names,
        )  # fmt: skip


def torch_not_installed(facts: Facts, compat: Compat) -> Found | None:
    """This Python has no torch, or only what is left of one, though the machine is fine."""
    if facts.torch.installed and (found := damaged_torch(facts, compat)) is not None:
        return found
    remains = facts.torch.installed and facts.torch.import_error is not None and facts.extension_problem is None
    if facts.torch.installed is not False and not remains:
        return None
    if facts.sign("build.frontend") is not None and not facts.live:
        return None  # the environment that a package is built in has no torch; this one was not looked at
    if remains:
        return _remains(facts, compat)
    slug, evidence, kind = "torch-not-installed", quoted(facts, "torch.absent") or (_NO_IMPORT,), None
    if facts.replaced is not None:  # which torch was verified here is known: that one comes back
        evidence, kind = (*evidence, _gone(facts.replaced)), RemedyKind.REQUESTED
        facts = msgspec.structs.replace(facts, requested=(f"torch=={facts.replaced.before}",))
    return Found(
        summary=text_of(slug, "summary"),
        evidence=evidence,
        remedy=remedy_of(slug, facts, compat, kind=kind),
        certainty=Certainty.SEEN,
    )


def _remains(facts: Facts, compat: Compat) -> Found:
    """A torch that is on disk and does not import, for a reason that no other rule knows."""
    from torchup.doctor import remedy  # noqa: PLC0415  # see `remedy_of`

    error = (facts.torch.import_error or "").strip().splitlines()[-1:]
    text = text_of("torch-not-installed", "remedy-remains")
    return Found(
        summary=text_of("torch-not-installed", "summary-remains"),
        evidence=(plain(f"import torch: {error[0]}") if error else _NO_IMPORT,),
        remedy=remedy.reinstall(facts, compat.catalog, remedy.Wish(remove=("torch",)), text=text),
        certainty=Certainty.SEEN,
    )
