"""The engine with the conda installer: planned for a machine, solved, staged, verified, swapped, run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from support.bench import torch_python
from support.conda_channel import VERSION, build, index, small_forge
from support.conda_server import serve
from support.plans import importing, refusing
from support.wheels import make_wheel
from torchup.catalog import load_catalog
from torchup.cli import main
from torchup.detect import detect_machine
from torchup.encoding import to_json
from torchup.envs import registry, transaction
from torchup.envs.damage import DamageKind, find_damage, prefix_of
from torchup.errors import InstallError, NetworkError, NoBuildError, VerifyError
from torchup.host import RealHost, RecordedHost
from torchup.host.recorded import load_recording
from torchup.install import engine
from torchup.jobs import restore
from torchup.model import (
    Build,
    Driver,
    Gpu,
    InstallerName,
    Machine,
    Os,
    Plan,
    Request,
    Source,
    Survey,
    Vendor,
)
from torchup.plan import conda, resolve

pytest.importorskip("rattler", reason="py-rattler is an optional extra: pip install 'torchup[conda]'")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the packages are for Linux")]

HOST = RealHost()
ARCH = os.uname().machine
SUBDIR = "linux-64" if ARCH == "x86_64" else "linux-aarch64"


class Channel(NamedTuple):
    """Where the small conda-forge lies and what serves it."""

    folder: Path
    url: str


@pytest.fixture(scope="module")
def channel(tmp_path_factory):
    """A small conda-forge, served."""
    folder = tmp_path_factory.mktemp("channel 频道")
    build(folder, *small_forge(SUBDIR))
    index(folder)
    with serve(folder) as served:
        yield Channel(folder, served.url)


def machine(capability: str | None = None, cuda: str | None = None) -> Machine:
    """A Linux machine, with or without a GPU."""
    gpus = (Gpu(vendor=Vendor.NVIDIA, compute_capability=capability),) if capability else ()
    drivers = (Driver(vendor=Vendor.NVIDIA, cuda_api=cuda),) if cuda else ()
    return Machine(os=Os.LINUX, arch=ARCH, kernel="6.8.0", glibc="2.35", gpus=gpus, drivers=drivers)


def plan(channel, variant="cpu", on=None, packages=("where", "native"), **changes) -> Plan:
    """A plan as `torchup plan --installer conda` makes it, its bytes from ``channel`` (a folder or a URL)."""
    chosen = Build(torch="2.13.0", variant=variant, source="conda-forge")
    url = channel if isinstance(channel, str) else channel.url
    order = conda.order(on or machine(), chosen, VERSION, packages, mirrors={conda.CONDA_FORGE: (url,)})
    order = msgspec.structs.replace(order, **changes)
    return Plan(build=chosen, python=VERSION, installer=InstallerName.CONDA, packages=("torch==2.13.0",), conda=order)


def install(wanted: Plan, name="default", verify=None):
    """Install and return the environment and what was told."""
    told = []
    environment = engine.install(HOST, wanted, name, verify=verify or importing(), progress=told.append)
    return environment, told


def run(environment, *words) -> str:
    """Output of a program of an environment."""
    program = f"{environment.path}/bin/{words[0]}"
    return subprocess.run([program, *words[1:]], capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_damage_of_a_linked_package_is_found_and_repaired(channel):
    """What py-rattler links is sound to the last hash; a file that was changed is named, and made again."""
    wanted = plan(channel)
    environment, _ = install(wanted, "damaged")
    assert find_damage(HOST, environment.path, deep=True) == ()
    module = next(Path(environment.path).rglob("site-packages/torch/__init__.py"))
    module.unlink()
    module.write_text("broken = True\n")
    (one,) = find_damage(HOST, environment.path, deep=True)
    assert (one.file, one.conda, one.weighs) == (str(module), "pytorch==2.13.0", True)
    module.write_text("")
    assert find_damage(HOST, environment.path)[0].kind is DamageKind.EMPTIED
    again, _ = install(wanted, "damaged")
    assert find_damage(HOST, again.path, deep=True) == ()


def test_damage_that_keeps_its_size_is_repaired_by_conda(channel, monkeypatch):
    """A file that was edited in place is damaged in conda's cache, too; the repair gets past it."""

    def proof(host, python, **_):
        sound = find_damage(host, prefix_of(python), deep=True) == ()
        return msgspec.structs.replace(importing()(python), passed=sound)

    monkeypatch.setattr("torchup.jobs.restore.verify_environment", proof)
    environment, _ = install(plan(channel), "flipped")
    module = next(Path(environment.path).rglob("site-packages/torch/__init__.py"))
    module.write_bytes(module.read_bytes().swapcase())
    broken = restore.examine(HOST, "flipped")
    assert [one.kind for one in broken.damage] == [DamageKind.CONTENT]
    again = restore.restore(HOST, broken, lambda _: None)
    assert restore.examine(HOST, "flipped").sound
    assert again.packages == environment.packages


