"""The pure parts of installing: steps, arguments, downloads, what is kept, what changed, records, paths, shells."""

from __future__ import annotations

import shlex
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.plans import folder_plan
from torchup.envs import activation, paths, records
from torchup.envs.damage import DamageKind, find_damage
from torchup.envs.distributions import Distribution, installed
from torchup.errors import UsageError
from torchup.host import PlatformFacts, RealHost, RecordedHost
from torchup.host.recorded import Recording
from torchup.install import steps
from torchup.install.downloads import Downloads, follow
from torchup.install.keep import changed, changes, own_packages, requirements
from torchup.install.relocate import rewrite_paths
from torchup.model import Change, Environment, InstallerName, Source

LINUX = PlatformFacts(system="Linux", machine="x86_64")


def plan(**changes_):
    """A plan out of one folder of wheels."""
    return msgspec.structs.replace(folder_plan("/wheels"), **{"python": "3.12", "python_path": None, **changes_})


def index(name, url, **more):
    """A source that is an index."""
    return Source(name=name, url=url, **more)


def test_steps_of_uv_name_every_place_and_no_torch_backend():
    """Only the plan's sources, in their order; uv's own configuration and guesses are off."""
    sources = (index("pytorch-index", "https://t/cu126"), index("index-url", "https://p/simple"))
    _, install, pip = steps(plan(sources=sources), "/e")
    words = " ".join(install.argv)
    assert "--no-config" in install.argv
    assert "--torch-backend" not in words
    assert words.endswith("torch==2.13.0+cpu")
    assert {"https://t/cu126", "https://p/simple"} <= set(install.argv)
    assert install.environment["UV_TORCH_BACKEND"] is None
    assert install.environment["UV_INDEX_URL"] is None
    assert "UV_CACHE_DIR" not in install.environment
    assert not pip.required


def test_without_an_index_nothing_may_be_contacted():
    """Only folders: --no-index, and no download of a Python either."""
    make, install, _ = steps(plan(), "/e")
    assert "--offline" in make.argv
    assert {"--no-index", "--offline"} <= set(install.argv)


def test_unreachable_sources_are_left_out():
    """A source that did not answer would only cost its time-out."""
    sources = (index("a", "https://a", reachable=False), index("b", "https://b"))
    assert "https://a" not in " ".join(word for step in steps(plan(sources=sources), "/e") for word in step.argv)


def test_no_step_of_pip_imports_from_the_current_folder(tmp_path, monkeypatch):
    """`python -m` looks into the current folder first: a cloned project's `venv.py` or `pip.py` must not be run."""
    make, install = steps(plan(installer=InstallerName.PIP), str(tmp_path / "env"))
    for module in ("venv", "pip"):
        (tmp_path / f"{module}.py").write_text("open('stolen', 'w')\n")
    monkeypatch.chdir(tmp_path)
    for step in (make, install):
        options = step.argv[1 : step.argv.index("-m") + 2]  # the interpreter's own, and the module
        RealHost().run((sys.executable, *options, "--help"), timeout=60)
    assert not (tmp_path / "stolen").exists()


def test_pip_gets_the_same_places_and_no_configuration():
    """The same sources for pip; its configuration files are off, the user's time-outs and certificates are not."""
    make, install = steps(plan(installer=InstallerName.PIP), r"C:\envs\x")
    assert make.argv == ("python3.12", "-I", "-m", "venv", r"C:\envs\x")
    assert install.argv[0] == r"C:\envs\x\Scripts\python.exe"
    assert "--no-index" in install.argv
    assert install.environment["PIP_CONFIG_FILE"] is not None
    assert "PIP_DEFAULT_TIMEOUT" not in install.environment


def test_constraints_become_a_file_of_the_step():
    """Requirement lines are written down before the tool runs and named to it."""
    _, install, pip = steps(plan(constraints=("numpy<2",)), "/e")
    assert install.files == {"/e/torchup-constraints.txt": "numpy<2\n"}
    assert "--constraint" in install.argv
    assert "--constraint" in pip.argv


