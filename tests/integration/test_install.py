"""The engine with real uv and real pip on wheels made on the spot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.plans import folder_plan, importing, refusing
from support.wheels import make_fake_torch, make_wheel
from torchup.envs import registry, transaction
from torchup.errors import ExitCode, InstallError, UsageError, VerifyError
from torchup.host import RealHost
from torchup.install import engine
from torchup.install.keep import changes

HOST = RealHost()


@pytest.fixture(autouse=True)
def uv_cache_of_its_own(monkeypatch, tmp_path):
    """No test sees wheels that another one has cached."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))


@pytest.fixture
def wheels(tmp_path):
    """A folder with two versions of torch, a dependency, pip and a package of the user's."""
    folder = tmp_path / "wheels 轮子"
    for version in ("2.12.0", "2.13.0"):
        make_fake_torch(folder, version, requires=["filelock"])
    make_wheel(folder, "filelock", "3.1")
    make_wheel(folder, "mine", "1.0", scripts={"mine": "mine:main"}, files={"mine/__init__.py": "def main(): print(7)"})
    return folder


def install(plan, name="default", **options):
    """Install with a verification that imports torch, and keep what was told."""
    told = []
    environment = engine.install(HOST, plan, name, verify=importing(), progress=told.append, **options)
    return environment, [event.stage for event in told]


