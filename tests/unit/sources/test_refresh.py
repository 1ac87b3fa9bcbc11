"""A refresh learns what index pages say, and nothing that they do not."""

from __future__ import annotations

import pytest

from support.index_server import IndexServer, make_wheel
from support.sources import IsolatedHost
from torchup.catalog import load_catalog
from torchup.catalog.types import LISTED
from torchup.encoding import to_json
from torchup.errors import NetworkError
from torchup.model import Request, Secret
from torchup.sources.refresh import refresh, variant_of_metadata

CATALOG = load_catalog()
LINUX = "manylinux_2_28_x86_64"


@pytest.fixture
def server():
    """An index on this machine."""
    with IndexServer() as running:
        yield running


def learn(tmp_path, server, *, previous=None, variants=(), catalog=CATALOG):
    """Refresh by way of a mirror on this machine; nothing else answers."""
    host = IsolatedHost(tmp_path)
    address = server.url("whl/{variant}")
    return refresh(host, Request(mirror=Secret(address)), catalog, previous=previous, variants=variants)


def publish(server, label, python="cp312", platform=LINUX, **more):
    """Put a torch on the index of its variant."""
    wheel = make_wheel("torch", label, python=python, platform=platform, abi=more.pop("abi", None))
    server.publish(f"whl/{label.partition('+')[2]}", wheel, **more)


def test_a_new_version_is_learned_with_its_pythons_and_platforms(tmp_path, server):
    """Tags of every wheel of a build are put together; yanked files, other names and pre-releases are left out."""
    publish(server, "9.1.0+cu126")
    publish(server, "9.1.0+cu126", "cp313", abi="cp313t")
    publish(server, "9.1.0+cu126", "cp312", "win_amd64")
    publish(server, "9.2.0+cu126", yanked="bad")
    publish(server, "9.3.0.dev20270101+cu126")
    publish(server, "9.1.0+cu126.full")
    publish(server, "2.14.1+cu126")
    found = learn(tmp_path, server, variants=("cu126",))
    linux, windows = sorted(found.new, key=lambda build: build.platform)
    assert (linux.torch, linux.variant, linux.platform, linux.pythons) == (
        "9.1.0",
        "cu126",
        "linux_x86_64",
        ("3.12", "3.13t"),
    )
    assert linux.glibc == "2.28"
    assert (windows.platform, windows.pythons) == ("windows_x86_64", ("3.12",))
    assert server.host in linux.source


def test_the_arch_list_of_a_new_gpu_build_is_unknown_not_guessed(tmp_path, server):
    """Laid over the catalogue, a learned row says that its code is not known; a CPU build has none to know."""
    publish(server, "9.1.0+cu126")
    publish(server, "9.1.0+cpu")
    found = learn(tmp_path, server, variants=("cu126", "cpu"))
    rows = load_catalog(to_json(found.overlay)).by_key
    gpu, cpu = rows["9.1.0", "cu126", "linux_x86_64"], rows["9.1.0", "cpu", "linux_x86_64"]
    assert (gpu.arch, gpu.arch_known) == (None, False)
    assert cpu.arch_known


def test_new_variants_are_found_on_the_base_index(tmp_path, server):
    """A variant that nobody knew is seen in the file names of the index without a variant, and then asked for."""
    wheel = make_wheel("torch", "9.1.0+cu199", python="cp312", platform=LINUX)
    server.publish("whl", wheel, links="absolute")
    server.publish("whl/cu199", wheel, links="rooted")
    found = learn(tmp_path, server)
    assert found.new_variants == ("cu199",)
    assert "/whl/cu199/torch/" in server.paths()


def test_a_known_build_may_gain_pythons(tmp_path, server):
    """A wheel for a Python that the row does not list is a gain; laid over, the row has it."""
    publish(server, "2.14.1+cu126", "cp399")
    found = learn(tmp_path, server, variants=("cu126",))
    assert found.new == ()
    assert [(gain.build, gain.pythons) for gain in found.gains] == [("2.14.1+cu126", ("3.99",))]
    row = load_catalog(to_json(found.overlay)).by_key["2.14.1", "cu126", "linux_x86_64"]
    assert "3.99" in row.pythons
    assert row.arch == CATALOG.by_key["2.14.1", "cu126", "linux_x86_64"].arch


