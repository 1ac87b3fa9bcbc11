"""Remedies install what the planner plans, for the installer, the interpreter and the shell of the report."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from golden.machines import GROUPS
from support.plan_machines import amd, machine, nvidia
from support.remedies import facts_with_wrong_build, one_python, read_back
from torchup.catalog import load_catalog
from torchup.doctor.facts import Facts, Nvidia, Package, Python, Sign, System, Torch
from torchup.doctor.remedy import (
    CommandRow,
    DriverAction,
    RemedyKind,
    RemedyRow,
    Wish,
    commands_for,
    driver_remedy,
    leftovers,
    line,
    machine_of,
    make,
    python_words,
    reinstall,
)
from torchup.encoding import from_builtins
from torchup.errors import TorchupError
from torchup.model import Gpu, Machine, Manager, Os, Request, Shell, Vendor, message
from torchup.plan import resolve

CATALOG = load_catalog()
GOLDEN = [case for group in GROUPS.values() for case in group()]
RECORDED = sorted((Path(__file__).parents[2] / "machines").glob("*/expected.json"))
TEXT = message("test.text", "do this")
RTX_4090 = nvidia("NVIDIA GeForce RTX 4090", "8.9", 24)


def recorded(path):
    """A recorded machine."""
    return from_builtins(json.loads(path.read_text("utf-8")), Machine)


def planned(target):
    """The plan of a machine, or the planner's error."""
    try:
        return resolve(target, Request(), CATALOG)
    except TorchupError as error:
        return error


def assert_agrees(target):
    """Remedy and plan of a machine say the same."""
    target = one_python(target)
    remedy, plan = reinstall(facts_with_wrong_build(target), CATALOG), planned(target)
    installed = read_back(remedy)
    if isinstance(plan, TorchupError):
        assert installed.torch is None
        assert str(plan.text) in str(remedy.text)
        return
    assert plan.packages[0] in installed.words
    assert (installed.torch or "").partition("+")[0] == plan.build.torch
    assert installed.index == (None if plan.build.source == "pypi" else plan.build.index_url)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case.name)
def test_a_golden_machine_gets_what_resolve_plans(case):
    """Label and index in the remedy's commands are the plan's; where nothing fits, the planner's words are given."""
    assert_agrees(case.machine)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.parent.name)
def test_a_recorded_machine_gets_what_resolve_plans(path):
    """The same on every recorded machine."""
    assert_agrees(recorded(path))


@pytest.mark.parametrize("manager", list(Manager))
@pytest.mark.parametrize("shell", list(Shell))
def test_every_manager_and_shell_renders(manager, shell):
    """Each gives text; pip and uv name the interpreter of the report; the build is the plan's."""
    target = machine("linux", RTX_4090, driver="580.95.05", kernel="6.8.0")
    interpreter = "/opt/vllm-env/bin/python"
    facts = facts_with_wrong_build(target, manager=manager, shell=shell, interpreter=interpreter)
    remedy = reinstall(facts, CATALOG)
    text = "\n".join(line(command, remedy.shell) for command in remedy.commands)
    assert remedy.shell is shell
    assert remedy.interpreter == interpreter
    assert "2.15.0+cu132" in text
    assert "whl/cu132" in text
    if manager in {Manager.PIP, Manager.UV_VENV, Manager.CONDA}:
        assert interpreter in text
    assert {Manager.UV_PROJECT: "uv add", Manager.POETRY: "poetry add", Manager.PIXI: "pixi add"}.get(
        manager, ""
    ) in text


def test_conda_changes_what_conda_installed():
    """Over conda's own pytorch pip would make a mixed install, so conda-forge's build goes in."""
    target = machine("linux", RTX_4090, driver="580.95.05", kernel="6.8.0")
    facts = facts_with_wrong_build(
        target,
        manager=Manager.CONDA,
        torch=Torch(installed=True, version="2.0.0", variant="cpu"),
        packages=(Package(name="pytorch", version="2.0.0", origin="conda", channel="conda-forge"),),
    )
    words = reinstall(facts, CATALOG).commands[0]
    assert words[:2] == ("conda", "install")
    assert any(word.startswith("pytorch-gpu=") for word in words)


