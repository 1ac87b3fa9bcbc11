"""`torchup kernel` as a person and a program meet it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from torchup.cli import main
from torchup.envs import kernels, registry
from torchup.host import RealHost

HOST = RealHost()
# What ipykernel 7.4 says of itself.
IPYKERNEL = {
    "argv": ["python", "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
    "kernel_protocol_version": "5.5",
    "metadata": {"debugger": True, "supported_encryption": ["curve"]},
}


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An adopted environment called lab, with torch and ipykernel in it, and a Jupyter of the test's own."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.delenv("JUPYTER_PATH", raising=False)
    path = tmp_path / "my env"
    (path / "bin").mkdir(parents=True)
    python = path / "bin" / "python"
    python.write_text(f"#!/bin/sh\necho '{json.dumps(IPYKERNEL)}'\n")
    python.chmod(0o755)
    for package in ("torch-2.13.0+cpu", "ipykernel-7.1", "pip-26.0"):
        folder = path / "lib" / "python3.12" / "site-packages" / f"{package}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text("")
    return registry.adopt(HOST, str(path), "lab")


def call(capsys, *arguments):
    """Run one command line: exit code, stdout, stderr."""
    code = main(["kernel", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_add_list_remove(capsys, environment, tmp_path):
    """A kernel is written where this user's Jupyter looks, listed as working, and removed by its environment's name."""
    code, out, err = call(capsys, "add", "lab")
    assert (code, err) == (0, "")
    assert "PyTorch 2.13 cpu (lab)" in out
    name = kernels.kernel_name("lab", environment.path)
    assert (tmp_path / "jupyter" / "kernels" / name / "kernel.json").exists()
    code, out, err = call(capsys, "list")
    assert (code, err) == (0, "")
    assert name in out
    assert call(capsys, "remove", "lab")[0] == 0
    assert "No kernels" in call(capsys, "list")[1]


def test_the_kernelspec_is_ipykernels_own_with_torchups_place(capsys, environment, tmp_path):
    """Its arguments and abilities stay; the Python, the label and the environment are torchup's."""
    call(capsys, "add", "lab")
    name = kernels.kernel_name("lab", environment.path)
    spec = json.loads((tmp_path / "jupyter" / "kernels" / name / "kernel.json").read_text())
    assert spec["argv"] == [f"{environment.path}/bin/python", *IPYKERNEL["argv"][1:]]
    assert spec["metadata"]["supported_encryption"] == ["curve"]
    assert spec["metadata"]["torchup"] == {"environment": "lab", "path": environment.path}
    assert spec["kernel_protocol_version"] == "5.5"


def test_what_a_kernel_needs_and_the_environment_lacks_is_named(capsys, environment, tmp_path):
    """An environment of uv's has no pip: `!pip` would be another one's, so it is installed with ipykernel."""
    for package in ("pip-26.0", "ipykernel-7.1"):
        HOST.remove(f"{environment.path}/lib/python3.12/site-packages/{package}.dist-info")
    code, out, _ = call(capsys, "add", "lab", "--dry-run", "--json")
    assert code == 0
    assert json.loads(out)["data"]["install"] == ["ipykernel", "pip"]


def test_the_projects_environment_is_meant_without_a_name(capsys, environment, monkeypatch):
    """TORCHUP_ENV (or torchup.toml) names it, as for every other verb."""
    monkeypatch.setenv("TORCHUP_ENV", "lab")
    assert "PyTorch 2.13 cpu (lab)" in call(capsys, "add")[1]


def test_an_ipykernel_that_does_not_work_is_told(capsys, environment):
    """Nothing is written for a kernel that could not start."""
    Path(environment.path, "bin", "python").write_text("#!/bin/sh\necho 'No module named zmq' >&2; exit 1\n")
    code, _, err = call(capsys, "add", "lab")
    assert code == 4
    assert "No module named zmq" in err
    assert "No kernels" in call(capsys, "list")[1]


def test_json_of_add_and_list(capsys, environment):
    """Programs get the kernel's name, folder and environment."""
    code, out, _ = call(capsys, "add", "lab", "--display-name", "实验 GPU", "--json")
    added = json.loads(out)["data"]["kernel"]
    assert (code, added["display_name"], added["environment"]) == (0, "实验 GPU", "lab")
    listed = json.loads(call(capsys, "list", "--json")[1])["data"]["kernels"]
    assert [kernel["name"] for kernel in listed] == [added["name"]]


def test_prefix_is_an_installation_of_its_own(capsys, environment, tmp_path):
    """A hub's kernels lie below its prefix and are listed with it only."""
    assert call(capsys, "add", "lab", "--prefix", str(tmp_path / "hub"))[0] == 0
    assert list((tmp_path / "hub" / "share" / "jupyter" / "kernels").iterdir())
    assert "No kernels" in call(capsys, "list")[1]
    assert "lab" in call(capsys, "list", "--prefix", str(tmp_path / "hub"))[1]


def test_dry_run_changes_nothing(capsys, environment, tmp_path):
    """The file that would be written is told, not written."""
    code, out, _ = call(capsys, "add", "lab", "--dry-run")
    assert code == 0
    assert "would write" in out
    assert not (tmp_path / "jupyter").exists()
    call(capsys, "add", "lab")
    assert "would remove" in call(capsys, "remove", "lab", "--dry-run")[1]
    assert (tmp_path / "jupyter" / "kernels" / kernels.kernel_name("lab", environment.path)).exists()


