"""Wheels that a plan has by their address: fetched by torchup, compared, installed as files; real uv and pip."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from support.file_server import FileServer, Manners
from support.index import serve_index
from support.own_caches import own_caches  # noqa: F401  # a fixture of every test
from support.plans import importing, index_plan
from support.wheels import copy_real_pip, make_fake_torch, make_wheel
from torchup.envs import distributions, records, registry
from torchup.envs.damage import find_damage
from torchup.errors import InstallError
from torchup.fetch import store
from torchup.host import RealHost
from torchup.install import engine
from torchup.install.bundle import collect, load_bundle
from torchup.install.direct_fetch import AddressError
from torchup.install.sizes import sizes
from torchup.model import Machine, Os, PackageWheel, Plan

if TYPE_CHECKING:
    from pathlib import Path

HOST = RealHost()
NOISE = random.Random(3).randbytes(9 << 20)  # noqa: S311  # three blocks that no compressor shortens


@pytest.fixture
def index(tmp_path):
    """A server with torch, and with what one of the wheels needs."""
    folder = tmp_path / "wheels"
    make_fake_torch(folder)
    make_wheel(folder, "einops", "0.8")
    copy_real_pip(folder)
    with serve_index(folder) as running:
        yield running


def wheel_bytes(folder: Path, name: str, version: str, *, noise: bytes = NOISE, requires=()) -> tuple[str, bytes]:
    """Name and content of a wheel that lies on no index."""
    module = name.replace("-", "_")
    files = {f"{module}/__init__.py": "x = 1\n", f"{module}/kernels.bin": noise}
    made = make_wheel(folder / "direct", name, version, files=files, requires=requires)
    return made.name, made.read_bytes()


@pytest.fixture
def flash(tmp_path):
    """Two servers, as a release page and its storage are: the first sends on to the second, at another host."""
    name, content = wheel_bytes(tmp_path, "flash-attn", "2.8.3+cu130torch2.13", requires=["einops", "torch"])
    with FileServer(content) as storage, FileServer(content) as page:
        page.manners.redirect_to = address(storage, name).replace("127.0.0.1", "localhost")
        page.name, page.storage = name, storage
        yield page


def address(server: FileServer, name: str) -> str:
    """Where a server has a wheel of a name; the sign of a local version is written as release pages write it."""
    return f"{server.url.rpartition('/')[0]}/{name.replace('+', '%2B')}"


def bound(name: str, server: FileServer, file: str, **more: object) -> PackageWheel:
    """A package that is bound to torch, at a server."""
    url = address(server, file)
    return PackageWheel(package=name, version="2.8.3", requirement=f"{name} @ {url}", url=url, **more)


def with_flash(index, flash, installer: str = "uv", **more: object) -> Plan:
    """Torch from the index and flash-attn from its release page."""
    wheel = bound("flash-attn", flash, flash.name, requires=("einops",), **more)
    return replace(index_plan(index.url, installer=installer), wheels=(wheel,))


def install(plan: Plan, name: str = "default"):
    """The environment and the events of its installation."""
    told = []
    return engine.install(HOST, plan, name, verify=importing(), progress=told.append), told


def gets(server: FileServer) -> int:
    """How often a server was asked."""
    return len(server.asked)


@pytest.mark.parametrize("installer", ["uv", pytest.param("pip", marks=pytest.mark.slow)])
def test_it_is_fetched_in_parts_and_its_origin_is_told(index, flash, installer):
    """Before anything else, with progress; the record and the package's own metadata name the address, not a folder."""
    environment, told = install(with_flash(index, flash, installer))
    states = [event.download for event in told if event.download is not None]
    assert states[0].file == flash.name
    assert flash.storage.sent < len(flash.content) * 1.02  # once, and the first byte
    digest = hashlib.sha256(flash.content).hexdigest()
    assert environment.origins["flash-attn"] == f"{address(flash, flash.name)}#sha256={digest}"
    assert environment.origins["torch"] == environment.origins["einops"] == "index-url"
    assert environment.first_use == ("flash-attn",)
    (wheel,) = records.read(HOST, environment.path).plan.wheels
    assert (wheel.sha256, wheel.url) == (digest, address(flash, flash.name))
    document = json.loads(distributions.metadata(HOST, environment.path, "direct_url.json")["flash-attn"])
    assert document == {
        "url": address(flash, flash.name),
        "archive_info": {"hash": f"sha256={digest}", "hashes": {"sha256": digest}},
    }
    assert find_damage(HOST, environment.path, deep=True) == ()
    if installer == "pip":
        frozen = subprocess.run([f"{environment.path}/bin/pip", "freeze"], capture_output=True, text=True, check=True)
        assert f"flash-attn @ {address(flash, flash.name)}#sha256={digest}" in frozen.stdout


