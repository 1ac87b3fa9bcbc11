"""The survey asks every source and tells the truth of each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.index_server import IndexServer, make_wheel
from support.sources import IsolatedHost
from torchup.errors import UsageError
from torchup.model import Driver, Gpu, Machine, Os, Request, Secret, Vendor
from torchup.sources.surveyor import survey

LINUX = Machine(os=Os.LINUX, arch="x86_64")
NVIDIA = Machine(
    os=Os.LINUX,
    arch="x86_64",
    gpus=(Gpu(vendor=Vendor.NVIDIA),),
    drivers=(Driver(vendor=Vendor.NVIDIA, version="550.54.15", cuda_api="12.4"),),
)
MANYLINUX = "manylinux_2_28_x86_64"


def torch(version="2.13.0+cpu", *, platform=MANYLINUX, python="cp311"):
    """A wheel of torch."""
    return make_wheel("torch", version, python=python, platform=platform)


@pytest.fixture
def server():
    """An index on this machine."""
    with IndexServer() as running:
        yield running


def named(result, name):
    """The source of a name."""
    return next(source for source in result.sources if source.name == name)


def test_a_folder_that_pips_configuration_names_is_listed(tmp_path):
    """Wheels of a find-links folder are offers; other files and other packages are not."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for wheel in (torch(), make_wheel("numpy", "2.0")):
        (folder / wheel.filename).write_bytes(wheel.content)
    (folder / "notes.txt").write_text("x")
    result = survey(IsolatedHost(tmp_path, {"PIP_FIND_LINKS": str(folder)}), LINUX, Request(), None)
    (offer,) = result.offers
    assert (offer.package, offer.version, offer.variant, offer.source) == ("torch", "2.13.0", "cpu", "find-links")
    source = named(result, "find-links")
    assert (source.url, source.origin, source.reachable) == (str(folder), "PIP_FIND_LINKS", True)


def test_sources_come_in_the_order_they_are_tried(tmp_path, server):
    """Mirror, PyTorch's index, the user's index, extra ones, folders, then a wheelhouse; PyPI only without an index."""
    environ = {
        "PIP_INDEX_URL": server.url("main"), "PIP_EXTRA_INDEX_URL": server.url("extra"),
        "PIP_FIND_LINKS": str(tmp_path), "TORCHUP_WHEELHOUSE": "house",
    }  # fmt: skip
    result = survey(IsolatedHost(tmp_path, environ), LINUX, Request(mirror=Secret("nju")), None)
    assert [source.name for source in result.sources] == [
        "mirror:nju:cpu", "pytorch-index:cpu", "index-url", "extra-index-url", "find-links", "wheelhouse",
    ]  # fmt: skip
    without = survey(IsolatedHost(tmp_path), LINUX, Request(), None)
    assert [source.name for source in without.sources] == ["pytorch-index:cpu", "pypi"]


def test_an_unknown_host_is_skipped_with_its_reason_and_asked_once(tmp_path):
    """A name that does not resolve costs one question, however many pages it was to be asked for."""
    host = IsolatedHost(tmp_path)
    result = survey(host, NVIDIA, Request(), None)
    first = named(result, "pytorch-index:cpu")
    assert first.reachable is False
    assert str(first.detail) == "the host name cannot be resolved"
    assert len([url for url in host.fetched if "pytorch" in url]) == 1


def test_a_silent_index_of_the_configuration_is_named(tmp_path):
    """An index that pip's configuration names and that does not answer is told with its file; the originals are not."""
    host = IsolatedHost(tmp_path, {"PIP_INDEX_URL": "https://pypi.corp.example/simple"})
    told = [str(notice.text) for notice in survey(host, LINUX, Request(), None).notices]
    assert len(told) == 1
    assert "https://pypi.corp.example/simple, from PIP_INDEX_URL, cannot be used" in told[0]
    assert survey(IsolatedHost(tmp_path), LINUX, Request(), None).notices == ()


