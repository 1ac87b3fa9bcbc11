"""The user's own images and text, inside a real environment."""

from __future__ import annotations

import json

import pytest

from support.bench import ask, inside, torch_python

pytestmark = pytest.mark.slow
SMALL = {"workload": "images", "device": "cpu", "images": 60, "size": 16, "batch": 16, "threads": 1}


@pytest.fixture(scope="module")
def python():
    """An interpreter with torch and Pillow."""
    return torch_python()


KILLED = """
import json, os, signal, sys
import checkpoint, image_training, lines
from workloads import images
checkpoint.EVERY = 0.0
steps = []
if DIES_AFTER:
    original = image_training.Training.step
    def step(*given, **how):
        steps.append(how.get("keep", True))
        if sum(steps) > DIES_AFTER:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*given, **how)
    image_training.Training.step = step
found = images.run({"workload": "images", "device": "cpu", "images": 60, "size": 8, "batch": 16, "threads": 1,
                    "workers": 0, "epochs": 3, "recipe": RECIPE, "checkpoint": PLACE})
resumed = [note["values"] for note in found["notes"] if note["code"] == "resumed"]
print(json.dumps([found["quality"]["final_loss"], found["quality"]["test_accuracy"], found["samples"], resumed]))
"""


@pytest.mark.parametrize("recipe", ["loader", "resident"])
def test_a_training_that_was_killed_goes_on_in_the_middle_of_an_epoch(python, tmp_path, recipe):
    """SIGKILL after the sixth of twelve steps: the next process does the other six, says so, and ends in the same."""

    def run(place, dies_after=0):
        return f"DIES_AFTER, RECIPE, PLACE = {dies_after}, {recipe!r}, {str(tmp_path / place)!r}\n{KILLED}"

    whole = json.loads(inside(python, run("whole.pt")).splitlines()[-1])
    with pytest.raises(AssertionError):
        inside(python, run("killed.pt", 6))
    again = json.loads(inside(python, run("killed.pt")).splitlines()[-1])
    assert again[:3] == pytest.approx(whole[:3], rel=1e-6)
    assert (whole[3], again[3]) == ([], [{"epoch": 2, "step": 2}])


def test_a_checkpoint_of_another_training_or_a_damaged_one_is_not_taken(python, tmp_path):
    """Other images, another network or half a file: the training starts from the beginning, and nothing is run."""
    code = f"""
import os, pickle, torch
from checkpoint import Checkpoint
place = {str(tmp_path / "one.pt")!r}
Checkpoint(place, {{"model": "resnet18"}}).write({{"step": 3, "net": {{"a": torch.ones(2)}}}})
print(Checkpoint(place, {{"model": "resnet18"}}).read()["step"], os.listdir({str(tmp_path)!r}))
print(Checkpoint(place, {{"model": "resnet50"}}).read(), Checkpoint(None, {{}}).read(), Checkpoint(None, {{}}).due())
class Evil:
    def __reduce__(self): return print, ("it ran",)
torch.save({{"work": {{}}, "net": Evil()}}, place)
print(Checkpoint(place, {{}}).read())
open(place, "wb").write(b"PK half")
print(Checkpoint(place, {{}}).read())
Checkpoint("/no/such/folder/one.pt", {{}}).write({{}})
"""
    assert inside(python, code).splitlines() == ["3 ['one.pt']", "None None False", "None", "None"]


@pytest.mark.parametrize("recipe", ["loader", "cached", "resident"])
def test_every_image_is_trained_on_each_epoch(python, recipe):
    """Fifty of sixty made-up JPEGs train, ten test; the time is split, the memory and top-1 are said."""
    request = {**SMALL, "recipe": recipe, "epochs": 2, "workers": 0}
    result = ask(python, "bench.py", request)[-1]["result"]
    assert result["samples"] == 2 * 50
    assert (result["parameters"]["epochs"], result["parameters"]["tested"]) == (2, 10)
    assert set(result["parameters"]["split"]) == {"input", "transfer", "compute"}
    assert sum(result["parameters"]["split"].values()) <= result["seconds"]
    assert 0 <= result["quality"]["test_accuracy"] <= 1
    assert result["peak_memory_bytes"] > 0


def test_images_of_any_size_are_resized_and_none_is_left_out(python, tmp_path):
    """Different widths, grey and colour, PNG and JPEG, a last batch of one: all of them, every epoch."""
    code = f"""
import os, torch, pictures, image_training
from PIL import Image
root = {str(tmp_path)!r}
for number in range(22):
    place = os.path.join(root, "ab"[number % 2])
    os.makedirs(place, exist_ok=True)
    mode = "L" if number % 3 else "RGB"
    size = (9 + number, 40 - number)
    Image.new(mode, size).save(os.path.join(place, "%d.%s" % (number, "jpg" if number % 2 else "png")))
found = pictures.listed(root)
source = image_training.Source(image_training.Setting("cpu", 6, 8, "resnet18", 0), found, 0)
order = source.order(0, 6)
print(len(found.train), sorted(sum(order, [])) == list(range(len(found.train))), min(map(len, order)) > 1)
print(tuple(pictures.decode(found.train[0].path, 8).shape))
"""
    assert inside(python, code).splitlines() == ["19 True True", "(3, 8, 8)"]


def test_a_batch_that_does_not_fit_is_halved_and_other_errors_are_not_hidden(python):
    """Out of memory halves, down to one; anything else is raised as it is."""
    code = """
import measure
def attempt(batch):
    if batch > 20:
        raise RuntimeError("CUDA out of memory")
print(measure.fitting(256, attempt))
def broken(batch):
    raise RuntimeError("illegal instruction")
try:
    measure.fitting(256, broken)
except RuntimeError as error:
    print(error)
"""
    assert inside(python, code).splitlines() == ["16", "illegal instruction"]


def test_a_text_becomes_tokens_and_a_short_one_is_an_error(python, tmp_path):
    """Bytes of the file, from places that a step's number gives; too few are named."""
    (tmp_path / "a.txt").write_text("torchup " * 100)
    code = f"""
import texts, idx
text = texts.read({str(tmp_path / "a.txt")!r}, 16)
one = texts.batch(text, 3, 16, 5)
print(tuple(one.shape), bytes(one[0].tolist()).decode() in "torchup " * 4, one.equal(texts.batch(text, 3, 16, 5)))
try:
    texts.read({str(tmp_path / "a.txt")!r}, 5000)
except idx.DataError as error:
    print(error.said["code"])
"""
    assert inside(python, code).splitlines() == ["(3, 17) True True", "short-text"]
