"""Free questions find the topics that they are about, in both languages."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchup.cli import main
from torchup.doctor.topics import COUNT, nearest_topics

TOPICS = {
    "driver-too-old": ("The driver is too old for the build", "Update the driver. 驱动太旧"),
    "memory": ("Other processes use the memory", "Stop them. 显存被占用"),
    "index": ("The index does not answer", "Check proxy and certificate. 镜像源没有应答"),
}


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("old drivers", "driver-too-old"),
        ("驱动 旧", "driver-too-old"),
        ("certificate error", "index"),
        ("显存", "memory"),
    ],
)
def test_the_nearest_topic_comes_first(question, topic):
    """Plurals, Chinese without blanks, and words of the text alone find their topic."""
    assert nearest_topics(question, TOPICS)[0] == topic


@given(st.text(max_size=60))
def test_what_is_found_is_a_topic(question):
    """Any question gets known topics, few, each once; a question without a known word gets none."""
    found = nearest_topics(question, TOPICS)
    assert set(found) <= set(TOPICS)
    assert len(found) == len(set(found)) <= COUNT
    assert nearest_topics("xyzzy plugh", TOPICS) == []


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("gpu not found in container", "container-without-gpu"),
        ("driver too old for cuda", "driver-too-old"),
        ("out of memory on mps", "mps-memory-limit"),
        ("conda or pip", "conda-or-pip"),
        ("numpy 2 error", "numpy-abi"),
        ("certificate proxy pip", "index-unreachable"),
        ("驱动比构建需要的旧", "driver-too-old"),
        ("容器里看不到 GPU", "container-without-gpu"),
    ],
)
def test_explain_answers_a_free_question(capsys, question, topic):
    """`torchup explain WORDS...` lists the nearest topics, in both languages, with exit code 0."""
    assert main(["explain", *question.split(), "--json"]) == 0
    assert topic in json.loads(capsys.readouterr().out)["data"]["codes"]


def test_explain_finds_nothing_in_nonsense(capsys):
    """Words that no topic has are exit 2 with the way to all topics."""
    assert main(["explain", "xyzzy", "plugh"]) == 2
    assert "torchup explain" in capsys.readouterr().err
