"""The number formats that a result's label stands for, and the proof that the label was in force.

``fp32-default`` leaves torch as it comes (on Ampere and newer: TF32 convolutions, full matrix products),
``fp32-strict`` forbids every shortened float32, ``tf32`` allows TF32 everywhere, ``bf16`` and ``fp16`` are autocast.
A format that a device does not have is refused with its reason: a number never carries a label that was not in force.
"""

import contextlib
import os
from typing import Any, Iterator, Optional

import devices
import registry
import torch
from said import Said, SaidError, reason, said

NAMES = registry.PRECISIONS
STRICT = "fp32-strict"
LOW = {"bf16": torch.bfloat16, "fp16": torch.float16}

_in_force: Optional[str] = None


class PrecisionError(SaidError):
    """A precision is not available; code and values say where and why."""


def in_force() -> Optional[str]:
    """The label that `enter` has put in force in this process."""
    return _in_force


def enter(device: str, precision: str) -> str:
    """Put a precision in force on a device and return its label. Raises `PrecisionError` where that cannot be."""
    global _in_force  # noqa: PLW0603  # torch's own switches are the process's too
    why_not = refusal(device, precision)
    if why_not:
        raise PrecisionError(why_not["code"], **why_not["values"])
    if precision in ("fp32-strict", "tf32"):
        _allow_tf32(precision == "tf32")
    _in_force = precision
    return precision


def refusal(device: str, precision: str) -> Optional[Said]:
    """Why a precision cannot be in force on a device; ``None`` where it can."""
    if precision not in NAMES:
        return said("no-precision", label=precision)
    if precision in LOW:
        return _no_autocast(device, precision)
    forced = _forced(precision)
    if forced:
        return said("precision-forced", variable=forced, label=precision)
    return _no_tf32(device) if precision == "tf32" else None


def _forced(precision: str) -> Optional[str]:
    """The variable that makes the libraries below torch ignore its switches."""
    tf32, mode = os.environ.get("NVIDIA_TF32_OVERRIDE"), os.environ.get("ONEDNN_DEFAULT_FPMATH_MODE", "strict")
    if (precision, tf32) in (("tf32", "0"), ("fp32-strict", "1")):
        return "NVIDIA_TF32_OVERRIDE=%s" % tf32
    if precision == "fp32-strict" and mode.lower() != "strict":
        return "ONEDNN_DEFAULT_FPMATH_MODE=%s" % mode
    return None


def _no_tf32(device: str) -> Optional[Said]:
    if devices.kind(device) != "cuda":
        return said("no-tf32", device=device)
    facts = devices.facts(device)
    if torch.version.hip:
        gfx = str(facts.get("gfx", ""))
        return None if has_tf32(device) else said("no-tf32-gpu", device=gfx or device)
    return None if has_tf32(device) else said("old-tf32", capability=facts.get("compute_capability"))


def has_tf32(device: str) -> bool:
    """Whether a GPU of kind cuda (ROCm too) multiplies in TF32, or in AMD's XF32."""
    floors = registry.FLOORS["tf32"]
    if torch.version.hip:
        return str(devices.facts(device).get("gfx", "")).startswith(tuple(floors["gfx"]))
    return torch.cuda.get_device_capability(torch.device(device)) >= tuple(floors["capability"])


def _no_autocast(device: str, precision: str) -> Optional[Said]:
    """Ask by doing: autocast on a device or torch that lacks the format only warns, and computes float32."""
    if precision == "fp16" and _scaler(device) is None:
        return said("no-scaling", device=devices.kind(device))
    try:
        with torch.autocast(devices.kind(device), dtype=LOW[precision]):
            one = torch.ones(8, 8, device=device)
            got = (one @ one).dtype
    except (RuntimeError, TypeError, ValueError) as error:
        return said("no-autocast", label=precision, device=device, why=reason(error))
    if got != LOW[precision]:
        return said("autocast-off", label=precision, device=device, got=got)
    if precision == "bf16" and devices.kind(device) == "cuda" and not _has_bf16():
        return said("no-bf16", device=devices.name(device))
    return _no_scaled_step(device) if precision == "fp16" else None


def _has_bf16() -> bool:
    """Whether the GPU computes in bfloat16 itself: newer torch also says yes where it only imitates it."""
    try:
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    except TypeError:  # before torch 2.4, which asked the hardware
        return bool(torch.cuda.is_bf16_supported())


def _no_scaled_step(device: str) -> Optional[Said]:
    """Why one whole scaled step does not work; older torch scales in float64, which Apple's GPUs lack."""
    try:
        weight = torch.nn.Parameter(torch.ones(4, 4, device=device))
        update = torch.optim.SGD([weight], lr=0.1)
        mixed = Mixed(device, "fp16")
        with mixed.forward():
            loss = (torch.ones(4, 4, device=device) @ weight).float().sum()
        mixed.scaled(loss).backward()
        mixed.update(update)
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        return said("no-autocast", label="fp16", device=device, why=reason(error))
    return None


def _allow_tf32(allowed: bool) -> None:  # noqa: FBT001  # torch's own switches are called so
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed
    if torch.backends.cuda.matmul.allow_tf32 is not allowed:
        raise PrecisionError("tf32-switch")


@contextlib.contextmanager
def briefly(device: str, label: str) -> Iterator[None]:
    """Put a precision in force for a check, and torch's switches back as they were."""
    global _in_force  # noqa: PLW0603  # torch's own switches are the process's too
    before = _in_force
    switches = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    try:
        enter(device, label)
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = switches
        _in_force = before


def cast(device: str, precision: str) -> Any:
    """The autocast context of a precision; one that does nothing for the float32 modes.

    Without its cache of cast weights: that lives as long as the context, and a recorded graph is made in one, so every
    step after the first would see the weights of the first. No weight is cast twice in a step anyway.
    """
    low = LOW.get(precision)
    if low is None:
        return contextlib.nullcontext()
    return torch.autocast(devices.kind(device), dtype=low, cache_enabled=False)


def _scaler(device: str) -> Any:
    """A fresh loss scaler for a device, ``None`` where this torch has none."""
    made = getattr(torch.amp, "GradScaler", None)  # torch 2.3
    if made is not None:
        return made(devices.kind(device))
    return torch.cuda.amp.GradScaler() if devices.kind(device) == "cuda" else None


class Mixed:
    """One training step's share of a precision: what surrounds forward, the backward pass, the update.

    Float16 scales the loss up before the backward pass and the gradients down before the update, and leaves a step
    out whose gradients overflowed: without it small gradients become zero (P. Micikevicius et al., ICLR 2018).
    """

    def __init__(self, device: str, precision: str) -> None:
        self.device, self.precision = device, precision
        self.scaler = _scaler(device) if precision == "fp16" else None

    def forward(self) -> Any:
        """The context of the forward pass and the loss; the backward pass follows it by itself."""
        return cast(self.device, self.precision)

    def scaled(self, loss: torch.Tensor) -> torch.Tensor:
        """The loss to differentiate."""
        return loss if self.scaler is None else self.scaler.scale(loss)

    def update(self, optimiser: torch.optim.Optimizer) -> None:
        """One step of the optimiser with the gradients that are there."""
        if self.scaler is None:
            optimiser.step()
            return
        self.scaler.step(optimiser)
        self.scaler.update()
