"""The rules of the house, read from the imports of every file (CONTRIBUTING.md, "The map")."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "torchup"
FILES = sorted(PACKAGE.rglob("*.py"))
HOUSE = [path for path in FILES if "worker" not in path.relative_to(PACKAGE).parts]
WORKER = [path for path in FILES if "worker" in path.relative_to(PACKAGE).parts]

# Room -> the rooms of torchup it may import. Rooms not named here may import anything but `cli`.
BASE = {"model", "errors", "encoding", "i18n", "privacy", "patterns", "data_files", "package_names", "near_names"}
PURE = {
    "model": set[str](),
    "patterns": set[str](),
    "data_files": set[str](),
    "package_names": set[str](),
    "near_names": {"model"},
    "errors": {"model"},
    "encoding": {"model", "patterns"},
    "i18n": {"model"},
    "privacy": {"model", "encoding", "i18n", "patterns"},
    "documents": {"model"},
    "host": {"model", "encoding", "patterns"},
    "catalog": BASE | {"host", "catalog"},
    "compat": BASE | {"catalog", "compat"},
    "plan": BASE | {"catalog", "compat", "plan"},
    "reports": BASE | {"catalog", "compat", "doctor", "reports"},
    "doctor": BASE | {"catalog", "compat", "plan", "doctor", "envs", "detect", "host"},
    "doctor.rules": BASE | {"catalog", "compat", "plan", "doctor"},
    "bench.stats": BASE | {"bench"},
    "bench.compare": BASE | {"bench", "results"},
    "envelope": BASE,
    "report": BASE | {"catalog", "compat", "plan", "doctor", "bench", "results", "report"},
    "project": BASE | {"documents", "catalog", "compat", "plan", "project"},
    "agents.tools": BASE,
    "agents.schemas": BASE | {"compat", "plan", "doctor", "agents"},
}
# The page for the browser: what answers in it, and what its document is made of.
PAGE = (
    *("web.answer", "web.archives", "web.diagnosing", "web.document", "web.form", "web.links", "web.machine"),
    *("web.page", "web.planning", "web.question", "web.texts"),
)
ANSWERING = {"envelope", "catalog", "compat", "detect", "doctor", "install", "jobs", "plan", "report", "reports"}
PURE |= {place: BASE | ANSWERING | {"sources", "web", "__version__"} for place in PAGE}
# Modules through which a pure room could reach outside.
OUTSIDE = {
    "subprocess",
    "platform",
    "socket",
    "shutil",
    "tempfile",
    "psutil",
    "platformdirs",
    "urllib.request",
    "time",
    "random",
}
PURE_ROOMS = (
    "compat",
    "plan",
    "reports",
    "doctor.rules",
    "bench.stats",
    "bench.compare",
    "report",
    "project",
    "agents.tools",
    "model",
    "errors",
    "encoding",
    "envelope",
    *PAGE,
)


def imports(path: Path) -> set[str]:
    """Full names of everything that a file imports, at the top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(path: Path) -> str:
    """Dotted place of a file below the package: `detect.nvidia`, `model`."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def rooms_imported(path: Path) -> set[str]:
    """First part of every torchup import."""
    names = {name.removeprefix("torchup.") for name in imports(path) if name.startswith("torchup.")}
    return {name.split(".")[0] for name in names}


def is_in(place: str, parent: str) -> bool:
    """Whether a dotted place is a room or below it."""
    return place == parent or place.startswith(parent + ".")


@pytest.mark.parametrize("path", HOUSE, ids=room)
def test_rooms_import_only_what_lies_left_of_them(path):
    """A room imports the rooms that its line in the table allows, and only `cli` imports `cli`."""
    place, used = room(path), rooms_imported(path)
    for parent, allowed in PURE.items():
        if is_in(place, parent):
            assert used <= allowed | {parent.split(".")[0]}
    if not (is_in(place, "cli") or place in {"__main__", "notebook"}):  # a notebook is a command line, too
        assert "cli" not in used


@pytest.mark.parametrize("path", [path for path in HOUSE if any(is_in(room(path), p) for p in PURE_ROOMS)], ids=room)
def test_pure_rooms_cannot_reach_outside(path):
    """Pure rooms import nothing that knows a clock, a process, a file or the network."""
    assert not imports(path) & OUTSIDE


@pytest.mark.parametrize("path", HOUSE, ids=room)
def test_torch_is_never_imported_by_torchup_itself(path):
    """Torch lives in the target environment."""
    assert not {name for name in imports(path) if name == "torch" or name.startswith("torch.")}


@pytest.mark.parametrize("path", WORKER, ids=room)
def test_worker_knows_nothing_of_torchup(path):
    """What runs in the target environment imports the standard library, torch, and its neighbours by plain name."""
    neighbours = {p.stem for p in WORKER} | {"workloads", "recipes"}
    optional = {"torch", "torchvision", "torchaudio", "numpy", "PIL", "triton"}
    for name in imports(path):
        assert name.split(".")[0] in sys.stdlib_module_names | optional | neighbours, name