def test_conda_without_a_build_says_so_and_takes_wheels():
    """conda-forge has no ROCm builds."""
    target = machine("linux", amd("AMD Radeon RX 7900 XTX", "gfx1100"), kernel="6.8.0")
    facts = facts_with_wrong_build(target, manager=Manager.CONDA, torch=Torch(installed=False), packages=())
    remedy = reinstall(facts, CATALOG)
    assert "rocm" in read_back(remedy).torch
    assert "conda-forge" in str(remedy.text)


def test_the_portable_interpreter_is_the_one_that_is_changed():
    """ComfyUI's own Python, with its own flag, quoted for cmd.exe."""
    facts = facts_with_wrong_build(
        machine("windows", RTX_4090, driver="581.29"), interpreter=r"python_embeded\python.exe"
    )
    remedy = reinstall(facts, CATALOG)
    assert line(remedy.commands[0], remedy.shell).startswith(r"python_embeded\python.exe -s -m pip install ")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (None, ("python",)),
        ("/usr/bin/python3.12", ("/usr/bin/python3.12",)),
        (r"C:\Program Files\Python\python.exe", (r"C:\Program Files\Python\python.exe",)),
        (r".\python_embeded\python.exe -s", (r".\python_embeded\python.exe", "-s")),
    ],
)
def test_words_of_an_interpreter(said, words):
    """Flags are parted from the path, spaces are not."""
    assert python_words(said) == words


def test_another_python_gets_an_environment_of_its_own():
    """A 32-bit Python cannot be repaired."""
    target = machine("windows", RTX_4090, driver="581.29")
    facts = facts_with_wrong_build(target, python=Python(version="3.12.3", bits=32, arch="i686"))
    remedy = reinstall(facts, CATALOG)
    assert remedy.commands[0][:2] == ("uv", "venv")
    assert remedy.interpreter == r"torch-env\Scripts\python.exe"


# ---------------------------------------------------------------- what is kept, what is removed


def test_companions_only_leaves_torch_alone():
    """The companions of the torch that is there, from its index, without dependencies."""
    torch = Torch(installed=True, version="2.8.0", local="cu126", variant="cu126", cuda="12.6")
    target = machine("linux", RTX_4090, driver="580.95.05")
    remedy = reinstall(facts_with_wrong_build(target, torch=torch), CATALOG, Wish(companions_only=True))
    words = remedy.commands[0]
    assert "torchvision==0.23.0+cu126" in words
    assert "--no-deps" in words
    assert not [word for word in words if word.startswith("torch==")]


def test_companions_come_with_torch_where_the_torch_that_is_there_cannot_stay():
    """PyPI's wheel, which a listing shows without its label, needs a newer driver than this: all are exchanged."""
    torch = Torch(installed=True, version=CATALOG.newest_torch)
    target = machine("linux", RTX_4090, driver="570.86")
    words = reinstall(facts_with_wrong_build(target, torch=torch), CATALOG, Wish(companions_only=True)).commands[0]
    assert [word for word in words if word.startswith("torch==")]
    assert "--no-deps" not in words


@pytest.mark.parametrize("origin", ["conda", "pip"])
def test_wheels_never_go_over_a_torch_of_condas(origin):
    """Where conda-forge has no build, wheels go into an environment of their own; over wheels they go as before."""
    card = nvidia("NVIDIA GeForce RTX 3070 Ti", "8.6", 8)
    facts = msgspec.structs.replace(
        facts_with_wrong_build(machine("windows", card, driver="512.78")),
        manager=Manager.CONDA,
        packages=(Package(name="pytorch", version="2.5.1", origin=origin, channel="pytorch"),),
    )
    first = reinstall(facts, CATALOG).commands[0]
    assert (first[:2] == ("conda", "create")) == (origin == "conda")


