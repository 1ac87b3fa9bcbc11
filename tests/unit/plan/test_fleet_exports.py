"""One file for several machines: what each format says of each machine, and what it refuses."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml
from msgspec.structs import replace

from torchup.catalog import load_catalog
from torchup.cli import main
from torchup.errors import UsageError
from torchup.model import Driver, Gpu, InstallerName, Machine, Os, PackageWheel, Request, Vendor
from torchup.plan import resolve
from torchup.plan.export import FLEET
from torchup.plan.exports import FLEET as NAMES
from torchup.plan.exports.fleet import LeftOut, Planned
from torchup.plan.together import together

CATALOG = load_catalog()
NVIDIA = Gpu(vendor=Vendor.NVIDIA, name="NVIDIA GeForce RTX 4090", compute_capability="8.9")
MACHINES = {
    "node1.json": Machine(
        os=Os.LINUX, arch="x86_64", glibc="2.35", gpus=(NVIDIA, NVIDIA),
        drivers=(Driver(vendor=Vendor.NVIDIA, version="550.54.14"),),
    ),
    "node2.json": Machine(
        os=Os.LINUX, arch="x86_64", glibc="2.35",
        gpus=(Gpu(vendor=Vendor.AMD, name="Radeon RX 7900 XTX", gfx="gfx1100"),),
    ),
    "arc.json": Machine(
        os=Os.LINUX, arch="x86_64", glibc="2.35", gpus=(Gpu(vendor=Vendor.INTEL, name="Intel Arc A770", xpu=True),),
        drivers=(Driver(vendor=Vendor.INTEL, flavor="xe"),),
    ),
    "mac.json": Machine(os=Os.MACOS, arch="arm64", os_version="15.5", gpus=(Gpu(vendor=Vendor.APPLE),)),
    "cpu.json": Machine(os=Os.LINUX, arch="aarch64", glibc="2.35"),
}  # fmt: skip


def planned(*names, **request):
    """Machines by name with their plans."""
    wanted = Request(**request)
    return [
        Planned(name=name, machine=MACHINES[name], plan=resolve(MACHINES[name], wanted, CATALOG))
        for name in names or MACHINES
    ]


def test_the_names_are_those_of_the_writers():
    """What the command offers is what there is."""
    assert tuple(FLEET) == NAMES


@pytest.mark.parametrize("kind", [kind for kind in NAMES if kind != "devcontainer"])
def test_every_machine_is_in_the_file_or_named_as_left_out(kind):
    """Nothing is dropped in silence, and the same fleet gives the same text."""
    fleet = planned()
    text = FLEET[kind](fleet, [LeftOut(name="old.json", why="no\nbuild: $(reboot)")])
    assert text == FLEET[kind](fleet, [LeftOut(name="old.json", why="no\nbuild: $(reboot)")])
    for one in fleet:
        assert f"# {one.host}: torch {one.label}" in text or f"# left out: {one.name}: macos" in text
    assert "# left out: old.json: no build: $(reboot)\n" in text


def test_ansible_installs_what_is_planned():
    """Each host is in exactly one play, with its own packages and a proof."""
    plays = yaml.safe_load(FLEET["ansible"](planned(), []))
    hosts = [host for play in plays for host in play["hosts"].split(",")]
    assert sorted(hosts) == sorted(one.host for one in planned())
    for one in planned():
        (play,) = [play for play in plays if one.host in play["hosts"].split(",")]
        assert tuple(play["vars"]["torch_packages"]) == one.plan.requirements
        install, check = play["tasks"]
        assert install["ansible.builtin.pip"]["virtualenv_command"].endswith("-m venv")
        assert one.plan.build.torch in check["ansible.builtin.command"]["argv"][-1]


def test_kubernetes_asks_for_the_gpus_by_their_names():
    """Two NVIDIA cards, one of AMD, one of Intel by its kernel driver, none for a CPU."""
    pods = {pod["metadata"]["name"]: pod for pod in yaml.safe_load_all(FLEET["kubernetes"](planned(), []))}
    limits = {name: pod["spec"]["containers"][0].get("resources", {}).get("limits", {}) for name, pod in pods.items()}
    assert limits == {
        "torch-node1": {"nvidia.com/gpu": 2}, "torch-node2": {"amd.com/gpu": 1}, "torch-arc": {"gpu.intel.com/xe": 1},
        "torch-cpu": {},
    }  # fmt: skip
    assert pods["torch-cpu"]["spec"]["nodeSelector"]["kubernetes.io/arch"] == "arm64"


def test_a_batch_script_parses_and_asks_for_what_every_node_has(tmp_path):
    """Bash accepts the script; GPUs are asked for only where every node has some."""
    script = tmp_path / "torch.sh"
    script.write_text(FLEET["slurm"](planned("node1.json", "node2.json"), []), "utf-8")
    subprocess.run(["bash", "-n", script], check=True)
    assert "#SBATCH --gpus-per-node=1\n" in script.read_text("utf-8")
    assert "--gpus-per-node" not in FLEET["slurm"](planned(), [])


def test_a_dev_container_holds_one_build():
    """Machines that need several are refused; one gets the options that pass its GPU in."""
    with pytest.raises(UsageError) as caught:
        FLEET["devcontainer"](planned(), [])
    assert caught.value.code == "export.one-build"
    assert "Python 3" in str(caught.value)
    found = json.loads(FLEET["devcontainer"](planned("node1.json"), []))
    assert "--gpus=all" in found["runArgs"]
    assert found["hostRequirements"] == {"gpu": True}
    assert "torch==2.14.1+cu126" in found["onCreateCommand"]


def test_a_free_threaded_python_comes_from_uv():
    """Python's own images have none."""
    (one,) = planned("cpu.json", python="3.14t")
    assert "uv venv --python 3.14t" in FLEET["kubernetes"]([one], [])
    assert json.loads(FLEET["devcontainer"]([one], []))["image"].startswith("ghcr.io/astral-sh/uv")


