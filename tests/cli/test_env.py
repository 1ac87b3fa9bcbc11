"""`torchup env` and `torchup self` as a user types them: stdout, stderr, exit codes."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from support.plans import folder_plan, importing
from support.wheels import make_fake_torch, make_wheel
from torchup.cli import main
from torchup.cli.session import Session
from torchup.envs import kernels, registry, transaction
from torchup.errors import UsageError
from torchup.host import RealHost
from torchup.install import engine
from torchup.model import Environment
from torchup.own_commands import remove_torchup


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A home with the environment `default`: torch 2.13 now, 2.12 before; and the wheels."""
    root = tmp_path_factory.mktemp("env")
    wheels = root / "wheels"
    for version in ("2.12.0", "2.13.0"):
        make_fake_torch(wheels, version)
    make_wheel(wheels, "pip", "26.0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCHUP_HOME", str(root / "home"))
        patch.setenv("UV_CACHE_DIR", str(root / "cache"))
        for version in ("2.12.0", "2.13.0"):
            engine.install(RealHost(), folder_plan(wheels, version), "default", verify=importing())
    return root / "home"


@pytest.fixture
def home(made, tmp_path, monkeypatch):
    """A copy of that home for one test, as this process's."""
    place = tmp_path / "my home"
    shutil.copytree(made, place, symlinks=True)
    monkeypatch.setenv("TORCHUP_HOME", str(place))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.chdir(tmp_path)
    return place


def torchup(capsys, *words):
    """Run a command line in this process: (exit code, stdout, stderr)."""
    code = main(list(words))
    out, err = capsys.readouterr()
    return code, out, err


def document(capsys, *words):
    """The JSON document of a command line."""
    code, out, _ = torchup(capsys, *words, "--json")
    answer = json.loads(out)
    assert answer["exit_code"] == code
    return answer


def test_list_shows_what_is_there(home, capsys):
    """A line an environment, a star at the one that commands work on."""
    code, out, _ = torchup(capsys, "env", "list")
    assert code == 0
    assert "default *" in out
    assert "2.13.0+cpu" in out
    assert document(capsys, "env", "list")["data"][0]["torch"] == "2.13.0"


def test_an_environment_that_uses_mps_is_called_so_in_text_and_json(tmp_path, monkeypatch, capsys):
    """The one macOS build calls itself `cpu`; where its GPU was used, all the verbs say `mps`."""
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    make_fake_torch(tmp_path / "wheels", "2.13.0")
    imported = importing()

    def verify(python):
        found = imported(python)
        return msgspec.structs.replace(found, torch=msgspec.structs.replace(found.torch, devices=("mps", "cpu")))

    engine.install(RealHost(), folder_plan(tmp_path / "wheels", "2.13.0"), "default", verify=verify)
    for words in (("env", "list"), ("env", "show")):
        code, out, _ = torchup(capsys, *words)
        assert (code, "2.13.0+mps" in out) == (0, True)
    assert document(capsys, "env", "list")["data"][0]["variant"] == "mps"
    assert document(capsys, "env", "show")["data"]["environment"]["variant"] == "mps"


def test_list_of_nothing_says_how_to_begin(capsys):
    """Without environments: exit 0 and the first command."""
    code, out, _ = torchup(capsys, "env", "list")
    assert (code, out) == (0, "no environments yet; run `torchup up` to make one\n")


def test_show_says_what_from_where_and_how_to_use_it(home, capsys):
    """Version, source, verification, previous version, and a whole line to copy for the shell."""
    code, out, _ = torchup(capsys, "env", "show")
    assert code == 0
    for part in ("2.13.0+cpu", "find-links (uv)", "1 of 1 checks passed", "2.12.0+cpu", "torchup env run default --"):
        assert part in out
    assert f"source '{home}/data/envs/default/bin/activate'" in out
    shells = document(capsys, "env", "show", "default")["data"]["activation"]
    assert set(shells) == {"bash", "zsh", "fish", "powershell"}


def test_an_unknown_name_is_guessed(home, capsys):
    """Exit 2, the name, the likely one; the same in JSON."""
    code, out, err = torchup(capsys, "env", "show", "defualt")
    assert (code, out) == (2, "")
    assert "there is no environment `defualt`" in err
    assert "did you mean `default`?" in err
    assert document(capsys, "env", "show", "nope")["messages"][0]["code"] == "envs.unknown"


