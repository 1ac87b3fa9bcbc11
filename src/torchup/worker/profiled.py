"""Run a Python script under torch's profiler: ``profiled.py REPORT SCRIPT [ARGUMENTS]``; the summary goes to REPORT."""

import json
import os
import runpy
import sys
from typing import Any, Dict, List

TOP = 12
COPIES = ("memcpy", "aten::copy_", "aten::to", "aten::_to_copy")
INPUT = "enumerate(dataloader)"


def summary(profile: Any) -> Dict[str, Any]:
    """The operations with most time of their own, and the shares of copies and of waiting for the loader."""
    rows = [
        {
            "name": event.key[:100],
            "count": int(event.count),
            "cpu_seconds": event.self_cpu_time_total / 1e6,
            "device_seconds": _device(event) / 1e6,
        }
        for event in profile.key_averages()
    ]
    on_device = any(row["device_seconds"] for row in rows)
    key = "device_seconds" if on_device else "cpu_seconds"
    whole = sum(row[key] for row in rows) or 1.0
    processor = sum(row["cpu_seconds"] for row in rows) or 1.0
    return {
        "top": sorted(rows, key=lambda row: row[key], reverse=True)[:TOP],
        "copies": _share(rows, key, whole, COPIES),
        "input": _share(rows, "cpu_seconds", processor, (INPUT,)),
        "on": "device" if on_device else "cpu",
    }


def _device(event: Any) -> float:
    """Microseconds on the device; the name changed in torch 2.4."""
    return float(getattr(event, "self_device_time_total", getattr(event, "self_cuda_time_total", 0.0)))


def _share(rows: List[Dict[str, Any]], key: str, whole: float, names: Any) -> float:
    return sum(float(row[key]) for row in rows if row["name"].lower().startswith(names)) / whole


def main() -> int:
    """Run the script as if it had been started itself; its end, however it comes, is kept."""
    report, script, *arguments = sys.argv[1:]
    import torch

    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(os.path.abspath(script))  # noqa: PTH100, PTH120  # as Python itself does
    with torch.profiler.profile() as profile:
        try:
            runpy.run_path(script, run_name="__main__")
            code: Any = 0
        except SystemExit as end:
            code = end.code
    with open(report, "w", encoding="utf-8") as file:  # noqa: PTH123  # a string it is
        json.dump(summary(profile), file)
    return code if isinstance(code, int) else int(code is not None)


if __name__ == "__main__":
    sys.exit(main())
