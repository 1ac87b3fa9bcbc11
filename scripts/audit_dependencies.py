"""Are torchup's dependencies free of known vulnerabilities, and can they be installed everywhere? Exit 1 where not.

    python scripts/audit_dependencies.py              # says so where the advisory database does not answer
    python scripts/audit_dependencies.py --require    # ... and fails (public CI)

Needs `pip-audit` and `uv` on the PATH. pip-audit itself ends with "No known vulnerabilities found" when it could not
look up a single package; here every package is counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin", "x86_64-pc-windows-msvc")


def compiled(python: str, platform: str) -> subprocess.CompletedProcess[str]:
    """The newest dependencies, `torchup[conda]` included, that have wheels for a Python and a platform."""
    argv = ["uv", "pip", "compile", "pyproject.toml", "--extra", "conda", "--quiet", "--no-header", "--no-annotate"]
    argv += ["--only-binary", ":all:", "--python-version", python, "--python-platform", platform]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def not_installable() -> list[str]:
    """Sentences on the Pythons and platforms for which some dependency has no wheel."""
    found = []
    for python in PYTHONS:
        for platform in PLATFORMS:
            answer = compiled(python, platform)
            if answer.returncode:
                found.append(f"Python {python}, {platform}: {answer.stderr.strip()}")
    return found


def audited(requirements: str) -> tuple[list[dict[str, Any]], str]:
    """What pip-audit says of each pinned package (empty where it failed), and its last words."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requirements.txt")
        file.write_text(requirements, "utf-8")
        argv = ["pip-audit", "--format", "json", "--progress-spinner", "off", "--no-deps", "--disable-pip"]
        answer = subprocess.run([*argv, "-r", str(file)], capture_output=True, text=True, check=False)
    if not answer.stdout.startswith("{"):
        return [], (answer.stderr.strip().splitlines() or ["no answer"])[-1]
    packages: list[dict[str, Any]] = json.loads(answer.stdout)["dependencies"]
    return packages, ""


def main(*, require: bool) -> int:
    """Print what was found and what could not be looked up; returns the exit code."""
    missing = not_installable()
    packages, failure = audited(compiled("3.13", PLATFORMS[0]).stdout)
    holes = [
        f"{package['name']} {package['version']}: {hole['id']}, fixed in {', '.join(hole['fix_versions']) or 'nothing'}"
        for package in packages
        for hole in package.get("vulns", [])
    ]
    seen = [package for package in packages if "skip_reason" not in package]
    unseen = sorted(package["name"] for package in packages if "skip_reason" in package)
    complete = bool(seen) and not unseen
    sys.stdout.writelines(f"{line}\n" for line in missing + holes)
    sys.stdout.write(f"wheels: {len(PYTHONS)} Pythons x {len(PLATFORMS)} platforms, {len(missing)} lack some\n")
    sys.stdout.write(f"advisories: {len(seen)} packages looked up, {len(holes)} vulnerabilities\n")
    if not complete:
        why = failure or f"no advisory data for {', '.join(unseen)}"
        sys.stdout.write(f"NOT AUDITED: the advisory database did not answer for every package ({why})\n")
    return 1 if missing or holes or (require and not complete) else 0


if __name__ == "__main__":
    sys.exit(main(require="--require" in sys.argv[1:]))
