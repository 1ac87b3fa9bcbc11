"""Rules of Apple's GPUs."""

from __future__ import annotations

import pytest

from support.facts import facts, sign
from torchup.catalog.versions import version_key
from torchup.compat.questions import load_compat
from torchup.doctor import diagnose
from torchup.doctor.rules import CHECKS


def fires(slug, **known):
    """Whether the rule of a cause finds something in facts made by hand."""
    return CHECKS[slug](facts(**known), load_compat()) is not None


FIRING = [
    ("mps-not-built", {"os": "macos", "mps_built": False}),
    (
        "mps-no-device",
        {"os": "macos", "os_version": "26.3", "mps_built": True, "signs": "mps.macos", "torch_version": "2.10.0"},
    ),
    (
        "mps-no-device",
        {"os": "macos", "os_version": "15.1", "mps_built": True, "mps_available": False, "torch_version": "2.9.0"},
    ),
    ("macos-too-old", {"os": "macos", "os_version": "12.6", "mps_available": False, "torch_version": "2.9.0"}),
    ("mps-not-built", {"signs": "mps.not-linked"}),
    ("mps-no-device", {"signs": "mps.no-metal"}),
    ("macos-too-old", {"signs": "mps.macos"}),
]
SILENT = [
    ("mps-not-built", {"os": "macos", "mps_built": False, "apple_silicon": False}),
    ("mps-not-built", {"signs": "mps.not-linked", "os": "macos", "mps_available": True}),
    (
        "mps-no-device",
        {"os": "macos", "os_version": "12.6", "mps_built": True, "mps_available": False, "torch_version": "2.9.0"},
    ),
    ("macos-too-old", {"os": "macos", "os_version": "26.3", "signs": "mps.macos", "torch_version": "2.10.0"}),
    ("mps-not-built", {"os": "macos", "mps_built": True}),
    ("mps-not-built", {}),
    ("mps-no-device", {"os": "macos", "mps_available": True}),
    ("mps-no-device", {}),
    ("macos-too-old", {"os": "macos", "mps_available": True}),
    ("macos-too-old", {}),
]


@pytest.mark.parametrize(("slug", "known"), FIRING)
def test_a_rule_fires(slug, known):
    """What is known is enough for the cause."""
    assert fires(slug, **known)


@pytest.mark.parametrize(("slug", "known"), SILENT)
def test_a_rule_stays_silent(slug, known):
    """Where nothing speaks for the cause, or what worked speaks against it, the rule finds nothing."""
    assert not fires(slug, **known)


@pytest.mark.parametrize("torch", ["2.2.0", "2.4.1", "2.9.0", "2.14.1"])
@pytest.mark.parametrize("macos", ["11.7", "12.3", "13.6", "14.0", "26.3"])
def test_macos_is_too_old_only_below_the_floor_and_the_cure_runs_on_it(torch, macos):
    """At or above the floor of that torch the cause is another; below, the remedy's torch has its floor at or below."""
    compat = load_compat()
    known = facts(
        os="macos", apple_silicon=True, os_version=macos, signs="mps.macos", torch_version=torch, mps_built=True
    )
    found = CHECKS["macos-too-old"](known, compat)
    below = version_key(macos) < version_key(compat.macos_for_mps(torch))
    assert (found is not None) == below
    for word in (word for command in (found.remedy.commands if found else ()) for word in command):
        if word.startswith("torch=="):
            assert version_key(compat.macos_for_mps(word.removeprefix("torch=="))) <= version_key(macos)


def test_a_report_without_a_macos_gets_words_only():
    """Which torch would run is not known then."""
    assert CHECKS["macos-too-old"](facts(signs="mps.macos"), load_compat()).remedy.commands == ()


def test_a_variable_is_set_in_the_shell_of_the_user():
    """The remedy is the variable itself; the text names its alternative."""
    finding = next(f for f in diagnose(facts(signs="mps.operator")).findings if f.rule == "mps-op-not-implemented")
    assert finding.remedy.commands[0][0] == "export"
    assert "MPS_FALLBACK" in finding.remedy.commands[0][1]


def test_the_variable_that_may_freeze_a_mac_is_no_command():
    """The text names the safe ways first, and then the variable with its risk."""
    finding = next(f for f in diagnose(facts(signs="mps.memory")).findings if f.rule == "mps-memory-limit")
    assert finding.remedy.commands == ()
    assert str(finding.remedy.text).index("smaller batches") < str(finding.remedy.text).index("WATERMARK")


@pytest.mark.parametrize(
    ("macos", "words"), [("11.7", "update macOS:"), ("12.6", "install the newest torch"), (None, "update macOS, or")]
)
def test_an_older_torch_is_offered_only_where_one_has_mps(macos, words):
    """On a macOS before MPS only a newer macOS helps; of an unknown one both ways are named."""
    known = {"os": "macos", "apple_silicon": True, "torch_version": "2.9.0", "signs": "mps.macos", "mps_built": True}
    found = CHECKS["macos-too-old"](facts(os_version=macos, **known), load_compat())
    assert words in str(found.remedy.text)
    assert bool(found.remedy.commands) == (macos == "12.6")


@pytest.mark.parametrize(("torch", "words"), [("2.9.0", "MPS in torch 2.9.0 needs"), (None, "MPS in this torch needs")])
def test_the_floor_is_of_the_torch_that_is_known(torch, words):
    """A torch without a version is not shown as torch unknown."""
    known = facts(os="macos", torch_version=torch, signs=(sign("mps.macos", floor="14.0"),))
    evidence = " ".join(map(str, CHECKS["macos-too-old"](known, load_compat()).evidence))
    assert words in evidence
    assert "unknown" not in evidence
