"""Tables: as wide as the terminal at most, and no word in pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from torchup.report.columns import cells
from torchup.report.style import Style
from torchup.report.table import table

WORDS = st.sampled_from(
    ["a", "one", "/usr/lib/x86_64-linux-gnu/libcuda.so", "中文", "2.15.0+cu132", "word-of-20-columns--"]
)
CELLS = st.lists(WORDS, max_size=6).map(" ".join)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=4)


@given(ROWS, st.integers(40, 120), st.booleans())
def test_words_are_whole_and_lines_fit(rows, width, unicode):
    """Whatever stands in the cells, every word is found again, and no line outruns the width."""
    shown = table(("Name", "Value", "Source"), rows, Style(width=width, unicode=unicode))
    assert all(cells(line) <= width for line in shown.splitlines())
    for word in {word for row in rows for cell in row for word in cell.split() if word.isascii()}:
        assert shown.count(word) >= max(sum(word in cell.split() for cell in row) for row in rows)


def test_a_long_word_takes_the_room_to_its_right():
    """A path that outruns its column stays on one line; the cells to its right begin below it."""
    rows = [("Python", "/home/user/.local/share/app/bin/python", "a system's own"), ("torch", "2.15.0", "PyPI")]
    assert table(("Fact", "Value", "Source"), rows, Style(width=50)).splitlines() == [
        " Fact     Value                    Source",
        " ────────────────────────────────────────────────",
        " Python   /home/user/.local/share/app/bin/python",
        "                                   a system's own",
        " torch    2.15.0                   PyPI",
    ]


def test_a_row_stands_by_itself_where_no_table_fits():
    """On a terminal too narrow for the longest words each row is its name and a line for each other cell."""
    rows = [("!", "lab", "/home/user/envs/laboratory/bin/python", "broken")]
    shown = table(("", "name", "path", "state"), rows, Style(width=40))
    assert shown.splitlines() == ["! lab", "  path:", "    /home/user/envs/laboratory/bin/python", "  state: broken"]
