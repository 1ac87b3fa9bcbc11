"""The page of many machines: what it counts, where it sees drifts, and that a stranger's text stays text."""

from __future__ import annotations

import re
from itertools import product

import pytest

from torchup import i18n
from torchup.catalog import load_catalog
from torchup.detect.pretend import assume
from torchup.model import Environment, Machine, Os, Request
from torchup.plan import resolve
from torchup.report.fleet import Member, drifts
from torchup.report.fleet_page import fleet_page

HOSTILE = "<script>alert(1)</script>\"'<img src=x onerror=alert(1)>"
BASE = Machine(os=Os.LINUX, arch="x86_64", glibc="2.35")


def member(name, *items, torch=None):
    """A machine with its plan; ``torch``: of its one environment."""
    machine = assume(BASE, items) if items else BASE
    there = (Environment(name="default", path="/x", torch=torch),) if torch else ()
    return Member(name=name, machine=machine, plan=resolve(machine, Request(), load_catalog()), environments=there)


def test_what_is_alike_and_as_planned_drifts_nowhere():
    """Two equal machines with the planned torch, and one of another kind."""
    label = member("a", "gpu=RTX 4090", "driver=550.54").label
    fleet = [member(name, "gpu=RTX 4090", "driver=550.54", torch=label) for name in "ab"]
    assert drifts([*fleet, member("c", "gpu=RX 7900 XTX")]) == ()


def test_each_kind_of_drift_is_seen():
    """Another torch than planned, another driver than its like, and the other build that follows from it."""
    fleet = [
        member("a", "gpu=RTX 4090", "driver=550.54", torch="2.9.0+cu126"),
        member("b", "gpu=RTX 4090", "driver=550.54"),
        member("c", "gpu=RTX 4090", "driver=580.95"),
    ]
    assert [(drift.machine, drift.kind) for drift in drifts(fleet)] == [
        ("a", "environment"), ("c", "driver"), ("c", "build"),
    ]  # fmt: skip


@pytest.mark.parametrize("versions", [("550.54", "580.95"), ("550.54", "550.54", "580.95", "580.95")])
def test_a_difference_without_a_usual_value_is_shown_of_all(versions):
    """If no driver is the usual one, every machine is named, and the text says which drivers there are."""
    fleet = [member(str(index), "gpu=RTX 4090", f"driver={version}") for index, version in enumerate(versions)]
    found = [drift for drift in drifts(fleet) if drift.kind == "driver"]
    assert [drift.machine for drift in found] == [one.name for one in fleet]
    assert all(version in drift.text for drift in found for version in versions)


def test_every_difference_among_alike_machines_drifts():
    """Machines with the same GPUs never count as alike if their drivers differ; in every group of up to four."""
    known = {version: member(version, "gpu=RTX 4090", f"driver={version}") for version in ("550.54", "580.95", "535.1")}
    for size in (2, 3, 4):
        for versions in product(known, repeat=size):
            named = [drift for drift in drifts([known[version] for version in versions]) if drift.kind == "driver"]
            assert bool(named) == (len(set(versions)) > 1), versions


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_strangers_text_stays_text(language):
    """Names, systems and failures are escaped, and the page's policy allows nothing but its own style and script."""
    bad = Member(name=HOSTILE, machine=Machine(os=Os.LINUX, arch=HOSTILE, distribution=HOSTILE), failure=HOSTILE,
                 hint=HOSTILE)  # fmt: skip
    good = member("a", "gpu=RTX 4090", torch=f"1{HOSTILE}")
    i18n.use(language)
    try:
        page = fleet_page([bad, good], drifts([bad, good]))
    finally:
        i18n.use("en")
    assert page.count("<script") == 1
    assert "<img" not in page
    assert "default-src &#39;none&#39;" in page
    assert not re.search(r"https?://[^<]*(?:\.js|\.css)", page)
    assert page.startswith("<!doctype html>")


def test_a_page_of_other_machines_does_not_speak_of_this_one():
    """The page is read elsewhere than on the machines that it shows."""
    page = fleet_page([member("a", "gpu=RTX 4090", "driver=550.54")], [])
    assert "This machine" not in page