def test_variants_beyond_the_driver_are_not_asked_for(tmp_path):
    """A driver that serves CUDA 12.4 runs every 12.x by minor-version compatibility, and no 13.x."""
    names = [source.name for source in survey(IsolatedHost(tmp_path), NVIDIA, Request(), None).sources]
    assert "pytorch-index:cu126" in names
    assert "pytorch-index:cu130" not in names
    assert "pytorch-index:rocm6.4" not in names
    assert names.index("pytorch-index:cu126") < names.index("pytorch-index:cpu")


@pytest.mark.parametrize("style", ["html", "json", "negotiated"])
def test_an_index_is_read_in_either_format(tmp_path, server, style):
    """HTML and JSON pages give the same offers."""
    server.style = style
    server.publish("simple", torch())
    server.publish("simple", make_wheel("torchvision", "0.28.0+cpu", python="cp311", platform=MANYLINUX), yanked="old")
    result = survey(IsolatedHost(tmp_path, {"PIP_INDEX_URL": server.url("simple")}), LINUX, Request(), None)
    assert [(o.package, o.variant, o.yanked) for o in result.offers] == [
        ("torch", "cpu", False), ("torchvision", "cpu", True),
    ]  # fmt: skip
    assert named(result, "index-url").reachable
    assert all(offer.url.startswith(server.url("files/")) for offer in result.offers)


def test_a_folder_laid_out_like_an_index_is_one(tmp_path):
    """``file:`` indexes and plain paths are read from disk, and say so when torch is not among their packages."""
    page = tmp_path / "simple" / "torch" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<a href="../../files/{torch().filename}">x</a>')
    (tmp_path / "empty").mkdir()
    environ = {"PIP_EXTRA_INDEX_URL": f"file://{tmp_path}/simple {tmp_path}/empty"}
    result = survey(IsolatedHost(tmp_path, environ), LINUX, Request(), None)
    assert [offer.source for offer in result.offers] == ["extra-index-url"]
    assert "no wheels of torch" in str(named(result, "extra-index-url:2").detail)


def test_a_flat_page_of_links_is_a_source(tmp_path, server):
    """``find-links`` may be an HTML page anywhere."""
    server.publish_flat("wheels/torch_stable.html", [torch()])
    environ = {"PIP_FIND_LINKS": server.url("wheels/torch_stable.html")}
    result = survey(IsolatedHost(tmp_path, environ), LINUX, Request(), None)
    assert [offer.source for offer in result.offers] == ["find-links"]


def test_offers_for_other_machines_are_left_out(tmp_path, server):
    """Only wheels of this system and processor are offers here."""
    for platform in (MANYLINUX, "win_amd64", "macosx_14_0_arm64", "manylinux_2_28_aarch64"):
        server.publish("simple", torch(platform=platform))
    result = survey(IsolatedHost(tmp_path, {"PIP_INDEX_URL": server.url("simple")}), LINUX, Request(), None)
    assert [offer.platform_tags for offer in result.offers] == [(MANYLINUX,)]


def test_no_index_switches_every_index_off(tmp_path, server):
    """With no-index only folders count, and the sources say why the rest was not asked."""
    environ = {"PIP_NO_INDEX": "1", "PIP_INDEX_URL": server.url("simple"), "PIP_FIND_LINKS": str(tmp_path)}
    result = survey(IsolatedHost(tmp_path, environ), LINUX, Request(), None)
    assert server.requests == []
    assert [source.name for source in result.sources if source.reachable] == ["find-links"]
    assert "no-index" in str(named(result, "pytorch-index:cpu").detail)


def test_offline_contacts_nothing_but_reads_folders(tmp_path, server):
    """With --offline the network is left alone; a folder of wheels is still there."""
    (tmp_path / torch().filename).write_bytes(b"")
    host = IsolatedHost(tmp_path, {"PIP_INDEX_URL": server.url("simple"), "PIP_FIND_LINKS": str(tmp_path)})
    result = survey(host, LINUX, Request(offline=True), None)
    assert host.fetched == []
    assert named(result, "index-url").reachable is None
    assert len(result.offers) == 1


def test_credentials_are_sent_and_never_told(tmp_path, server):
    """The index gets user and password; no value of the survey holds them."""
    server.login = ("me", "s3cret/")
    server.publish("simple", torch())
    address = server.url("simple").replace("http://", "http://me:s3cret%2F@")
    result = survey(IsolatedHost(tmp_path, {"PIP_INDEX_URL": address}), LINUX, Request(), None)
    assert len(result.offers) == 1
    assert "s3cret" not in repr(result)


