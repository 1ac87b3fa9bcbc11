"""Which of a plan's sources an installer is given, in the three roles that pip and uv know. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.model import Source


class IndexOptions(Value, frozen=True, kw_only=True):
    """What to search: one main index (``None``: no index at all), further ones, folders and pages of links."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    default: bool = False  # the main index is the tools' own default, which a file for elsewhere need not name


def index_options(sources: Sequence[Source], *, variant: str | None = None, chosen: str | None = None) -> IndexOptions:
    """The roles of the sources that matter for one build.

    Left out: sources that did not answer, those of other variants, and, where the ``chosen`` source is one variant's
    index, its rivals for that variant. The main index is the one that serves any package and is not an extra one.
    """
    picked = chosen_source(sources, variant, chosen)
    usable = [source for source in sources if source.reachable is not False and _matters(source, variant, picked)]
    indexes = [source for source in usable if source.kind == "index"]
    main = min(indexes, key=_rank_as_main, default=None)
    return IndexOptions(
        index_url=main.url if main else None,
        extra_index_urls=tuple(source.url for source in indexes if source is not main),
        find_links=tuple(source.url for source in usable if source.kind == "find-links"),
        default=main is not None and main.name == "pypi",
    )


def chosen_source(sources: Sequence[Source], variant: str | None, chosen: str | None) -> Source | None:
    """The source that a build names: ``pytorch-index`` of a cu126 build is the source ``pytorch-index:cu126``."""
    names = {chosen, f"{chosen}:{variant}"} if chosen else set()
    return next((source for source in sources if source.name in names), None)


def _matters(source: Source, variant: str | None, picked: Source | None) -> bool:
    if source.variant is None:
        return True
    if picked is not None and picked.variant is not None:
        return source is picked
    return variant in {None, source.variant}


def _rank_as_main(source: Source) -> int:
    is_extra = source.name.startswith("extra-index-url")
    return (0 if not is_extra else 1) if source.general else 2
