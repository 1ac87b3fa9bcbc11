"""Archives in and out, as bytes: what goes into the page is taken out of its pieces and packed again. Pure.

The same contents give the same bytes: no time, no owner.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can name


def members(tarball: bytes, names: Sequence[str]) -> dict[str, bytes]:
    """Files of an npm package, by their names below ``package/``. Raises `KeyError` for one that is not in it."""
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        return {name: _content(archive, f"package/{name}") for name in names}


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    found = archive.extractfile(name)
    if found is None:
        raise KeyError(name)
    return found.read()


def unzipped(archive: bytes) -> dict[str, bytes]:
    """Every file of a zip."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {info.filename: opened.read(info) for info in opened.infolist() if not info.is_dir()}


def zipped(contents: Mapping[str, bytes]) -> bytes:
    """A zip of some files, as small as it gets."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(contents.items()):
            archive.writestr(zipfile.ZipInfo(name, _TIME), content, zipfile.ZIP_DEFLATED, 9)
    return target.getvalue()


def without(contents: Mapping[str, bytes], unwanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The files that are wanted."""
    return {name: content for name, content in contents.items() if not unwanted(name)}