def test_run_passes_output_and_exit_code_through(home):
    """The program's stdout, stderr and exit code are its own; it runs in the environment."""
    program = "import sys, torch; print(torch.__version__, sys.prefix); print('e', file=sys.stderr); sys.exit(7)"
    done = subprocess.run(
        [sys.executable, "-m", "torchup", "env", "run", "default", "--", "python", "-c", program],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (7, f"2.13.0+cpu {home}/data/envs/default\n", "e\n")


def test_run_without_a_name_and_with_options_of_the_program(home, capfd):
    """`--` alone means the project's environment; the program's options are not torchup's."""
    assert main(["env", "run", "--", "python", "-c", "import sys; print(sys.argv[1:])", "--json", "-v"]) == 0
    assert capfd.readouterr().out == "['--json', '-v']\n"
    assert main(["env", "run", "--", "torchrun"]) == 0
    assert "torchrun of 2.13.0+cpu" in capfd.readouterr().out


def test_run_of_nothing_and_of_what_is_not_there(home, capsys):
    """No program: exit 2 with an example; one that is not there: 127, as shells say."""
    code, _, err = torchup(capsys, "env", "run", "default", "--")
    assert code == 2
    assert "torchup env run NAME -- python train.py" in err
    assert torchup(capsys, "env", "run", "--", "no-such-program")[0] == 127
    code, _, err = torchup(capsys, "env", "run", "default", "python", "train.py")
    assert (code, "torchup env run default -- PROGRAM" in err) == (2, True)


def test_a_name_without_separator_is_understood_without_a_default_environment(home, tmp_path, capsys):
    """The environment that was not named is not blamed."""
    (home / "data" / "envs" / "default").rename(home / "data" / "envs" / "lab")
    code, _, err = torchup(capsys, "env", "run", "lab")
    assert (code, "torchup env run lab -- PROGRAM" in err) == (2, True)


@pytest.mark.parametrize(
    ("program", "hint"),
    [
        ("jupyter", "torchup lab default"),
        ("jupyterhub", "torchup hub default"),
        ("jupyter-book", "python -m pip install PACKAGE"),
        ("pip3", "python -m ensurepip"),
    ],
)
def test_a_program_that_is_not_there_comes_with_what_provides_it(home, capsys, monkeypatch, program, hint):
    """Each hint installs the program that was named; pip is not run to install pip."""
    monkeypatch.setattr("torchup.envs.activation.program", lambda *_: None)
    code, _, err = torchup(capsys, "env", "run", "--", program)
    assert (code, hint in " ".join(err.split())) == (127, True)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX executables")
def test_run_of_what_the_system_refuses(home, capsys):
    """A file that is no program: 126, as shells say, and the reason."""
    program = home / "program"
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    code, _, err = torchup(capsys, "env", "run", "--", str(program))
    assert (code, f"cannot run {program}" in err) == (126, True)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130), ("SIGUSR1", 10)])
def test_run_passes_signals_on(home, name, code, tmp_path):
    """A signal to torchup reaches the program: it ends by it, or handles it."""
    ready = tmp_path / "ready"
    program = (
        "import pathlib, signal, sys, time; signal.signal(signal.SIGUSR1, lambda *_: sys.exit(10));"
        "signal.signal(signal.SIGINT, signal.SIG_DFL);"
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
    )
    words = [sys.executable, "-m", "torchup", "env", "run", "--", "python", "-c", program]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL) as running:
        deadline = time.monotonic() + 30
        while not ready.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(getattr(signal, name))
        assert running.wait(30) == code


def test_rollback_says_what_changed(home, capsys):
    """Back to the older torch, with the packages that changed; --dry-run only says so."""
    assert "would return to torch 2.12.0+cpu" in torchup(capsys, "env", "rollback", "--dry-run")[1]
    code, out, _ = torchup(capsys, "env", "rollback")
    assert code == 0
    assert "`default` has torch 2.12.0+cpu again" in out
    assert "torch 2.13.0+cpu" in out
    torchup(capsys, "env", "remove", "default", "--yes")
    assert torchup(capsys, "env", "rollback")[0] == 2


def test_rollback_of_what_has_no_previous_version_is_a_wrong_question(home, capsys):
    """Nothing was installed and nothing failed: exit 2, with the way to a previous version."""
    host = RealHost()
    host.remove(transaction.previous_of(registry.find(host, "default").path))
    code, _, err = torchup(capsys, "env", "rollback")
    assert code == 2
    assert "`default` has no previous version" in err


def test_remove_asks_first(home, capsys):
    """Without a yes nothing is removed (exit 2); with it the environment, its previous version and its kernels go."""
    code, _, err = torchup(capsys, "env", "remove", "default")
    assert (code, "nothing was changed" in err) == (2, True)
    host = RealHost()
    environment = registry.find(host, "default")
    kernel = kernels.add(host, environment, registry.python_of(environment.path), folder=kernels.user_folder(host))
    would = document(capsys, "env", "remove", "default", "--dry-run")["data"]["would_remove"]
    assert [Path(path).name for path in would] == ["default", "default.previous"]
    assert torchup(capsys, "env", "remove", "default", "--yes")[:2] == (0, "removed `default`\n")
    assert [entry.name for entry in (home / "data" / "envs").iterdir()] == []
    assert not Path(kernel.folder).exists()


