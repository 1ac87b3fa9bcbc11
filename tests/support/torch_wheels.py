"""Small torch wheels that say of themselves what real ones say: version.py, METADATA, a library with its arch list."""

from __future__ import annotations

import io
import random
import struct
import zipfile

NVIDIA = "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"


def library(names, *, ballast=300_000, seed=1):
    """A library with an arch list somewhere in noise that does not compress."""
    noise = random.Random(seed).randbytes(ballast)  # noqa: S311  # ballast
    return noise + b"\x00ipc_h" + names.encode() + b"\x00" + noise[: ballast // 3]


def mach_o(floor=(14, 0), text=b""):
    """The head of a Mach-O library with one build-version command, and a text behind it."""
    header = struct.pack("<8I", 0xFEEDFACF, 0x0100000C, 0, 6, 2, 16 + 24, 0, 0)
    other = struct.pack("<4I", 0x1D, 16, 0, 0)
    build = struct.pack("<6I", 0x32, 24, 1, floor[0] << 16 | floor[1] << 8, 0, 0)
    return header + other + build + bytes(4096) + text + b"\x00"


def version_py(version, **values):
    """``torch/version.py`` as torch's build writes it."""
    lines = [f"__version__ = '{version}'", "debug = False"]
    lines += [f"{name}: Optional[str] = {value!r}" for name, value in values.items()]
    return "from typing import Optional\n\n" + "\n".join(lines) + "\n"


def torch_wheel(version="2.15.0", *, files=(), requires=(), name="torch", metadata_version=None):
    """The bytes of a wheel; ``files`` are further (path, content) pairs, twice the same path where a test wants it."""
    info = f"{name}-{version}.dist-info"
    requirements = "".join(f"Requires-Dist: {line}\n" for line in requires)
    said = metadata_version or version
    metadata = f"Metadata-Version: 2.4\nName: {name}\nVersion: {said}\nRequires-Python: >=3.11\n{requirements}\nText"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in (*files, (f"{info}/METADATA", metadata)):
            archive.writestr(path, content)
    return buffer.getvalue()


def cuda_wheel(names=NVIDIA, *, version="2.15.0", cuda="13.2", **more):
    """A CUDA build for Linux."""
    variant = "cu" + cuda.replace(".", "")
    files = (
        ("torch/version.py", version_py(f"{version}+{variant}", cuda=cuda, hip=None)),
        ("torch/lib/libtorch_python.so", library(names)),
    )
    return torch_wheel(version, files=files, **more)
