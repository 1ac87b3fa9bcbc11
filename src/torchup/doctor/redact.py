"""Make text safe to paste: no users, hosts, home paths, UUIDs, serial numbers, keys or terminal escapes."""

from __future__ import annotations

import re

from torchup.i18n import printable

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?i)\b([A-Z]:[\\/](?:Users|Documents and Settings)[\\/])[^\\/\s\"':]+", r"~"),
        (r"(?<![\w.])/(?:home|Users|data/home|export/home|nfs/home)/[^/\s\"':;,)]+", "~"),
        (r"(?<![\w.])/root(?=[/\s\"':;,)]|$)", "~"),
        (r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b", "<mail>"),
        (r"(?m)^(\s*\(?[\w-]*\)?\s*)[\w.-]+@[\w.-]+(?=[:\s][^\n]*[$#])", r"\1user@host"),
        (r"(?i)\b(?:GPU-|MIG-)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", "<uuid>"),
        (r"(?i)\b(serial(?: number)?\s*[:=]\s*)\S+", r"\1<serial>"),
        (r"(?i)\b((?:token|password|secret|api[_-]?key)\s*[:=]\s*)\S+", r"\1<secret>"),
        (r"(?i)\b(https?://)[^/\s:@]+:[^/\s@]+@", r"\1<secret>@"),
        (r"\b(?:hf|ghp|gho|sk|pypi)[_-][A-Za-z0-9_-]{16,}", "<secret>"),
        (r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b(?=:\d{2,5}\b)", "<address>"),
    )
)


def redact(text: str) -> str:
    """The text without what names a person or a machine, and without anything that steers a terminal."""
    safe = printable(text)
    for pattern, replacement in _RULES:
        safe = pattern.sub(replacement, safe)
    return safe
