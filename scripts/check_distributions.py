"""Check what `python -m build` left in a folder: size, contents, the sdist building the same wheel; exit 1 where not.

python scripts/check_distributions.py dist direct    # direct: a wheel built from the tree, not from the sdist
"""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
import tomllib
import zipfile
from datetime import date
from pathlib import Path, PurePosixPath

LIMIT = 15_000_000  # bytes, MNIST included: a minute over a line of 2 Mbit/s
MUST_HOLD = (
    "torchup/py.typed",
    "torchup/i18n/locale/zh_CN/LC_MESSAGES/torchup.mo",
    "torchup/catalog/data/releases.toml",
    "torchup/worker/inspect_env.py",
    "torchup/web/assets/app.js",
    "torchup/web/licences/MPL-2.0.txt",
    "torchup/worker/data/mnist/train-images-idx3-ubyte.gz",
    "licenses/LICENSE",
    "licenses/NOTICE",
    "entry_points.txt",
)
MUST_NOT_HOLD = {"tests", "docs", "scripts", "__pycache__", "noxfile.py", "changelog.d"}
SDIST_MUST_HOLD = ("pyproject.toml", "hatch_build.py", "LICENSE", "NOTICE", "README.md", "tests/conftest.py")


def wheel_problems(wheel: Path) -> list[str]:
    """What a wheel lacks, holds too much of, or weighs too much."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        found = [f"{wheel.name}: {name} has no .json that says the same" for name in names if _differs(archive, name)]
    found += [f"{wheel.name}: {end} is missing" for end in MUST_HOLD if not any(name.endswith(end) for name in names)]
    found += [f"{wheel.name}: {name} does not belong in a wheel" for name in names if _alien(name)]
    if wheel.stat().st_size >= LIMIT:
        found.append(f"{wheel.name}: {wheel.stat().st_size} bytes, {LIMIT} allowed")
    return found


def _differs(archive: zipfile.ZipFile, name: str) -> bool:
    """Whether a file is a table whose quick form (`hatch_build.py`) is not there or says something else."""
    if not name.startswith("torchup/") or not name.endswith(".toml"):
        return False
    quick = name.removesuffix(".toml") + ".json"
    if quick not in archive.namelist():
        return True
    table = json.dumps(tomllib.loads(archive.read(name).decode()), default=date.isoformat, sort_keys=True)
    return table != json.dumps(json.loads(archive.read(quick)), sort_keys=True)


def _alien(name: str) -> bool:
    parts = PurePosixPath(name).parts
    own = parts[0] == "torchup" or parts[0].endswith(".dist-info")
    return not own or bool(MUST_NOT_HOLD & set(parts))


def sdist_problems(sdist: Path) -> list[str]:
    """What an sdist lacks to be built, tested and licensed."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    return [f"{sdist.name}: {name} is missing" for name in SDIST_MUST_HOLD if name not in names]


def contents(wheel: Path) -> dict[str, str]:
    """SHA-256 of every file in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def main(built: Path, direct: Path) -> int:
    """Check the one wheel and sdist of ``built`` and compare with the wheel in ``direct``; returns the exit code."""
    (wheel,), (sdist,), (other,) = built.glob("*.whl"), built.glob("*.tar.gz"), direct.glob("*.whl")
    found = wheel_problems(wheel) + sdist_problems(sdist)
    one, two = contents(wheel), contents(other)
    differing = sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))
    found += [f"{name}: differs between the wheel of the sdist and the wheel of the tree" for name in differing]
    sys.stdout.writelines(f"{line}\n" for line in found)
    sys.stdout.write(f"{wheel.name}: {wheel.stat().st_size} bytes, {len(one)} files, {len(found)} problems\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