def test_to_see_a_build_confirms_it_whatever_the_catalogue_thought(tmp_path, server):
    """Every build that is not listed is so in the overlay once a page shows it; one that is listed is no news."""
    rows = [row for row in CATALOG.by_key.values() if row.platform == "linux_x86_64" and row.publications]
    doubted = [row for row in rows if row.certainty != LISTED][:12]
    sure = next(row for row in rows if row.certainty == LISTED and row.variant == "cu126")
    for row in (*doubted, sure):
        tag = f"cp{row.pythons[0].replace('.', '').rstrip('t')}"
        publish(server, f"{row.torch}+{row.variant}", tag)
    found = learn(tmp_path, server, variants=tuple({row.variant for row in (*doubted, sure)}))
    assert doubted
    assert found.new == ()
    assert set(found.confirmed) == {f"{row.torch}+{row.variant} linux_x86_64" for row in doubted}
    overlaid = load_catalog(to_json(found.overlay)).by_key
    assert {overlaid[row.torch, row.variant, row.platform].certainty for row in doubted} == {LISTED}
    assert (sure.torch, sure.variant) not in {(build.torch, build.variant) for build in found.overlay.learned}


def test_earlier_refreshes_are_kept(tmp_path, server):
    """What one refresh learned stays when the next sees something else, and is not new again."""
    publish(server, "9.1.0+cu126")
    first = learn(tmp_path, server, variants=("cu126",))
    publish(server, "9.2.0+cu126")
    overlaid = load_catalog(first.overlay)
    second = learn(tmp_path, server, previous=first.overlay, catalog=overlaid, variants=("cu126",))
    assert [build.torch for build in second.new] == ["9.2.0"]
    assert [build.torch for build in second.overlay.learned] == ["9.2.0", "9.1.0"]


@pytest.mark.parametrize("style", ["html", "json"])
def test_a_plain_wheel_is_what_its_metadata_says(tmp_path, server, style):
    """PyPI's names have no variant: a new release's is read from its own requirements."""
    server.style = style
    cuda = make_wheel("torch", "9.1.0", python="cp312", platform=LINUX, requires=["cuda-toolkit[cublas]==13.2.2; x"])
    server.publish("simple", cuda)
    found = refresh(IsolatedHost(tmp_path), Request(mirror=Secret(server.url("simple"))), CATALOG, variants=("cpu",))
    assert [(build.variant, build.local) for build in found.new] == [("cu132", False)]


def test_a_plain_wheel_without_metadata_is_not_counted(tmp_path, server):
    """Where nothing tells the variant, the build is left out."""
    wheel = make_wheel("torch", "9.1.0", python="cp312", platform=LINUX)
    server.publish("simple", wheel)
    del server.files[wheel.filename + ".metadata"]
    found = refresh(IsolatedHost(tmp_path), Request(mirror=Secret(server.url("simple"))), CATALOG, variants=("cpu",))
    assert found.new == ()


def test_metadata_tells_the_runtime_or_nothing():
    """CUDA's own packages name the runtime; other GPU packages make it uncertain; none at all is the CPU build."""
    head = "Metadata-Version: 2.1\nName: torch\n"
    assert variant_of_metadata(head + "Requires-Dist: nvidia-cuda-runtime-cu12==12.6.77; y\n") == "cu126"
    assert variant_of_metadata(head + "Requires-Dist: triton-rocm==3.9\n") is None
    assert variant_of_metadata(head + "Requires-Dist: filelock\n") == "cpu"
    assert variant_of_metadata("<html>") is None


def test_nothing_that_answers_is_a_network_error(tmp_path, server):
    """Exit 7, with the sources that were asked."""
    with pytest.raises(NetworkError) as caught:
        learn(tmp_path, server, variants=("cu126",))
    assert "pytorch-index:cu126" in str(caught.value.hint)
