"""A wheel explained from its own inside: hostile, lying and broken files, and a library that a compiler made."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.sources import IsolatedHost
from support.wheels import make_wheel
from torchup.catalog import load_catalog
from torchup.catalog.packages import load_packages
from torchup.compat.packages.contents import Contents, against, digest
from torchup.envs.compiled import compiled_packages
from torchup.errors import UsageError
from torchup.jobs.explain_wheel import explain_wheel, read_contents
from torchup.model import Driver, Gpu, Library, Machine, Os, Vendor
from torchup.sources.binaries import read_library, read_linked
from torchup.sources.binaries.fatbin import Architectures

CATALOG, TABLES = load_catalog(), load_packages()
LINUX = Machine(os=Os.LINUX, arch="x86_64", glibc="2.36")


def fatbin(*entries):
    """A container of (kind, architecture) with empty code."""
    body = b"".join(
        struct.pack("<HHIQIIHHI", kind, 1, 64, 8, 0, 0, 0, 0, arch) + bytes(32 + 8) for kind, arch in entries
    )
    return b"\x50\xed\x55\xba" + struct.pack("<HHQ", 1, 16, len(body)) + body


@given(st.integers(1, 200), st.integers(0, 100))
def test_architectures_are_found_however_the_file_comes(size, before):
    """Native code and PTX are told apart, in pieces of any size, behind bytes of any kind."""
    data = bytes(before) + fatbin((2, 80), (2, 90), (1, 90)) + bytes(50) + fatbin((2, 120)) + b"\x50\xed\x55\xba"
    code = Architectures()
    for start in range(0, len(data), size):
        code.feed(data[start : start + size])
    assert code.found == {"sm_80", "sm_90", "compute_90", "sm_120"}


@given(st.binary(max_size=400), st.sampled_from([b"\x7fELF\x02\x01", b"MZ", b"\xcf\xfa\xed\xfe", b""]))
def test_any_bytes_are_read_without_an_error(data, magic):
    """A library that does not hold together says little or nothing; it never raises."""
    read_library([magic + data])


@pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no compiler here")
def test_a_compiled_library(tmp_path):
    """Needed libraries and undefined symbols are those that the compiler put in."""
    (tmp_path / "c10.c").write_text("void _ZN3c104cuda9SetDeviceEa(void){}\n")
    (tmp_path / "x.c").write_text("void _ZN3c104cuda9SetDeviceEa(void); void f(void){_ZN3c104cuda9SetDeviceEa();}\n")
    call = ["gcc", "-shared", "-fPIC"]
    subprocess.run([*call, "-o", "libc10.so", "c10.c", "-Wl,-soname,libc10.so"], cwd=tmp_path, check=True)
    subprocess.run([*call, "-o", "x.so", "x.c", "-L.", "-lc10"], cwd=tmp_path, check=True)
    content = (tmp_path / "x.so").read_bytes()
    found = read_library([content[:100], content[100:]])
    assert "libc10.so" in found.needed
    assert "_ZN3c104cuda9SetDeviceEa" in found.undefined
    wheel = make_wheel(tmp_path, "ext", "1.0", files={"ext/x.so": content}, tag="cp311-cp311-linux_x86_64")
    contents = read_contents(IsolatedHost(tmp_path), str(wheel), CATALOG)
    assert contents.interface == "c++"
    assert contents.releases[-1] == "2.7"
    failed = against(contents, LINUX, CATALOG, torch="2.8.0+cu128", python="3.12")
    assert [one.axis.value for one in failed] == ["python", "torch"]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no compiler here")
def test_an_installed_package_is_read_from_its_files(tmp_path):
    """What the compiled part of an installed package is for is found without an import; others are passed over."""
    site = tmp_path / "e" / "lib" / "python3.12" / "site-packages"
    (site / "flash_attn-2.8.3.dist-info").mkdir(parents=True)
    (site / "pandas-2.3.dist-info").mkdir()
    (tmp_path / "c10.c").write_text("void _ZN3c104cuda9SetDeviceEa(void){}\n")
    (tmp_path / "x.c").write_text("void _ZN3c104cuda9SetDeviceEa(void); void f(void){_ZN3c104cuda9SetDeviceEa();}\n")
    call = ["gcc", "-shared", "-fPIC"]
    subprocess.run([*call, "-o", "libc10.so", "c10.c", "-Wl,-soname,libc10.so"], cwd=tmp_path, check=True)
    subprocess.run([*call, "-o", site / "flash_attn_2_cuda.so", "x.c", "-L.", "-lc10"], cwd=tmp_path, check=True)
    (site / "flash_attn-2.8.3.dist-info" / "RECORD").write_text("flash_attn_2_cuda.so,,\n../../../bin/x.so,,\n")
    (found,) = compiled_packages(IsolatedHost(tmp_path), str(tmp_path / "e"), CATALOG)
    assert (found.package, found.version, found.cuda_majors) == ("flash-attn", "2.8.3", ())
    assert found.releases[-1] == "2.7"
    content = (site / "flash_attn_2_cuda.so").read_bytes()
    whole = read_library([content])
    assert read_linked(lambda start, length: (content[start : start + length], len(content))) == whole
    assert read_linked(lambda *_: None) is None


@pytest.mark.parametrize(
    ("needed", "undefined", "interface", "majors"),
    [
        (("libc10.so", "libcudart.so.12"), ("_ZN3c105ErrorD1Ev",), "c++", (12,)),
        (("libtorch.so", "libcudart.so.13"), ("aoti_torch_delete_tensor_object",), "stable", (13,)),
        (("c10.dll", "cudart64_12.dll"), ("c10.dll!?f@c10@@YAXXZ",), "c++", (12,)),
        (("libcudart.so.11.0",), ("cudaMalloc",), "none", (11,)),
    ],
)
def test_interfaces_and_cuda_majors(needed, undefined, interface, majors):
    """C++ symbols bind to a release, the stable interface does not, a library without torch is neither."""
    said = digest([Library(kind="elf", needed=needed, undefined=undefined)], CATALOG, TABLES)
    assert said["interface"] == interface
    assert said["cuda_majors"] == majors


def test_a_wheel_is_held_against_the_machine_axis_by_axis():
    """Platform, C library, GPU, driver and CUDA of torch are each compared, in their order."""
    wheel = Contents(
        file="x.whl", platforms=("windows_x86_64",), glibc="2.39", architectures=("sm_80",), cuda_majors=(13,),
        links_torch=True,
    )  # fmt: skip
    machine = Machine(
        os=Os.LINUX, arch="x86_64", glibc="2.35",
        gpus=(Gpu(vendor=Vendor.NVIDIA, compute_capability="7.5"),),
        drivers=(Driver(vendor=Vendor.NVIDIA, version="535.54.03"),),
    )  # fmt: skip
    failed = against(wheel, machine, CATALOG, torch="2.9.0+cu128")
    assert [one.axis.value for one in failed] == ["platform", "glibc", "compute capability", "driver", "cuda"]


def test_a_file_that_is_no_archive(tmp_path):
    """A text with a wheel's name is refused with words, and so is a name that is none."""
    false = tmp_path / "torch-1.0-py3-none-any.whl"
    false.write_text("<html>not found</html>")
    with pytest.raises(UsageError):
        read_contents(IsolatedHost(tmp_path), str(false), CATALOG)
    odd = make_wheel(tmp_path, "ext", "1.0").rename(tmp_path / "renamed.whl")
    with pytest.raises(UsageError):
        read_contents(IsolatedHost(tmp_path), str(odd), CATALOG)