def test_a_mirror_by_address_with_a_variant_in_it(tmp_path, server):
    """``--mirror URL`` with {variant} asks the mirror's index of each variant."""
    server.publish("pt/whl/cpu", torch())
    request = Request(mirror=Secret(server.url("pt/whl/{variant}")))
    result = survey(IsolatedHost(tmp_path), LINUX, request, None)
    assert [offer.source for offer in result.offers] == [f"mirror:{server.host}:cpu"]
    assert result.sources[0].variant == "cpu"


def test_a_mirror_by_address_of_a_whole_index(tmp_path, server):
    """Any other address is an index that serves everything, in place of PyPI."""
    server.publish("simple", torch())
    result = survey(IsolatedHost(tmp_path), LINUX, Request(mirror=Secret(server.url("simple"))), None)
    assert [source.name for source in result.sources] == [f"mirror:{server.host}", "pytorch-index:cpu"]
    assert result.sources[0].general


def test_a_misspelt_mirror_is_a_usage_error(tmp_path):
    """The error guesses the name that was meant."""
    with pytest.raises(UsageError) as caught:
        survey(IsolatedHost(tmp_path), LINUX, Request(mirror=Secret("aliyum")), None)
    assert "aliyun" in str(caught.value.hint)


def test_constraints_are_read_with_files_that_they_name(tmp_path):
    """Requirement lines of constraint files count, comments and options do not; a circle ends."""
    (tmp_path / "a.txt").write_text("torch<=2.14.1  # no newer\n-c b.txt\n--hash=x\nnot a requirement !\n")
    (tmp_path / "b.txt").write_text("numpy<2\n-c a.txt\n")
    result = survey(IsolatedHost(tmp_path, {"PIP_CONSTRAINT": str(tmp_path / "a.txt")}), LINUX, Request(), None)
    assert result.constraints == ("torch<=2.14.1", "numpy<2")
    assert result.constraint_files == (str(tmp_path / "a.txt"),)


def test_a_certificate_that_is_not_there_is_named(tmp_path):
    """A missing bundle is a warning and is not used."""
    result = survey(IsolatedHost(tmp_path, {"PIP_CERT": "/none/ca.pem"}), LINUX, Request(), None)
    assert result.certificate is None
    assert [notice.code for notice in result.notices] == ["sources.certificate-missing"]


def test_a_mirror_is_suggested_by_locale_and_never_used(tmp_path):
    """A Chinese locale brings a hint with names; the order of sources stays."""
    result = survey(IsolatedHost(tmp_path, {"LANG": "zh_CN.UTF-8"}), LINUX, Request(), None)
    (notice,) = result.notices
    assert "nju" in str(notice.text)
    assert not any(source.name.startswith("mirror") for source in result.sources)
    assert survey(IsolatedHost(tmp_path, {"LANG": "de_DE.UTF-8"}), LINUX, Request(), None).notices == ()


def test_a_login_of_the_netrc_is_sent_to_its_host_alone(tmp_path, server):
    """An address without credentials gets those of the user's netrc, as pip and uv do; other hosts do not."""
    server.login = ("me", "s3cret")
    server.publish("simple", torch())
    (tmp_path / ".netrc").write_text(
        "machine other login x password y\nmachine 127.0.0.1\n  login me\n  password s3cret\n"
    )
    host = IsolatedHost(tmp_path, {"PIP_INDEX_URL": server.url("simple")})
    result = survey(host, LINUX, Request(), None)
    assert len(result.offers) == 1
    assert "s3cret" not in repr(result)


def test_a_mirror_that_is_silent_is_told_loudly(tmp_path):
    """Who asks for a mirror hears that it did not answer and that others are used instead."""
    result = survey(IsolatedHost(tmp_path), LINUX, Request(mirror=Secret("http://127.0.0.1:1/whl/{variant}")), None)
    (notice,) = result.notices
    assert (notice.code, notice.level) == ("sources.mirror.silent", "warning")
    assert "no connection" in str(notice.text)


