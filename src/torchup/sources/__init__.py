"""Where packages come from: pip's and uv's configuration, mirrors, index pages."""

from torchup.sources.surveyor import survey

__all__ = ["survey"]
