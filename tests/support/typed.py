"""What a newcomer types on a first day, and what lies in the folder meanwhile."""

from __future__ import annotations

from pathlib import Path

MACHINES = Path(__file__).parents[1] / "machines"
REPORT = """\
PyTorch version: 2.12.0+cu130
CUDA used to build PyTorch: 13.0
Is CUDA available: False
Nvidia driver version: 535.183.01

RuntimeError: The NVIDIA driver on your system is too old (found version 12020).
"""
# What a newcomer types: right and wrong, with nothing installed and nothing measured yet.
TYPED = (
    "", "--help", "env", "results", "help", "vresion", "install", "adopt", "-x", "--json", "plan extra",
    "plan --variant cuda", "plan --variant cu999", "plan --torch x", "plan --python 2.7", "plan --profil core",
    "plan --profile cores", "plan --export requirement", "plan --assume gpu", "plan --assume drvier=1",
    "plan --assume gpu=RTX4091", "plan --mirror nope", "plan --mirror tsinghua", "plan --offline", "plan --offline -v",
    "plan --offline --why-not cu132", "plan --offline --why-not junk", "plan --offline --sizes",
    "plan --machine missing", "fetch --to out --offline",
    "plan --machine FOLDER", "plan --machine EMPTY", "plan --from FOLDER", "plan --from MACHINE",
    "plan --from MACHINE --machine x", "plan --with=--user", "plan --offline --installer conda",
    "detect --from MACHINE", "detect --from missing", "detect --record EMPTY", "detect --record a --from b",
    "env list", "env lst", "env show", "env show nope", "env remove", "env remove nope", "env rollback", "env repair",
    "env repair nope", "env run",
    "env run nope -- x", "env export", "env export --format nope", "env bundle", "env bundle -o out",
    "env bundle -o out --plan missing", "env bundle -o out --plan EMPTY", "fetch",
    "fetch --to out --machine FOLDER", "fetch --to out --assume os=macos,arch=x86_64", "up --connections 0",
    "up --progress xml", "env adopt missing", "env create",
    "env list extra", "verify", "verify --env nope", "verify --python missing", "verify --timeout 0",
    "verify --timeout x", "doctor --report missing", "doctor --report EMPTY", "doctor --report REPORT",
    "doctor --report REPORT --format md", "doctor --report REPORT --env x", "doctor --report REPORT --fix",
    "doctor --list", "doctor --only nope", "doctor --from MACHINE", "explain", "explain driver-too-lod",
    "explain driver-too-old", "explain old-hardware", "explain zzz", "bench", "bench mnits", "bench --epochs 0",
    "bench --nnodes 2", "results list", "results show", "results show nope", "results show EMPTY",
    "results show article", "results compare article article", "results compare a b", "results report",
    "results report article --html /nonexistent/x.html", "results export article --format md",
    "results import missing", "results import FOLDER", "results import EMPTY", "mirror list", "mirror list -v",
    "mirror test nope", "kernel list", "kernel add", "kernel remove", "kernel remove nope",
    "kernel list --user --prefix x", "lab", "lab nope", "lab --port 0", "hub", "hub nope",
    "plan --profile hub --offline", "plan --profile hub --assume os=windows", "web --offline", "web --json",
    "web --from missing", "web --port x", "catalog show", "catalog check", "catalog show --variant nope",
    "catalog show --platform nope", "self paths", "self uninstall", "self uninstall --dry-run",
    "project show EMPTY", "project show missing", "project check EMPTY", "project sync EMPTY",
    "project sync --for nope", "project sync --undo", "project synk", "fleet report", "fleet report EMPTY",
    "fleet report missing", "fleet report FOLDER --html /nonexistent/x.html", "mcp extra",
    "up --dry-run --offline", "up --from FOLDER", "up --from missing",
)  # fmt: skip

HELP = ("", "--help", "env", "results")  # written once a process, in the language of its first line: see below