def test_a_mirror_without_pytorch_says_so(tmp_path):
    """`--mirror tuna` serves PyPI; torch itself still comes from PyTorch's index, and the user is told why."""
    result = survey(IsolatedHost(tmp_path), LINUX, Request(mirror=Secret("tuna")), None)
    assert [source.name for source in result.sources] == ["mirror:tuna", "pytorch-index:cpu"]
    assert "sources.mirror.lacks" in [notice.code for notice in result.notices]


def test_a_password_on_the_command_line_is_refused(tmp_path, server):
    """Every user of a machine sees its command lines; a variable or a file is private."""
    address = server.url("simple").replace("http://", "http://me:secret@")
    with pytest.raises(UsageError) as caught:
        survey(IsolatedHost(tmp_path), LINUX, Request(mirror=Secret(address)), None)
    assert "secret" not in str(caught.value)
    survey(IsolatedHost(tmp_path, {"TORCHUP_MIRROR": address}), LINUX, Request(mirror=Secret(address)), None)


def test_a_variant_that_cannot_stand_in_an_address_is_not_asked_for(tmp_path):
    """The planner tells the user; no strange address is contacted."""
    names = [s.name for s in survey(IsolatedHost(tmp_path), LINUX, Request(variant="../x"), None).sources]
    assert names == ["pypi"]


def test_an_index_that_a_project_names_is_pointed_out(tmp_path, server, monkeypatch):
    """An address in torchup.toml of a cloned project is used, with a warning that names the file; a flag is not."""
    project = tmp_path / "cloned"
    project.mkdir()
    (project / "torchup.toml").write_text(f'mirror = "{server.url("simple")}"')
    monkeypatch.chdir(project)
    asked = Request(mirror=Secret(server.url("simple")))
    codes = [notice.code for notice in survey(IsolatedHost(tmp_path), LINUX, asked, None).notices]
    assert "sources.mirror.by-project" in codes
    chosen = {"TORCHUP_MIRROR": server.url("simple")}
    codes = [notice.code for notice in survey(IsolatedHost(tmp_path, chosen), LINUX, asked, None).notices]
    assert "sources.mirror.by-project" not in codes


def test_official_means_the_originals(tmp_path):
    """`--mirror official` takes back a mirror that a setting or an installation named."""
    result = survey(IsolatedHost(tmp_path), LINUX, Request(mirror=Secret("official")), None)
    assert [source.name for source in result.sources] == ["pytorch-index:cpu", "pypi"]
    assert result.notices == ()


def test_what_a_further_index_overrides_is_named(tmp_path, server):
    """A newer numpy, and a torch with a build tag, of an extra index: pip's rule takes them, so the plan says so."""
    tagged = torch().filename.replace("2.13.0+cpu-", "2.13.0+cpu-9999-")
    for wheel in (make_wheel("numpy", "2.1"), make_wheel("pillow", "11.0"), torch()):
        server.publish("simple", wheel)
    for wheel in (make_wheel("numpy", "99.0"), make_wheel("pillow", "1.0"), replace(torch(), filename=tagged)):
        server.publish("more", wheel)
    environ = {"PIP_INDEX_URL": server.url("simple"), "PIP_EXTRA_INDEX_URL": server.url("more")}
    request = Request(packages=("numpy", "pillow"))
    host = IsolatedHost(tmp_path, environ)
    notices = survey(host, LINUX, request, None).notices
    assert len(host.fetched) == len(set(host.fetched)), "the comparison reads what the survey was answered"
    told = [str(notice.text) for notice in notices if notice.code == "sources.override"]
    assert len(told) == 2
    assert any("numpy-99.0" in text and "PIP_EXTRA_INDEX_URL" in text for text in told)
    assert any(tagged in text for text in told)


def test_without_a_further_index_nothing_more_is_asked(tmp_path, server):
    """Who names one index pays no request for the comparison."""
    server.publish("simple", torch())
    host = IsolatedHost(tmp_path, {"PIP_INDEX_URL": server.url("simple")})
    survey(host, LINUX, Request(packages=("numpy",)), None)
    assert not any("numpy" in url for url in host.fetched)