def test_downloads_are_followed_line_by_line():
    """Uv's real lines: sizes, what is done, what is on its way."""
    state = Downloads()
    for line in ("Resolved 3 packages in 221ms", "Downloading sympy (6.0MiB)", "Downloading numpy (16.1MiB)"):
        state = follow(state, line)
    assert (state.total, state.finished, state.running) == (23173530, 0, ("sympy", "numpy"))
    state = follow(state, " Downloaded sympy")
    assert (state.finished, state.running) == (6291456, ("numpy",))


@given(st.text())
def test_any_line_is_followed(line):
    """No output of a tool breaks the progress."""
    follow(Downloads(begun={"a": 1}), line)


def test_the_users_own_packages_are_told_from_torchs_dependencies():
    """Asked for, added or changed by the user: kept. A dependency that came with the old torch: not."""
    before = Environment(
        name="x", path="/x", packages={"numpy": "1", "torch": "2.12", "sympy": "1"}, requested=("jax",)
    )
    now = (
        Distribution(name="jax", version="3", requested=True),
        Distribution(name="mine", version="1", requested=True),
        Distribution(name="dependency-of-mine", version="1"),
        Distribution(name="numpy", version="2", requested=True),
        Distribution(name="sympy", version="1", requested=True),
        Distribution(name="torchvision", version="0.9", requested=True),
        Distribution(name="edited", version="0", requested=True, editable="file:///src/edited"),
        Distribution(name="linked", version="0", requested=True, origin="linked @ https://x/linked.whl"),
    )
    mine = own_packages(now, before, plan())
    assert [d.name for d in mine] == ["jax", "mine", "numpy", "edited", "linked"]
    assert requirements(mine, exact=True) == (
        "jax==3", "mine==1", "numpy==2", "--editable", "file:///src/edited", "linked @ https://x/linked.whl",
    )  # fmt: skip
    assert requirements(mine, exact=False)[:3] == ("jax", "mine", "numpy")


NAMES = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "2"]))


@given(NAMES, NAMES)
def test_changes_lead_from_before_to_after(before, after):
    """Applied to the first, the changes give the second; nothing that stayed is named."""
    state = dict(before)
    for change in changes(before, after):
        assert change.before != change.after
        assert state.pop(change.name, None) == change.before
        if change.after is not None:
            state[change.name] = change.after
    assert state == after


def test_changes_in_one_line_name_torch_first_and_count_the_rest():
    """A line stays a line."""
    many = tuple(Change(name=f"nvidia-{n:02}", before="1", after="2") for n in range(20))
    line = str(changed((*many, Change(name="torch", before="2.12", after=None))))
    assert line.startswith("changed: torch 2.12 -> -, nvidia-00 1 -> 2")
    assert line.endswith("+13")


def test_records_are_upgraded_step_by_step():
    """Schema 1 goes through every step to 3; a step is run once and in order."""
    log = []
    upgrades = {1: lambda data: log.append(1) or {**data, "b": 1}, 2: lambda data: log.append(2) or {**data, "c": 2}}
    data = records.upgrade({"schema": 1}, upgrades, 3, "f")
    assert (log, data) == ([1, 2], {"schema": 3, "b": 1, "c": 2})
    with pytest.raises(UsageError, match="newer torchup"):
        records.upgrade({"schema": 4}, upgrades, 3, "f")
    with pytest.raises(msgspec.DecodeError):
        records.upgrade({"schema": "x"}, upgrades, 3, "f")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a b/c", ("/a b", "c")),
        ("/c", ("/", "c")),
        (r"C:\x\y", (r"C:\x", "y")),
        (r"C:/x/y", (r"C:\x", "y")),
        (r"\\server\share\y", (r"\\server\share", "y")),
    ],
)
def test_paths_are_split_in_their_own_spelling(path, expected):
    """Parent and last part, for POSIX, drives and network shares."""
    assert paths.split(path) == expected


