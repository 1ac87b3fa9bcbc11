"""What ``--with jupyter`` and ``--with hub`` add to an environment, and what a kernel needs in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.envs import records
from torchup.errors import UsageError
from torchup.install import uv
from torchup.install.arguments import usable, uv_arguments
from torchup.install.failures import explain
from torchup.model import Os, Step, message
from torchup.sources.child_environment import child_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.host import Host
    from torchup.model import Plan

# PyPI and conda-forge have them under the same names.
EXTRAS: dict[str, tuple[str, ...]] = {
    "jupyter": ("jupyterlab>=4", "ipykernel>=6"),
    "hub": ("jupyterhub>=5", "jupyterlab>=4", "ipykernel>=6"),
}
KERNEL_PACKAGES = ("ipykernel", "pip")  # pip, so that `!pip` in a notebook does not find another environment's


def with_packages(extras: Sequence[str], os: Os) -> tuple[str, ...]:
    """Requirements of ``--with`` words, each once.

    Raises:
        UsageError: an unknown word, or JupyterHub on Windows, where it does not run.
    """
    unknown = [word for word in extras if word not in EXTRAS]
    if unknown:
        text = message(
            "jupyter.with.unknown", "--with knows {known}, not `{word}`", known=", ".join(EXTRAS), word=unknown[0]
        )
        raise UsageError(text)
    if "hub" in extras and os is Os.WINDOWS:
        text = message("jupyter.hub.windows", "JupyterHub does not run on Windows")
        hint = message("jupyter.hub.windows.hint", "use --with jupyter, or run torchup inside WSL")
        raise UsageError(text, hint=hint)
    return tuple(dict.fromkeys(name for word in extras for name in EXTRAS[word]))


def kernel_step(path: str, plan: Plan | None) -> Step:
    """The command that puts what a kernel needs into an environment, from the places that its plan named. Pure."""
    places = uv_arguments(plan) if plan is not None and usable(plan.sources) else ()
    return Step(
        argv=("uv", "pip", "install", "--no-config", "--python", path, *places, *KERNEL_PACKAGES),
        summary=message("jupyter.step", "install {packages}", packages=", ".join(KERNEL_PACKAGES)),
        environment=uv.CLEARED,
        timeout=1800.0,
    )


def add_kernel_packages(host: Host, path: str, on_line: Callable[[str], None]) -> None:
    """Install ipykernel (and pip) into the environment at ``path``; raises `InstallError` or `NetworkError`."""
    record = records.read(host, path)
    step = kernel_step(path, record.plan if record else None)
    with child_environment(host) as overlay:
        completed = host.run(
            (uv.uv_binary(), *step.argv[1:]),
            timeout=step.timeout,
            environment={**step.environment, **overlay},
            on_line=on_line,
        )
    if not completed.ok:
        raise explain(step, completed)
