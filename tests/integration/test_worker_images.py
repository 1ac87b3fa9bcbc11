"""The user's own images and text, inside a real environment."""

from __future__ import annotations

import pytest

from support.bench import ask, inside, torch_python

pytestmark = pytest.mark.slow
SMALL = {"workload": "images", "device": "cpu", "images": 60, "size": 16, "batch": 16, "threads": 1}


@pytest.fixture(scope="module")
def python():
    """An interpreter with torch and Pillow."""
    return torch_python()


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
import os, torch, pictures
from PIL import Image
from workloads import images
root = {str(tmp_path)!r}
for number in range(22):
    place = os.path.join(root, "ab"[number % 2])
    os.makedirs(place, exist_ok=True)
    mode = "L" if number % 3 else "RGB"
    size = (9 + number, 40 - number)
    Image.new(mode, size).save(os.path.join(place, "%d.%s" % (number, "jpg" if number % 2 else "png")))
found = pictures.listed(root)
run = images.Training(images.Setting("cpu", 6, 8, "resnet18", 0), found, {{"data": root}}, root, None)
run.batch = 6
order = run._order()
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