def test_a_planned_environment_is_made_and_runs(channel):
    """The whole way: solved, linked, verified, swapped; programs and torch know their final place."""
    environment, told = install(plan(channel))
    assert (environment.torch, environment.variant, environment.source) == ("2.13.0", "cpu", "conda-forge")
    assert environment.packages["torch"] == "2.13.0"
    assert run(environment, "where") == environment.path
    assert f"{environment.path}/share" in run(environment, "native")
    assert run(environment, "python", "-c", "import torch; print(torch.prefix)") == environment.path
    details = " ".join(event.detail or "" for event in told)
    assert "pytorch 2.13.0" in details
    assert "127.0.0.1" not in (HOST.read_text(f"{environment.path}/torchup-conda.lock") or "127.0.0.1")


RECORDINGS = Path(__file__).parents[1] / "machines"


@pytest.mark.parametrize(
    ("name", "virtual", "variant", "flavour"),
    [
        ("linux-ubuntu-l40s-595", ("__cuda=13.", "__cuda_arch=8.9"), "cu130", "cuda130"),
        ("linux-ubuntu-rtx4090", ("__cuda=12.4", "__cuda_arch=8.9"), "cu129", "cuda129"),
        ("linux-ubuntu-mixed-4090-1080", ("__cuda=", "__cuda_arch=6.1"), "cu129", "cuda129"),
        ("linux-debian-n305-uhd", (), "cpu", "cpu"),
    ],
)
def test_a_recorded_machine_gets_its_build_whatever_this_machine_is(channel, name, virtual, variant, flavour):
    """Detected from a recording, planned from the catalogue, solved with its virtual packages, installed, run."""
    recording = load_recording((RECORDINGS / name / "recording.json").read_text("utf-8"))
    recorded = detect_machine(RecordedHost(recording))
    recorded = msgspec.structs.replace(recorded, arch=ARCH)  # packages must run on the machine that tests
    request = Request(installer=InstallerName.CONDA, python=VERSION, torch="2.13.0")
    mirrors = {conda.CONDA_FORGE: (channel.url,)}
    planned = resolve(recorded, request, load_catalog(), Survey(conda_mirrors=mirrors))
    found = planned.conda.virtual_packages
    assert all(any(text.startswith(start) for text in found) for start in virtual), found
    assert bool(virtual) == any(text.startswith("__cuda") for text in found)
    assert planned.build.variant == variant
    environment, _ = install(planned)
    assert run(environment, "python", "-c", "import torch; print(torch.flavour)") == flavour


