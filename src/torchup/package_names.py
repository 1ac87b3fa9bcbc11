"""The names of packages."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)  # an index page names one package a thousand times
def normalise(name: str) -> str:
    """A package's name as PEP 503 compares names: ``Flash_Attn`` is ``flash-attn``.

    `packaging.utils.canonicalize_name` does the same; importing it takes 15 ms, a tenth of what a report may take.
    """
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
