"""Do the installed packages go together? Companions, NumPy, torch itself missing or half there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.catalog.versions import is_release, minor, version_key
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import (
    PIP,
    install_command,
    pip_install,
    plain,
    quoted,
    reinstall,
    said,
    torch_line,
)
from torchup.model import Os, Remedy, message

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts, Sign
    from torchup.model import Message


def companion_mismatch(facts: Facts, compat: Compat) -> Found | None:
    """Torchvision or torchaudio belongs to another torch version or variant."""
    signs = facts.signs_of("companion-mismatch")
    paired = [name for name in ("torchvision", "torchaudio") if _is_paired(facts, compat, name)]
    wrong = [line for name in ("torchvision", "torchaudio") for line in _unpaired(facts, compat, name)]
    broken = facts.companion_errors
    if signs and not wrong and not broken and paired:
        signs = tuple(sign for sign in signs if not _is_about_paired(sign, paired))
    if not signs and not wrong and not broken:
        return None
    errors = tuple(plain(f"import {name}: {error}") for name, error in broken.items())
    certainty = Certainty.PROVEN if (signs and wrong) or broken else Certainty.SAID if signs else Certainty.TABLE
    if signs and all(sign.code == "companion.extension" for sign in signs) and not wrong and not broken:
        return _extension_of_another_torch(facts, signs)
    text = message("doctor.companion.remedy", "install torch, torchvision and torchaudio together, from one index")
    return Found(
        summary=message("doctor.companion.summary", "torchvision or torchaudio belongs to another build of torch"),
        evidence=(*map(said, signs), *errors, *(line for line in wrong)),
        remedy=Remedy(text=text, commands=(_together(facts),)),
        certainty=certainty,
    )


def _extension_of_another_torch(facts: Facts, signs: tuple[Sign, ...]) -> Found:
    """A compiled package (flash-attn, vLLM...) that was linked to another version of torch than it meets."""
    package = signs[0].values.get("package", "PACKAGE").replace("_", "-")
    text = message(
        "doctor.companion.remedy-extension",
        "install a release of the package that was built for this torch, or build it anew beside it",
    )
    again = ("--force-reinstall", "--no-cache-dir", "--no-deps", "--no-build-isolation", package)
    return Found(
        summary=message("doctor.companion.summary-extension", "a compiled package was built for another torch"),
        evidence=(*map(said, signs), *([torch_line(facts)] if facts.torch.version else [])),
        remedy=Remedy(text=text, commands=(pip_install(*again),)),
        certainty=Certainty.SAID,
    )


def _together(facts: Facts) -> tuple[str, ...]:
    torch = facts.torch
    if torch.variant and torch.variant != "cpu" and facts.system.os is not Os.MACOS:
        return install_command(torch.variant)
    if torch.variant == "cpu" and facts.system.os is Os.LINUX:
        return install_command("cpu")
    return pip_install("--force-reinstall", "torch", "torchvision", "torchaudio")


def _is_about_paired(sign: Sign, paired: list[str]) -> bool:
    """A missing torchvision operator beside the right torchvision is the program's own doing."""
    return sign.code in ("companion.nms", "companion.ops", "companion.attribute") and "torchvision" in paired


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
    judged = [
        v for v in versions if is_release(v) and version_key(v) >= (0, 3)
    ]  # before 0.3 torchvision was pure Python
    if not judged or any(map(pair.fits, versions)) or _listed_elsewhere(facts):
        return [] if not _variants_differ(facts, name) else [_pair_line(facts, name, versions[0], pair.minor)]
    return [_pair_line(facts, name, judged[0], pair.minor)]


def _listed_elsewhere(facts: Facts) -> bool:
    """collect_env's pip may be another Python's than the torch it reports."""
    listed = facts.versions("torch") or facts.versions("pytorch")
    torch = facts.torch.version
    return bool(listed) and torch is not None and all(minor(v) != minor(torch) for v in listed)


def _variants_differ(facts: Facts, name: str) -> bool:
    mine = facts.torch.local or ""
    other = [v.partition("+")[2] for v in facts.versions(name) if "+" in v]
    flavours = re.compile(r"cu\d+|cpu|rocm[\d.]+|xpu")
    return (
        bool(other)
        and all(flavours.fullmatch(o) for o in other)
        and flavours.fullmatch(mine) is not None
        and mine not in other
    )


def _pair_line(facts: Facts, name: str, found: str, expected: str | None) -> Message:
    return message(
        "doctor.companion.pair",
        "{name} {found} is installed beside torch {torch}, which goes with {name} {expected}",
        name=name,
        found=found,
        torch=facts.torch.version,
        expected=expected or "?",
    )


def numpy_abi(facts: Facts, compat: Compat) -> Found | None:
    """Torch was built for NumPy 1 and NumPy 2 is installed."""
    del compat
    signs = facts.signs_of("numpy-abi")
    numpy = facts.versions("numpy")
    torch = facts.torch.version
    old_torch = torch is not None and version_key(torch) < (2, 3)  # wheels are built against NumPy 2 since 2.3
    two = any(version_key(v) >= (2,) for v in numpy)
    only_ones = bool(numpy) and not two
    if signs and only_ones and all(sign.code == "numpy.not-available" for sign in signs):
        return None
    if not signs and not (old_torch and two and len(numpy) == 1):
        return None
    said_version = next((sign.values["numpy"] for sign in signs if "numpy" in sign.values), None)
    lines = [*map(said, signs)]
    if said_version or numpy:
        lines.append(
            message("doctor.numpy.installed", "NumPy {version} is installed", version=said_version or numpy[0])
        )
    text = message("doctor.numpy.remedy", "install NumPy 1, or a torch of 2.3 or newer")
    return Found(
        summary=message("doctor.numpy.summary", "a compiled package was built for NumPy 1, and NumPy 2 is installed"),
        evidence=tuple(lines),
        remedy=Remedy(text=text, commands=(pip_install("numpy<2"),)),
        certainty=Certainty.PROVEN if signs else Certainty.TABLE,
    )


def torch_not_installed(facts: Facts, compat: Compat) -> Found | None:
    """This Python has no torch, or only what is left of one, though the machine is fine."""
    remains = facts.torch.installed and facts.torch.import_error is not None and facts.extension_problem is None
    if facts.torch.installed is not False and not remains:
        return None
    if facts.sign("build.frontend") is not None and not facts.live:
        return None  # the environment that a package is built in has no torch; this one was not looked at
    if remains:
        return _remains(facts, compat)
    lines = quoted(facts, "torch.absent") or (
        message("doctor.no-torch.seen", "torch cannot be imported by this Python"),
    )
    text = message("doctor.no-torch.remedy", "install torch into this Python, or run the Python that has it")
    return Found(
        summary=message("doctor.no-torch.summary", "this Python has no torch"),
        evidence=lines,
        remedy=reinstall(facts, compat, text),
        certainty=Certainty.SEEN,
    )


def _remains(facts: Facts, compat: Compat) -> Found:
    """A torch that is on disk and does not import, for a reason that no other rule knows."""
    error = (facts.torch.import_error or "").strip().splitlines()[-1:] or ["-"]
    text = message("doctor.no-torch.remedy-remains", "remove what is left of it and install torch again")
    return Found(
        summary=message("doctor.no-torch.summary-remains", "torch is on disk, but it cannot be imported"),
        evidence=(plain(f"import torch: {error[0]}"),),
        remedy=Remedy(
            text=text,
            commands=((*PIP, "uninstall", "-y", "torch"), *reinstall(facts, compat, text).commands),
        ),
        certainty=Certainty.SEEN,
    )