@pytest.mark.slow
def test_adopt_takes_a_venv_as_it_is(home, tmp_path, capsys):
    """Named after its project's folder; listed; run in; forgotten without being deleted."""
    venv = tmp_path / "thesis" / ".venv"
    shutil.copytree(home / "data" / "envs" / "default", venv, symlinks=True)
    (venv / "torchup-environment.json").unlink()
    code, out, _ = torchup(capsys, "env", "adopt", str(venv))
    assert (code, out) == (0, f"registered {venv} as `thesis`; its files were not changed\n")
    assert torchup(capsys, "env", "adopt", str(venv))[0] == 2
    torchup(capsys, "env", "remove", "thesis", "--yes")
    assert venv.is_dir()
    assert torchup(capsys, "env", "adopt", str(tmp_path))[0] == 2


def test_a_project_names_its_environment(home, tmp_path, monkeypatch, capsys):
    """torchup.toml in a folder above, then TORCHUP_ENV over it; a wrong file is exit 2."""
    (tmp_path / "torchup.toml").write_text('env = "thesis"\n')
    inner = tmp_path / "src" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert "there is no environment `thesis`" in torchup(capsys, "env", "show")[2]
    monkeypatch.setenv("TORCHUP_ENV", "default")
    assert torchup(capsys, "env", "show")[0] == 0
    (tmp_path / "torchup.toml").write_text("env = 3\n")
    assert torchup(capsys, "env", "list")[0] == 2


def test_a_broken_environment_is_recreated_under_its_own_name(home, capsys):
    """The hint is a line to copy: it names the environment, for plain `up` would make `default`."""
    (home / "data" / "envs" / "default").rename(home / "data" / "envs" / "my.thesis")
    for python in (home / "data" / "envs" / "my.thesis" / "bin").glob("python*"):
        python.unlink()
    code, _, err = torchup(capsys, "verify", "--env", "my.thesis")
    assert code == 2
    assert "`torchup env repair my.thesis`" in err


@pytest.mark.parametrize(
    ("name", "said"),
    [("con", "reserved"), ("NUL.txt", "reserved"), ("lab.previous", "reserved"), ("a.staging", "reserved"),
     ("a/b", "not a valid"), (".lab", "not a valid"), ("x" * 65, "not a valid")],
)  # fmt: skip
def test_a_reserved_name_is_not_called_invalid(name, said):
    """What is spelled right but taken is said to be reserved, and by whom; the rest gets the rule of spelling."""
    with pytest.raises(UsageError, match=said) as refused:
        registry.check_name(name)
    assert ("reserves" in str(refused.value.hint)) == (said == "reserved")


def test_create_of_what_is_there_has_nothing_to_do(home, capsys):
    """Without a wish nothing is planned, asked or contacted: answered at once, and where to find a newer one."""
    code, out, err = torchup(capsys, "env", "create", "default")
    assert (code, err) == (0, "")
    assert out.startswith("nothing to do: `default` has torch 2.13.0+cpu")
    assert document(capsys, "env", "create", "default")["data"]["reused"] is True
    assert torchup(capsys, "env", "create", "a/b")[0] == 2


def test_bundle_refuses_what_it_cannot_collect(home, tmp_path, capsys):
    """No folder, a folder in use, an unknown environment or platform, a file without a plan: exit 2 and a sentence."""
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "x").write_text("x")
    (tmp_path / "no-plan.json").write_text('{"data": null}')
    for words in (
        ("default",),
        ("default", "-o", str(tmp_path / "used")),
        ("nope", "-o", str(tmp_path / "new")),
        ("--plan", str(tmp_path / "no-plan.json"), "-o", str(tmp_path / "new")),
        ("--plan", str(tmp_path / "missing.json"), "-o", str(tmp_path / "new")),
        ("default", "-o", str(tmp_path / "new"), "--platform", "amiga"),
    ):
        code, out, err = torchup(capsys, "env", "bundle", *words)
        assert (code, out) == (2, ""), words
        assert err.startswith("error: ")
    assert not (tmp_path / "new").exists()


def test_export_writes_every_package_as_it_is(home, capsys):
    """requirements.txt with exact versions, from where they came."""
    code, out, _ = torchup(capsys, "env", "export")
    assert code == 0
    assert "torch==2.13.0+cpu" in out
    assert "--find-links" in out
    assert torchup(capsys, "env", "export", "--format", "nonsense")[0] == 2


