"""Laws of everything that the doctor shows: unknown is a word, and a command exists on the system that it is for."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import msgspec
import pytest

from support.doctor_examples import EXAMPLES
from support.doctor_messages import MESSAGES
from support.facts import HOLDING, facts
from torchup.compat.questions import load_compat
from torchup.doctor import diagnose
from torchup.doctor.cause import System, load_cause, load_words, order
from torchup.doctor.data_rule import check_of
from torchup.doctor.facts import Sign
from torchup.doctor.package_tools import package_tools
from torchup.doctor.remedy import remedy_of
from torchup.doctor.rules import CHECKS
from torchup.doctor.rules.ready import SLUGS, lacking
from torchup.model import Message, Readiness
from torchup.reports import parse_report

COMPAT = load_compat()
THREADS = Path(__file__).parents[2] / "threads"
REPORTS = {name: text for name, (_, text) in (EXAMPLES | MESSAGES).items()} | {
    f"{path.parent.name}/{path.stem}": path.read_text("utf-8") for path in sorted(THREADS.glob("*/*.txt"))
}
TOOLS = {"apt", "apt-get", "dpkg", "ubuntu-drivers"}
ENGINES = {"docker", "podman", "nerdctl", "kubectl", "lxc"}
RISKY = re.compile(r"may freeze|only hides|only silences|can break|wrong results")


@cache
def parsed(name):
    """The facts of a report, read once for all laws."""
    return parse_report(REPORTS[name])


def messages(value):
    """Every message below a value, those within messages too."""
    if isinstance(value, Message):
        yield value
        for _, inner in value.values:
            yield from messages(inner)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from messages(getattr(value, name))
    elif isinstance(value, tuple):
        for inner in value:
            yield from messages(inner)


def bare(value):
    """Values that stand for something unknown without saying so."""
    found = [
        (one.code, name) for one in messages(value) for name, inner in one.values if inner in {"-", "?", "", "None"}
    ]
    return [*found, *((one.code, name) for one in messages(value) for name, inner in one.values if inner is None)]


def programs(commands):
    """The program of each command, without `sudo`."""
    return {command[1] if command[0] == "sudo" else command[0] for command in commands}


@pytest.mark.parametrize("name", REPORTS)
def test_no_report_gets_a_sign_for_what_is_unknown(name):
    """Summary, evidence, remedy, what was seen and what is missing say "unknown", or another sentence."""
    assert bare(diagnose(parsed(name), COMPAT)) == []


@pytest.mark.parametrize("slug", [slug for slug in order() if load_cause(slug).signs])
def test_no_data_rule_shows_a_sign_for_a_value_that_its_message_lacks(slug):
    """A message that a console cut off has no values."""
    needed = [guard.removeprefix("not ") for guard in load_cause(slug).guards if guard.startswith("not ")]
    known = {name: value for condition in needed for name, value in HOLDING[condition].items()}
    assert bare(check_of(load_cause(slug))(facts(signs=load_cause(slug).signs[0], **known), COMPAT)) == []


@pytest.mark.parametrize(("name", "slug"), SLUGS.items())
@pytest.mark.parametrize("version", [None, "3.1"])
def test_no_requirement_of_torch_compile_shows_a_sign_for_a_version(name, slug, version):
    """What is found and what is needed are versions, or said to be unknown."""
    row = Readiness(name=name, what="it", ready=False, found=version, wanted=version)
    assert bare(lacking(facts(readiness=(row,)), name, slug)) == []


# ---------------------------------------------------------------- commands


@pytest.mark.parametrize("slug", order())
def test_commands_of_a_cause_file_exist_wherever_they_are_shown(slug):
    """A package manager only under its distributions, or with the releases that have the packages; no engine at all."""
    words = load_words(slug)
    for system, rows in words.commands.items():
        found = programs(rows)
        assert not found & ENGINES, "remedies.toml has rows by engine"
        assert not found & TOOLS or system is System.DEBIAN or words.releases
        assert not found & {tool.program for tool in package_tools()} - TOOLS


def elsewhere(name):
    """The report as if it came from Fedora, and its container from Podman."""
    known = parsed(name)
    kind = "podman" if known.system.container else None
    system = msgspec.structs.replace(known.system, distribution="Fedora Linux 43", container_kind=kind, jetson=None)
    return msgspec.structs.replace(known, system=system)


@pytest.mark.parametrize("name", [*EXAMPLES, *MESSAGES])
def test_no_example_from_another_distribution_or_engine_gets_the_usual_one_s_commands(name):
    """Fedora has no apt; a container of Podman is not Docker's."""
    known = elsewhere(name)
    for finding in diagnose(known, COMPAT).findings:
        found = programs(finding.remedy.commands) if finding.remedy else set()
        assert not found & TOOLS, finding.rule
        assert not (known.system.container and "docker" in found), finding.rule