def test_leftovers_of_another_cuda_go_and_torch_stays():
    """Two wheels that write the same folder: the one that torch is not for is removed by its exact name."""
    torch = Torch(installed=True, version="2.8.0", local="cu126", variant="cu126", cuda="12.6")
    packages = tuple(
        Package(name=name, version="2.20")
        for name in ("torch", "nvidia-nccl-cu11", "nvidia-nccl-cu12", "nvidia-cublas-cu12", "nvidia-nvjpeg-cu11")
    )
    facts = facts_with_wrong_build(machine("linux", RTX_4090, driver="580.95.05"), torch=torch, packages=packages)
    assert leftovers(facts) == ("nvidia-nccl-cu11",)
    remedy = reinstall(facts, CATALOG, Wish(keep_torch=True, remove=leftovers(facts)))
    assert remedy.commands[0][-2:] == ("-y", "nvidia-nccl-cu11")
    assert read_back(remedy).torch == "2.8.0+cu126"
    assert "--force-reinstall" in read_back(remedy).words


def test_cuda_that_another_package_needs_is_kept():
    """ctranslate2 is for CUDA 12: the newest torch of that major, and the text says why."""
    packages = (Package(name="torch", version="2.0.0"), Package(name="ctranslate2", version="4.5.0"))
    facts = facts_with_wrong_build(machine("linux", RTX_4090, driver="580.95.05"), packages=packages)
    remedy = reinstall(facts, CATALOG)
    assert read_back(remedy).torch == "2.14.1+cu126"
    assert "ctranslate2" in str(remedy.text)


REMOVERS = {"uninstall", "purge", "remove", "autoremove", "rm", "-R", "-Rns"}


@pytest.mark.parametrize("kind", list(RemedyKind))
@pytest.mark.parametrize("case", GOLDEN[::7], ids=lambda case: case.name)
def test_nothing_is_removed_that_the_facts_do_not_show(kind, case):
    """Every kind of remedy on every kind of machine: what a command removes is listed in the facts."""
    facts = facts_with_wrong_build(case.machine)
    wish = RemedyRow(kind=kind, names=("CUDA_VISIBLE_DEVICES",), variables={"A": "b"})
    installed = {package.name for package in facts.packages}
    for remedy in (
        make(wish, facts, CATALOG, TEXT),
        reinstall(facts, CATALOG, Wish(remove=("nvidia-nccl-cu11", "torch"))),
    ):
        for command in remedy.commands:
            if REMOVERS & set(command):
                assert set(command[command.index("-y") + 1 :]) <= installed
            assert not [word for word in command if "*" in word]


# ---------------------------------------------------------------- machines


def test_an_unknown_driver_is_assumed_and_said():
    """A report without a driver is planned for a current branch that serves the card, and the text says so."""
    facts = Facts(system=System(os=Os.LINUX, arch="x86_64"), gpus=(Gpu(vendor=Vendor.NVIDIA, name="GTX 1080 Ti"),))
    imagined = machine_of(facts, CATALOG)
    assert imagined.machine.driver(Vendor.NVIDIA).version == "580"
    assert read_back(reinstall(facts, CATALOG)).torch == "2.14.1+cu126"
    assert "nvidia-smi" in str(reinstall(facts, CATALOG).text)


@pytest.mark.parametrize(
    ("said", "kernel", "l4t"),
    [
        ("36.4.0", None, "36.4.0"),
        ("R35.4.1", None, "35.4.1"),
        ("JetPack 6.2", None, "36"),
        ("unknown", "5.10.120-tegra", "35"),
    ],
)
def test_jetpack_is_read_in_every_spelling(said, kernel, l4t):
    """L4T's number, JetPack's, or the kernel's."""
    facts = Facts(system=System(os=Os.LINUX, arch="aarch64", jetson=said, kernel=kernel))
    assert machine_of(facts, CATALOG).machine.jetson == l4t