def test_activation_is_quoted_for_each_shell(tmp_path):
    """A path with quotes, spaces and a dollar: bash runs the line as it is; the others follow their own rules."""
    place = tmp_path / "it's $HOME 家"
    (place / "bin").mkdir(parents=True)
    for name in ("activate", "activate.fish", "Activate.ps1", "activate.bat"):
        (place / "bin" / name).write_text("VIRTUAL=yes\n")
    shells = activation.hints(RealHost(), str(place))
    assert set(shells) == {"bash", "zsh", "fish", "powershell"}
    done = subprocess.run(
        ["bash", "-c", f"{shells['bash']}; echo $VIRTUAL"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "yes\n"
    assert "it''s" in shells["powershell"]
    assert r"it\'s" in shells["fish"]
    assert shlex.split(shells["bash"])[1] == f"{place}/bin/activate"


def test_windows_has_cmd_and_powershell():
    """Of a Windows environment the scripts folder is Scripts, and cmd gets a quoted batch file."""
    path = r"C:\Users\me\envs\x"
    files = dict.fromkeys((rf"{path}\Scripts\activate.bat", rf"{path}\Scripts\Activate.ps1"), "")
    folders = {rf"{path}\Scripts": ("Activate.ps1", "activate.bat")}
    host = RecordedHost(Recording(platform=LINUX, files=files, directories=folders))
    shells = activation.hints(host, path)
    assert shells["cmd"] == rf'"{path}\Scripts\activate.bat"'
    assert shells["powershell"] == rf"& '{path}\Scripts\Activate.ps1'"
    assert activation.shell_of({"PROMPT": "$P$G"}, windows=True) == "cmd"
    assert activation.shell_of({"PSModulePath": "x", "PROMPT": "$P$G"}, windows=True) == "powershell"
    assert activation.shell_of({"SHELL": "/usr/bin/fish"}, windows=False) == "fish"


def test_scripts_are_made_to_name_their_new_place(tmp_path):
    """Shebangs, activation and pyvenv.cfg change; modes stay; a link to another Python and large programs do not."""
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "bin").mkdir(parents=True)
    script = old / "bin" / "tool"
    script.write_text(f"#!{old}/bin/python\nprint(1)\n")
    script.chmod(0o755)
    outside = tmp_path / "outside"
    outside.write_text(f"{old}")
    (old / "bin" / "python").symlink_to(outside)
    (old / "bin" / "program").write_bytes(str(old).encode() + bytes(3 * 1024 * 1024))
    (old / "pyvenv.cfg").write_text(f"command = python -m venv {old}\n")
    assert rewrite_paths(RealHost(), str(old), str(new)) == 2
    assert script.read_text().startswith(f"#!{new}/bin/python")
    assert script.stat().st_mode & 0o777 == 0o755
    assert outside.read_text() == str(old)
    assert (old / "bin" / "program").read_bytes().startswith(str(old).encode())


def test_distributions_are_read_from_their_folders(tmp_path):
    """Names are normalised; requested, editable and direct installs are told apart; damage is found by RECORD."""
    site = tmp_path / "lib" / "python3.12" / "site-packages"
    for folder, files in {
        "Ruamel.Yaml-1.0.dist-info": {"RECORD": "a.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n"},
        "mine-2.dist-info": {
            "REQUESTED": "",
            "RECORD": "",
            "direct_url.json": '{"url": "file:///m", "dir_info": {"editable": true}}',
        },
        "git_thing-3.dist-info": {
            "RECORD": "",
            "direct_url.json": '{"url": "https://g/t", "vcs_info": {"vcs": "git", "commit_id": "abc"}}',
        },
        "broken-4.dist-info": {"RECORD": "", "direct_url.json": "{"},
    }.items():
        (site / folder).mkdir(parents=True)
        for name, content in files.items():
            (site / folder / name).write_text(content)
    (site / "a.py").write_text("")
    found = {d.name: d for d in installed(RealHost(), str(tmp_path))}
    assert set(found) == {"ruamel-yaml", "mine", "git-thing", "broken"}
    assert found["mine"].editable == "file:///m"
    assert found["git-thing"].origin == "git-thing @ git+https://g/t@abc"
    assert not _differing(tmp_path)
    (site / "a.py").write_text("changed")
    assert _differing(tmp_path) == [str(site / "a.py")]


def _differing(prefix):
    """Files that are not as their RECORD says; packages without one are another matter."""
    found = find_damage(RealHost(), str(prefix), deep=True)
    return [one.file for one in found if one.kind is not DamageKind.NO_RECORD]
