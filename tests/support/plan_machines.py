"""Machines in a line, for tests of the planner."""

from __future__ import annotations

from torchup.model import Driver, Gpu, Machine, Os, Vendor

GIB = 2**30


def nvidia(name, capability, gib=8):
    """An NVIDIA GPU."""
    return Gpu(vendor=Vendor.NVIDIA, name=name, compute_capability=capability, memory_bytes=gib * GIB)


def amd(name, gfx, gib=16, *, integrated=None):
    """An AMD GPU."""
    return Gpu(vendor=Vendor.AMD, name=name, gfx=gfx, memory_bytes=gib * GIB, integrated=integrated)


def intel(name, gib=12):
    """An Intel GPU."""
    return Gpu(vendor=Vendor.INTEL, name=name, memory_bytes=gib * GIB)


def apple(name="Apple M1"):
    """An Apple GPU."""
    return Gpu(vendor=Vendor.APPLE, name=name, integrated=True)


def machine(system="linux", *gpus, driver=None, cuda=None, arch=None, python="3.12.3", **facts):
    """A machine: system, GPUs, NVIDIA driver version, newest CUDA it serves, further facts."""
    drivers = (Driver(vendor=Vendor.NVIDIA, version=driver, cuda_api=cuda, loaded=True),) if driver or cuda else ()
    if system == "linux":
        facts.setdefault("glibc", "2.35")
        facts.setdefault("libc", "glibc")
    default = "arm64" if system == "macos" else "x86_64"
    return Machine(os=Os(system), arch=arch or default, gpus=gpus, drivers=drivers, python=python, **facts)