def test_the_whole_way_on_the_command_line(tmp_path, monkeypatch, capsys):
    """`env create --installer conda` with a real torch behind the channel: planned, installed, climbed, shown."""
    site = subprocess.run(
        [torch_python(), "-c", "import os, torch; print(os.path.dirname(os.path.dirname(torch.__file__)))"],
        capture_output=True, text=True, check=True, timeout=120,
    ).stdout.strip()  # fmt: skip
    monkeypatch.setenv("HOME", str(tmp_path))
    build(tmp_path / "forge", *small_forge(SUBDIR, site))
    url = index(tmp_path / "forge")
    options = ["--installer", "conda", "--mirror", url, "--python", VERSION, "--cpu", "--yes"]
    assert main(["env", "create", "demo", *options]) == 0, capsys.readouterr()
    out = capsys.readouterr().out
    assert "matrix products are correct" in out
    assert main(["env", "show", "demo", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["data"]
    assert "conda-forge" in json.dumps(shown)


def test_a_damaged_package_cache_is_noticed_and_gone_around(channel):
    """A file of the cache was edited (environments are linked to it): the second try fetches the package again."""
    first, _ = install(plan(channel))
    (file,) = Path(HOST.folders().cache, "conda", "pkgs").glob("pytorch-*/**/torch/parts.py")
    file.write_text("import nonsense_of_a_damaged_disk")
    HOST.remove(first.path)
    second, told = install(plan(channel))
    assert "install.cache-damaged" in [event.text.code for event in told]
    assert run(second, "python", "-c", "import torch; print(torch.flavour)") == "cpu"


def test_a_build_that_the_machine_cannot_run_is_refused_with_the_reason(channel):
    """A Pascal card cannot have the CUDA 13 build: the solver's reasons, no environment, nothing left behind."""
    with pytest.raises(NoBuildError) as caught:
        install(plan(channel, "cu130", machine("6.1", "13.0")))
    assert "__cuda_arch" in str(caught.value)
    assert registry.get(HOST, "default") is None
    assert HOST.list_dir(registry.environments_folder(HOST)) in {None, ()}


def test_replacing_keeps_packages_and_rolling_back_finds_its_own_paths(channel, tmp_path):
    """An upgrade takes over what the user added with conda and pip; after a rollback the previous one works again."""
    first, _ = install(plan(channel))
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "mine", "1.0", files={"mine/__init__.py": "value = 7"})
    uv = [sys.executable, "-m", "uv", "pip", "install", "--offline", "--no-index", "--find-links", str(wheels)]
    subprocess.run([*uv, "--python", f"{first.path}/bin/python", "mine"], check=True, capture_output=True)
    wanted = plan(channel, "cu129", machine("8.6", "12.9"), packages=())
    wanted = msgspec.structs.replace(wanted, sources=(Source(name="find-links", url=str(wheels), kind="find-links"),))
    second, _ = install(wanted)
    assert run(second, "python", "-c", "import torch, mine; print(torch.flavour, mine.value)") == "cuda129 7"
    assert run(second, "where") == second.path  # asked for the first time, still there
    registry.roll_back(HOST, "default")
    assert run(first, "python", "-c", "import torch; print(torch.flavour)") == "cpu"
    assert run(first, "where") == first.path


def test_from_a_cuda_build_back_to_the_cpu(channel):
    """What the old plan asked for in torch's family does not bind the new one; the user's packages stay."""
    install(plan(channel, "cu129", machine("8.6", "12.9"), packages=("where",)))
    environment, _ = install(plan(channel, packages=()))
    assert run(environment, "python", "-c", "import torch; print(torch.flavour)") == "cpu"
    assert run(environment, "where") == environment.path
    third, _ = install(plan(channel, "cu129", machine("8.6", "12.9"), packages=()))
    assert run(third, "where") == third.path  # asked for once, two replacements ago


def test_a_second_run_has_nothing_to_do(channel):
    """An environment that is as planned is not solved again."""
    install(plan(channel))
    _, told = install(plan(channel))
    assert [event.stage for event in told] == ["reused"]


def test_an_environment_that_does_not_work_is_not_put_in_place(channel):
    """A failed verification leaves the old environment as it was."""
    first, _ = install(plan(channel))
    with pytest.raises(VerifyError):
        install(plan(channel, "cu129", machine("8.6", "12.9")), verify=refusing)
    assert run(first, "python", "-c", "import torch; print(torch.flavour)") == "cpu"


def test_a_dead_channel_is_a_network_error(channel):
    """Nobody answers: exit code 7, the old environment works."""
    first, _ = install(plan(channel))
    with pytest.raises(NetworkError):
        install(plan("http://127.0.0.1:9", "cu129", machine("8.6", "12.9")))
    assert run(first, "where") == first.path


CHILD = """
import sys
from support.plans import importing
from torchup.encoding import from_json
from torchup.host import RealHost
from torchup.install import engine
from torchup.jobs import restore
from torchup.model import Plan
engine.install(RealHost(), from_json(sys.stdin.read(), Plan), "default", verify=importing())
"""


@pytest.mark.parametrize("part", ["repodata_shards", "pytorch-2.13.0"])
def test_kill_in_the_middle_leaves_the_old_one_and_a_second_run_succeeds(channel, part, tmp_path):
    """SIGKILL while the index or a package is on its way: the old environment works, the next run finishes."""
    first, _ = install(plan(channel, packages=("where",)))
    wanted = plan(channel, "cu129", machine("8.6", "12.9"))
    HOST.remove(f"{HOST.folders().cache}/conda")
    with serve(channel.folder, broken={part: "stalled"}) as served:
        stalled = plan(served.url, "cu129", machine("8.6", "12.9"))
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD],
            stdin=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )
        child.stdin.write(to_json(stalled).encode())
        child.stdin.close()
        wait_for(lambda: any(part in path for path in served.started))
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert run(first, "python", "-c", "import torch; print(torch.flavour)") == "cpu"
    second, _ = install(wanted)
    assert run(second, "python", "-c", "import torch; print(torch.flavour)") == "cuda129"
    assert not HOST.exists(transaction.staging_root(second.path))


def wait_for(condition, seconds=20.0):
    """Until it holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_install_error_carries_the_words_of_the_runner(channel, tmp_path):
    """A prefix that cannot be written is told as such."""
    target = tmp_path / "full"
    target.write_text("a file in the way")
    wanted = plan(channel)
    with pytest.raises(InstallError):
        engine.install(HOST, wanted, "default", path=str(target / "env"), verify=importing())
