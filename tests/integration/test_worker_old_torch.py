"""The worker under the oldest torch that torchup measures with: 1.12.1 and Python 3.9, as they are on PyPI.

The wheel is 740 MB: the environment is taken from the test cache, or made where TORCHUP_TEST_OLD_TORCH=1 asks for it.
"""

from __future__ import annotations

import pytest

from support.bench import ask, old_torch_python

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python():
    """Python 3.9 with torch 1.12.1, NumPy 1 and Pillow."""
    return old_torch_python()


def measured(python, **request):
    """The final line of one measurement under a short budget."""
    return ask(python, "bench.py", {"device": "cpu", "threads": 1, "budget": 3.0, **request})[-1]


def test_the_survey_says_what_it_lacks(python):
    """No torch.compile: `graph` has its reason, everything else can be measured."""
    known = ask(python, "bench.py", {"action": "devices"})[-1]["devices"]
    assert known["torch"].startswith("1.12.1")
    assert known["recipes"]["cpu"]["graph"]["code"] == "no-compile"
    assert known["recipes"]["cpu"]["script"] is None
    assert known["devices"][-1]["peak_flops"] > 1e8


def test_its_training_is_the_same_in_every_recipe(python):
    """`script` and `resident` draw the same order and lose the same, to rounding."""
    losses = [measured(python, workload="mnist", recipe=name)["result"]["losses"] for name in ("script", "resident")]
    assert losses[0][:20] == pytest.approx(losses[1][:20], abs=1e-4)


def test_what_it_cannot_count_is_unknown_and_what_it_cannot_do_is_refused(python):
    """No FLOP counter before 2.1, no fused attention before 2.0."""
    counted = measured(python, workload="cifar-resnet", batch=2)["result"]
    assert (counted["flops"], counted["parameters"]["batch"]) == (None, 2)
    assert measured(python, workload="gpt")["error"]["said"]["code"] == "old-attention"


@pytest.mark.parametrize("workload", ["launch", "matmul", "conv", "bandwidth", "dataloader"])
def test_small_workloads_are_measured(python, workload):
    """Each gives a positive time and its samples."""
    result = measured(python, workload=workload)["result"]
    assert result["seconds"] > 0
    assert all(value > 0 for taken in result["raw"].values() for value in taken)


def test_images_are_trained_and_a_checkpoint_that_it_cannot_read_safely_is_left(python, tmp_path):
    """torch.load has no `weights_only` yet: the training starts from the beginning."""
    request = {"images": 60, "size": 8, "batch": 16, "workers": 0, "epochs": 1, "checkpoint": str(tmp_path / "one.pt")}
    for _ in range(2):
        result = ask(python, "bench.py", {"workload": "images", "device": "cpu", "threads": 1, **request})[-1]["result"]
        assert result["samples"] == 50
        assert "resumed" not in {note["code"] for note in result["notes"]}
