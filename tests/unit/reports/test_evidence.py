"""Evidence is the program's own line, whole, however often and wherever else the message stands."""

# ruff: noqa: E501  # the lines are those of programs, which are long

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchup.doctor.signatures import EVIDENCE, GAP, find_signs, load_signatures, occurs, squeeze
from torchup.reports import parse_report

LINES = {
    "kernel": "RuntimeError: CUDA error: no kernel image is available for execution on the device",
    "cpu build": "AssertionError: Torch not compiled with CUDA enabled",
    "pip": "ERROR: No matching distribution found for torch==2.4.1",
    "smi": "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.",
}
AROUND = {
    "title": "{message} on my new laptop\n\nHello\n\n{line}",
    "a sentence before": 'I always get "{message}" when I start it, please help\nTraceback (most recent call last):\n{line}',
    "a sentence behind": "{line}\nWhat does '{message}' mean?",
    "Chinese sentence": "运行的时候一直出现 {message} 这个错误\n{line}",
    "heading": "# {message}\n{line}",
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("name", LINES)
def test_the_programs_line_is_quoted(name, around):
    """Neither the title nor the user's own sentence, where the program's line is there."""
    line = LINES[name]
    message = line.split(": ", maxsplit=1)[-1]
    signs = parse_report(AROUND[around].format(message=message, line=line)).signs
    assert signs
    assert {sign.line for sign in signs} == {line}


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("name", LINES)
def test_a_wrapped_message_is_quoted_to_its_end(name, width):
    """A console that cuts the line does not cut the quotation."""
    line = LINES[name]
    cut = "\n".join(line[start : start + width] for start in range(0, len(line), width))
    for sign in find_signs(cut.split("\n")):
        assert squeeze(sign.line) in squeeze(line)
        assert any(
            occurs(parts, squeeze(sign.line))
            for row in load_signatures()
            if row.code == sign.code
            for parts in row.match
        )


def test_the_end_of_a_long_message_is_kept():
    """The number of the error stands at the end, behind a path and a long sentence."""
    line = (
        "/very/long/path/of/an/environment/lib/python3.12/site-packages/torch/cuda/__init__.py:129: UserWarning: CUDA "
        "initialization: Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling "
        "NumCudaDevices() that might have already set an error? Error 802: system not yet initialized "
        "(Triggered internally at /pytorch/c10/cuda/CUDAFunctions.cpp:109.)"
    )
    (quoted,) = {sign.line for sign in parse_report(line).signs}
    assert "Error 802: system not yet initialized" in quoted
    assert quoted.startswith("UserWarning: CUDA initialization")


@given(st.sampled_from(load_signatures()), st.text(max_size=80), st.text(max_size=80))
def test_every_message_is_found_and_its_quotation_is_short(row, before, behind):
    """Whatever stands around it; the quotation has a bound."""
    message = " x ".join(row.match[0])
    found = [sign for sign in find_signs([before, f"RuntimeError: {message}", behind]) if sign.code == row.code]
    assert len(message) > GAP or found
    assert all(len(sign.line) <= EVIDENCE for sign in found)


def test_values_come_from_the_message_that_is_quoted():
    """Not from the sentence that repeats it."""
    signs = parse_report(
        'It ends with "No matching distribution found for torch":\nERROR: No matching distribution found for torch==2.4.1'
    ).signs
    assert [sign.values for sign in signs] == [{"package": "torch", "wanted": "==2.4.1"}]
