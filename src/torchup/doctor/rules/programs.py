"""The program's own needs: a package that it imports, a package that is built from source. Torch is not at fault."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from torchup.catalog.versions import minor
from torchup.data_files import read_data
from torchup.doctor.cause import filled, text_of
from torchup.doctor.package_tools import APT, DNF, package_tool
from torchup.doctor.rule import Found
from torchup.doctor.rules.common import said
from torchup.doctor.rules.extensions import rebuilt
from torchup.doctor.rules.packages import adding
from torchup.model import Os, Remedy, Value
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts, Sign

_OF_PYTHON = lazy_pattern(r"python\.h|pyconfig\.h|python3\d*\.lib|Python libs", re.IGNORECASE)
_FOLDERS = text_of("build-headers-missing", "remedy-folders")
_COMPILER = {APT: ("build-essential", "python3-dev"), DNF: ("gcc-c++", "python3-devel")}  # with Python's headers
_ABSENT = ("package.absent", "package.triton", "package.kernel")


class Modules(Value, frozen=True, kw_only=True):
    """The file: module -> package, its name on Windows, and package -> release of torch -> the first one too new."""

    packages: dict[str, str]
    windows: dict[str, str]
    below: dict[str, dict[str, str]]


@cache
def load_modules() -> Modules:
    """The tables of ``data/modules.toml``."""
    return read_data(Path(__file__).parent.parent / "data" / "modules.toml", Modules)


def requirement_of(module: str, facts: Facts) -> str:
    """What to install for a module, in the release line that goes with torch where the table has one."""
    table = load_modules()
    package = table.packages.get(module, module.replace("_", "-"))
    if facts.system.os is Os.WINDOWS:
        package = table.windows.get(module, package)
    below = table.below.get(package, {}).get(minor(facts.torch.version) if facts.torch.version else "")
    return f"{package}<{below}" if below else package


def python_package_missing(facts: Facts, compat: Compat) -> Found | None:
    """An unrelated package that the program imports is missing."""
    del compat
    sign = facts.sign(*_ABSENT)
    if sign is None or (sign.code == "package.triton" and facts.on_mac):
        return None
    module = sign.values.get("module", "").split(".")[0]
    slug, values = "python-package-missing", {"module": module}
    return Found(
        summary=filled(text_of(slug, "summary"), values),
        evidence=(said(sign),),
        remedy=adding(facts, filled(text_of(slug, "remedy"), values), (requirement_of(module, facts),)),
    )


def build_headers_missing(facts: Facts, compat: Compat) -> Found | None:
    """A source build stops for want of headers; the installed torch is fine."""
    del compat
    slug = "build-headers-missing"
    absent = facts.sign("torch.absent")
    if absent is not None and facts.sign("build.frontend") is not None:
        return _isolated_build(facts, absent)
    signs = facts.signs_of(slug)
    if not signs:
        return None
    bundled = facts.system.os is Os.WINDOWS and any(_OF_PYTHON.search(sign.line) for sign in signs)
    remedy = Remedy(text=text_of(slug, "remedy"), commands=tools(facts), needs_root=True)
    return Found(
        summary=text_of(slug, "summary"),
        evidence=tuple(map(said, signs)),
        remedy=Remedy(text=_FOLDERS, interpreter=facts.interpreter) if bundled else remedy,
    )


def tools(facts: Facts) -> tuple[tuple[str, ...], ...]:
    """How this system installs a compiler and Python's headers."""
    if facts.on_mac:
        return (("xcode-select", "--install"),)
    tool = package_tool(facts)
    packages = _COMPILER.get(tool.program) if tool is not None else None
    return (("sudo", tool.program, "install", *packages),) if tool is not None and packages else ()


def _isolated_build(facts: Facts, absent: Sign) -> Found:
    """A package whose setup.py imports torch, built where there is none."""
    text = text_of("build-headers-missing", "remedy-isolated")
    names = [requirement for requirement in facts.requested if not requirement.startswith("torch")]
    return Found(
        summary=text_of("build-headers-missing", "summary-isolated"),
        evidence=(said(absent),),
        remedy=rebuilt(facts, text, [name.replace("-", "_") for name in names]),
    )
