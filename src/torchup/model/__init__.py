"""The values that flow through torchup: frozen, keyword-only, typed. No I/O; imports nothing of the package.

Unknown is ``None``, never 0 or "". Sizes are bytes, times are seconds. Texts for people are
`Message` values (a stable code, an English template, the values to fill in); JSON always carries the English.
"""

from __future__ import annotations

from torchup.model.diagnosis import Diagnosis, Finding, Remedy, RuleOutcome
from torchup.model.environment import Change, Environment, Readiness, Rung, TorchInfo, Verification
from torchup.model.library import Library
from torchup.model.machine import (
    ComputeCapability,
    Cpu,
    DeviceNode,
    Driver,
    Gpu,
    Machine,
    Problem,
    PythonInterpreter,
    Tool,
)
from torchup.model.measurement import Breakdown, Limit, PartTrained, Result, Spread, Telemetry
from torchup.model.plan import Build, CondaOrder, Offer, PackageWheel, Plan, Rejection, Request, Source, Step, Survey
from torchup.model.secret import Secret
from torchup.model.sets import (
    Bound,
    InstallerName,
    Manager,
    Origin,
    Os,
    Reason,
    RecipeKind,
    RungStatus,
    Scaling,
    Severity,
    Shell,
    Vendor,
    Verdict,
)
from torchup.model.text import UNKNOWN, Fact, Message, Notice, Said, Value, joined, message, verbatim

__all__ = [
    "UNKNOWN",
    "Bound",
    "Breakdown",
    "Build",
    "Change",
    "ComputeCapability",
    "CondaOrder",
    "Cpu",
    "DeviceNode",
    "Diagnosis",
    "Driver",
    "Environment",
    "Fact",
    "Finding",
    "Gpu",
    "InstallerName",
    "Library",
    "Limit",
    "Machine",
    "Manager",
    "Message",
    "Notice",
    "Offer",
    "Origin",
    "Os",
    "PackageWheel",
    "PartTrained",
    "Plan",
    "Problem",
    "PythonInterpreter",
    "Readiness",
    "Reason",
    "RecipeKind",
    "Rejection",
    "Remedy",
    "Request",
    "Result",
    "RuleOutcome",
    "Rung",
    "RungStatus",
    "Said",
    "Scaling",
    "Secret",
    "Severity",
    "Shell",
    "Source",
    "Spread",
    "Step",
    "Survey",
    "Telemetry",
    "Tool",
    "TorchInfo",
    "Value",
    "Vendor",
    "Verdict",
    "Verification",
    "joined",
    "message",
    "verbatim",
]
