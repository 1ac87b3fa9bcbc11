"""What this CPU can do at most, measured: no table knows the clock that a machine really runs at."""

import concurrent.futures
import ctypes
import tempfile
from pathlib import Path
from typing import Any, Dict

import compiler
import devices
import torch
from said import reason, said

SOURCE = Path(__file__).with_name("cpu_peak.cpp")
WINDOWS = 60  # of about two milliseconds; the best one counts
COPY_BYTES = 256 * 1024 * 1024  # well past any last-level cache
COPIES = 5
PRODUCT = 1024
PRODUCTS = 8


def measure() -> Dict[str, Any]:
    """``peak_flops`` (float32, all of torch's threads) and ``peak_bandwidth`` (copying).

    ``peak_note`` says why the loop of multiply-adds is not in it: then torch's own product, which may be far below what
    the processor can do, is all that there is.
    """
    found: Dict[str, Any] = {"peak_bandwidth": _copy_rate()}
    product = _product_rate()
    try:
        found["peak_flops"] = max(product, _loop_rate())
    except (compiler.CompilerError, OSError) as error:  # no compiler, a broken one, or a folder that runs no programs
        found["peak_flops"] = product
        found["peak_note"] = said("product-only", why=reason(error))
    return found


def _loop_rate() -> float:
    """FLOP a second of the loop. Raises `CompilerError` or `OSError` where it cannot be built or loaded."""
    with tempfile.TemporaryDirectory(prefix="torchup-") as folder:
        library = ctypes.CDLL(compiler.build(SOURCE, folder))
        library.torchup_peak.restype = ctypes.c_double
        return _all_threads(library)


def _all_threads(library: Any) -> float:
    """FLOP a second of the loop in all of torch's threads at once: cores differ, and none keeps its turbo then.

    No more threads than a container has time for: the best moments of each would add up to what it never gets.
    """
    threads = min(torch.get_num_threads(), devices.cores())
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:  # ctypes lets the interpreter go on
        return sum(pool.map(lambda _: float(library.torchup_peak(WINDOWS)), range(threads)))


def _product_rate() -> float:
    """FLOP a second of torch's own matrix product: Apple's and some servers' matrix units pass any loop of vectors."""
    left, right = torch.randn(PRODUCT, PRODUCT), torch.randn(PRODUCT, PRODUCT)
    best = 0.0
    for _ in range(PRODUCTS):
        with devices.Stopwatch("cpu") as watch:
            torch.mm(left, right)
        best = max(best, 2.0 * PRODUCT**3 / watch.seconds)
    return best


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
