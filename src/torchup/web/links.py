"""Links that hold a question, as the page's script writes and reads them: ``#plan?gpu=RTX+4090&os=linux``. Pure."""

from __future__ import annotations

import base64
import zlib
from urllib.parse import urlencode

RAW_DEFLATE = -15  # what browsers call deflate-raw: no header, the largest window


def fragment(verb: str, *, paste: str = "", **fields: str) -> str:
    """The part of an address behind ``#``; a server never sees it."""
    parts = dict(fields)
    if paste:
        packer = zlib.compressobj(9, zlib.DEFLATED, RAW_DEFLATE)
        packed = packer.compress(paste.encode()) + packer.flush()
        parts["z"] = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    return f"#{verb}?{urlencode(parts)}"
