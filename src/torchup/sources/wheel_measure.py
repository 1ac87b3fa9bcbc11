"""One torch wheel measured: what it is built for and what it needs, read out of the wheel itself."""

from __future__ import annotations

import hashlib
import re
from itertools import islice
from typing import TYPE_CHECKING

from torchup.catalog.measured import MeasuredWheel
from torchup.catalog.types import kind_of
from torchup.catalog.versions import version_key
from torchup.catalog.wheel_facts import architectures, mach_o_floor, mps_floor, native, ptx, version_facts
from torchup.errors import UsageError
from torchup.model import message
from torchup.plan.candidates import platform_of_tag, pythons_of_offer
from torchup.sources.index_page import parse_filename
from torchup.sources.urls import local_path, without_credentials
from torchup.sources.wheel_file import WheelFile

if TYPE_CHECKING:
    from torchup.catalog.wheel_facts import VersionFacts
    from torchup.host import Host
    from torchup.model import Offer
    from torchup.sources.index_client import Connection

_BINDING = re.compile(r"torch/lib/(?:lib)?torch_python\.(?:so|dll|dylib)")
_MACOS_LIBRARY = "torch/lib/libtorch_cpu.dylib"
_FIELD = re.compile(r"^(Name|Version|Requires-Python|Requires-Dist):[ \t]*(\S[^\n]{0,400})$", re.MULTILINE)
_HASHED = 1 << 22  # bytes of a local file that are hashed at a time
DEEP_BUDGET = 160 * 1024 * 1024  # bytes for a wheel whose error texts are looked for too


def measure(
    host: Host,
    address: str,
    connection: Connection,
    *,
    offer: Offer | None = None,
    deep: bool = False,
    code: bool = True,
) -> MeasuredWheel:
    """Read one wheel of torch.

    Args:
        host: reaches the network and the disk.
        address: a path, a ``file:`` address or a web address.
        connection: certificate and proxy of the user's configuration.
        offer: what the index page says of it; its hash is kept.
        deep: look for the text of the MPS backend too, which lies 30 to 40 MB into macOS wheels.
        code: look for the architectures, which lie 5 to 8 MB into CUDA wheels.

    Raises:
        UsageError: not a wheel of torch, or a broken one.
        NetworkError: the server is silent, or cannot send parts.
    """
    started = host.monotonic()
    wheel = WheelFile(host, address, connection, *((DEEP_BUDGET,) if deep else ()))
    named = parse_filename(wheel.name, without_credentials(address), "measured")
    facts = version_facts(wheel.text("torch/version.py") or "")
    fields = _metadata(wheel)
    info = {name: value for name, value in fields if name != "Requires-Dist"}
    if named is None or named.package != "torch" or facts is None or info.get("Name", "").lower() != "torch":
        raise UsageError(
            message("measure.not-torch", "{name} is not a wheel of torch", name=wheel.name),
            hint=message("measure.not-torch.hint", "use a torch wheel, its address, or torch==VERSION"),
        )
    _agreeing(wheel.name, named, facts, info)
    places = tuple(filter(None, map(platform_of_tag, named.platform_tags)))
    mac = any(platform.startswith("macos") for platform, _ in places)
    names = _names(wheel, facts.variant) if code else None
    floor = min((floor for _, floor in places if floor), key=version_key, default=None)
    linux = any(platform.startswith("linux") for platform, _ in places)
    return MeasuredWheel(
        filename=wheel.name,
        url=without_credentials(address),
        torch=facts.torch,
        variant=facts.variant,
        platforms=tuple(dict.fromkeys(platform for platform, _ in places)),
        pythons=pythons_of_offer(named) or (),
        requires_python=info.get("Requires-Python"),
        requires=tuple(value.strip() for name, value in fields if name == "Requires-Dist"),
        architectures=names,
        sass=tuple(map(str, native(names or ()))),
        ptx=tuple(map(str, ptx(names or ()))),
        gfx=tuple(name for name in names or () if name.startswith("gfx")),
        glibc=floor if linux else None,
        macos=floor if mac else None,
        macos_library=_library_floor(wheel) if mac else None,
        mps_text=mps_floor(wheel.chunks(_MACOS_LIBRARY)) if mac and deep and _has(wheel, _MACOS_LIBRARY) else None,
        size_bytes=wheel.pieces.total,
        sha256=_digest(host, address) or (offer.sha256 if offer else None),
        read=host.now().date().isoformat(),
        bytes_read=wheel.pieces.came,
        seconds=round(host.monotonic() - started, 2),
    )


def _agreeing(name: str, named: Offer, facts: VersionFacts, info: dict[str, str]) -> None:
    """Name, metadata and version.py of a sound wheel say the same version."""
    said = {named.version, facts.torch, info.get("Version", "").partition("+")[0]}
    if len(said) > 1:
        versions = ", ".join(sorted(said))
        text = message(
            "measure.disagree", "the name and the content of {name} disagree ({versions})", name=name, versions=versions
        )
        raise UsageError(
            text, hint=message("measure.disagree.hint", "download the file again; this one was renamed or changed")
        )


def _metadata(wheel: WheelFile) -> list[tuple[str, str]]:
    return _FIELD.findall((wheel.metadata() or "").split("\n\n", 1)[0])


def _names(wheel: WheelFile, variant: str) -> tuple[str, ...] | None:
    kind = kind_of(variant)
    binding = next((m.name for m in wheel.members() if _BINDING.fullmatch(m.name)), None)
    if kind not in {"cuda", "rocm"} or binding is None:
        return None
    return architectures(wheel.chunks(binding), amd=kind == "rocm")


def _has(wheel: WheelFile, name: str) -> bool:
    return any(member.name == name for member in wheel.members())


def _library_floor(wheel: WheelFile) -> str | None:
    if not _has(wheel, _MACOS_LIBRARY):
        return None
    wheel.pieces.piece = 1 << 16
    return mach_o_floor(b"".join(islice(wheel.chunks(_MACOS_LIBRARY, limit=(1 << 30) - 1), 1)))


def _digest(host: Host, address: str) -> str | None:
    """SHA-256 of a file on this machine; one on a server is not read whole."""
    path = local_path(address)
    if path is None:
        return None
    digest, start = hashlib.sha256(), 0
    while (part := host.read_part(path, start, _HASHED)) and part[0]:
        digest.update(part[0])
        start += len(part[0])
    return digest.hexdigest()
