"""Recordings safe to attach to a bug report: users, hosts, home folders, UUIDs, serial numbers replaced."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.encoding import from_builtins, to_builtins
from torchup.host.recorded import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping

# Same length as what they replace where a parser counts columns (UUIDs in tables).
_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE), instead)
    for pattern, instead in (
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "00000000-0000-0000-0000-000000000000"),
        (r"(Uuid:\s+GPU-)[0-9a-f]{16}", r"\g<1>0000000000000000"),
        (r"(unique_id )\d+", r"\g<1>0"),
        (r"(<serial>)[^<]*", r"\g<1>0"),
        (r"(<(?:pdi|chassis_serial_number|gpu_fabric_guid)>)[^<]*", r"\g<1>N/A"),
        (r'("(?:[\w -]*serial[\w -]*|unique id)"\s*:\s*")[^"]*', r"\g<1>REDACTED"),
        (r"((?:Serial Number|Hardware UUID|Provisioning UDID)[^:\n]{0,20}:[ \t]*)\S[^\n]*", r"\g<1>REDACTED"),
        (r"((?:/home|/Users)/)(?!user\b)[^/\s\"':;,]+", r"\g<1>user"),
        (r"([a-z]:[\\/]{1,2}Users[\\/]{1,2})(?!user\b|Public\b)[^\\/\s\"':;,]+", r"\g<1>user"),
        (r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "00:00:00:00:00:00"),
        (r"[\w.+-]+@[\w-]+\.[\w.]+", "user@host"),
    )
)


def redact_text(text: str, replacements: Mapping[str, str]) -> str:
    """The text with the given words (home folder, user, host) and everything that looks like an identity replaced."""
    for word, instead in replacements.items():
        text = text.replace(word, instead)
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def words_to_replace(environ: Mapping[str, str], home: str) -> dict[str, str]:
    """What names this user and machine, longest first, so that a home folder goes before the user name in it."""
    found = {home: "/home/user" if "/" in home else "C:\\Users\\user"} if len(home) > 1 else {}
    for name, instead in (("USERPROFILE", "C:\\Users\\user"), ("HOSTNAME", "host"), ("COMPUTERNAME", "host")):
        if len(environ.get(name, "")) > 2:  # noqa: PLR2004  # shorter words are in every text
            found[environ[name]] = instead
    for name in ("USER", "USERNAME", "LOGNAME"):
        if len(environ.get(name, "")) > 3 and environ[name] not in {"root", "user", "admin"}:  # noqa: PLR2004  # same
            found[environ[name]] = "user"
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def redact(recording: Recording, environ: Mapping[str, str]) -> Recording:
    """The whole recording redacted: every text in it, keys and paths too, so that a replay still finds its files."""
    replacements = words_to_replace(environ, recording.folders.home)
    return from_builtins(_walk(to_builtins(recording), replacements), Recording)


def _walk(value: object, replacements: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return redact_text(value, replacements)
    if isinstance(value, dict):
        return {redact_text(key, replacements): _walk(item, replacements) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(item, replacements) for item in value]
    return value