def test_a_wheel_that_lies_in_its_name(tmp_path):
    """Another package, another version and another system inside are each told."""
    inside = make_wheel(
        tmp_path, "inner", "2.0", files={"inner/x.pyd": b"MZ" + bytes(62)}, tag="cp312-cp312-linux_x86_64"
    )
    lying = inside.rename(tmp_path / "outer-1.0-cp312-cp312-linux_x86_64.whl")
    found = explain_wheel(IsolatedHost(tmp_path), str(lying), LINUX, CATALOG, torch=None, python=None)
    assert set(found.contents.problems) == {"name-differs", "version-differs"}


def test_a_hostile_archive(tmp_path):
    """A path that climbs out, and two files of one path, are refused."""
    for name, paths in (("up", ["../x.so"]), ("twice", ["a.so", "a.so"])):
        file = tmp_path / f"{name}-1.0-py3-none-any.whl"
        with (
            zipfile.ZipFile(file, "w") as archive,
            pytest.warns(UserWarning, match="Duplicate") if name == "twice" else _nothing(),
        ):
            for path in paths:
                archive.writestr(path, b"x")
        with pytest.raises(UsageError):
            read_contents(IsolatedHost(tmp_path), str(file), CATALOG)


class _nothing:  # noqa: N801  # reads as a statement
    def __enter__(self):
        """Nothing."""

    def __exit__(self, *_):
        """Nothing."""
