"""Expressions about torch and the values printed for them, wherever the values stand."""

from __future__ import annotations

import pytest

from torchup.reports import parse_report

WARNING = (
    "/venv/lib/python3.12/site-packages/torch/cuda/__init__.py:129: UserWarning: CUDA initialization: a sentence of it"
    " (Triggered internally at c10/cuda/CUDAFunctions.cpp:109.)\n  return torch._C._cuda_getDeviceCount() > 0"
)
FORMS = {
    "prompt": ">>> torch.cuda.is_available()\nFalse",
    "prompt with print": ">>> print(torch.cuda.is_available())\nFalse",
    "notebook": "In [3]: torch.cuda.is_available()\nOut[3]: False",
    "warning between": f">>> torch.cuda.is_available()\n{WARNING}\nFalse",
    "warning in a notebook": f"In [1]: torch.cuda.is_available()\n{WARNING}\nOut[1]: False",
    "comment beside": "torch.cuda.is_available()  # False",
    "comment beside, words": "print(torch.cuda.is_available())  # prints False",
    "comment beside, Chinese": "print(torch.cuda.is_available())  # 输出:False",
    "comment below": "import torch\nprint(torch.cuda.is_available())\n# False",
    "arrow": "torch.cuda.is_available()  # => False",
    "sentence": "`torch.cuda.is_available()` always returns False",
    "sentence, Chinese": "torch.cuda.is_available() 返回 False",
    "command": '$ python -c "import torch; print(torch.cuda.is_available())"\nFalse',
    "command with a warning": f'$ python -c "import torch; print(torch.cuda.is_available())"\n{WARNING}\nFalse',
    "command of Windows": '(dl) C:\\>python -c "import torch; print(torch.cuda.is_available())"\nFalse',
    "script": "import torch\nprint(torch.__version__)\nprint(torch.cuda.is_available())\n\nOutput:\n2.6.0\nFalse",
    "label of one's own": 'print("CUDA available:", torch.cuda.is_available())\nCUDA available: False',
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("answer", ["False", "True"])
def test_the_answer_is_found(form, answer):
    """Beside, below, behind a warning, in a comment, in a sentence: the same fact."""
    facts = parse_report(FORMS[form].replace("False", answer))
    assert facts.torch.cuda_available is (answer == "True")


@pytest.mark.parametrize(
    ("expression", "field"),
    [
        ("torch.backends.mps.is_available()", "mps_available"),
        ("torch.backends.mps.is_built()", "mps_built"),
        ("torch.xpu.is_available()", "xpu_available"),
        ("torch.xpu._is_compiled()", "xpu_built"),
    ],
)
@pytest.mark.parametrize("form", ["prompt", "comment below", "warning between", "sentence", "command"])
def test_other_devices_are_asked_in_the_same_ways(expression, field, form):
    """MPS and XPU answers stand where CUDA's do."""
    text = FORMS[form].replace("torch.cuda.is_available()", expression)
    assert getattr(parse_report(text).torch, field) is False


@pytest.mark.parametrize(
    "text",
    [
        ">>> torch.cuda.is_available()\n>>> exit()\nFalse",
        ">>> torch.cuda.is_available()\nTraceback (most recent call last):\nFalse",
        "torch.cuda.is_available() should return True",
        "assert torch.cuda.is_available() == True",
        "if torch.cuda.is_available(): # True on my friend's",
        "print(torch.cuda.is_available())\nprint(x)\nhello\nTrue",
    ],
)
def test_no_answer_is_no_answer(text):
    """Another prompt, a traceback, a wish and an assertion are none; a script's values must fit all its calls."""
    assert parse_report(text).torch.cuda_available is None


def test_a_script_with_comments_gives_every_value():
    """The form that Chinese threads use: the value as a comment below each call."""
    facts = parse_report(
        "```\nimport torch\nprint(torch.cuda.is_available())\n# False\nprint(torch.__version__)\n# 2.3.1+cpu\n```"
    )
    assert (facts.torch.version, facts.torch.variant, facts.torch.cuda_available) == ("2.3.1", "cpu", False)


def test_values_of_one_command_go_to_their_expressions():
    """One line for several values, or a line each."""
    command = (
        '$ python -c "import torch; print(torch.__version__, torch.cuda.is_available(), torch.cuda.device_count())"'
    )
    for values in ("2.6.0+cpu False 0", "2.6.0+cpu\nFalse\n0"):
        torch = parse_report(f"{command}\n{values}").torch
        assert (torch.version, torch.cuda_available, torch.device_count) == ("2.6.0", False, 0)