def test_a_jetson_with_the_wrong_python_gets_the_right_one():
    """The wheels for JetPack 6 are for Python 3.10 alone."""
    gpu = Gpu(vendor=Vendor.NVIDIA, name="Orin")
    facts = Facts(system=System(os=Os.LINUX, jetson="36.4.0"), python=Python(version="3.11.9"), gpus=(gpu,))
    remedy = reinstall(facts, CATALOG)
    assert ("uv", "venv", "--python", "3.10", "torch-env") in remedy.commands


@pytest.mark.parametrize("name", ["NVIDIA GeForce RTX 4060 Laptop GPU", "Tesla K40m", "RTX 2080Ti", "GRID A100-40C"])
def test_gpus_are_known_by_what_people_write(name):
    """The catalogue knows a card by its name, whatever stands around it."""
    facts = Facts(system=System(os=Os.LINUX), gpus=(Gpu(vendor=Vendor.NVIDIA, name=name),))
    assert machine_of(facts, CATALOG).machine.gpus[0].compute_capability


# ---------------------------------------------------------------- drivers


def report(*names, driver=None, **system):
    """A report with NVIDIA GPUs."""
    gpus = tuple(Gpu(vendor=Vendor.NVIDIA, name=name) for name in names)
    return Facts(system=System(**{"os": Os.LINUX} | system), nvidia=Nvidia(driver=driver), gpus=gpus)


@pytest.mark.parametrize("distribution", ["Ubuntu 24.04", "Debian 13", "Fedora 43", "Rocky 9", "Arch", "openSUSE Leap"])
def test_pascal_goes_back_to_its_last_branch(distribution):
    """Exactly branch 580, whatever the distribution thinks newest."""
    remedy = driver_remedy(report("GTX 1080", driver="610.43.02", distribution=distribution), CATALOG)
    text = " ".join(word for command in remedy.commands for word in command)
    assert "580" in text or "G06" in text
    assert "open" not in text.replace("openSUSE", "")
    assert "branch 580" in str(remedy.text)
    assert remedy.needs_root


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ({"wsl": True}, "on Windows"),
        ({"container": True, "container_kind": "docker"}, "host"),
        ({"scheduler": "slurm"}, "administrators"),
        ({"os": Os.WINDOWS}, "580"),
    ],
)
def test_the_driver_is_changed_where_it_is(system, words):
    """WSL takes Windows' driver, a container its host's, a job the node's: no Linux command in any of them."""
    remedy = driver_remedy(report("GTX 1080", driver="610.43.02", distribution="Ubuntu", **system), CATALOG)
    assert words in str(remedy.text)
    assert "580" in str(remedy.text)
    assert not [command for command in remedy.commands if command[0] == "sudo"]


@pytest.mark.parametrize("action", list(DriverAction))
def test_every_driver_action_is_worded_everywhere(action):
    """Each place has a sentence for each action, and no command that removes."""
    places = ({}, {"wsl": True}, {"container": True}, {"scheduler": "slurm"}, {"jetson": "36.4"}, {"os": Os.WINDOWS})
    for system in places:
        remedy = driver_remedy(report("RTX 4090", driver="520.10", **system), CATALOG, action)
        assert str(remedy.text)
        assert not REMOVERS & {word for command in remedy.commands for word in command}


def test_nothing_fits_gives_the_planners_words_and_the_driver():
    """A driver that no longer serves the card: the plan's error, and this distribution's way back."""
    facts = report("NVIDIA GeForce GTX 1080", driver="610.43.02", distribution="Ubuntu 24.04", arch="x86_64")
    remedy = reinstall(facts, CATALOG)
    assert "no longer supports Pascal" in str(remedy.text)
    assert remedy.commands == (("sudo", "apt", "install", "nvidia-driver-580"),)
    assert remedy.needs_reboot


# ---------------------------------------------------------------- rows


def test_a_container_command_is_the_users_own():
    """The option goes into the command that the report shows."""
    facts = report("RTX 4090", container=True, container_kind="docker")
    facts = msgspec.structs.replace(facts, commands=("sudo docker run -it --rm vllm/vllm-openai:latest",))
    remedy = make(RemedyRow(kind=RemedyKind.CONTAINER_GPU), facts, CATALOG, TEXT)
    assert line(remedy.commands[0]) == "sudo docker run --gpus all -it --rm vllm/vllm-openai:latest"


