"""What changes the machine below a container is said for the host, and never as a command for the container."""

from __future__ import annotations

import msgspec
import pytest

from support.doctor_examples import EXAMPLES
from support.doctor_messages import MESSAGES
from support.facts import facts
from torchup.compat.questions import load_compat
from torchup.doctor import diagnose
from torchup.doctor.cause import RemedyKind, load_cause, load_words, order
from torchup.doctor.host_commands import changes_host, for_container
from torchup.doctor.remedy import remedy_of
from torchup.model import Remedy, message
from torchup.reports import parse_report

COMPAT = load_compat()
VALUES = {"driver_branch": "550", "python": "python", "names": "X", "floor": "12"}
ON_HOST = {RemedyKind.CONTAINER_GPU, RemedyKind.CONTAINER_ENGINE}  # start the container itself
PLACES = [{"container_kind": kind, "distribution": "Ubuntu 24.04"} for kind in ("docker", "podman", "kubernetes")]


@pytest.mark.parametrize("slug", [slug for slug in order() if load_words(slug).text.remedy])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place["container_kind"])
def test_no_cause_file_tells_a_container_to_change_its_host(slug, place):
    """Of every cause, with every value known: what is left for the container changes only the container."""
    known = facts(os="linux", container=True, gpu="RTX 4090", driver="550.54", **place)
    remedy = remedy_of(slug, known, COMPAT.catalog, VALUES)
    if remedy is None or load_cause(slug).remedy in ON_HOST:
        return
    placed = for_container(remedy, known)
    assert not [command for command in placed.commands if changes_host(command)]
    gone = [command for command in remedy.commands if command not in placed.commands]
    assert all(command[-1] in str(placed.text) for command in gone)
    assert bool(gone) == ("host, not inside" in str(placed.text))


@pytest.mark.parametrize("name", [*EXAMPLES, *MESSAGES])
def test_no_example_tells_a_container_to_change_its_host(name):
    """Every report of the examples, as if it came from a container."""
    known = parse_report({**EXAMPLES, **MESSAGES}[name][1])
    inside = msgspec.structs.replace(known, system=msgspec.structs.replace(known.system, container=True))
    for finding in diagnose(inside, COMPAT).findings:
        commands = finding.remedy.commands if finding.remedy else ()
        starts_container = {"docker", "nvidia-ctk"} & {word for command in commands for word in command}
        assert starts_container or not [command for command in commands if changes_host(command)], finding.rule


@pytest.mark.parametrize(("command", "changes"), [
    ("sudo modprobe amdgpu", True), ("sudo apt install nvidia-fabricmanager-550", True), ("reboot", True),
    ("sudo apt install gcc", False), ("nvidia-smi -q", False), ("pip install nvidia-driver-tools", False),
    ("sudo apt remove libnccl2", False),
])  # fmt: skip
def test_what_changes_the_host(command, changes):
    """Kernel modules, services, drivers and GPU modes do; a container's own packages do not."""
    assert changes_host(tuple(command.split())) is changes


def test_outside_of_a_container_nothing_changes():
    """On the machine itself the commands are the remedy."""
    remedy = Remedy(text=message("x", "load it"), commands=(("sudo", "modprobe", "amdgpu"),))
    assert for_container(remedy, facts(os="linux")) is remedy
