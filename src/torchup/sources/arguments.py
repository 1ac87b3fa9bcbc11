"""Sources -> command-line arguments of uv and pip. Pure; addresses carry no credentials (see `child_environment`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.plan.index_options import IndexOptions, index_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.model import Source


def uv_arguments(
    sources: Sequence[Source],
    *,
    variant: str | None = None,
    chosen: str | None = None,
    constraint_files: Sequence[str] = (),
    trusted_hosts: Sequence[str] = (),
) -> tuple[str, ...]:
    """Options of ``uv pip install`` that make it see exactly these sources.

    Every index is searched and the best version wins, as pip does: a mirror of one variant carries old copies of common
    packages, and uv's own rule (the first index that has the name) would stop at them. torch itself is pinned exactly.
    ``variant`` and ``chosen`` are the plan's ``build.variant`` and ``build.source``.
    """
    options = index_options(sources, variant=variant, chosen=chosen)
    arguments: list[str] = []
    for url in options.extra_index_urls:
        arguments += ["--index", url]
    if options.index_url:
        arguments += ["--default-index", options.index_url]
    if options.extra_index_urls:
        arguments += ["--index-strategy", "unsafe-best-match"]
    arguments += _shared(options, constraint_files)
    for host in trusted_hosts:
        arguments += ["--allow-insecure-host", host]
    return tuple(arguments)


def pip_arguments(
    sources: Sequence[Source],
    *,
    variant: str | None = None,
    chosen: str | None = None,
    constraint_files: Sequence[str] = (),
    certificate: str | None = None,
    proxy: str | None = None,
    trusted_hosts: Sequence[str] = (),
) -> tuple[str, ...]:
    """Options of ``pip install`` for the same; see `uv_arguments`."""
    options = index_options(sources, variant=variant, chosen=chosen)
    arguments: list[str] = []
    if options.index_url:
        arguments += ["--index-url", options.index_url]
    for url in options.extra_index_urls:
        arguments += ["--extra-index-url", url]
    arguments += _shared(options, constraint_files)
    for host in trusted_hosts:
        arguments += ["--trusted-host", host]
    arguments += ["--cert", certificate] if certificate else []
    arguments += ["--proxy", proxy] if proxy else []
    return tuple(arguments)


def _shared(options: IndexOptions, constraint_files: Sequence[str]) -> list[str]:
    arguments = [] if options.index_url else ["--no-index"]
    for place in options.find_links:
        arguments += ["--find-links", place]
    for file in constraint_files:
        arguments += ["--constraint", file]
    return arguments