@pytest.mark.parametrize("kind", ["docker", "podman", "kubernetes", "apptainer", "lxc", "distrobox"])
def test_every_container_has_its_own_way(kind):
    """Each kind of container gets a command of its own program."""
    facts = report("RTX 4090", container=True, container_kind=kind)
    assert make(RemedyRow(kind=RemedyKind.CONTAINER_GPU), facts, CATALOG, TEXT).commands


def test_variables_are_set_as_the_shell_does():
    """One remedy, three spellings."""
    row = RemedyRow(kind=RemedyKind.UNSET, names=("HSA_OVERRIDE_GFX_VERSION",))
    remedy = make(row, Facts(shell=Shell.SH), CATALOG, TEXT)
    spelled = [line(remedy.commands[0], shell) for shell in Shell]
    assert spelled == [
        "unset HSA_OVERRIDE_GFX_VERSION",
        'set "HSA_OVERRIDE_GFX_VERSION="',
        "Remove-Item Env:HSA_OVERRIDE_GFX_VERSION",
    ]


def test_rows_hold_by_system_and_know_the_interpreter():
    """A row for Windows is left out on Linux; ``{python}`` is the environment's own."""
    rows = (
        CommandRow(argv=("winget", "install", "x"), os=Os.WINDOWS),
        CommandRow(argv=("{python}", "-V"), os=Os.LINUX),
    )
    facts = msgspec.structs.replace(report("RTX 4090"), interpreter="/opt/env/bin/python")
    assert commands_for(rows, facts) == (("/opt/env/bin/python", "-V"),)


def test_a_value_that_is_missing_leaves_its_command_out():
    """A row whose placeholder no sign fills is no command."""
    row = RemedyRow(kind=RemedyKind.COMMANDS, commands=(CommandRow(argv=("apt", "install", "{library}")),))
    assert make(row, report("RTX 4090"), CATALOG, TEXT).commands == ()
    filled = make(row, report("RTX 4090"), CATALOG, TEXT, {"library": "libcudss0"})
    assert filled.commands == (("apt", "install", "libcudss0"),)


def test_a_said_absence_of_the_driver_is_not_assumed_away():
    """A program that says there is no driver is believed: the remedy is a driver, not a build."""
    facts = report("RTX 4090", distribution="Ubuntu", arch="x86_64")
    sign = Sign(code="smi.not-running", cause="driver-missing-or-broken", line="NVIDIA-SMI has failed")
    remedy = reinstall(msgspec.structs.replace(facts, signs=(sign,)), CATALOG)
    assert read_back(remedy).torch is None
    assert remedy.commands[0][0] == "sudo"


def test_only_a_driver_that_the_report_shows_inside_wsl_is_removed():
    """The exact package of the user's own command; the container toolkit and the CUDA toolkit stay."""
    facts = report("RTX 4090", wsl=True)
    shown = "sudo apt install nvidia-driver-535 nvidia-container-toolkit cuda-toolkit-12-4"
    remedy = driver_remedy(msgspec.structs.replace(facts, commands=(shown,)), CATALOG)
    assert remedy.commands[0] == ("sudo", "apt", "remove", "nvidia-driver-535")
    assert remedy.needs_root
    assert not driver_remedy(facts, CATALOG).needs_root


@pytest.mark.parametrize("case", GOLDEN[::5], ids=lambda case: case.name)
def test_a_remedy_applied_is_the_end_of_it(case):
    """With the planned torch in place the remedy names the same build again."""
    facts = facts_with_wrong_build(case.machine)
    first = planned(one_python(case.machine))
    if isinstance(first, TorchupError):
        return
    torch = Torch(installed=True, version=first.build.torch, local=first.build.variant, variant=first.build.variant)
    cured = msgspec.structs.replace(facts, torch=torch)
    assert read_back(reinstall(cured, CATALOG)).torch == read_back(reinstall(facts, CATALOG)).torch


