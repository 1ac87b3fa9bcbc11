"""The export formats, a file for each family of tools."""

from __future__ import annotations

LOCK = "pylock"
# What `torchup.plan.export.FORMATS` writes; here without its imports, because every `torchup plan` lists them.
WRITTEN = ("requirements", "pyproject", "environment.yml", "pixi", "dockerfile", "script-sh", "script-ps1", "json")
NAMES = (*WRITTEN, LOCK)
# What `torchup.plan.export.FLEET` writes: one file for several machines.
FLEET = ("ansible", "slurm", "devcontainer", "github-actions", "kubernetes")
# What each is called where its tool looks for it.
FILE_NAMES = {
    "requirements": "requirements.txt",
    "pyproject": "pyproject.toml",
    "environment.yml": "environment.yml",
    "pixi": "pixi.toml",
    "dockerfile": "Dockerfile",
    "script-sh": "torch.sh",
    "script-ps1": "torch.ps1",
    "json": "plan.json",
}
