"""Rules of the machine: clusters and machines without a GPU."""

from __future__ import annotations

import pytest

from support.facts import facts, sign
from torchup.compat.questions import load_compat
from torchup.doctor.rules import CHECKS


def fires(slug, **known):
    """Whether the rule of a cause finds something in facts made by hand."""
    return CHECKS[slug](facts(**known), load_compat()) is not None


FIRING = [
    ("job-without-gpu", {"scheduler": "slurm", "signs": "smi.no-devices", "driver": "550.54.15"}),
    ("job-without-gpu", {"scheduler": "pbs", "signs": "smi.not-running"}),
    ("job-without-gpu", {"scheduler": "slurm", "signs": "vllm.no-platform"}),
    ("no-gpu-present", {"tools_found_none": True, "cuda_available": False}),
    ("job-without-gpu", {"scheduler": "slurm", "cuda_available": False}),
]
SILENT = [
    ("no-gpu-present", {"tools_found_none": True, "cuda_available": False, "variant": "xpu"}),
    ("no-gpu-present", {"tools_found_none": True, "cuda_available": False, "hip": "6.3"}),
    ("job-without-gpu", {"scheduler": "slurm", "cuda_available": False, "gpu": "A100"}),
    ("job-without-gpu", {"scheduler": "slurm", "cuda_available": False, "driver": "550.54.15"}),
    ("job-without-gpu", {"scheduler": "slurm", "kernel_ran": True}),
    ("job-without-gpu", {"cuda_available": False}),
    ("job-without-gpu", {"scheduler": "slurm"}),
]


@pytest.mark.parametrize(("slug", "known"), FIRING)
def test_a_rule_fires(slug, known):
    """What is known is enough for the cause."""
    assert fires(slug, **known)


@pytest.mark.parametrize(("slug", "known"), SILENT)
def test_a_rule_stays_silent(slug, known):
    """Where nothing speaks for the cause, or what worked speaks against it, the rule finds nothing."""
    assert not fires(slug, **known)


def test_a_job_is_told_to_ask_for_a_gpu_and_not_to_install_a_driver():
    """The administrators have the driver."""
    result = CHECKS["job-without-gpu"](facts(scheduler="slurm", signs="smi.not-running"), load_compat())
    assert any("--gres=gpu:1" in command for command in result.remedy.commands)
    assert "driver" not in str(result.remedy.text)


def test_memory_of_the_program_itself_is_not_that_of_others():
    """In a container torch lists its own process by another number; one beside it still counts."""
    total = "GPU 0 has a total capacity of 40.00 GiB of which 1.00 GiB is free. "
    torch = " Of the allocated memory 20.00 GiB is allocated by PyTorch, and 1.00 GiB is reserved by PyTorch"
    own, other = "Process 7 has 21.50 GiB memory in use.", "Process 8 has 17.00 GiB memory in use."
    alone = sign("memory.oom", message="Tried to allocate 2.00 GiB. " + total + own + torch)
    both = sign("memory.oom", message="Tried to allocate 2.00 GiB. " + total + own + other + torch)
    rule = CHECKS["memory-held-by-other-process"]
    assert rule(facts(signs=(alone,)), load_compat()) is None
    assert "17.0 of 40.0 GiB" in str(rule(facts(signs=(both,)), load_compat()).evidence)
