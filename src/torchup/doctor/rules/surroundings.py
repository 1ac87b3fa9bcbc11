"""What programs of others lack: packages, compilers, headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.rule import Found
from torchup.doctor.rules.common import PIP, from_sign, pip_install, said
from torchup.model import Remedy, message

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts, Sign


def python_package_missing(facts: Facts, compat: Compat) -> Found | None:
    """An unrelated package that the program imports is missing."""
    del compat
    sign = facts.sign("package.absent")
    if sign is None:
        return None
    name = sign.values.get("module", "").split(".")[0]
    text = message("doctor.package.remedy", "install the package that provides `{name}`", name=name)
    return Found(
        summary=message(
            "doctor.package.summary",
            "the program imports `{name}`, which is not installed; torch is not at fault",
            name=name,
        ),
        evidence=(said(sign),),
        remedy=Remedy(text=text, commands=((*PIP, "install", name.replace("_", "-")),)),
    )


def build_headers_missing(facts: Facts, compat: Compat) -> Found | None:
    """A source build stops for want of headers; the installed torch is fine."""
    del compat
    text = message(
        "doctor.headers.remedy", "install the compiler's and Python's headers, or a prebuilt wheel of the package"
    )
    name = (facts.system.distribution or "").lower()
    commands: tuple[tuple[str, ...], ...] = ()
    absent = facts.sign("torch.absent")
    if absent is not None and facts.sign("build.frontend") is not None:
        return _isolated_build(absent)
    if "ubuntu" in name or "debian" in name:
        commands = (("sudo", "apt", "install", "build-essential", "python3-dev"),)
    elif facts.on_mac:
        commands = (("xcode-select", "--install"),)
    summary = message(
        "doctor.headers.summary",
        "a package is being built from source and a header or compiler is missing; the installed torch is fine",
    )
    return from_sign(facts, "build-headers-missing", summary, Remedy(text=text, commands=commands, needs_root=True))


def _isolated_build(absent: Sign) -> Found:
    """A package whose setup.py imports torch, built where there is none."""
    text = message(
        "doctor.headers.remedy-isolated",
        "install torch first, then build the package in the same environment, or take a prebuilt wheel of it",
    )
    return Found(
        summary=message(
            "doctor.headers.summary-isolated",
            "a package that needs torch to be built is being built in an isolated environment without it",
        ),
        evidence=(said(absent),),
        remedy=Remedy(text=text, commands=(pip_install("--no-build-isolation", "PACKAGE"),)),
    )
