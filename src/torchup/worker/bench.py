"""Measure one thing once, in a fresh process: ``bench.py REQUEST``, REQUEST a JSON object, JSON lines out.

Lines: ``{"progress": {...}}`` on the way, then ``{"result": {...}}`` or ``{"error": {"code", "said"}}``.
``{"action": "devices"}`` asks only which devices torch sees and which workloads there are.
"""

import json
import sys
import traceback
from pathlib import Path
from typing import Any, Dict

sys.path.insert(0, str(Path(__file__).resolve().parent))  # -I leaves the script's own folder out

import lines  # after the path is set
from said import reason


def describe(label: str) -> Dict[str, Any]:
    """What this environment can measure with in a precision."""
    import cpu_peak
    import devices
    import precision
    import recipes
    import torch
    import workloads

    available = devices.available()
    return {
        "torch": torch.__version__,
        "python": sys.version.split()[0],
        "devices": [{**devices.facts(d), **(cpu_peak.measure() if d == "cpu" else {})} for d in available],
        "recipes": {d: {n: recipes.refusal(n, d, label) for n in recipes.names()} for d in available},
        "refusals": {d: precision.refusal(d, label) for d in available},
        "workloads": workloads.names(),
        "threads": torch.get_num_threads(),
        "cpu_capability": _cpu_capability(),
    }


def _cpu_capability() -> str:
    import torch

    ask = getattr(torch.backends.cpu, "get_cpu_capability", None) if hasattr(torch.backends, "cpu") else None
    return ask() if ask else "unknown"


def measure(request: Dict[str, Any]) -> Dict[str, Any]:
    """Run the workload; adds what every result carries."""
    import devices
    import torch
    import workloads

    devices.select(request["device"])
    result = workloads.load(request["workload"]).run(request)
    _check_label(request)
    result.setdefault("device_facts", devices.facts(request["device"]))
    result.setdefault("torch", torch.__version__)
    result.setdefault("cpu_capability", _cpu_capability())
    result["python"] = sys.version.split()[0]
    return result


def trial(request: Dict[str, Any]) -> Dict[str, Any]:
    """Try one candidate of `best` or of `fused`; seconds of its small epoch."""
    import devices
    import trial as candidates

    devices.select(request["device"])
    return {"seconds": candidates.run(request)}


def _check_label(request: Dict[str, Any]) -> None:
    """A workload that says nothing of precision (a plugin) ran in torch's default: no other label is its due."""
    import precision

    asked = request.get("precision") or "fp32-default"
    if request.get("probe"):  # a loader or copies alone: nothing is computed
        return
    if asked != (precision.in_force() or "fp32-default"):
        raise precision.PrecisionError("no-label", name=request["workload"], label=asked)


def answer(request: Dict[str, Any]) -> Dict[str, Any]:
    """The final line for a request. An exception becomes an error line: its code is the class, `said` the reason."""
    try:
        if request.get("action") == "devices":
            return {"devices": describe(request.get("precision") or "fp32-default")}
        if request.get("action") == "trial":
            return {"trial": trial(request)}
        return {"result": measure(request)}
    except Exception as error:  # noqa: BLE001  # any failure of the measured code is an answer, not a crash
        traceback.print_exc()
        return {"error": {"code": type(error).__name__, "said": reason(error, longest=2000, whole=True)}}


def main() -> int:
    """Read the request, answer it; 1 when the answer is an error."""
    lines.claim_stdout()
    final = answer(json.loads(sys.argv[1]))
    lines.emit(final)
    return int("error" in final)


if __name__ == "__main__":
    sys.exit(main())
