"""Where a package came from that was installed as a file of torchup's store: its address, as if uv had fetched it.

PEP 610 has the installer write ``direct_url.json``. uv and pip wrote there where they found the file, which is a place
of this machine; `pip freeze` and whatever installs from it want the address and the hash.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import msgspec

from torchup.envs.distributions import site_packages
from torchup.envs.paths import join
from torchup.package_names import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.host import Host
    from torchup.install.direct_fetch import FetchedFile

DIRECT_URL, RECORD = "direct_url.json", "RECORD"


def write_origins(host: Host, path: str, found: Sequence[FetchedFile]) -> None:
    """Put the address in place of the file for each of ``found`` in the environment at ``path``; raises `OSError`."""
    by_package = {one.file.package: one for one in found}
    for folder, info in _infos(host, path) if found else ():
        one = by_package.get(normalise(info.removesuffix(".dist-info").rpartition("-")[0]))
        if one is None or host.size(join(folder, info, DIRECT_URL)) is None:
            continue
        text = direct_url(one.file.url, one.sha256)
        host.write_text(join(folder, info, DIRECT_URL), text)
        rows = host.read_text(join(folder, info, RECORD)) or ""
        host.write_text(join(folder, info, RECORD), with_row(rows, f"{info}/{DIRECT_URL}", text))


def _infos(host: Host, path: str) -> Iterator[tuple[str, str]]:
    for folder in site_packages(host, path):
        for entry in host.list_dir(folder) or ():
            if entry.endswith(".dist-info"):
                yield folder, entry


def direct_url(url: str, digest: str) -> str:
    """A ``direct_url.json`` for a file from an address, in both forms of its hash (PEP 610)."""
    archive = {"hash": f"sha256={digest}", "hashes": {"sha256": digest}}
    return msgspec.json.encode({"url": url, "archive_info": archive}).decode()


def with_row(record: str, name: str, text: str) -> str:
    """A RECORD with a file's row as its text is now (PEP 376: hash and size)."""
    raw = text.encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).rstrip(b"=").decode()
    kept = [line for line in record.splitlines() if not line.startswith(f"{name},")]
    return "".join(f"{line}\n" for line in (*kept, f"{name},sha256={digest},{len(raw)}"))
