"""The JSON Schema of what the tools answer: the envelope of ``--json`` around the verb's own data."""

from __future__ import annotations

from typing import Any

from torchup.compat.packages.contents import Explained
from torchup.doctor.explain import Explanation
from torchup.doctor.panel import Panel  # noqa: TC001  # msgspec reads the annotation
from torchup.encoding import json_schemas
from torchup.model import (
    Diagnosis,
    Environment,
    Machine,
    Message,
    Plan,
    Result,
    Value,
    Verification,
)
from torchup.plan.explain import WhyNot  # noqa: TC001  # same


class Detected(Value, frozen=True, kw_only=True):
    """Data of `detect`."""

    machine: Machine


class Asked(Value, frozen=True, kw_only=True):
    """Data of `why_not`."""

    why_not: WhyNot


class Doctored(Diagnosis, frozen=True, kw_only=True):
    """Data of `doctor`."""

    versions: Panel


class Codes(Value, frozen=True, kw_only=True):
    """Data of `explain` without a code."""

    codes: dict[str, Message]


class Question(Value, frozen=True, kw_only=True):
    """Data of `explain` for a question that is not about a cause."""

    slug: str
    title: Message
    answer: tuple[Message, ...]


class Installed(Value, frozen=True, kw_only=True):
    """Data of `up`; a dry run has the machine and the plan only."""

    machine: Machine
    plan: Plan
    environment: Environment | None
    reused: bool
    verification: Verification | None
    results: tuple[Result, ...]


DATA: dict[str, tuple[Any, ...]] = {
    "detect": (Detected,),
    "plan": (Plan,),
    "why_not": (Asked,),
    "doctor": (Doctored,),
    "explain": (Codes, Question, Explanation, Explained),
    "verify": (Verification,),
    "bench": (tuple[Result, ...],),
    "up": (Installed,),
}


def output_schema(tool: str) -> dict[str, Any]:
    """The schema of a tool's whole answer; ``data`` is null where nothing came of it."""
    kinds, shared = json_schemas(DATA[tool])
    notice = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("code", "level", "text")},
        "required": ["code", "level", "text"],
    }
    envelope = {
        "schema": {"type": "string"},
        "command": {"type": "string"},
        "status": {"enum": ["ok", "findings", "error"]},
        "exit_code": {"type": "integer"},
        "data": {"anyOf": [*kinds, {"type": "null"}]},
        "messages": {"type": "array", "items": notice},
    }
    return {"type": "object", "properties": envelope, "required": list(envelope), "$defs": dict(shared)}
