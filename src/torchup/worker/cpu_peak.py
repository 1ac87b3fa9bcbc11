"""What this CPU can do at most, measured: no table knows the clock that a machine really runs at."""

import ctypes
import tempfile
from pathlib import Path
from typing import Any, Dict

import compiler
import devices
import torch

SOURCE = Path(__file__).with_name("cpu_peak.cpp")
WINDOWS = 60  # of about two milliseconds; the best one counts
COPY_BYTES = 256 * 1024 * 1024  # well past any last-level cache
COPIES = 5


def measure() -> Dict[str, Any]:
    """``peak_flops`` (float32, all of torch's threads) and ``peak_bandwidth`` (copying), where they can be had."""
    found: Dict[str, Any] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="torchup-") as folder:
            library = ctypes.CDLL(compiler.build(SOURCE, folder))
            library.torchup_peak.restype = ctypes.c_double
            found["peak_flops"] = library.torchup_peak(WINDOWS) * torch.get_num_threads()
    except (compiler.CompilerError, OSError):
        pass  # without a compiler the peak stays unknown
    found["peak_bandwidth"] = _copy_rate()
    return found


def _copy_rate() -> float:
    """Bytes read and written a second by torch's own copy, the best of some."""
    source = torch.zeros(COPY_BYTES, dtype=torch.uint8)
    target = torch.empty_like(source)
    best = 0.0
    for _ in range(COPIES):
        with devices.Stopwatch("cpu") as watch:
            target.copy_(source)
        best = max(best, 2 * COPY_BYTES / watch.seconds)
    return best
