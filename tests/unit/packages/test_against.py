"""What stands against a wheel, in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchup import i18n
from torchup.catalog.packages import EVIDENCE
from torchup.compat.packages import Axis, Failed, Match, Status
from torchup.compat.packages.against import AXES, needed, none_fits
from torchup.compat.packages.contents import Contents, Explained
from torchup.i18n import render
from torchup.report.style import Style
from torchup.report.wheel_contents_text import explained_text
from torchup.report.wheel_text import EVIDENCES, wheels_text


def test_every_axis_has_a_name_in_both_languages():
    """No axis is shown by its internal word: the table is whole, and each name is a message."""
    assert set(AXES) == set(Axis)
    words = {axis: render(AXES[axis], "en") for axis in Axis}
    assert (words[Axis.CUDA], words[Axis.ABI]) == ("CUDA", "C++ ABI")
    same = {axis for axis in Axis if render(AXES[axis], "zh") == words[axis]}
    assert same == {Axis.GLIBC, Axis.CUDA, Axis.PYTHON, Axis.TORCH, Axis.ABI}


@pytest.mark.parametrize(
    ("failed", "said"),
    [
        (Failed(axis=Axis.CUDA, want="126", have="cu130"), "CUDA cu126 (here cu130)"),
        (Failed(axis=Axis.CUDA, want="12 13", have="amd"), "CUDA cu12, cu13 (here amd)"),
        (Failed(axis=Axis.DRIVER, want="CUDA 12 13", have="450.80"), "driver for CUDA 12, 13 (here 450.80)"),
        (Failed(axis=Axis.GLIBC, want="2.34", have="-"), "glibc 2.34 or higher (here unknown)"),
        (Failed(axis=Axis.PYTHON, want="3.12", have="3.14"), "Python 3.12 (here 3.14)"),
    ],
)
def test_a_value_is_written_as_people_write_it(failed, said):
    """CUDA as a variant, what is not known as unknown, the rest as it is."""
    assert render(needed(failed), "en") == said


def test_every_evidence_has_words_in_both_languages():
    """What is known is said, not the code of the tables: no code stands in the Chinese of a found wheel."""
    assert set(EVIDENCES) == set(EVIDENCE)
    for code in EVIDENCE:
        for url in (None, "https://x.example/a.whl"):
            found = Match(
                package="apex", kind="source", as_of="2026-11-30", status=Status.EXACT, evidence=code, url=url
            )
            i18n.use("zh")
            said = wheels_text([found], Style(), every=True)
            i18n.use("en")
            assert code not in said.replace("apex", "")
            assert render(EVIDENCES[code], "zh") in said


@pytest.mark.parametrize(
    ("failed", "said"),
    [
        (Failed(axis=Axis.CUDA, want="12", have="cu130"), "CUDA 12, but torchup found 13.0"),
        (Failed(axis=Axis.PYTHON, want="cp311 cp312", have="3.14"), "Python 3.11, 3.12, but torchup found 3.14"),
        (Failed(axis=Axis.TORCH, want="2.4 2.5 2.7", have="2.9.0+cpu"), "torch 2.4 - 2.5, 2.7, but torchup found"),
        (Failed(axis=Axis.ABI, want="TRUE", have="-"), "C++ ABI TRUE, but torchup found unknown"),
        (
            Failed(axis=Axis.PLATFORM, want="linux_x86_64", have="macos_arm64"),
            "platform linux_x86_64, but torchup found",
        ),
    ],
)
def test_both_sides_of_a_wheel_file_are_written_alike(failed, said):
    """The axis has its name, and what the file needs stands in the form of what is here."""
    assert said in explained_text(Explained(contents=Contents(file="x.whl"), fits=False, failed=(failed,)))


@given(st.lists(st.integers(0, 30), min_size=1, unique=True))
def test_a_span_of_releases_names_none_that_is_not_among_them(numbers):
    """Read back, the spans are the releases: a gap is never hidden."""
    releases = tuple(f"2.{number}" for number in sorted(numbers))
    said = explained_text(Explained(contents=Contents(file="x.whl", releases=releases)))
    spans = next(line for line in said.splitlines() if "symbols" in line).split("torch ")[1].split(", ")
    read = [number for span in spans for number in _numbers(span)]
    assert read == sorted(numbers)


def _numbers(span):
    """The minors of ``2.4 - 2.6``."""
    ends = [int(end.partition(".")[2]) for end in span.split(" - ")]
    return range(ends[0], ends[-1] + 1)


def test_every_reason_is_said():
    """Each axis that failed stands in the sentence; without one, it says that no wheel is known."""
    failed = tuple(Failed(axis=axis, want="1", have="2") for axis in Axis)
    found = Match(package="apex", kind="source", as_of="2026-11-30", status=Status.NONE, failed=failed)
    said = render(none_fits(found), "en")
    assert all(f"{render(AXES[axis], 'en')} " in said for axis in Axis)
    unknown = Match(package="apex", kind="source", as_of="2026-11-30", status=Status.NONE)
    assert render(none_fits(unknown), "en") == "no wheel of apex is known for this torch and system"
