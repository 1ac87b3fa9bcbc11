"""Write tests/machines/<name>/recording.json and expected.json from the specifications in tests/support.

Usage: python scripts/build_machines.py

Run it after a change of a specification or of detection, and read the difference: expected.json is what
`torchup detect --from` answers, and the specifications' own claims are checked by the tests. Folders that have no
specification (recordings of real machines, bug reports) get a new expected.json from their recording.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support import machine_specs_nvidia, machine_specs_other
from torchup.detect import detect_machine
from torchup.encoding import to_json
from torchup.host import RecordedHost
from torchup.host.recorded import dump_recording, load_recording


def main() -> int:
    """Write every machine; says how many."""
    folder = ROOT / "tests" / "machines"
    for spec in (*machine_specs_nvidia.machines(), *machine_specs_other.machines()):
        (folder / spec.name).mkdir(parents=True, exist_ok=True)
        (folder / spec.name / "recording.json").write_text(dump_recording(spec.recording), "utf-8")
    recordings = sorted(folder.glob("*/recording.json"))
    for path in recordings:
        machine = detect_machine(RecordedHost(load_recording(path.read_text("utf-8"))))
        path.with_name("expected.json").write_text(to_json(machine), "utf-8")
    print(f"{len(recordings)} machines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
