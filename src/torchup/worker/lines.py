"""How a worker talks: one JSON object a line on stdout, written at once so that nothing is lost in a crash."""

import json
import os
import sys
import time
from typing import Any, Dict, Optional

STARTED = time.perf_counter()  # of this process, as near as its first import tells
_descriptor: Optional[int] = None


def claim_stdout() -> None:
    """Keep stdout for JSON lines: whatever else prints (torch, compilers, child processes) goes to stderr."""
    global _descriptor  # noqa: PLW0603  # one stdout a process, claimed once at the start
    if _descriptor is None:
        sys.stdout.flush()
        _descriptor = os.dup(1)  # not inherited by children (PEP 446)
        os.dup2(2, 1)


def emit(value: Dict[str, Any]) -> None:
    """Write one line; numbers that JSON does not know (nan, inf) become null."""
    rest = (json.dumps(_finite(value), allow_nan=False) + "\n").encode()
    while rest:
        rest = rest[os.write(1 if _descriptor is None else _descriptor, rest) :]


def stage(name: str, **more: Any) -> None:
    """Say what comes now: ``training`` and ``testing`` bound the measured time."""
    emit({"progress": {"stage": name, **more}})


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")}):  # noqa: PLR0124  # nan
        return None
    return value
