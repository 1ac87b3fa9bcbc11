"""Errors of the program itself that need another way of calling torch, not another installation. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.doctor.signatures import load_signatures, occurs, squeeze
from torchup.model import Value, message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torchup.doctor.facts import Facts
    from torchup.model import Message


class ProgramError(Value, frozen=True, kw_only=True):
    """The way out of one error, and where it is one: an empty condition holds everywhere."""

    way_out: Message
    holds: Callable[[Facts], bool] = lambda _: True


# Code of `data/signatures.toml` -> what to do.
_ERRORS: Mapping[str, ProgramError] = {
    "cpu.not-compiled": ProgramError(
        way_out=message(
            "doctor.missing.mps",
            "use the device `mps` or `cpu` instead of `cuda`: no build of torch for macOS has CUDA",
        ),
        holds=lambda facts: facts.on_mac,
    ),
    "program.fork": ProgramError(
        way_out=message(
            "doctor.program.fork",
            'change the program, not the installation: call `torch.multiprocessing.set_start_method("spawn")` at the '
            "start of the main program, or use the GPU only in the worker processes; for vLLM, set "
            "VLLM_WORKER_MULTIPROCESSING_METHOD=spawn",
        )
    ),
    "program.shared-memory": ProgramError(
        way_out=message(
            "doctor.program.shared-memory",
            "set num_workers=0, or give the DataLoader's workers more shared memory (/dev/shm): start the "
            "container with --ipc=host or a larger --shm-size; in Kubernetes, mount an emptyDir with medium: "
            "Memory at /dev/shm",
        )
    ),
    "program.open-files": ProgramError(
        way_out=message(
            "doctor.program.open-files",
            'call `torch.multiprocessing.set_sharing_strategy("file_system")` at the start of the main program, '
            "so that the DataLoader's workers open fewer files; or raise the limit of open files (`ulimit -n`)",
        )
    ),
    "program.device-assert": ProgramError(
        way_out=message(
            "doctor.program.device-assert",
            "look for an index or a class label outside its range: run the program on the CPU, or set "
            "CUDA_LAUNCH_BLOCKING=1 (AMD_SERIALIZE_KERNEL=3 on AMD), to see the line that fails",
        )
    ),
    "program.other-device": ProgramError(
        way_out=message(
            "doctor.program.other-device",
            "move the model and all its inputs to the same device with `.to(device)`",
        )
    ),
}


def ways_out(facts: Facts) -> tuple[Message, ...]:
    """What to do about the errors that a text shows, one line each."""
    return tuple(_ERRORS[code].way_out for code in _shown(facts))


def own_lines(facts: Facts) -> Callable[[str], bool]:
    """Whether a line is one of the errors that the text shows, so that it says nothing about the environment."""
    shown = set(_shown(facts))
    own = [parts for row in load_signatures() if row.code in shown for parts in row.match]
    return lambda line: any(occurs(parts, squeeze(line)) for parts in own)


def _shown(facts: Facts) -> list[str]:
    return [code for code, error in _ERRORS.items() if facts.sign(code) is not None and error.holds(facts)]
