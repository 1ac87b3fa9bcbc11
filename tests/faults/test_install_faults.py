"""Sources, disks, neighbours that misbehave: the old environment works, the error is clear, the next run succeeds."""

from __future__ import annotations

import os
import random
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from support.index import serve_index
from support.plans import folder_plan, importing, index_plan
from support.wheels import make_fake_torch, make_wheel
from torchup.envs import registry
from torchup.errors import ExitCode, InstallError, TorchupError
from torchup.host import RealHost
from torchup.install import engine

pytestmark = pytest.mark.slow
AWKWARD = "tête à 'tête' $HOME \"q\" 100% 家 🦊"


@pytest.fixture
def wheels(tmp_path):
    """Wheels of two versions of torch, and a pip."""
    folder = tmp_path / "wheels"
    for version in ("2.12.0", "2.13.0"):
        make_fake_torch(folder, version)
    make_wheel(folder, "pip", "26.0")
    return folder


@pytest.fixture(autouse=True)
def impatient(monkeypatch, tmp_path):
    """A cache of its own; the tools wait seconds, not minutes, as their own variables let a user choose."""
    for name, value in {
        "UV_CACHE_DIR": str(tmp_path / "cache" / "uv"),
        "PIP_CACHE_DIR": str(tmp_path / "cache" / "pip"),
        "UV_HTTP_TIMEOUT": "2",
        "UV_HTTP_RETRIES": "0",
        "PIP_DEFAULT_TIMEOUT": "2",
        "PIP_RETRIES": "1",
    }.items():
        monkeypatch.setenv(name, value)


def install(plan, host=None, name="default", **options):
    """Install; the environment."""
    return engine.install(host or RealHost(), plan, name, verify=importing(), **options)


def torch_of(environment):
    """What the environment's own console script says, run at its final place."""
    program = Path(registry.scripts_of(environment.path)) / "torchrun"
    done = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip().endswith(f"in {environment.path}")
    return done.stdout.split()[2]


def failed(plan, host=None, **options):
    """The error of an installation that must fail."""
    with pytest.raises(TorchupError) as caught:
        install(plan, host, **options)
    assert caught.value.hint is not None
    assert caught.value.exit_code in {ExitCode.INSTALL, ExitCode.NETWORK}
    return caught.value


def nothing_over(environment):
    """Whether only environments lie beside it."""
    return not [entry for entry in Path(environment.path).parent.glob(".*") if entry.name != ".elsewhere"]


FAULTS = {
    "the index is down": ("down", ExitCode.NETWORK),
    "the index stalls on a page": ("stall-page", ExitCode.NETWORK),
    "the index stalls in a file": ("stall", None),  # uv calls what it has got by then a broken archive: 4, pip: 7
    "403 for a file": ("status:403", ExitCode.NETWORK),
    "404 for a file": ("status:404", ExitCode.NETWORK),
    "500 for a file": ("status:500", ExitCode.NETWORK),
    "the connection breaks in a file": ("cut", ExitCode.NETWORK),
    "a wrong hash": ("hash", ExitCode.INSTALL),
}


PIP_FAULTS = ("the index is down", "a wrong hash")  # each costs seconds of ensurepip


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_an_index_that_misbehaves(wheels, installer, survived):
    """Each fault ends in its documented exit code; the old environment works; a second run succeeds."""
    old = install(folder_plan(wheels, "2.12.0"))
    for kind, (fault, code) in FAULTS.items():
        if installer == "pip" and kind not in PIP_FAULTS:
            continue
        with serve_index(wheels) as index:
            index.fault, index.only = fault, "torch-2.13"
            url = "http://127.0.0.1:9/simple" if fault == "down" else index.url
            error = failed(index_plan(url, installer=installer))
        assert code in {None, error.exit_code}, f"{kind}: {error}"
        assert torch_of(old) == "2.12.0+cpu"
        assert nothing_over(old)
        survived(f"{kind} ({installer})", well=True)
    with serve_index(wheels) as index:
        assert torch_of(install(index_plan(index.url, installer=installer))) == "2.13.0+cpu"


