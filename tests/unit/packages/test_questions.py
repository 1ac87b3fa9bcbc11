"""Questions that people ask about packages around torch, with their answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from torchup.catalog import load_catalog
from torchup.catalog.packages import load_packages
from torchup.catalog.spans import minor_of
from torchup.compat.packages import Wish, ask, choose
from torchup.compat.packages.match import match_one, of_fits
from torchup.compat.packages.symbols import signs
from torchup.model import Driver, Gpu, Machine, Os, Vendor

CATALOG, TABLES = load_catalog(), load_packages()
QUESTIONS = json.loads((Path(__file__).parent / "questions.json").read_text("utf-8"))
CHOICES = [question for question in QUESTIONS if question["kind"] != "error"]
ERRORS = [question for question in QUESTIONS if question["kind"] == "error"]


def machine(facts):
    """The machine that a question describes."""
    gpus = (Gpu(vendor=Vendor.NVIDIA, compute_capability=facts["cc"]),) if "cc" in facts else ()
    drivers = (Driver(vendor=Vendor.NVIDIA, version=facts["driver"]),) if "driver" in facts else ()
    return Machine(os=Os(facts["os"]), arch=facts["arch"], gpus=gpus, drivers=drivers)


def answers(question):
    """What torchup answers, one for each package."""
    packages = [TABLES.get(name) for name in question["packages"]]
    asked = ask(machine(question["machine"]), Wish(**question["wish"]), CATALOG, TABLES)
    if len(packages) == 1:
        return [match_one(packages[0], asked)]
    chosen = choose(packages, asked)
    return [of_fits(package, fits, asked) for package, fits in zip(packages, chosen.fits, strict=True)]


def torch_is(answer, wanted):
    """The torch of the answer is one of those expected."""
    one_of = wanted if isinstance(wanted, list) else [wanted]
    return not answer.found or bool({answer.torch, minor_of(answer.torch or "0")} & set(one_of))


def nearest_is(answer, wanted):
    """The first of the nearest is the expected one."""
    first, near = answer.nearest[0], wanted[0]
    return first.torch == near["torch"] and near.get("cuda") in {None, first.cuda}


CHECKS = {
    "torch": torch_is,
    "cuda": lambda answer, wanted: wanted in {answer.cuda, (answer.variant or "")[2:4]},
    "package": lambda answer, wanted: wanted in {answer.requirement, answer.package},
    "version": lambda answer, wanted: answer.version == wanted,
    "url": lambda answer, wanted: answer.url == wanted,
    "tag": lambda answer, wanted: answer.tag == wanted,
    "by": lambda answer, wanted: answer.by == wanted,
    "built": lambda answer, wanted: answer.built == wanted,
    "index": lambda answer, wanted: answer.index == wanted,
    "file": lambda answer, wanted: answer.file == wanted,
    "triton": lambda answer, wanted: [need.version for need in answer.needs] == [wanted],
    "axis": lambda answer, wanted: {failed.axis.value for failed in answer.failed} == set(wanted),
    "nearest": nearest_is,
}


@pytest.mark.parametrize("question", CHOICES, ids=lambda question: question["id"])
def test_choice(question):
    """Which torch, which file, which axis: as the question's answer says."""
    for answer in answers(question):
        assert answer.found is (question["kind"] == "which")
        for key, wanted in question["expect"].items():
            assert CHECKS[key](answer, wanted), (key, wanted, answer)


@pytest.mark.parametrize("question", ERRORS, ids=lambda question: question["id"])
def test_error(question):
    """An error text names what the wheel was built for, or what has happened to torch."""
    expect = question["expect"]
    found = signs(question["question"], TABLES)[0]
    if "built" in expect:
        assert found.symbol.built == expect["built"]
        assert expect["running"] in found.symbol.running
    if "cause" in expect:
        assert found.cause == "cpu-torch"
    if "env" in expect:
        assert found.cause == "bitsandbytes-label"
        variant = f"cu{found.values['label']}"
        wish = Wish(torch="2.12.0", variant=variant)
        answer = match_one(
            TABLES.get("bitsandbytes"), ask(machine({"os": "linux", "arch": "x86_64"}), wish, CATALOG, TABLES)
        )
        assert [f"{name}={value}" for name, value in answer.environment.items()] == [expect["env"]]


def test_all_twenty_are_asked():
    """No question is left out."""
    assert len(QUESTIONS) == len(CHOICES) + len(ERRORS) == 20


def amd(gfx):
    """A machine with one AMD GPU."""
    return Machine(os=Os.LINUX, arch="x86_64", glibc="2.39", gpus=(Gpu(vendor=Vendor.AMD, gfx=gfx),))


def test_radeon_cards_have_no_flash_attention_wheel():
    """The ROCm wheels are for data-centre cards; the axis is the GPU, not CUDA."""
    answer = match_one(TABLES.get("flash-attn"), ask(amd("gfx1100"), Wish(), CATALOG, TABLES))
    assert [failed.axis.value for failed in answer.failed] == ["compute capability"]
    assert "gfx942" in answer.failed[0].want
    assert match_one(TABLES.get("flash-attn"), ask(amd("gfx942"), Wish(), CATALOG, TABLES)).found


def test_the_nearest_is_the_newest_among_equals():
    """A Python without any wheel leads to the newest torch of another Python, not to the oldest."""
    facts = machine({"os": "linux", "arch": "x86_64", "cc": "8.9", "driver": "610.43.02"})
    answer = match_one(TABLES.get("flash-attn"), ask(facts, Wish(python="3.15"), CATALOG, TABLES))
    assert [failed.axis.value for failed in answer.failed] == ["python"]
    assert answer.nearest[0].torch == "2.14"