def test_a_workflow_runs_gpu_builds_on_their_own_runner():
    """A hosted runner has no GPU."""
    document = yaml.safe_load(FLEET["github-actions"](planned(), []))
    runners = {e["machine"]: e["runner"] for e in document["jobs"]["torch"]["strategy"]["matrix"]["include"]}
    assert runners["cpu"] == "ubuntu-latest"
    assert runners["node1"] == ["self-hosted", "node1"]


@pytest.mark.parametrize(("kind", "names"), [("slurm", ["mac.json"]), ("kubernetes", ["mac.json"])])
def test_a_format_for_linux_refuses_a_fleet_without_it(kind, names):
    """An empty file would serve nobody."""
    with pytest.raises(UsageError):
        FLEET[kind](planned(*names), [])


@pytest.mark.parametrize("kind", ["ansible", "github-actions", "devcontainer"])
def test_a_conda_plan_is_refused_where_the_format_has_pip_only(kind):
    """Its packages are not pip's."""
    with pytest.raises(UsageError):
        FLEET[kind](planned("node1.json", installer=InstallerName.CONDA), [])
    assert "micromamba create" in FLEET["slurm"](planned("node1.json", installer=InstallerName.CONDA), [])


def test_a_workflow_without_a_machine_says_what_stands_against_it():
    """Packages that are installed after torch are named; conda is blamed only for a plan for conda."""
    (one,) = planned("node1.json")
    later = PackageWheel(package="apex", requirement="apex", compiled=True)
    after = replace(one, plan=replace(one.plan, wheels=(later,)))
    codes = {}
    for name, fleet in {"conda": planned("node1.json", installer=InstallerName.CONDA), "later": [after]}.items():
        with pytest.raises(UsageError) as caught:
            FLEET["github-actions"](fleet, [])
        codes[name] = caught.value.code
    assert codes == {"conda": "export.conda", "later": "export.later"}
    assert "apex" in str(caught.value)


def test_a_playbook_without_a_host_says_why():
    """The plan is for conda, the machine runs Windows, or packages come after torch."""
    (one,) = planned("node1.json")
    later = PackageWheel(package="apex", requirement="apex", compiled=True)
    fleets = {
        "conda": planned("node1.json", installer=InstallerName.CONDA),
        "Windows": [replace(one, machine=replace(one.machine, os=Os.WINDOWS))],
        "after torch": [replace(one, plan=replace(one.plan, wheels=(later,)))],
    }
    for reason, fleet in fleets.items():
        with pytest.raises(UsageError, match=reason):
            FLEET["ansible"](fleet, [])


HOSTILE = ("$(reboot).json", "a'; reboot #.json", "{{ lookup('pipe','id') }}.json", "-x.json", "a\nb.json", "日本.json")


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", [kind for kind in NAMES if kind != "devcontainer"])
def test_a_name_is_data(kind, name, tmp_path):
    """A file's name ends as a harmless word, a quoted pattern or a comment."""
    one = planned("cpu.json")[0]
    text = FLEET[kind]([Planned(name=name, machine=one.machine, plan=one.plan)], [])
    if kind != "slurm":
        body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
        assert "reboot)" not in body
        assert "lookup(" not in body
        return
    script = tmp_path / "x.sh"
    script.write_text(text.replace("#!/bin/bash", "#!/bin/bash\nreboot() { touch hit; }\nid() { touch hit; }"), "utf-8")
    environment = {"SLURMD_NODENAME": "other", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(["bash", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert not (tmp_path / "hit").exists()


def test_the_command_exits_with_3_where_a_machine_is_left_out(tmp_path, capsys):
    """The file is written for the others and names the one."""
    (tmp_path / "a.json").write_text('{"os": "linux", "arch": "x86_64"}')
    (tmp_path / "b.json").write_text('{"os": "linux", "arch": "mips"}')
    assert main(["plan", "--machine", str(tmp_path), "--export", "slurm"]) == 3
    assert "# left out: b.json: " in capsys.readouterr().out
    (tmp_path / "a.json").unlink()
    assert main(["plan", "--machine", str(tmp_path), "--export", "slurm"]) == 3
    assert "no machine in the folder has a plan" in capsys.readouterr().err


def test_machines_that_share_a_file_share_torch_and_build():
    """The newest torch that all can have, one CUDA for all NVIDIA machines of a platform, and no GPU is lost."""
    new = Machine(os=Os.LINUX, arch="x86_64", glibc="2.35", gpus=(NVIDIA,),
                  drivers=(Driver(vendor=Vendor.NVIDIA, version="580.95"),))  # fmt: skip
    machines = [*MACHINES.values(), new]
    plans = together(machines, [Request()] * len(machines), CATALOG)
    assert len({plan.build.torch for plan in plans}) == 1
    assert plans[0].build.variant == plans[-1].build.variant == "cu126"
    alone = [resolve(machine, Request(), CATALOG) for machine in machines]
    assert [plan.covered_gpus for plan in plans] == [plan.covered_gpus for plan in alone]
