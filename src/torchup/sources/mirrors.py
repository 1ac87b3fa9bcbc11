"""Mirrors by name, from ``catalog/data/mirrors.toml``: what each carries and where."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from torchup.catalog.gpus import DATA
from torchup.data_files import read_data
from torchup.errors import UsageError
from torchup.model import Message, Notice, Secret, Value, message
from torchup.near_names import near_names, offered
from torchup.plan.index_options import chosen_source
from torchup.privacy import SECRET, shown_address
from torchup.sources.urls import Address, host_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.model import Plan, Request, Source

OFFICIAL = "official"  # `--mirror official`: the originals, whatever a setting or an earlier installation says
_VARIANT_END = re.compile(r"/(?:cpu|cu\d{2,4}|rocm\d[\d.]*|xpu)/?$")


class Part(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that a mirror carries. ``url`` may hold ``{variant}`` (PyTorch) or ``{file}`` (Miniforge)."""

    url: str
    source: str
    alternative: str | None = None
    kind: str = "index"  # index | flat
    variants: tuple[str, ...] = ()  # those seen there; empty: not known
    state: str | None = None
    state_zh: str | None = None
    inferred: bool = False


class Mirror(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One mirror. ``locale`` is the language whose users it is near to: it is suggested to them, never forced."""

    name: str
    title: str
    title_zh: str | None = None
    locale: str | None = None
    lacks_pytorch: str | None = None  # a sentence where people expect PyTorch wheels and there are none
    lacks_pytorch_zh: str | None = None
    pytorch: Part | None = None
    pypi: Part | None = None
    conda: Part | None = None  # below it: /conda-forge
    miniforge: Part | None = None


class Official(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the originals are."""

    pytorch: str
    pytorch_r2: str
    pytorch_nightly: str
    pytorch_test: str
    pypi: str
    conda_forge: str
    miniforge: str
    source: str

    def pytorch_index(self, channel: str) -> str:
        """The index template of a channel: stable, nightly or test."""
        return {"nightly": self.pytorch_nightly, "test": self.pytorch_test}.get(channel, self.pytorch)


class MirrorTable(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    official: Official
    mirror: tuple[Mirror, ...]


@cache
def load_mirrors() -> MirrorTable:
    """Read the table that is in the package; a row that does not fit its schema is an error of the package."""
    return read_data(DATA / "mirrors.toml", MirrorTable)


def is_official(asked: Secret) -> bool:
    """Whether ``--mirror`` names the original sites."""
    return asked.reveal().lower() == OFFICIAL


def find_mirror(asked: Address, table: MirrorTable | None = None) -> Mirror:
    """The mirror that ``--mirror`` names: a name of the table, or an address made into a mirror of its own.

    An address with ``{variant}`` is a PyTorch mirror; one that ends in a variant (``.../cu126``) is that one index;
    any other is taken for an index that may hold everything.

    Raises:
        UsageError: no mirror has the name.
    """
    asked = asked.reveal() if isinstance(asked, Secret) else asked
    if asked.lower() == OFFICIAL:
        return official_mirror(table)
    known = (table or load_mirrors()).mirror
    for mirror in known:
        if mirror.name == asked.lower():
            return mirror
    if "://" in asked:
        _refuse_other_schemes(asked)
        return _of_address(asked)
    names = [mirror.name for mirror in known]
    close = near_names(asked, names) or [
        mirror.name
        for mirror in known
        if len(asked) > 1 and asked.lower() in f"{mirror.title} {mirror.title_zh or ''}".lower()
    ]
    hint = (
        offered(close[0])
        if close
        else message("sources.mirror.names", "choose one of {names}, or use an address", names=", ".join(names))
    )
    raise UsageError(message("sources.mirror.unknown", "there is no mirror `{name}`", name=asked), hint=hint)


def _refuse_other_schemes(url: str) -> None:
    scheme = url.partition("://")[0].lower()
    if scheme not in {"http", "https", "file"}:
        raise UsageError(
            message("sources.mirror.scheme", "no installer reads an index from {scheme}://", scheme=scheme),
            hint=message("sources.mirror.scheme.hint", "use an https://, http:// or file:// address"),
        )


def _of_address(url: str) -> Mirror:
    name = host_of(url) or "file"
    part = Part(url=url, source="given by the user")
    if "{variant}" in url or _VARIANT_END.search(url):
        return Mirror(name=name, title=shown_address(url), pytorch=part)
    return Mirror(name=name, title=shown_address(url), pytorch=part, pypi=part)


def suggested(locale: str, table: MirrorTable | None = None) -> tuple[Mirror, ...]:
    """Mirrors with PyTorch wheels that are near to users of a locale (``zh_CN.UTF-8``); a hint, never a choice."""
    language = locale.lower().replace("-", "_").split("_")[0].split(".")[0]
    return tuple(m for m in (table or load_mirrors()).mirror if m.locale == language and m.pytorch is not None)


def official_mirror(table: MirrorTable | None = None) -> Mirror:
    """The originals, as if they were a mirror: what the others are measured against."""
    official = (table or load_mirrors()).official
    return Mirror(
        name=OFFICIAL,
        title="PyTorch, PyPI, conda-forge",
        pytorch=Part(url=official.pytorch, source=official.source),
        pypi=Part(url=official.pypi, source=official.source),
        conda=Part(url=official.conda_forge.removesuffix("/conda-forge"), source=official.source),
    )


def mirror_of(plan: Plan, table: MirrorTable | None = None) -> str | None:
    """The ``--mirror`` that a plan's torch came from, so that an update can go the same way; ``None``: no mirror."""
    source = chosen_source(plan.sources, plan.build.variant, plan.build.source)
    if source is None or not source.name.startswith("mirror:"):
        return None
    known = next((m.name for m in (table or load_mirrors()).mirror if m.name == source.name.split(":")[1]), None)
    if known is not None:
        return known
    if SECRET in source.url:
        return None  # its whole address is in the user's configuration, which is asked again
    variant = source.variant
    return source.url.replace(f"/{variant}", "/{variant}") if variant else source.url


def about_mirror(request: Request, sources: Sequence[Source]) -> tuple[Notice, ...]:
    """What the user has to know of the mirror asked for: that it is silent, or never had PyTorch's wheels."""
    if not request.mirror:
        return ()
    mirror = find_mirror(request.mirror)
    asked = [source for source in sources if source.name.startswith("mirror:")]
    silent = [source for source in asked if source.reachable is False]
    found: list[Message] = []
    if asked and len(silent) == len(asked):
        found.append(
            message(
                "sources.mirror.silent",
                "the mirror {name} cannot be used ({why}); torchup uses other sources",
                name=mirror.name,
                why=silent[0].detail,
            )
        )
    if mirror.pytorch is None:
        lacks = message(
            "sources.mirror.lacks", "torchup knows of no PyTorch wheels on the mirror {name}", name=mirror.name
        )
        found.append(lacks)
    return tuple(Notice(code=text.code, level="warning", text=text) for text in found)
