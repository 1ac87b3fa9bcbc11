"""Plans made by hand, and a verification that only imports torch: for tests of installing, which is not theirs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from torchup.host import RealHost
from torchup.i18n.sentences import raised
from torchup.model import Build, InstallerName, Plan, Rung, Source, TorchInfo, Verification

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def folder_plan(
    folder: Path | str, torch: str = "2.13.0", *packages: str, installer: str = "uv", **changes: object
) -> Plan:
    """A plan for ``torch+cpu`` and further packages out of a folder of wheels, for the Python that runs the tests."""
    return Plan(
        build=Build(torch=torch, variant="cpu", source="find-links"),
        python=PYTHON,
        python_path=sys.executable,
        installer=InstallerName(installer),
        packages=(f"torch=={torch}+cpu", *packages),
        sources=(Source(name="find-links", url=str(folder), kind="find-links"),),
        **changes,
    )


def index_plan(url: str, torch: str = "2.13.0", *packages: str, installer: str = "uv") -> Plan:
    """The same out of an index."""
    plan = folder_plan("", torch, *packages, installer=installer)
    return Plan(
        **{name: getattr(plan, name) for name in plan.__struct_fields__}
        | {"sources": (Source(name="index-url", url=url),)}
    )


def importing(host: RealHost | None = None) -> Callable[[str], Verification]:
    """A verification that imports torch in the environment and asks its version."""
    chosen = host or RealHost()

    def verify(python: str) -> Verification:
        completed = chosen.run([python, "-I", "-B", "-c", "import torch; print(torch.__version__)"], timeout=60)
        version, _, variant = completed.stdout.strip().partition("+")
        rung = Rung(name="import", status="pass" if completed.ok else "fail", detail=raised(completed.stderr[-200:]))
        return Verification(
            passed=completed.ok, rungs=(rung,), torch=TorchInfo(version=version or None, variant=variant or None)
        )

    return verify


def refusing(python: str) -> Verification:
    """A verification that fails."""
    del python
    return Verification(passed=False, rungs=(Rung(name="matmul", status="fail", detail=raised("wrong numbers")),))
