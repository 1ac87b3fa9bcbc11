"""Text by columns, in both languages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from torchup.report.columns import cells, fill, pad, pieces, wrap

TEXTS = st.text(alphabet=st.sampled_from("ab c，。中文（）[x]-"), max_size=120)


def test_chinese_takes_two_columns():
    """A Chinese character is two columns wide, an accented Latin letter one."""
    assert (cells("中文ab"), cells("été")) == (6, 3)
    assert pad("中文", 6) == "中文  "


def test_words_are_not_parted_and_closing_marks_do_not_begin_a_line():
    """English breaks at spaces, Chinese between characters but never before a closing mark."""
    assert wrap("one two three", 8) == ["one two", "three"]
    assert wrap("中文字。好", 6) == ["中文", "字。好"]
    assert wrap("好 [default: x]", 9) == ["好", "[default:", "x]"]


def test_leads_begin_the_lines():
    """The first line and the others begin with what the caller says."""
    assert fill("aa bb", 5, first="- ", rest="  ") == "- aa\n  bb"
    assert wrap("", 5, first="- ") == ["-"]


@given(TEXTS)
def test_no_character_is_lost(text):
    """Whatever is wrapped, all that is not white space is still there, in order."""
    assert "".join("".join(wrap(text, 20)).split()) == "".join(text.split())


@given(TEXTS)
def test_no_line_outruns_the_width_by_more_than_one_piece(text):
    """A line is too long only by a word that cannot be parted, or by a closing mark."""
    for line in wrap(text, 20):
        last = max(line.split() or [""], key=cells)
        assert cells(line) <= 20 + 2 * sum(mark in line for mark in "，。（）") or cells(last) > 10


def test_a_command_is_not_parted():
    """Half a command cannot be copied: what stands in backticks goes to the next line whole, with its punctuation."""
    lines = wrap("measure them with `torchup mirror test`, use one with `--mirror NAME`", 36)
    assert lines == ["measure them with", "`torchup mirror test`, use one with", "`--mirror NAME`"]


@given(st.text(alphabet=st.sampled_from("ab`([“.\n "), max_size=40))
def test_narrow_text_is_parted_as_all_text_is(text):
    """The quick way for text without wide characters agrees with the way for any text."""
    assert pieces(f"{text} 中") == [*pieces(text), "中"]