@pytest.mark.slow
def test_no_login_goes_from_the_page_to_the_storage(index, flash, monkeypatch, tmp_path):
    """A login for the release page stays there."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password Qx7kPw2mZt9\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    install(with_flash(index, flash))
    assert all("authorization" in headers for _, headers in flash.asked)
    assert not any("authorization" in headers for _, headers in flash.storage.asked)


@pytest.mark.slow
def test_a_broken_download_goes_on_and_a_second_environment_fetches_nothing(index, flash):
    """What came before the break is kept; the store has the file for the next environment, under its hash."""
    flash.storage.manners = Manners(cut_every=5 << 20, cuts=1)
    install(with_flash(index, flash))
    assert flash.storage.sent < len(flash.content) * 1.1
    before = gets(flash)
    environment, told = install(with_flash(index, flash), "second")
    assert gets(flash) == before
    assert environment.first_use == ("flash-attn",)  # still nobody has promised its hash
    (stored,) = [file for file in store.contents(HOST) if file.name == flash.name]
    assert hashlib.sha256(flash.content).hexdigest() in stored.path
    assert "flash-attn" in registry.get(HOST, "second").packages
    assert any(event.stage == "done" for event in told)


def test_a_file_that_was_replaced_is_refused_and_says_whose_word_counts(index, flash):
    """Size and name are the same; the hash that the first environment recorded is not."""
    install(with_flash(index, flash))
    store.prune(HOST, 0.0)
    flash.storage.content = flash.content[:-9] + b"\0" + flash.content[-8:]
    with pytest.raises(InstallError, match="no longer serves the file that the environment `default`") as told:
        install(with_flash(index, flash), "second")
    assert "env remove default" in str(told.value.hint)
    assert registry.get(HOST, "second") is None


@pytest.mark.slow
def test_a_promised_hash_is_compared(index, flash):
    """What a plan or an address promises counts before what came; the right one is no first use."""
    with pytest.raises(InstallError, match="is not the expected one"):
        install(with_flash(index, flash, sha256="0" * 64))
    right = hashlib.sha256(flash.content).hexdigest()
    environment, _ = install(with_flash(index, flash, sha256=right))
    assert environment.first_use == ()


def test_an_address_that_is_gone_is_told_before_anything_is_downloaded(index, flash):
    """No byte of torch for an installation that cannot end."""
    flash.storage.manners.statuses = [404] * 99
    with pytest.raises(AddressError, match=r"flash-attn is not at its address \(HTTP 404\)") as told:
        install(with_flash(index, flash))
    assert "torchup wheel flash-attn" in str(told.value.hint)
    assert not [path for path in index.requests if path.endswith(".whl")]


@pytest.mark.slow
def test_an_address_that_does_not_answer_blames_no_source_of_torch(index, flash):
    """It is an error of its own kind, so that `up` does not try the next mirror for it."""
    gone = flash.url
    flash.__exit__(None, None, None)
    plan = with_flash(index, flash)
    assert plan.wheels[0].url.startswith(gone.rpartition("/")[0])
    with pytest.raises(AddressError, match="no source provided"):
        install(plan)
    flash.__enter__()


@pytest.mark.slow
def test_two_of_them_come_with_one_progress(index, flash, tmp_path):
    """Both are counted from the first state on, and both are installed."""
    name, content = wheel_bytes(tmp_path, "sageattention", "2.2.0", noise=NOISE[:100_000])
    with FileServer(content) as second:
        plan = with_flash(index, flash)
        environment, told = install(replace(plan, wheels=(*plan.wheels, bound("sageattention", second, name))))
    states = [event.download for event in told if event.download is not None]
    assert {state.all_total for state in states[:3]} == {len(content) + len(flash.content)}
    assert {"flash-attn", "sageattention"} <= set(environment.packages)
    assert environment.first_use == ("flash-attn", "sageattention")


@pytest.mark.slow
def test_what_the_user_asks_for_by_an_address_comes_the_same_way(index, tmp_path):
    """``--with "x @ https://..."``, with extras; a hash in the address is compared."""
    name, content = wheel_bytes(tmp_path, "mine", "1.0", requires=["einops; extra == 'fast'"])
    digest = hashlib.sha256(content).hexdigest()
    with FileServer(content) as server:
        plan = index_plan(index.url, "2.13.0", f"mine[fast] @ {address(server, name)}#sha256={digest}")
        environment, _ = install(plan)
        assert environment.packages["einops"] == "0.8"
        assert environment.origins["mine"] == f"{address(server, name)}#sha256={digest}"
        assert environment.first_use == ()
        assert server.sent < len(content) * 1.02
        folder = str(tmp_path / "bundle")
        for _ in range(2):  # a complete one is compared
            collect(HOST, plan, folder)
        assert install(load_bundle(HOST, folder), "air")[0].packages["mine"] == "1.0"
        wrong = index_plan(index.url, "2.13.0", f"mine @ {address(server, name)}#sha256={'0' * 64}")
        with pytest.raises(InstallError, match="is not the expected one"):
            install(wrong, "second")


@pytest.mark.slow
def test_a_wheel_of_this_machine_is_installed_from_where_it_lies(index, tmp_path):
    """A path is no address of the web: the installer takes the file itself, by its hash."""
    name, content = wheel_bytes(tmp_path, "mine", "1.0", noise=b"")
    place = tmp_path / "with space" / name
    place.parent.mkdir()
    place.write_bytes(content)
    environment, _ = install(index_plan(index.url, "2.13.0", f"mine @ {place.as_uri()}"))
    assert environment.packages["mine"] == "1.0"
    assert "mine" not in environment.origins


def test_a_bundle_holds_it_and_fetches_it_once(index, flash, tmp_path):
    """What torchup fetched is what uv reads; a complete bundle is compared without asking the page again."""
    folder = str(tmp_path / "bundle")
    made = collect(HOST, with_flash(index, flash), folder)
    assert made.files[flash.name] == hashlib.sha256(flash.content).hexdigest()
    assert flash.storage.sent < len(flash.content) * 1.02
    before = gets(flash)
    store.prune(HOST, 0.0)
    collect(HOST, with_flash(index, flash), folder)
    assert gets(flash) == before
    environment, _ = install(load_bundle(HOST, folder), "air")
    assert environment.packages["flash-attn"] == "2.8.3+cu130torch2.13"
    assert environment.first_use == ()
    (wheel,) = records.read(HOST, environment.path).plan.wheels
    assert wheel.sha256 == made.files[flash.name]


@pytest.mark.slow
def test_sizes_are_asked_for_without_a_download(index, flash):
    """Its length, and its unpacked length out of its directory; what it needs is resolved."""
    machine = Machine(os=Os.LINUX, arch="x86_64", glibc="2.39")
    found = {file.package: file for file in sizes(HOST, with_flash(index, flash), machine, here=True).files}
    assert found["flash-attn"].bytes == len(flash.content)
    assert found["flash-attn"].unpacked_bytes > len(NOISE)
    assert not found["flash-attn"].here
    assert {"torch", "einops"} <= set(found)
    assert flash.storage.sent < 200_000
    install(with_flash(index, flash))
    found = {file.package: file for file in sizes(HOST, with_flash(index, flash), machine, here=True).files}
    assert found["flash-attn"].here


@pytest.mark.slow
def test_the_store_forgets_an_address_with_its_file(index, flash):
    """What `cache prune` leaves of it: nothing."""
    install(with_flash(index, flash))
    removed = store.prune(HOST, 0.0)
    assert flash.name in {file.name for file in removed}
    left = HOST.list_dir(store.folder(HOST)) or ()
    assert [name for name in left if name.startswith("address-")] == []