def test_stale_kernels_are_told_and_removed(capsys, environment, tmp_path):
    """When the environment has gone, the list says so with the command that clears it up."""
    call(capsys, "add", "lab")
    HOST.remove(environment.path)
    code, out, err = call(capsys, "list")
    assert code == 0
    assert "the kernel's environment no longer exists" in out
    assert "torchup kernel remove --stale" in err
    assert call(capsys, "remove", "--stale")[0] == 0
    assert not list((tmp_path / "jupyter" / "kernels").iterdir())
    assert "nothing to remove" in call(capsys, "remove", "--stale")[1]


def test_each_kernel_that_cannot_start_is_in_the_command_that_removes_it(capsys, environment, tmp_path):
    """The count is that of `--stale`; the kernels of other programs are named apart, and the named command works."""
    call(capsys, "add", "lab")
    folder = tmp_path / "jupyter" / "kernels"
    for name in ("old", "older"):
        HOST.write_text(str(folder / name / "kernel.json"), '{"argv": ["/gone/bin/python"], "display_name": "Old"}')
    HOST.remove(environment.path)
    err = call(capsys, "list")[2]
    assert "kernel remove --stale` to remove torchup's kernels that cannot start (1)" in err
    assert "torchup kernel remove old older`" in err
    assert call(capsys, "remove", "--stale")[0] == 0
    assert "--stale" not in call(capsys, "list")[2]
    assert call(capsys, "remove", "old", "older", "--yes")[0] == 0
    assert "cannot start" not in call(capsys, "list")[2]


def test_kernels_of_others_are_left_alone(capsys, environment, tmp_path):
    """A kernel that torchup did not make is listed; removed only when it is dead, and only when confirmed."""
    folder = tmp_path / "jupyter" / "kernels"
    HOST.write_text(str(folder / "ir" / "kernel.json"), '{"argv": ["R"], "display_name": "R"}')
    HOST.write_text(str(folder / "old" / "kernel.json"), '{"argv": ["/gone/bin/python"], "display_name": "Old"}')
    assert call(capsys, "remove", "--stale")[0] == 0
    assert (folder / "old").exists()
    code, _, err = call(capsys, "remove", "ir", "--yes")
    assert code == 2
    assert "jupyter kernelspec remove ir" in err
    assert call(capsys, "remove", "old")[0] == 2
    assert call(capsys, "remove", "old", "--yes")[0] == 0
    assert (folder / "ir").exists()
    assert not (folder / "old").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "labs"), "lab"),
        (("add", "lab", "--user", "--prefix", "/x"), "cannot be used together"),
        (("remove",), "--stale"),
        (("remove", "lab", "--stale"), "--stale"),
        (("remove", "nothing"), "kernel list"),
        (("ad",), "add"),
    ],
)
def test_wrong_input_is_a_usage_error_with_a_way_out(capsys, environment, arguments, words):
    """Exit code 2, a sentence on stderr, nothing on stdout."""
    code, out, err = call(capsys, *arguments)
    assert (code, out) == (2, "")
    assert words in err


def test_a_folder_that_cannot_be_written_is_told(capsys, environment, tmp_path):
    """A file in the way of the kernel folder: exit code 4 and what to do."""
    (tmp_path / "hub").write_text("a file")
    code, _, err = call(capsys, "add", "lab", "--prefix", str(tmp_path / "hub"))
    assert code == 4
    assert "--prefix" in err


def test_each_subcommand_states_its_own_default(capsys):
    """`add` writes to one Jupyter; `list` and `remove` search every folder."""
    helps = {verb: " ".join(call(capsys, verb, "--help")[1].split()) for verb in ("add", "list", "remove")}
    assert "(default: this user's Jupyter)" in helps["add"]
    for verb in ("list", "remove"):
        assert helps[verb].count("(default: every folder that Jupyter searches)") == 2


def test_the_hint_of_a_failure_fits_its_subcommand(capsys, environment, monkeypatch):
    """A kernel that cannot be removed stays where it is, so no hint names another folder."""
    call(capsys, "add", "lab")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(kernels, "remove", refuse)
    code, _, err = call(capsys, "remove", "lab")
    assert code == 4
    assert "Permission denied" in err
    assert not {"--user", "--prefix"} & set(err.replace(",", " ").split())


def test_every_command_of_the_list_removes_what_the_list_showed(capsys, environment, tmp_path):
    """A kernel found below --prefix is removed with --prefix: elsewhere there is none of that name."""
    hub = tmp_path / "my hub"
    for name, content in (("other", json.dumps({"argv": ["/no/python"], "display_name": "x"})), ("broken", "{")):
        folder = hub / "share" / "jupyter" / "kernels" / name
        folder.mkdir(parents=True)
        (folder / "kernel.json").write_text(content)
    assert call(capsys, "add", "lab", "--prefix", str(hub))[0] == 0
    Path(environment.path, "bin", "python").unlink()
    _, out, err = call(capsys, "list", "--prefix", str(hub))
    assert f"kernel.json is not valid ({hub}" in out.replace("\n", " ")
    commands = re.findall(r"`torchup kernel (remove [^`]*)`", " ".join(err.split()))
    assert len(commands) == 2
    for command in commands:
        assert call(capsys, *shlex.split(command), "--yes")[0] == 0
    assert "No kernels" in call(capsys, "list", "--prefix", str(hub))[1]


def test_an_ipykernel_without_words_is_reported_by_how_it_ended(capsys, environment):
    """A bare number is not a reason."""
    Path(environment.path, "bin", "python").write_text("#!/bin/sh\nexit 3\n")
    assert "exit code 3" in call(capsys, "add", "lab")[2]
