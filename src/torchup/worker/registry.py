"""The one list of workloads, recipes, precisions and what these need (registry.json), which torchup itself reads too.

A recipe's ``precisions`` are the only ones it is written for: `graph` records no float16, because loss scaling leaves
steps out, which no recording can; `fused` writes its arithmetic out in float32.
"""

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

_TABLE: Dict[str, Any] = json.loads(Path(__file__).with_name("registry.json").read_text(encoding="utf-8"))
FLOORS: Dict[str, Any] = _TABLE["floors"]  # what TF32 and Triton need, each with its source
PRECISIONS: Tuple[str, ...] = tuple(_TABLE["precisions"])
RECIPES: List[Dict[str, Any]] = _TABLE["recipes"]  # slowest first
WORKLOADS: List[Dict[str, Any]] = _TABLE["workloads"]
