"""A run: everything that was measured together."""

from __future__ import annotations

from torchup.model import Origin, Result, Value


class Run(Value, frozen=True, kw_only=True):
    """Everything that one `torchup bench` (or `up`) measured together."""

    id: str
    created_at: str | None = None  # ISO 8601, UTC
    torchup: str | None = None  # version that wrote it
    origin: Origin = Origin.HERE
    title: str | None = None
    source: str | None = None  # of a baseline: where its numbers were published
    results: tuple[Result, ...] = ()
