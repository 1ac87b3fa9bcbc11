"""Write a machine down: detect it while keeping every answer, redact, check that it replays, write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from torchup.detect import detect_machine
from torchup.detect.tools import relevant_variables
from torchup.encoding import to_json
from torchup.host import RecordedHost
from torchup.host.recorded import FILE_NAME, Recording, dump_recording, load_recording
from torchup.privacy import replayable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.host import RecordingHost
    from torchup.model import Machine

# Variables that probes read besides those they report; values are redacted like everything else.
ASKED = (
    "PATH", "KUBERNETES_SERVICE_HOST", "APPTAINER_CONTAINER", "SINGULARITY_CONTAINER", "container", "PYENV_ROOT",
    "UV_PYTHON_INSTALL_DIR", "LOCALAPPDATA", "CONDA_EXE", "MAMBA_ROOT_PREFIX", "TORCHUP_PROBE_TIMEOUT",
    "WSL_DISTRO_NAME", "SystemRoot", "ProgramFiles",
)  # fmt: skip
NOTE = "Real output of one machine, written by `torchup detect --record`; identities are replaced."


def kept_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that go into a recording."""
    return relevant_variables(environ) | {name: environ[name] for name in ASKED if name in environ}


def trimmed(recording: Recording) -> Recording:
    """Without the names of packages that no probe reads: they say more of their owner than of the machine."""
    kept = re.compile(r"(python|conda|mamba|pip)-\d.*")
    directories = {
        folder: tuple(filter(kept.match, names)) if folder.endswith(("conda-meta", "-packages")) else names
        for folder, names in recording.directories.items()
    }
    return msgspec.structs.replace(recording, directories=directories)


def record_machine(host: RecordingHost, folder: str) -> tuple[Machine, str]:
    """Detect and write ``recording.json`` and ``expected.json`` into a folder; returns the machine and the path.

    What is written has been read back and replayed. Raises `OSError` where the folder cannot be written.
    """
    machine = detect_machine(host)
    environ = host.environ()
    whole = trimmed(host.recording(note=NOTE, environ=kept_variables(environ)))
    recording = replayable(whole, Recording, environ, whole.folders.home)
    written = dump_recording(recording)
    replayed = detect_machine(RecordedHost(load_recording(written)))
    path = f"{folder.rstrip('/')}/{FILE_NAME}"
    host.write_text(path, written)
    host.write_text(f"{folder.rstrip('/')}/expected.json", to_json(replayed))
    return machine, path
