"""The hashes of files that were installed from an address, as the installers write them down (PEP 610). Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.encoding import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.model import PackageWheel, Plan

_SHA256 = re.compile(r"[0-9a-f]{64}")


def with_hashes(plan: Plan, direct_urls: Mapping[str, str]) -> Plan:
    """The plan with the hash of each wheel that came from an address.

    Args:
        plan: what was installed.
        direct_urls: package -> text of its ``direct_url.json``.
    """
    wheels = tuple(_hashed(wheel, direct_urls.get(wheel.package)) for wheel in plan.wheels)
    return msgspec.structs.replace(plan, wheels=wheels)


def _hashed(wheel: PackageWheel, text: str | None) -> PackageWheel:
    found = sha256(text or "")
    return msgspec.structs.replace(wheel, sha256=found) if found and wheel.url else wheel


def address(direct_url: str) -> str | None:
    """The address in a ``direct_url.json``, without its fragment; ``None`` where it has none."""
    try:
        data = msgspec.json.decode(direct_url, type=dict[str, Any])
    except UNREADABLE:
        return None
    url = data.get("url")
    return url.partition("#")[0] if isinstance(url, str) else None


def sha256(direct_url: str) -> str | None:
    """The SHA-256 in a ``direct_url.json``, of either form; ``None`` where it has none."""
    try:
        data = msgspec.json.decode(direct_url, type=dict[str, Any])
    except UNREADABLE:
        return None
    archive = data.get("archive_info")
    if not isinstance(archive, dict):
        return None
    hashes = archive.get("hashes")
    texts = [
        hashes.get("sha256") if isinstance(hashes, dict) else None,
        str(archive.get("hash", "")).removeprefix("sha256="),
    ]
    return next((text for text in texts if isinstance(text, str) and _SHA256.fullmatch(text)), None)