@pytest.mark.parametrize(
    ("kind", "installer"),
    [
        ("a truncated wheel", "uv"),
        ("a web page in a wheel's place", "uv"),
        ("a wheel with a wrong member", "uv"),
    ],
)
def test_a_damaged_wheel(wheels, installer, kind, survived):
    """A damaged file is named as such, and with the right one the next run succeeds."""
    old = install(folder_plan(wheels, "2.12.0"))
    wheel = next(wheels.glob("torch-2.13*"))
    sound = wheel.read_bytes()
    page = b"<html>please log in</html>"
    damaged = {"t": sound[: len(sound) * 2 // 3], "w": sound.replace(b"torchrun of", b"TORCHRUN of")}
    wheel.write_bytes(page if "page" in kind else damaged["t" if "truncated" in kind else "w"])
    error = failed(folder_plan(wheels, installer=installer))
    assert error.code == "install.failed.archive", str(error)
    assert torch_of(old) == "2.12.0+cpu"
    wheel.write_bytes(sound)
    os.utime(wheel, (2_000_000_000, 2_000_000_000))
    assert torch_of(install(folder_plan(wheels, installer=installer))) == "2.13.0+cpu"
    survived(f"{kind} ({installer})", well=True)


@pytest.mark.parametrize("how", ["emptied", "garbage", "missing"])
def test_a_corrupt_cache(wheels, tmp_path, how, survived):
    """Uv's cache is damaged behind its back: the same run notices and does without it."""
    install(folder_plan(wheels, "2.13.0"), name="first")
    files = [path for path in (tmp_path / "cache" / "uv").rglob("torch/__init__.py") if path.is_file()]
    assert files
    for file in files:
        if how == "missing":
            file.unlink()
        else:
            file.write_text("" if how == "emptied" else "\x00garbage(")
    environment = install(folder_plan(wheels, "2.13.0"), name="second")
    assert torch_of(environment) == "2.13.0+cpu"
    survived("a corrupt cache (a file emptied, overwritten, missing)", well=True)


def test_unreadable_cache_entries(wheels, tmp_path, survived):
    """Every small file of the cache's own bookkeeping is garbage: uv makes them anew, or the error says what failed."""
    install(folder_plan(wheels, "2.13.0"), name="first")
    for file in (tmp_path / "cache" / "uv").rglob("*"):
        if file.is_file() and not any(part.startswith("archive-v") for part in file.parts):
            file.write_bytes(b"\x00\xff garbage")
    assert torch_of(install(folder_plan(wheels, "2.13.0"), name="second")) == "2.13.0+cpu"
    survived("a corrupt cache (its index files)", well=True)


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    """A tmpfs of 6 MB as torchup's home; skipped where it cannot be mounted."""
    place = tmp_path / "small disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", place], capture_output=True, check=False, timeout=10
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small tmpfs needs root")
    monkeypatch.setenv("TORCHUP_HOME", str(place / "home"))
    yield place
    subprocess.run(["umount", "-l", place], check=True, timeout=10)


@pytest.mark.parametrize(
    ("left", "installer"),
    [(0, "uv"), (4096, "uv"), (40_000, "uv"), (100_000, "uv"), (1_500_000, "uv")],
)
def test_a_full_disk(wheels, small_disk, left, installer, survived):
    """The disk is full at the first write, in the middle, near the end: exit 4, old environment works, nothing lost."""
    make_fake_torch(wheels, "2.13.0", padding=2_000_000)
    old = install(folder_plan(wheels, "2.12.0"))
    filler = small_disk / "filler"
    free = os.statvfs(small_disk)
    with filler.open("wb") as file:
        file.write(bytes(max(free.f_bavail * free.f_frsize - left, 0)))
    error = failed(folder_plan(wheels, installer=installer))
    assert error.exit_code == ExitCode.INSTALL
    assert torch_of(old) == "2.12.0+cpu"
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=60m", small_disk], check=True, timeout=10)
    environment = install(folder_plan(wheels, installer=installer))
    assert torch_of(environment) == "2.13.0+cpu"
    assert nothing_over(environment)
    survived(f"a full disk ({installer})", well=True)


@pytest.mark.parametrize("seed", range(20))
def test_the_disk_fills_at_any_point(wheels, small_disk, seed, survived):
    """Twenty random amounts of space: the old environment works, and with space the next run succeeds."""
    left = random.Random(seed).randrange(3_000_000)  # noqa: S311  # not for secrets
    make_fake_torch(wheels, "2.13.0", padding=2_000_000)
    old = install(folder_plan(wheels, "2.12.0"))
    filler = small_disk / "filler"
    free = os.statvfs(small_disk)
    with filler.open("wb") as file:
        file.write(bytes(max(free.f_bavail * free.f_frsize - left, 0)))
    try:
        install(folder_plan(wheels))
    except InstallError:
        assert torch_of(old) == "2.12.0+cpu"
    else:
        assert torch_of(old) == "2.13.0+cpu"  # it was enough
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=60m", small_disk], check=True, timeout=10)
    environment = install(folder_plan(wheels))
    assert torch_of(environment) == "2.13.0+cpu"
    assert nothing_over(environment)
    survived("a disk that fills at a random point (uv)", well=True)


def test_a_read_only_data_folder(wheels, small_disk, survived):
    """Nothing can be written: exit 4 and a hint; the old environment works; writable again, the next run succeeds."""
    old = install(folder_plan(wheels, "2.12.0"))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True, timeout=10)
    error = failed(folder_plan(wheels))
    assert "Read-only file system" in str(error)
    assert torch_of(old) == "2.12.0+cpu"
    subprocess.run(["mount", "-o", "remount,rw,size=60m", small_disk], check=True, timeout=10)
    assert torch_of(install(folder_plan(wheels))) == "2.13.0+cpu"
    survived("a read-only data folder", well=True)


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_awkward_paths(wheels, tmp_path, installer, monkeypatch, survived):
    """Spaces, quotes, dollar and percent signs, Chinese and an emoji in every path: programs and activation work."""
    # pip's own console scripts cannot stand in a folder with " or $ in its name, wherever they are made
    awkward = AWKWARD if installer == "uv" else AWKWARD.replace('"', "").replace("$", "")
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / awkward))
    wheels = wheels.rename(tmp_path / f"w {awkward}")
    place = str(tmp_path / awkward / "x" / awkward)
    assert torch_of(install(folder_plan(wheels, installer=installer), name="项目", path=place)) == "2.13.0+cpu"
    assert torch_of(registry.find(RealHost(), "项目")) == "2.13.0+cpu"
    activate = f". {shlex.quote(place + '/bin/activate')} && command -v torchrun"
    done = subprocess.run(["bash", "-c", activate], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == f"{place}/bin/torchrun"
    survived(f"awkward characters in every path ({installer})", well=True)


class ClockSetBack(RealHost):
    """A machine whose clock lost its battery."""

    def now(self):
        """New year 1980."""
        return datetime(1980, 1, 1, tzinfo=UTC)


def test_the_clock_is_set_back(wheels, survived):
    """An environment from the future is upgraded, rolled back and re-used; no decision looks at the clock."""
    old = install(folder_plan(wheels, "2.12.0"))
    for path in Path(old.path).rglob("*"):
        if not path.is_symlink():
            os.utime(path, (4_000_000_000, 4_000_000_000))
    new = install(folder_plan(wheels), ClockSetBack())
    assert torch_of(new) == "2.13.0+cpu"
    assert torch_of(registry.roll_back(ClockSetBack(), "default")) == "2.12.0+cpu"
    assert install(folder_plan(wheels, "2.12.0"), ClockSetBack()).created_at == old.created_at
    survived("the clock set back by decades", well=True)


class HeldOpen(RealHost):
    """Windows: a program holds a file open, so that the folder cannot be renamed, for ``times`` attempts."""

    def __init__(self, target, times):
        self.target, self.left = target, times

    def exchange(self, *_):
        """Windows has none."""
        return False

    def rename(self, source, target):
        """Refused while the file is held."""
        if source == self.target and self.left:
            self.left -= 1
            raise PermissionError(13, "The process cannot access the file because it is being used", source)
        super().rename(source, target)


@pytest.mark.parametrize("times", [1, 3, 1000])
def test_a_file_is_held_open(wheels, times, survived):
    """For a moment: the swap waits. For longer: exit 4, the old environment stays, and later the next run succeeds."""
    old = install(folder_plan(wheels, "2.12.0"))
    host = HeldOpen(old.path, times)
    if times < 10:
        assert torch_of(install(folder_plan(wheels), host)) == "2.13.0+cpu"
    else:
        error = failed(folder_plan(wheels), host)
        assert "being used" in str(error)
        assert torch_of(old) == "2.12.0+cpu"
        assert nothing_over(old)
        assert torch_of(install(folder_plan(wheels))) == "2.13.0+cpu"
    assert torch_of(registry.roll_back(RealHost(), "default")) == "2.12.0+cpu"
    survived("a file of the environment held open (Windows semantics simulated)", well=True)


def test_the_python_of_an_environment_has_gone(wheels, survived):
    """The interpreter that it was made with was removed: not taken for satisfied, made anew."""
    old = install(folder_plan(wheels))
    link = Path(old.path) / "bin" / "python"
    link.unlink()
    link.symlink_to("/nowhere/python3")
    assert torch_of(install(folder_plan(wheels))) == "2.13.0+cpu"
    survived("the environment's Python removed", well=True)


def test_a_python_is_fetched_from_the_mirror_that_the_user_names(wheels, tmp_path, monkeypatch, survived):
    """Without the planned Python uv asks UV_PYTHON_INSTALL_MIRROR; a mirror that has none is a clear error."""
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "pythons"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with serve_index(wheels) as index:
        monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", index.url.removesuffix("/simple"))
        plan = index_plan(index.url)
        error = failed(msgspec.structs.replace(plan, python="3.14", python_path=None))
    assert any("cpython-3.14" in request for request in index.requests), index.requests
    assert "3.14" in str(error)
    survived("the planned Python is not at its mirror", well=True)


class ClockRunsAway(RealHost):
    """A machine whose clock is set forward and back while it installs."""

    def __init__(self):
        self.asked = 0

    def now(self):
        """A decade forward, then one back, at each question."""
        self.asked += 1
        return datetime(2036 if self.asked % 2 else 2016, 1, 1, tzinfo=UTC)


def test_the_clock_is_set_while_it_installs(wheels, survived):
    """Forward and back in the middle: the upgrade, the roll-back and the next run are as ever."""
    host = ClockRunsAway()
    install(folder_plan(wheels, "2.12.0"), host)
    assert torch_of(install(folder_plan(wheels), host)) == "2.13.0+cpu"
    assert torch_of(registry.roll_back(host, "default")) == "2.12.0+cpu"
    assert torch_of(install(folder_plan(wheels), host)) == "2.13.0+cpu"
    survived("the clock set forward and back while installing", well=True)
