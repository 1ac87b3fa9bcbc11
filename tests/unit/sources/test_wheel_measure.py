"""A wheel read piece by piece: what it says, how little is read, and archives that are meant to harm."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile

import pytest

from support.index_server import Fault, IndexServer
from support.torch_wheels import NVIDIA, cuda_wheel, library, mach_o, torch_wheel, version_py
from torchup.catalog.wheel_facts import architectures, mach_o_floor, mps_floor, version_facts
from torchup.errors import NetworkError, UsageError
from torchup.host import RealHost
from torchup.sources.index_client import Connection
from torchup.sources.wheel_measure import measure

NAME = "torch-2.15.0-cp312-cp312-manylinux_2_28_x86_64.whl"
LINUX_VERSION = ("torch/version.py", version_py("2.15.0+cu132", cuda="13.2"))


@pytest.fixture
def server():
    """A server of files that knows ranges."""
    with IndexServer() as running:
        yield running


def address(server, content, name=NAME):
    """Publish a file and say where."""
    server.files[name] = content
    return server.url("files/" + name)


def measured(target, **more):
    """Measure without any configuration."""
    return measure(RealHost(), target, Connection(), **more)


def test_a_wheel_on_a_server_says_what_it_is_built_for(server):
    """Version, variant, code, PTX, floor, Python and requirements come out of the wheel."""
    wheel = measured(address(server, cuda_wheel(NVIDIA + " compute_120", requires=("sympy", "triton~=3.9.0"))))
    assert (wheel.torch, wheel.variant, wheel.platforms, wheel.pythons) == (
        "2.15.0", "cu132", ("linux_x86_64",), ("3.12",),
    )  # fmt: skip
    assert wheel.sass == ("7.5", "8.0", "8.6", "9.0", "10.0", "12.0")
    assert wheel.ptx == ("12.0",)
    assert wheel.glibc == "2.28"
    assert wheel.requires == ("sympy", "triton~=3.9.0")
    assert wheel.basis == "wheel"


def test_a_wheel_on_the_disk_says_the_same_and_has_its_hash(server, tmp_path):
    """The same wheel as a file gives the same facts, with its SHA-256."""
    content = cuda_wheel()
    (tmp_path / NAME).write_bytes(content)
    there, here = measured(address(server, content)), measured(str(tmp_path / NAME))
    assert (there.sass, there.ptx, there.requires) == (here.sass, here.ptx, here.requires)
    assert here.sha256 is not None
    assert there.sha256 is None


def test_only_the_pieces_that_tell_it_are_read(server):
    """A large file that nobody asks about is not read."""
    ballast = ("torch/lib/libtorch_cuda.so", library("sm_1", ballast=6_000_000, seed=2))
    files = (ballast, LINUX_VERSION, ("torch/lib/libtorch_python.so", library(NVIDIA)))
    wheel = measured(address(server, torch_wheel(files=files)))
    assert wheel.sass[0] == "7.5"
    assert wheel.bytes_read < wheel.size_bytes / 5
    assert all("range" in headers for _, headers in server.requests)


def test_rocm_and_mac_wheels(server):
    """AMD targets come from the same library; macOS floors from the tag, the library and the error text."""
    amd = (
        ("torch/version.py", version_py("2.14.0+rocm7.2", hip="7.2.53211")),
        ("torch/lib/libtorch_python.so", library("gfx90a gfx942 gfx1100")),
    )
    wheel = measured(address(server, torch_wheel("2.14.0", files=amd), NAME.replace("2.15.0", "2.14.0")))
    assert (wheel.variant, wheel.gfx) == ("rocm7.2", ("gfx90a", "gfx942", "gfx1100"))
    text = b"The MPS backend is supported on macOS 15.0+. Current OS version"
    mac = (("torch/version.py", version_py("2.15.0", cuda=None)), ("torch/lib/libtorch_cpu.dylib", mach_o(text=text)))
    place = address(server, torch_wheel(files=mac), "torch-2.15.0-cp312-cp312-macosx_14_0_arm64.whl")
    wheel = measured(place, deep=True)
    assert (wheel.variant, wheel.macos, wheel.macos_library, wheel.mps_text) == ("cpu", "14.0", "14.0", "15.0")
    assert measured(place).mps_text is None  # nobody looked


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_an_arch_list_is_found_wherever_pieces_part(cut):
    """The list is found whole when a piece ends inside it."""
    content = library(NVIDIA, ballast=5000)
    start = content.index(b"sm_75") + cut
    assert architectures([content[:start], content[start:]]) == tuple(NVIDIA.split())


def test_a_single_name_counts_only_where_it_is_the_only_one():
    """One name alone is a build for one GPU; several single names are messages, and nothing is known."""
    assert architectures([b"x\x00sm_90\x00y"]) == ("sm_90",)
    assert architectures([b"x\x00sm_90\x00y\x00sm_80\x00"]) is None
    assert architectures([b"nothing"]) is None


def test_a_server_without_ranges_is_named(server):
    """A server that sends the whole file is not read to the end; the error says what to do."""
    server.faults["/files/" + NAME] = Fault(status=200, body=cuda_wheel(), content_type="binary/octet-stream")
    with pytest.raises(NetworkError, match="does not support range requests"):
        measured(server.url("files/" + NAME))


def test_a_missing_file_and_a_silent_server_are_network_errors(server):
    """404 and a refused connection each have their sentence."""
    with pytest.raises(NetworkError, match="404"):
        measured(server.url("files/" + NAME))
    with pytest.raises(NetworkError):
        measured(f"http://127.0.0.1:1/{NAME}")


def broken_archives():
    """(name, bytes) of archives that are damaged or meant to harm."""
    sound = cuda_wheel()
    bomb = (("torch/version.py", bytes(300_000_000)),)
    twice = (LINUX_VERSION, LINUX_VERSION)
    renamed = sound.replace(b"torch/lib/libtorch_python.so", b"torch/lib/libtorch_pythan.so", 1)  # one place of two
    yield "empty", b""
    yield "no archive", b"<html>" * 1000
    yield "truncated", sound[: len(sound) // 2]
    yield "bomb", torch_wheel(files=bomb)
    yield "climbing path", torch_wheel(files=(("../../etc/version.py", "x"), LINUX_VERSION))
    yield "absolute path", torch_wheel(files=(("/etc/version.py", "x"), LINUX_VERSION))
    yield "two of one path", torch_wheel(files=twice)
    yield "local header disagrees", renamed
    yield "directory points past the end", sound[:-6] + struct.pack("<I", 1 << 30) + sound[-2:]
    yield "other package", torch_wheel(files=(LINUX_VERSION,), name="torchx")
    yield "other version", torch_wheel(files=(LINUX_VERSION,), metadata_version="2.14.0")
    yield "no version", torch_wheel()
    lzma = io.BytesIO()
    with zipfile.ZipFile(lzma, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(*LINUX_VERSION)
    yield "unbounded packing", lzma.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("place", ["server", "disk"])
def test_a_broken_or_hostile_archive_is_one_clear_error_in_bounded_memory(server, tmp_path, place):
    """Each gives a usage error, none takes more than 60 MB."""
    for name, content in broken_archives():
        (tmp_path / NAME).write_bytes(content)
        target = address(server, content) if place == "server" else str(tmp_path / NAME)
        tracemalloc.start()
        try:
            with pytest.raises((UsageError, NetworkError)):
                measured(target)
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 60_000_000, name


def test_text_that_is_none_gives_nothing():
    """Readers of untrusted bytes answer with nothing, never with an exception."""
    assert version_facts("import os") is None
    for head in (
        b"",
        b"\xcf\xfa\xed\xfe",
        mach_o()[:40],
        b"\xcf\xfa\xed\xfe" + b"\xff" * 200,
        struct.pack("<8I", 0xFEEDFACF, *[9] * 7) + bytes(64),
    ):
        assert mach_o_floor(head) is None
    assert mps_floor([b"MPS backend without a number"]) is None
