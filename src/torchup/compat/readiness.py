"""Whether an environment is ready for torch.compile: one line a requirement. Pure; the doctor may ask as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.packages import load_packages
from torchup.catalog.spans import spans
from torchup.catalog.versions import at_least, version_key
from torchup.compat.target import make_target
from torchup.model import Message, Os, Readiness, Value, Vendor, message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.catalog.types import Catalog
    from torchup.model import Machine


class CompileFacts(Value, frozen=True, kw_only=True):
    """What `worker/readiness.py` saw."""

    python: str | None = None
    compiler: str | None = None
    headers: bool | None = None
    triton: str | None = None
    triton_wanted: str | None = None  # as torch's metadata writes it: "==3.7.1", "~=3.8.0"
    ptxas: str | None = None  # CUDA release of the assembler
    torch: str | None = None


_COMPILER = message("readiness.compiler", "a C++ compiler")
_HEADERS = message("readiness.headers", "Python's header files")
_TRITON = message("readiness.triton", "Triton for this torch")
_PTXAS = message("readiness.ptxas", "an assembler (ptxas) that supports this GPU")
_PYTHON = message("readiness.python", "a Python that this torch supports")


def readiness(facts: CompileFacts, machine: Machine, catalog: Catalog) -> tuple[Readiness, ...]:
    """Each requirement of torch.compile on this machine: there, missing, or not needed."""
    label = (facts.torch or "").partition("+")[2]
    nvidia = any(gpu.vendor == Vendor.NVIDIA for gpu in machine.gpus)
    cuda = label.startswith("cu") or (nvidia and label != "cpu")  # a CPU wheel requires no Triton
    return tuple(_rows(facts, machine, catalog, gpu=cuda))


def _rows(facts: CompileFacts, machine: Machine, catalog: Catalog, *, gpu: bool) -> Iterator[Readiness]:
    yield _row("compiler", _COMPILER, there=facts.compiler is not None, found=facts.compiler)
    yield _row("headers", _HEADERS, there=bool(facts.headers), found=facts.python)
    if gpu:
        wanted = _triton_wanted(facts, machine)
        yield _row("triton", _TRITON, there=_triton_fits(facts.triton, wanted), found=facts.triton, wanted=wanted)
        yield from _assembler(facts, machine, catalog)
    yield from _python(facts, machine, catalog)


def _row(
    name: str, what: Message, *, there: bool | None, found: str | None = None, wanted: str | None = None
) -> Readiness:
    return Readiness(name=name, what=what, ready=there, found=found, wanted=wanted)


def _triton_wanted(facts: CompileFacts, machine: Machine) -> str | None:
    """What torch asks for; on Windows, where it asks for nothing, what the tables say."""
    if machine.os != Os.WINDOWS:
        return facts.triton_wanted
    rows = load_packages().wheels_of("triton-windows")
    return next((f"~={row.version}.0" for row in rows if facts.torch and spans(row.torch, facts.torch)), None)


def _triton_fits(found: str | None, wanted: str | None) -> bool | None:
    if found is None:
        return False
    if wanted is None:
        return None
    try:
        return spans(wanted, found.partition("+")[0])
    except ValueError:
        return None


def _assembler(facts: CompileFacts, machine: Machine, catalog: Catalog) -> Iterator[Readiness]:
    """The toolkit that introduced the newest GPU's architecture is the oldest whose assembler knows it."""
    capabilities = [capability for capability in make_target(machine, catalog).capabilities if capability]
    families = [family for capability in capabilities if (family := catalog.family(capability))]
    if not families:
        return
    wanted = max((family.first_toolkit for family in families), key=version_key)
    yield _row("ptxas", _PTXAS, there=bool(at_least(facts.ptxas, wanted)), found=facts.ptxas, wanted=f">={wanted}")


def _python(facts: CompileFacts, machine: Machine, catalog: Catalog) -> Iterator[Readiness]:
    platform = make_target(machine, catalog).platform
    rows = [
        row
        for row in catalog.by_platform.get(platform or "", ())
        if facts.torch and row.torch == facts.torch.partition("+")[0]
    ]
    if rows and facts.python:
        pythons = {python.removesuffix("t") for row in rows for python in row.pythons}
        wanted = f"{min(pythons, key=version_key)}-{max(pythons, key=version_key)}"
        yield _row("python", _PYTHON, there=facts.python in pythons, found=facts.python, wanted=wanted)
