"""Cores and memory read without psutil are what psutil says."""

from __future__ import annotations

import sys

import psutil
import pytest

from torchup.host import RealHost
from torchup.host.files import linux_cores


@pytest.mark.skipif(sys.platform != "linux", reason="sysfs is Linux's")
def test_cores_of_sysfs_are_psutils():
    """Package and core ids counted once."""
    assert linux_cores() in {psutil.cpu_count(logical=False), None}


def test_memory_and_cores_of_this_machine():
    """Total memory within a page or so; threads are those that this process may use."""
    cores, threads = RealHost().cpu_count()
    assert cores is None or cores >= 1
    assert threads is not None
    assert 1 <= threads <= (psutil.cpu_count() or threads)
    assert RealHost().memory_total() == pytest.approx(psutil.virtual_memory().total, rel=1e-3)