@pytest.mark.parametrize("kind", [None, "docker", "docker-desktop", "podman", "kubernetes", "lxc", "apptainer"])
def test_a_lost_container_is_restarted_by_what_runs_it(kind):
    """A kind that is unknown, or has no such command, gets words."""
    remedy = remedy_of("container-lost-gpu", facts(container=True, container_kind=kind), COMPAT.catalog)
    own = {"docker": "docker", "docker-desktop": "docker", "podman": "podman", "kubernetes": "kubectl", "lxc": "lxc"}
    assert programs(remedy.commands) == ({own[kind]} if kind in own else set())
    assert "restart" in str(remedy.text)


def test_nerdctl_is_named_where_the_report_uses_it():
    """Its commands are Docker's with another first word."""
    known = facts(container=True, container_kind="docker", commands=("nerdctl run -it image", "nvidia-smi"))
    for slug in ("container-lost-gpu", "container-without-gpu"):
        assert programs(remedy_of(slug, known, COMPAT.catalog).commands) == {"nerdctl"}


@pytest.mark.parametrize("slug", order())
def test_no_remedy_sets_what_its_own_texts_warn_of(slug):
    """What is pasted first is the command: a variable that a sentence calls risky stays in the words."""
    texts = [str(load_words(slug).text.fix), str(load_words(slug).text.remedy), *load_words(slug).variants.values()]
    risky = [clause for text in texts for clause in re.split(r"[.;:] ", text) if RISKY.search(clause)]
    assert not [name for name in load_cause(slug).variables if any(name in clause for clause in risky)]


def test_the_fabric_manager_is_installed_by_apt_on_debian_and_named_elsewhere():
    """Its service is started everywhere; the text says which release it needs."""
    known = {"os": "linux", "driver": "550.54.15"}
    values = {"driver_branch": "550"}
    shown = {
        name: remedy_of("fabric-manager-needed", facts(distribution=name, **known), COMPAT.catalog, values)
        for name in ("Ubuntu 22.04", "debian", "Rocky Linux 9", "sles", None)
    }
    assert {name: programs(remedy.commands) for name, remedy in shown.items()} == {
        "Ubuntu 22.04": {"apt", "systemctl"}, "debian": {"apt", "systemctl"},
        "Rocky Linux 9": {"systemctl"}, "sles": {"systemctl"}, None: {"systemctl"},
    }  # fmt: skip


WHERE = {"Ubuntu 22.04": ["dpkg", "sudo"], "Rocky Linux 9": ["rpm"], "Arch Linux": ["pacman"], None: []}


@pytest.mark.parametrize(("distribution", "first"), WHERE.items())
@pytest.mark.parametrize("folder", ["/usr/lib64", "/usr/lib/x86_64-linux-gnu"])
def test_a_system_library_is_named_and_removed_by_its_distribution_s_own_program(distribution, first, folder):
    """Only a package that is known by its name is removed; a folder of Debian's names its program, too."""
    line = "undefined symbol: ncclCommWindowRegister"
    shown = Sign(code="mixed.nccl", cause="mixed-install", line=line, values={"symbol": "ncclCommWindowRegister"})
    known = facts(
        os="linux", distribution=distribution, torch_version="2.9.1", torch_cuda="12.8", signs=(shown,),
        libraries={"libnccl.so.2": f"{folder}/libnccl.so.2"},
    )  # fmt: skip
    found = CHECKS["mixed-install"](known, COMPAT)
    debian = distribution is None and "-linux-gnu" in folder
    assert [command[0] for command in found.remedy.commands] == (["dpkg", "sudo"] if debian else first)
    assert "libnccl" in str(found.remedy.text)
