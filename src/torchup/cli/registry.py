"""Every verb: the module that holds its ``command`` and a one-line summary; ``--help`` imports none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import message

if TYPE_CHECKING:
    from torchup.model import Message

# In the order of a first use; it is the order of `--help`.
VERBS: dict[str, tuple[str, Message]] = {
    "up": (
        "torchup.cli.up",
        message("up.summary", "Detect, plan, install, verify, measure: everything in one command"),
    ),
    "detect": (
        "torchup.cli.detect",
        message("cli.detect.summary", "Show what this machine has"),
    ),
    "plan": (
        "torchup.cli.plan",
        message("plan.summary", "Show which build fits a machine, and why"),
    ),
    "fetch": (
        "torchup.cli.fetch",
        message("fetch.summary", "Download what another machine needs to install torch without a network"),
    ),
    "wheel": (
        "torchup.cli.wheel",
        message("wheel.summary", "Show which wheel of a package fits which torch"),
    ),
    "env": (
        "torchup.cli.env",
        message(
            "env.summary",
            "Create, list, show, remove, roll back, repair, export, bundle and adopt environments, and run "
            "programs in them",
        ),
    ),
    "verify": (
        "torchup.cli.verify",
        message("verify.summary", "Prove that the PyTorch of an environment works"),
    ),
    "doctor": (
        "torchup.cli.doctor",
        message("doctor.summary", "Find what is wrong with an environment and how to fix it"),
    ),
    "bench": (
        "torchup.cli.bench",
        message("bench.summary", "Benchmark every device (default workload: MNIST)"),
    ),
    "explain": ("torchup.cli.explain", message("explain.summary", "Explain a finding, or answer a common question")),
    "web": (
        "torchup.cli.web",
        message("web.summary", "Choose a build and diagnose reports in the browser"),
    ),
    "results": (
        "torchup.cli.results",
        message("results.summary", "List, show, compare, report, export and import runs"),
    ),
    "mirror": (
        "torchup.cli.mirror",
        message("mirror.summary", "List mirrors, and measure their speed from this machine"),
    ),
    "kernel": (
        "torchup.cli.kernel",
        message("kernel.summary", "Use environments in Jupyter: add, list and remove kernels"),
    ),
    "lab": ("torchup.cli.lab", message("lab.summary", "Open the JupyterLab of an environment in the browser")),
    "hub": (
        "torchup.cli.hub",
        message("hub.summary", "Start JupyterHub for yourself, or for everyone on this machine if you are root"),
    ),
    "catalog": (
        "torchup.cli.catalog",
        message("catalog.summary", "Show, check and refresh the catalogue of published builds"),
    ),
    "project": (
        "torchup.cli.project",
        message("project.summary", "Write the right build into your project's own file: show, sync, check"),
    ),
    "fleet": (
        "torchup.cli.fleet",
        message("fleet.summary", "Report on many machines: plans, drifts and findings on one page"),
    ),
    "mcp": ("torchup.cli.mcp", message("mcp.summary", "Serve agents and editors over the Model Context Protocol")),
    "cache": ("torchup.cli.cache", message("cache.summary", "Show and remove downloaded files")),
    "self": ("torchup.cli.self", message("self.summary", "Show and remove what torchup has written")),
}
