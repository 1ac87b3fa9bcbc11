"""Recordings that are safe to attach to a bug report: users, hosts, home folders, UUIDs and serial numbers are replaced."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.encoding import from_json, to_json
from torchup.host.recorded import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping

# Same length as what they replace where a parser counts columns (UUIDs in tables).
_PATTERNS = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE),
     "00000000-0000-0000-0000-000000000000"),
    (re.compile(r"(Uuid:\s+GPU-)[0-9a-f]{16}", re.IGNORECASE), r"\g<1>0000000000000000"),
    (re.compile(r"(unique_id )\d+"), r"\g<1>0"),
    (re.compile(r"(<serial>)[^<]*"), r"\g<1>0"),
    (re.compile(r"(<(?:pdi|chassis_serial_number|gpu_fabric_guid|board_id)>)[^<]*"), r"\g<1>N/A"),
    (re.compile(r'("(?:[a-z_ -]*serial[a-z_ -]*|unique id|asic_serial)"\s*:\s*")[^"]*', re.IGNORECASE), r"\g<1>REDACTED"),
    (re.compile(r"((?:Serial Number|Hardware UUID|Provisioning UDID|Display Serial Number)[^:\n]{0,20}:[ \t]*)\S[^\n]*"),
     r"\g<1>REDACTED"),
    (re.compile(r"((?:/home|/Users)/)(?!user\b)[^/\s\"':;,]+"), r"\g<1>user"),
    (re.compile(r"([A-Za-z]:[\\/]{1,4}Users[\\/]{1,4})(?!user\b|Public\b)[^\\/\s\"':;,]+", re.IGNORECASE), r"\g<1>user"),
    (re.compile(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", re.IGNORECASE), "00:00:00:00:00:00"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+"), "user@host"),
)  # fmt: skip


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
    replacements = {_escaped(a): _escaped(b) for a, b in words_to_replace(environ, recording.folders.home).items()}
    return from_json(redact_text(to_json(recording, indent=0), replacements), Recording)


def _escaped(text: str) -> str:
    """As the text stands inside JSON."""
    return to_json(text, indent=0).strip()[1:-1]
