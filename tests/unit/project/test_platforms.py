"""Markers for sets of platforms, and what is left of a file's bytes after an edit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from torchup.project.original import read_original, restored
from torchup.project.platforms import ALL, joined, marker_of, where


@given(platforms=st.sets(st.sampled_from(sorted(ALL)), min_size=1))
def test_a_marker_holds_exactly_where_it_should(platforms):
    """Written and evaluated again, it is the same set; for all of them there is none."""
    marker = marker_of(platforms)
    assert where(marker) == frozenset(platforms)
    assert (marker is None) == (platforms == ALL)


@given(platforms=st.sets(st.sampled_from(sorted(ALL)), min_size=1))
def test_a_markers_other_words_stay(platforms):
    """What it says of Python is kept when it is limited further."""
    marker = joined("python_version >= '3.10'", platforms)
    assert "python_version" in marker
    assert where(marker) == frozenset(platforms)


def test_a_marker_that_is_none_holds_everywhere():
    """Nothing is concluded from what cannot be read."""
    assert where("this is no marker") == ALL


@given(
    lines=st.lists(st.text(alphabet="ab #\t\u4e2d", max_size=5), max_size=12),
    ends=st.lists(st.sampled_from(["\n", "\r\n"]), min_size=13, max_size=13),
    mark=st.booleans(),
    closed=st.booleans(),
)
def test_an_unchanged_text_gives_the_same_bytes(lines, ends, mark, closed):
    """Whatever line ends and mark a file has."""
    text = "".join(line + end for line, end in zip(lines, ends, strict=False)) + ("" if closed else "end")
    content = (b"\xef\xbb\xbf" if mark else b"") + text.encode()
    original = read_original("x", content)
    assert restored(original, original.text) == content


@given(
    lines=st.lists(st.text(alphabet="ab", min_size=1, max_size=3), min_size=1, max_size=9),
    ends=st.lists(st.sampled_from(["\n", "\r\n"]), min_size=9, max_size=9),
    at=st.integers(0, 9),
)
def test_a_new_line_changes_no_other(lines, ends, at):
    """An inserted line leaves the bytes before and behind it."""
    content = "".join(line + end for line, end in zip(lines, ends, strict=False)).encode()
    original = read_original("x", content)
    at = min(at, len(lines))
    new = restored(original, "".join(f"{line}\n" for line in [*lines[:at], "NEW", *lines[at:]]))
    before, found, after = new.partition(b"NEW")
    assert found
    assert before + after.removeprefix(b"\r\n" if after.startswith(b"\r\n") else b"\n") == content
