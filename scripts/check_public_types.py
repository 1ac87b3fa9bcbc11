"""Ask pyright whether every public name of the package has a type that other checkers see alike; exit 1 where not.

    python scripts/check_public_types.py    # needs `pyright` on the PATH

`worker/` is left out: its files are run by path inside a target environment, never imported, and derive from classes
of a torch that is not here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

PACKAGE = "torchup"
NOT_IMPORTED = (f"{PACKAGE}.worker.", f"{PACKAGE}.worker")


def problems(report: dict[str, Any]) -> list[str]:
    """Sentences on every public name without a certain type; a report that saw no names is one problem."""
    found = [diagnostic["message"] for diagnostic in report["generalDiagnostics"]]
    symbols = report["typeCompleteness"]["symbols"]
    if not symbols:
        return [*found, f"pyright found no names in {PACKAGE}; is it installed here?"]
    for symbol in symbols:
        if not symbol["isTypeKnown"] and not symbol["name"].startswith(NOT_IMPORTED):
            reasons = "; ".join(diagnostic["message"].replace("\n", " ") for diagnostic in symbol["diagnostics"])
            found.append(f"{symbol['name']}: {reasons or 'holds a name without a type'}")
    return found


def main() -> int:
    """Run pyright, print what is wrong; returns the exit code."""
    argv = ["pyright", "--verifytypes", PACKAGE, "--ignoreexternal", "--outputjson"]
    completed = subprocess.run(argv, capture_output=True, text=True, check=False)
    if not completed.stdout.startswith("{"):
        sys.stderr.write(f"pyright did not answer: {completed.stdout}{completed.stderr}\n")
        return 1
    report = json.loads(completed.stdout)
    found = problems(report)
    sys.stdout.writelines(f"{line}\n" for line in found)
    counted = report["typeCompleteness"]["exportedSymbolCounts"]
    sys.stdout.write(f"{sum(counted.values())} public names looked at, {len(found)} problems outside worker/\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
