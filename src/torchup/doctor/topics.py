"""Topics that a free question is about: words that few topics have count most, those of a title three times."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COUNT = 5  # topics offered
SHARE = 0.3  # of the question's weight that the best topic must cover
TITLE = 3.0
LIMIT = 500  # characters of a question that are read
# Words of any question; they say nothing of its topic.
_COMMON = frozenset(
    {
        "a", "an", "and", "are", "can", "do", "does", "for", "from", "how", "i", "in", "is", "it", "its", "my", "no",
        "not", "of", "on", "or", "the", "this", "to", "what", "why", "with",
    }
)  # fmt: skip
_WORD = lazy_pattern(r"[a-z0-9]+(?:[._+][a-z0-9]+)*|[\u4e00-\u9fff]+")


def nearest_topics(question: str, topics: Mapping[str, tuple[str, str]]) -> list[str]:
    """At most `COUNT` keys of ``topics`` (key -> title, text), the nearest first; empty where none has its words."""
    wanted = set(_terms(question[:LIMIT]))
    titles = {key: set(_terms(f"{key} {title}")) for key, (title, _) in topics.items()}
    texts = {key: titles[key] | set(_terms(text)) for key, (_, text) in topics.items()}
    spread = Counter(term for terms in texts.values() for term in terms)
    weight = {term: math.log(1 + len(topics) / spread[term]) if term in spread else 1.0 for term in wanted}
    covered = {key: sum(weight[term] for term in wanted & terms) for key, terms in texts.items()}
    if not wanted or max(covered.values(), default=0.0) < SHARE * sum(weight.values()):
        return []
    score = {key: covered[key] + (TITLE - 1) * sum(weight[t] for t in wanted & titles[key]) for key in topics}
    ranked = sorted((key for key in topics if covered[key]), key=lambda key: -score[key])
    return [key for key in ranked[:COUNT] if score[key] >= score[ranked[0]] / 3]


def _terms(text: str) -> Iterator[str]:
    """Words without a plural's s; of Chinese every character and every two neighbours."""
    for word in _WORD.findall(text.casefold()):
        if word in _COMMON:
            continue
        if word.isascii():
            yield word.removesuffix("s") if len(word) > 3 else word  # noqa: PLR2004  # "os", "gas" keep theirs
        else:
            yield from word
            yield from (word[start : start + 2] for start in range(len(word) - 1))
