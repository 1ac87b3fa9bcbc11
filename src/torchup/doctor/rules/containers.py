"""What stands between a process and the GPU's device nodes: containers that were not given them, permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.doctor.cause import RemedyKind, text_of
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import made, plain, quoted, remedy_of, said
from torchup.model import UNKNOWN, Gpu, Vendor, message
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts, Node
    from torchup.model import Message, Remedy

# The engine, or the image's own entry point, says that no GPU was given.
_NOT_GIVEN = ("docker.no-gpu-driver", "docker.not-detected", "docker.cli-load")
_UNSEEN = (
    "driver.none",
    "cuda.no-gpus",
    "driver.no-device",
    "driver.libcuda-missing",
    "driver.smi-missing",
    "driver.insufficient",
    "vllm.no-platform",
)
# The runtime that gives a container its GPU brings libcuda along: without it, none was given.
_NO_LIBCUDA = ("driver.libcuda-missing", "vllm.no-platform", "driver.none")
_SHARES_NODES = ("toolbox", "distrobox")  # kinds that see the host's /dev without an option
_OWN_USER = ("toolbox", "distrobox", "podman", "apptainer")  # kinds in which a user stays one
_COMMAND = lazy_pattern(r"\b(?:docker|podman|nerdctl|kubectl|apptainer|singularity|pct|lxc|distrobox)\b")


def container_without_gpu(facts: Facts, compat: Compat) -> Found | None:
    """The container was started without the GPU: no --gpus, no toolkit, no /dev/kfd."""
    unseen = facts.sign(*_UNSEEN)
    nodes = _wrong_nodes(facts)
    given = quoted(facts, *_NOT_GIVEN)
    without = facts.system.container and facts.system.container_gpu_flag is False and unseen is not None
    if facts.nodes and facts.system.container_kind in _SHARES_NODES:
        without = False
    if facts.live and not facts.gpus:
        without = False  # the bus was looked at: no GPU that could have been passed in
    without = without or _bare(facts)
    if facts.works or not (given or nodes or without):
        return None
    lines: list[Message] = [*given, *nodes, *([said(unseen)] if unseen else [])]
    lines += [plain(command) for command in facts.commands if _COMMAND.search(command)][:2]
    return Found(
        summary=text_of("container-without-gpu", "summary"),
        evidence=tuple(dict.fromkeys(lines)),
        remedy=_remedy(facts, compat),
        certainty=Certainty.PROVEN,
    )


def _bare(facts: Facts) -> bool:
    """Inside a container, and not even the driver's library is there; a pod's own flags stand in no command."""
    inside = facts.system.container and not facts.live
    told = facts.system.container_gpu_flag and facts.system.container_kind != "kubernetes"
    wsl = facts.system.wsl and facts.system.container_kind is None
    meant = facts.sign("said.no-gpu") is None
    return inside and meant and not told and not wsl and facts.sign(*_NO_LIBCUDA) is not None


def _wrong_nodes(facts: Facts) -> tuple[Message, ...]:
    """AMD's node is missing, or is not the host's, though the kernel has its module."""
    missing = () if facts.sign("kfd.not-loaded") is not None or _is_outside(facts) else quoted(facts, "kfd.no-node")
    return (*missing, *(quoted(facts, "kfd.invalid-node") if facts.system.container else ()))


def _is_outside(facts: Facts) -> bool:
    """Whether no container is known to be around the program; most reports do not say."""
    return not facts.system.container and (facts.live or facts.system.wsl)


def _remedy(facts: Facts, compat: Compat) -> Remedy | None:
    """How this kind of container gets its GPU."""
    if facts.system.container_kind == "kubernetes":
        text = text_of("container-without-gpu", "remedy-pod")
        return made(facts, compat, text, kind=RemedyKind.CONTAINER_GPU)
    if facts.system.container_kind == "lxc":
        text = text_of("container-without-gpu", "remedy-lxc")
        return made(facts, compat, text, kind=RemedyKind.CONTAINER_GPU)
    if facts.sign("docker.no-gpu-driver") is not None:
        text = text_of("container-without-gpu", "remedy-engine")
        return made(facts, compat, text, kind=RemedyKind.CONTAINER_ENGINE, needs_root=True)
    kfd = facts.sign("kfd.no-node", "kfd.invalid-node") is not None
    return remedy_of("container-without-gpu", _with_amd(facts) if kfd else facts, compat)


def _with_amd(facts: Facts) -> Facts:
    """KFD is AMD's, also where no GPU is named."""
    return msgspec.structs.replace(facts, gpus=(*facts.gpus, Gpu(vendor=Vendor.AMD)))


def permission_device_nodes(facts: Facts, compat: Compat) -> Found | None:
    """/dev/nvidia*, /dev/kfd or /dev/dri are not accessible to this user."""
    signs = facts.signs_of("permission-device-nodes")
    if facts.sign("kfd.no-node", "kfd.not-loaded", "kfd.unsupported", "kfd.invalid-node") is not None:
        signs = tuple(sign for sign in signs if sign.code != "kfd.hsa-resources")
    closed = [node for node in facts.nodes if not _may_open(node, facts) or _is_foreign(node, facts)]
    if facts.works or not (signs or closed):
        return None
    lines = [*map(said, signs)]
    lines += [
        message(
            "doctor.permission.node",
            "{path} is not accessible to this user (mode: {mode})",
            path=n.path,
            mode=n.mode or UNKNOWN,
        )
        for n in closed
    ]
    return Found(
        summary=text_of("permission-device-nodes", "summary"),
        evidence=tuple(lines),
        remedy=_groups_remedy(facts, compat),
        certainty=Certainty.PROVEN,
    )


def _groups_remedy(facts: Facts, compat: Compat) -> Remedy | None:
    """The user joins the groups; inside a container the container gets them."""
    if not facts.system.container or facts.system.container_kind in {"kubernetes", "lxc"}:
        return remedy_of("permission-device-nodes", facts, compat)
    text = text_of("permission-device-nodes", "remedy-container")
    amd = any(node.path.startswith(("/dev/kfd", "/dev/dri")) for node in facts.nodes)
    return made(facts if not amd else _with_amd(facts), compat, text, kind=RemedyKind.CONTAINER_GPU)


def _is_foreign(node: Node, facts: Facts) -> bool:
    """A node for a group of the host alone, in a container whose user is not root, and torch sees no GPU."""
    unseen = facts.sign("cuda.no-gpus", "hip.no-device") is not None
    return unseen and facts.system.container_kind in _OWN_USER and not node.accessible and not facts.groups


def _may_open(node: Node, facts: Facts) -> bool:
    """By the node's mode and group; a group counts only where the user's groups are known."""
    if node.accessible or node.group is None:
        return node.accessible
    return not facts.groups or node.group in facts.groups