@pytest.mark.slow
def test_a_folder_that_has_gone_is_told_and_can_be_forgotten(home, tmp_path, capsys):
    """A --path environment that was deleted by hand is listed with a warning, and removed from the list."""
    wheels = tmp_path / "wheels"
    make_fake_torch(wheels)
    engine.install(RealHost(), folder_plan(wheels), "away", path=str(tmp_path / "away"), verify=importing())
    shutil.rmtree(tmp_path / "away")
    _, out, err = torchup(capsys, "env", "list")
    assert "away" in out
    assert "no longer exists" in err
    assert torchup(capsys, "env", "remove", "away", "--yes")[0] == 0
    assert "away" not in torchup(capsys, "env", "list")[1]


def test_a_record_of_a_newer_torchup_is_refused(home, capsys):
    """A file with a schema that this torchup does not know: exit 2 and what to do."""
    file = home / "data" / "envs" / "default" / "torchup-environment.json"
    file.write_text(file.read_text().replace('"schema": 1', '"schema": 99'))
    code, _, err = torchup(capsys, "env", "show")
    assert code == 2
    assert "newer torchup" in err


def test_a_damaged_record_does_not_hide_the_environment(home, capsys):
    """Half a file: the environment is still listed, shown and run."""
    file = home / "data" / "envs" / "default" / "torchup-environment.json"
    file.write_text(file.read_text()[:100])
    assert torchup(capsys, "env", "show", "default")[0] == 0


@pytest.mark.slow
def test_self_paths_and_uninstall_find_everything(home, tmp_path, capsys):
    """What is listed is removed, and nothing of torchup is left; uv's own folders and adopted environments stay."""
    wheels = tmp_path / "wheels"
    make_fake_torch(wheels)
    engine.install(RealHost(), folder_plan(wheels), "away", path=str(tmp_path / "away"), verify=importing())
    (home / "log").mkdir()
    (home / "log" / "torchup-20260101T000000.log").write_text("x")
    (home / "data" / "thesis.tex").write_text("the user's own")
    listed = document(capsys, "self", "paths")["data"]["owned"]
    assert {place["kind"] for place in listed} == {"environment", "environments", "locks", "logs"}
    assert document(capsys, "self", "uninstall", "--dry-run")["data"]["would_remove"] == listed
    assert (tmp_path / "away").is_dir()
    assert torchup(capsys, "self", "uninstall")[0] == 2
    code, out, _ = torchup(capsys, "self", "uninstall", "--yes")
    assert code == 0
    assert remove_torchup() in out
    assert [path for path in home.rglob("*") if path.is_file()] == [home / "data" / "thesis.tex"]
    assert not (tmp_path / "away").exists()
    assert "torchup has not written anything yet" in torchup(capsys, "self", "paths")[1]


def test_the_question_names_all_that_is_deleted(home, monkeypatch, capsys):
    """The previous version and the environment's kernels stand in the question."""
    asked = []
    monkeypatch.setattr(Session, "confirm", lambda _, question: asked.append(str(question)))
    host, folder = RealHost(), home / "data" / "envs"
    torchup(capsys, "env", "remove", "default")
    environment = registry.find(host, "default")
    kernel = kernels.add(host, environment, registry.python_of(environment.path), folder=kernels.user_folder(host))
    torchup(capsys, "env", "remove", "default")
    places = f"delete `default` ({folder / 'default'}, {folder / 'default.previous'})"
    assert asked == [f"{places}?", f"{places} and its Jupyter kernels ({kernel.name})?"]


def test_a_bundle_of_an_environment_without_a_record_says_so(home, tmp_path, capsys):
    """A damaged record is not an environment from elsewhere: the hint makes the environment again."""
    (home / "data" / "envs" / "default" / "torchup-environment.json").write_text("{")
    code, _, err = torchup(capsys, "env", "bundle", "default", "-o", str(tmp_path / "new"))
    assert code == 2
    assert "is missing or damaged" in err
    assert "torchup up --env default" in err


@pytest.mark.parametrize(("adopted", "words"), [(True, "from torchup's list"), (False, "to remove what is left")])
def test_what_the_hint_removes_is_what_the_command_removes(tmp_path, monkeypatch, adopted, words):
    """An adopted environment is only forgotten; of another one the rest is deleted."""
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "home"))
    gone = Environment(name="lab", path=str(tmp_path / "gone"), adopted=adopted)
    registry.point_to(RealHost(), gone)
    with pytest.raises(UsageError) as caught:
        registry.find(RealHost(), "lab")
    assert words in str(caught.value.hint)
