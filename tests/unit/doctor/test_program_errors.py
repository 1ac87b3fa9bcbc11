"""Errors of the program itself: the answer names the way out, and the environment is not blamed for them."""

from __future__ import annotations

import pytest

from torchup.doctor import diagnose
from torchup.doctor.ask import failures
from torchup.doctor.program_errors import _ERRORS
from torchup.doctor.signatures import load_signatures
from torchup.i18n import render
from torchup.model import Verdict
from torchup.reports import parse_report

SOUND = (
    "OS: Ubuntu 22.04\nPyTorch version: 2.9.1+cu128\nIs CUDA available: True\nGPU 0: NVIDIA GeForce RTX 3090\n"
    "Nvidia driver version: 570.86.10\n"
)
FORK = (
    "RuntimeError: Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, you must use the "
    "'spawn' start method\n"
)
BUS = (
    "RuntimeError: DataLoader worker (pid 572) is killed by signal: Bus error. It is possible that dataloader's "
    "workers are out of shared memory. Please try to raise your shared memory limit.\n"
)
DEVICES = (
    "RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!\n"
)
SHOWN = [
    (FORK, 'set_start_method("spawn")'),
    (BUS, "--shm-size"),
    ("RuntimeError: unable to write to file </torch_76_3625483894>\n", "/dev/shm"),  # noqa: S108  # a word of a text
    ("RuntimeError: received 0 items of ancdata\n", "set_sharing_strategy"),
    ("torch.AcceleratorError: CUDA error: device-side assert triggered\n", "CUDA_LAUNCH_BLOCKING"),
    (DEVICES, ".to(device)"),
]


@pytest.mark.parametrize(("error", "way_out"), SHOWN)
@pytest.mark.parametrize("environment", [SOUND, ""], ids=["sound", "unknown"])
def test_an_error_of_the_program_gets_its_way_out(error, way_out, environment):
    """Beside the evidence where the environment is sound, else before what is asked for; never as a cause."""
    made = parse_report(environment + error)
    found = diagnose(made)
    assert found.primary is None
    told = found.seen if found.verdict is Verdict.HEALTHY else found.missing
    assert any(way_out in render(line) for line in told)
    assert failures(made) == ()
    assert found.verdict is (Verdict.HEALTHY if environment else found.verdict)


def test_an_error_that_is_not_the_program_s_stays_a_failure_beside_it():
    """Only the lines of the known error are explained."""
    other = "RuntimeError: CUDA error: an unheard-of failure"
    made = parse_report(SOUND + FORK + other)
    assert failures(made) == (other,)
    found = diagnose(made)
    assert found.verdict is Verdict.UNDETERMINED
    assert 'set_start_method("spawn")' in render(found.missing[0])


@pytest.mark.parametrize("reached", [True, False])
def test_a_mac_that_is_asked_for_cuda_has_no_failure_of_its_own(reached):
    """MPS that works is evidence of health, whatever device the program names."""
    answer = "True" if reached else "unknown"
    report = f"OS: macOS 15.1 (arm64)\nPyTorch version: 2.9.1\nMPS available: {answer}\n"
    made = parse_report(f"{report}AssertionError: Torch not compiled with CUDA enabled\n")
    found = diagnose(made)
    assert failures(made) == ()
    assert (found.verdict is Verdict.HEALTHY) is reached
    assert any("`mps`" in render(line) for line in (*found.seen, *found.missing))


def test_every_known_error_has_a_message_to_recognise_it_by():
    """A code without a signature would never be found."""
    assert set(_ERRORS) <= {row.code for row in load_signatures()}
