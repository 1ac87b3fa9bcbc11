"""The nearest known name of a mistyped word, and the one hint that offers it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from torchup.near_names import did_you_mean, near_names

WORDS = st.text("abcdefgh-", min_size=3, max_size=12)


@given(known=st.lists(WORDS, min_size=1, unique=True), word=WORDS)
def test_what_is_offered_is_known(known, word):
    """Only known names are offered, at most as many as asked for, and a name is nearest to itself."""
    assert set(near_names(word, known, count=3)) <= set(known)
    assert len(near_names(word, known, count=3)) <= 3
    assert near_names(known[0].upper(), known)[0] == known[0]


def test_the_hint_offers_the_name_as_it_is_typed():
    """The prefix (the dashes of an option, the command before a subverb) is a part of what is offered."""
    assert str(did_you_mean("insatll", ["install", "list"], prefix="torchup ")) == "did you mean `torchup install`?"
    assert did_you_mean("zzzz", ["install", "list"]) is None
