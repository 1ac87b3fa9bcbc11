"""A user's own images, inside a real environment."""

from __future__ import annotations

import json

import pytest

from support.bench import ask, inside, torch_python
from torchup.encoding import from_builtins
from torchup.i18n.sentences import sentence
from torchup.model import Said

pytestmark = pytest.mark.slow

MAKE = """
import os
from PIL import Image
def make(folder, size=(28, 28), classes="ab", count=6, mode="RGB"):
    for number, name in enumerate(classes):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        for i in range(count):
            ending = "jpg" if i % 2 else "png"
            Image.new(mode, size, (number * 100,) * len(mode)).save(os.path.join(folder, name, "%d.%s" % (i, ending)))
"""


@pytest.fixture(scope="module")
def python():
    """An interpreter with torch and Pillow."""
    return torch_python()


def test_a_folder_a_class_becomes_training_and_test_images(python, tmp_path):
    """PNG and JPEG are decoded once, grey or colour as the workload wants; every sixth is kept for testing."""
    code = f"""{MAKE}
import userdata
make({str(tmp_path)!r})
train, test = userdata.grey({str(tmp_path)!r})
print(tuple(train.images.shape), tuple(test.images.shape), train.labels.tolist(), test.labels.tolist())
print(int(train.images[0, 0, 0]), abs(int(train.images[-1, 5, 5]) - 100) < 3)
print(tuple(userdata.colour({str(tmp_path)!r}, 4).images.shape))
"""
    lines = inside(python, code).splitlines()
    assert lines[0] == "(10, 28, 28) (2, 28, 28) [0, 0, 0, 0, 0, 1, 1, 1, 1, 1] [0, 1]"
    assert lines[1:] == ["0 True", "(4, 3, 28, 28)"]


def test_train_and_test_folders_are_taken_as_they_are(python, tmp_path):
    """DIR/train and DIR/test keep their split; a class that only the tests have is named."""
    code = f"""{MAKE}
import os, userdata, idx
make({str(tmp_path / "train")!r}, mode="L")
make({str(tmp_path / "test")!r}, count=2)
train, test = userdata.grey({str(tmp_path)!r})
print(len(train.labels), len(test.labels))
make({str(tmp_path / "test")!r}, classes="z")
try:
    userdata.grey({str(tmp_path)!r})
except idx.DataError as error:
    print(error.said["code"], error.said["values"])
"""
    assert inside(python, code).splitlines() == ["12 4", "strange-class {'name': 'z', 'where': 'test'}"]


def test_folders_that_cannot_be_used_say_why(python, tmp_path):
    """No images, one class, an empty class, a file that is no image, another size, a wrong shape: a sentence each."""
    code = f"""{MAKE}
import json, os, shutil, idx, userdata
root, said = {str(tmp_path / "x")!r}, []
def attempt(spoil):
    shutil.rmtree(root, ignore_errors=True)
    make(root)
    spoil()
    try:
        userdata.grey(root)
    except idx.DataError as error:
        said.append(error.said)
attempt(lambda: [shutil.rmtree(os.path.join(root, name)) for name in "ab"])
attempt(lambda: shutil.rmtree(os.path.join(root, "a")))
attempt(lambda: os.makedirs(os.path.join(root, "c")))
attempt(lambda: open(os.path.join(root, "a", "0.png"), "wb").close())
attempt(lambda: Image.new("L", (9, 8)).save(os.path.join(root, "b", "3.jpg")))
attempt(lambda: shutil.rmtree(root))
print(json.dumps(said))
"""
    said = json.loads(inside(python, code).splitlines()[-1])
    words = ("neither IDX", "only one class (b)", "class c", "a/0.png", "b/3.jpg is 9 x 8", "there is no folder x")
    assert len(said) == len(words)
    for one, word in zip(said, words, strict=True):
        assert word in str(sentence(from_builtins(one, Said)))


def test_images_of_another_shape_are_sent_to_the_workload_that_takes_them(python, tmp_path):
    """The article's network takes 28 x 28; the error names the workload for all else."""
    inside(python, f"{MAKE}\nmake({str(tmp_path)!r}, size=(40, 32))")
    request = {"workload": "mnist", "recipe": "resident", "device": "cpu", "data": str(tmp_path)}
    final = ask(python, "bench.py", request)[-1]
    assert final["error"]["code"] == "DataError"
    assert final["error"]["said"] == {"code": "other-shape", "values": {"size": "40 x 32", "classes": 2}}
