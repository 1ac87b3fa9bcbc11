"""What an environment's Python and torch say of themselves, asked in a fresh child that may crash or hang."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from torchup.encoding import from_builtins
from torchup.envs.damage import Damage, blocking_start_files, find_damage, prefix_of
from torchup.envs.worker import run_worker
from torchup.model import Value

if TYPE_CHECKING:
    from torchup.host import Host

TIMEOUT = 60.0  # seconds; a cold import of torch from a network disk takes half of it
_CRASH_CODES = {-11: "segmentation fault", -6: "abort", -4: "illegal instruction", -9: "killed", -7: "bus error"}


class InstalledPackage(Value, frozen=True, kw_only=True):
    """One distribution as it lies on disk."""

    name: str
    version: str
    origin: str = "pip"
    location: str | None = None
    build: str | None = None
    channel: str | None = None


class InspectedPython(Value, frozen=True, kw_only=True):
    """The interpreter; everything here is known without torch."""

    version: str
    bits: int | None = None
    machine: str | None = None
    platform: str | None = None
    executable: str | None = None
    prefix: str | None = None
    free_threaded: bool = False
    conda: bool = False
    packages: tuple[InstalledPackage, ...] = ()
    torch_folders: tuple[str, ...] = ()
    extension_suffix: str | None = None
    torch_extensions: tuple[str, ...] = ()
    companion_cuda: dict[str, str] = {}


class InspectedTorch(Value, frozen=True, kw_only=True):
    """Torch; ``None``: it did not say."""

    installed: bool
    version: str | None = None
    cuda: str | None = None
    hip: str | None = None
    location: str | None = None
    import_error: str | None = None
    numpy_error: str | None = None
    mps_built: bool | None = None
    mps_available: bool | None = None
    xpu_built: bool | None = None
    xpu_available: bool | None = None
    cuda_available: bool | None = None
    arch_list: tuple[str, ...] = ()
    device_count: int | None = None
    devices: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    kernel_ran: bool | None = None
    kernel_error: str | None = None
    cuda_error: str | None = None
    companion_errors: dict[str, str] = {}
    warnings: tuple[str, ...] = ()


class Inspection(Value, frozen=True, kw_only=True):
    """An environment. ``python`` is ``None`` when even the interpreter did not run; ``failure`` then says why."""

    python: InspectedPython | None = None
    torch: InspectedTorch | None = None
    failure: str | None = None  # crash, hang or refusal, with the child's last words
    damage: tuple[Damage, ...] = ()  # what is not as it was installed, torch's own first
    blocked: tuple[Damage, ...] = ()  # files of no package that run at each start of a Python that does not start
    stderr: str = ""


def inspect_environment(host: Host, python: str, *, timeout: float = TIMEOUT, deep: bool = False) -> Inspection:
    """Ask the Python at ``python``; never raises for what it or its torch does.

    Args:
        host: the machine.
        python: path of the interpreter.
        timeout: seconds for all of it; a torch that hangs in its import is stopped then.
        deep: hash every installed file; a torch that cannot be imported is reason enough.
    """
    if blocked := blocking_start_files(host, python):
        return Inspection(failure="it does not start", blocked=blocked)
    answer = run_worker(host, python, "inspect_env.py", timeout=timeout)
    data = answer.data or {}
    inspected = _decode(data.get("python"), InspectedPython)
    torch = _decode(data.get("torch"), InspectedTorch)
    failure = None
    if torch is None:
        ended = {"timed_out": answer.timed_out, "flooded": answer.flooded}
        failure = _failure(answer.returncode, answer.stderr, **ended)
    failed = inspected is not None and (torch is None or torch.import_error is not None)
    damage = find_damage(host, prefix_of(python), deep=deep or failed)
    return Inspection(python=inspected, torch=torch, failure=failure, damage=damage, stderr=answer.stderr)


def _decode(data: object, kind: type[Any]) -> Any:
    try:
        return from_builtins(data, kind) if data is not None else None
    except msgspec.ValidationError:
        return None  # another program answered in its place


def _failure(returncode: int | None, stderr: str, *, timed_out: bool, flooded: bool) -> str:
    if timed_out:
        return "it did not end in time"
    if flooded:
        return "it prints without end"
    words = stderr.strip().splitlines()[-1:] or [""]
    if returncode is None:
        return f"it did not start {words[0]}".strip()
    return f"{_CRASH_CODES.get(returncode, f'exit status {returncode}')} {words[0]}".strip()