def test_companions_of_a_torch_that_nobody_lists_come_with_another_torch():
    """Where the release is not in the catalogue, its companions cannot be named: all three are exchanged."""
    torch = Torch(installed=True, version="2.1.0a0", local="git1", variant=None)
    facts = facts_with_wrong_build(machine("linux", RTX_4090, driver="580.95.05"), torch=torch)
    words = reinstall(facts, CATALOG, Wish(companions_only=True)).commands[0]
    assert "torch==2.15.0+cu132" in words
    assert "--no-deps" not in words


def test_a_jetson_without_a_release_is_assumed_and_said():
    """No JetPack in the report: the usual one, in the text."""
    facts = Facts(system=System(os=Os.LINUX, jetson="unknown"), python=Python(version="3.11.9"))
    remedy = reinstall(facts, CATALOG)
    assert "JetPack 6" in str(remedy.text)
    assert "3.10" in remedy.commands[0]


def test_the_python_of_a_program_is_kept():
    """A portable program runs with no other Python, so the newest build that has a wheel for it goes in."""
    facts = report("RTX 4090", driver="581.29", os=Os.WINDOWS, arch="x86_64")
    python = Python(version="3.10.6")
    facts = msgspec.structs.replace(facts, interpreter=r"python_embeded\python.exe", python=python)
    remedy = reinstall(facts, CATALOG)
    assert len(remedy.commands) == 1
    assert remedy.commands[0][0] == r"python_embeded\python.exe"


def test_an_xpu_build_without_a_named_gpu_keeps_its_kind():
    """The build that is there says which vendor the card is of."""
    facts = Facts(
        system=System(os=Os.LINUX, arch="x86_64"), torch=Torch(installed=True, version="2.8.0", variant="xpu")
    )
    assert read_back(reinstall(facts, CATALOG)).torch.endswith("+xpu")


def test_what_was_asked_for_comes_from_where_it_is_published():
    """A label that a mirror does not have is on PyTorch's own index; one that does not exist gives way to what fits."""
    facts = report("RTX 4090", driver="560.35", arch="x86_64")
    python = Python(version="3.10.12")
    row = RemedyRow(kind=RemedyKind.REQUESTED)
    asked = msgspec.structs.replace(facts, python=python, requested=("torch==2.6.0+cu124",))
    found = read_back(make(row, asked, CATALOG, TEXT))
    assert found.torch == "2.6.0+cu124"
    assert found.index.endswith("/cu124")
    never = msgspec.structs.replace(asked, requested=("torch==2.10.0+cu131",))
    assert "+cu12" in read_back(make(row, never, CATALOG, TEXT)).torch


def test_a_capability_that_torch_names_stands_for_the_gpu():
    """The warning names the card's capability: a Thor, and so JetPack 7's CUDA."""
    sign = Sign(code="arch.warned", cause="arch-not-in-build-too-old", line="-", values={"capability": "sm_110"})
    facts = Facts(system=System(os=Os.LINUX, jetson="unknown"), signs=(sign,), python=Python(version="3.12.3"))
    assert "+cu13" in read_back(reinstall(facts, CATALOG)).torch


@pytest.mark.parametrize("manager", list(Manager))
def test_further_packages_go_into_the_same_environment(manager):
    """Where a new environment is made, nothing goes into the old one, and nothing is removed from it."""
    target = machine("linux", RTX_4090, driver="580.95.05", kernel="6.8.0")
    old = "/opt/old/bin/python"
    facts = facts_with_wrong_build(target, manager=manager, interpreter=old)
    remedy = reinstall(facts, CATALOG, Wish(fresh=True, packages=("numpy<2",), remove=("torch",)))
    assert "numpy<2" in remedy.commands[-1]
    if manager in {Manager.PIP, Manager.UV_VENV, Manager.CONDA}:
        assert old not in {word for command in remedy.commands for word in command}