def run(environment, *words):
    """Run a program of an environment."""
    program = Path(registry.scripts_of(environment.path)) / words[0]
    return subprocess.run([program, *words[1:]], capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def leftovers(path):
    """What lies beside an environment that is not an environment."""
    names = [entry.name for entry in Path(path).parent.iterdir()]
    return [name for name in names if name.startswith(".") and name != ".elsewhere"]


def test_an_environment_is_made_and_its_programs_work_after_the_rename(wheels):
    """Uv's environment works at its final place: Python, console scripts, packages, record."""
    environment, stages = install(folder_plan(wheels))
    assert stages[-3:] == ["verify", "swap", "done"]
    assert (environment.torch, environment.variant, environment.python) == ("2.13.0", "cpu", _version())
    assert environment.packages["filelock"] == "3.1"
    assert run(environment, "torchrun") == f"torchrun of 2.13.0+cpu in {environment.path}"
    assert registry.find(HOST, "default") == environment
    assert not leftovers(environment.path)


def _version():
    return ".".join(map(str, sys.version_info[:3]))


def test_the_second_time_there_is_nothing_to_do(wheels):
    """An environment that is as planned is re-used without starting a process."""
    first, _ = install(folder_plan(wheels))
    second, stages = install(folder_plan(wheels))
    assert stages == ["reused"]
    assert second == first


def test_an_upgrade_keeps_what_the_user_added_and_says_what_changed(wheels):
    """A package that the user installed is taken over at its version; torch's own dependency is not pinned."""
    first, _ = install(folder_plan(wheels, "2.12.0"))
    uv = Path(sys.executable).with_name("uv")
    python = registry.python_of(first.path)
    subprocess.run([uv, "pip", "install", "--no-index", "-f", wheels, "-p", python, "mine"], check=True)
    second, stages = install(folder_plan(wheels, "2.13.0"))
    assert "keep" in stages
    assert run(second, "mine") == "7"
    assert second.requested == ("torch==2.13.0+cpu", "mine")
    changed = [(c.name, c.before, c.after) for c in changes(first.packages, second.packages)]
    assert changed == [("mine", None, "1.0"), ("torch", "2.12.0+cpu", "2.13.0+cpu")]


@pytest.mark.slow
def test_a_kept_package_gives_way_where_its_version_does_not_fit(wheels):
    """If the user's version conflicts with the new torch, another version of the package is taken."""
    make_wheel(wheels, "picky", "1.0", requires=["torch<2.13"])
    install(folder_plan(wheels, "2.12.0", "picky==1.0"))
    make_wheel(wheels, "picky", "2.0", requires=["torch>=2.13"])
    second, _ = install(folder_plan(wheels, "2.13.0"))
    assert second.packages["picky"] == "2.0"


def test_a_failed_verification_leaves_the_old_environment(wheels):
    """What does not work is not put in place: exit code 5, old torch still there, nothing left over."""
    old, _ = install(folder_plan(wheels, "2.12.0"))
    with pytest.raises(VerifyError) as caught:
        engine.install(HOST, folder_plan(wheels), "default", verify=refusing)
    assert "matmul: wrong numbers" in str(caught.value)
    assert caught.value.exit_code == ExitCode.VERIFY
    assert run(old, "torchrun").startswith("torchrun of 2.12.0+cpu")
    assert not leftovers(old.path)


def test_a_plan_that_cannot_be_resolved_is_explained(wheels):
    """A version that no source has is exit code 4 with the tool's words."""
    with pytest.raises(InstallError) as caught:
        install(folder_plan(wheels, "9.9.9"))
    assert caught.value.code == "install.failed.no-solution"
    assert "9.9.9" in str(caught.value)


@pytest.mark.slow
def test_rollback_goes_back_and_forth(wheels):
    """The previous version comes back with working programs, and a second rollback undoes the first."""
    install(folder_plan(wheels, "2.12.0"))
    install(folder_plan(wheels, "2.13.0"))
    assert run(registry.roll_back(HOST, "default"), "torchrun").startswith("torchrun of 2.12.0")
    assert run(registry.roll_back(HOST, "default"), "torchrun").startswith("torchrun of 2.13.0")


@pytest.mark.slow
def test_user_settings_of_uv_do_not_change_the_choice(wheels, monkeypatch, tmp_path):
    """UV_* variables that name other places, or ask for another torch, are not obeyed."""
    for name, value in {
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
        "UV_INDEX": "http://127.0.0.1:9/simple",
        "UV_TORCH_BACKEND": "cu126",
        "UV_EXCLUDE_NEWER": "2001-01-01T00:00:00Z",
        "UV_CONSTRAINT": str(tmp_path / "nowhere.txt"),
        "UV_NO_BINARY": "1",
        "UV_REQUIRE_HASHES": "1",
        "UV_PYTHON": "2.7",
    }.items():
        monkeypatch.setenv(name, value)
    environment, _ = install(folder_plan(wheels))
    assert environment.torch == "2.13.0"


@pytest.mark.slow
def test_constraints_of_the_plan_hold(wheels):
    """A constraint line decides about a dependency's version."""
    make_wheel(wheels, "filelock", "3.2")
    environment, _ = install(folder_plan(wheels, constraints=("filelock<3.2",)))
    assert environment.packages["filelock"] == "3.1"


@pytest.mark.slow
def test_path_puts_an_environment_anywhere(wheels, tmp_path):
    """``path`` makes it there; it is found by name, and removed with its pointer."""
    place = tmp_path / "项目 x" / ".venv"
    environment, _ = install(folder_plan(wheels), "project", path=str(place))
    assert environment.path == str(place)
    assert [e.name for e in registry.list_environments(HOST)] == ["project"]
    registry.remove(HOST, "project")
    assert not place.exists()
    assert registry.list_environments(HOST) == ()


@pytest.mark.slow
def test_a_long_chinese_path_is_a_path_like_any_other(wheels, tmp_path):
    """180 Chinese characters are 540 bytes: no file of torchup's has the whole path as its name."""
    place = tmp_path.joinpath(*(["项目" * 15] * 6))
    environment, _ = install(folder_plan(wheels), "long", path=str(place))
    assert run(environment, "torchrun").endswith(str(place))


def test_a_folder_that_is_not_ours_is_not_touched(wheels, tmp_path):
    """A non-empty folder in the way is refused."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.tex").write_text("x")
    with pytest.raises(InstallError, match="no readable record"):
        install(folder_plan(wheels), "x", path=str(tmp_path / "work"))
    assert (tmp_path / "work" / "thesis.tex").read_text() == "x"


def test_too_little_space_is_told_before_anything_is_downloaded(wheels):
    """A build larger than the disk is refused at once."""
    plan = folder_plan(wheels)
    huge = type(plan.build)(torch="2.13.0", variant="cpu", size_bytes=10**15)
    with pytest.raises(InstallError) as caught:
        install(folder_plan(wheels).__class__(build=huge, python=plan.python, packages=plan.packages))
    assert caught.value.code == "install.disk-space"


@pytest.mark.slow
def test_adopt_takes_an_environment_as_it_is(wheels, tmp_path):
    """An adopted environment is listed with what is in it; removing it forgets it and deletes nothing."""
    place = tmp_path / "old env"
    install(folder_plan(wheels, "2.12.0"), "made", path=str(place))
    (place / "torchup-environment.json").unlink()
    before = sorted(place.iterdir())
    adopted = registry.adopt(HOST, str(place), "mine")
    assert (adopted.torch, adopted.variant, adopted.adopted) == ("2.12.0", "cpu", True)
    assert registry.find(HOST, "mine") == adopted
    registry.remove(HOST, "mine")
    assert sorted(place.iterdir()) == before


def test_unknown_names_are_guessed(wheels):
    """A mistyped name is exit code 2 with the right one."""
    install(folder_plan(wheels), "default")
    with pytest.raises(UsageError) as caught:
        registry.find(HOST, "defualt")
    assert "default" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["", ".x", "-x", "a/b", "con", "x.previous", "a" * 65, "a\nb", "x.staging", ".."])
def test_names_that_no_environment_may_have(name):
    """Names that leave the folder, hide, or mean something to Windows are refused."""
    with pytest.raises(UsageError):
        registry.check_name(name)


@pytest.mark.slow
def test_the_pip_engine_makes_the_same(wheels):
    """Pip and uv install the same packages; console scripts and activation survive the rename."""
    environment, _ = install(folder_plan(wheels, installer="pip"))
    other, _ = install(folder_plan(wheels), "other")
    ours = {name: version for name, version in environment.packages.items() if name not in {"pip", "setuptools"}}
    assert ours == other.packages
    assert run(environment, "torchrun") == f"torchrun of 2.13.0+cpu in {environment.path}"
    assert run(environment, "pip", "--version").split()[3].startswith(environment.path)
    shell = f'. "{environment.path}/bin/activate" && command -v torchrun && echo "$VIRTUAL_ENV"'
    out = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True, timeout=60).stdout
    assert out.splitlines() == [f"{environment.path}/bin/torchrun", environment.path]


@pytest.mark.slow
def test_what_a_kill_left_is_cleared(wheels):
    """Half an environment in staging is removed by the next run."""
    target = registry.environment_path(HOST, "default")
    half = Path(transaction.new_staging(target))
    half.mkdir(parents=True)
    (half / "junk").write_text("x")
    environment, stages = install(folder_plan(wheels))
    assert stages[0] == "recover"
    assert not leftovers(environment.path)
