"""devcontainer.json: the planned build inside VS Code, Codespaces and whatever else reads the format."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from torchup.errors import UsageError
from torchup.model import Vendor, message
from torchup.plan.exports.fleet import by_label, check_program, in_container, on_linux

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.plan.exports.fleet import LeftOut, Planned

# How docker passes a GPU into a container; the same as docs/how-to/containers.md says.
_RUN = {
    Vendor.NVIDIA: ["--gpus=all"],
    Vendor.AMD: ["--device=/dev/kfd", "--device=/dev/dri", "--group-add=video", "--group-add=render"],
    Vendor.INTEL: ["--device=/dev/dri", "--group-add=render"],
}


def devcontainer(fleet: Sequence[Planned], left_out: Sequence[LeftOut]) -> str:  # noqa: ARG001  # the format has one machine
    """One dev container; the machines have to share one build, since the format has room for one.

    Raises:
        UsageError: they do not, the plan is for conda, or no machine runs Linux.
    """
    kept, _ = on_linux(fleet, "devcontainer")
    groups = list(by_label(kept).values())
    if len(groups) > 1:
        labels = ", ".join(f"{one.name}: {one.label}, Python {one.plan.python}" for one, *_ in groups)
        raise UsageError(
            message("export.one-build",
                "a dev container can contain only one build with one Python, but these machines need different "
                "ones: {labels}",
                    labels=labels),
            hint=message("export.one-build.hint", "choose one machine with `--machine DIR/NAME.json`"),
        )  # fmt: skip
    one = groups[0][0]
    if one.plan.conda is not None:
        raise UsageError(
            message(
                "export.conda", "the plan is for conda, but `{kind}` needs a plan for uv or pip", kind="devcontainer"
            ),
            hint=message(
                "export.conda.hint",
                "use --installer uv, or export environment.yml, pixi, dockerfile, script-sh or script-ps1",
            ),
        )
    return json.dumps(_document(one), indent=2, ensure_ascii=False) + "\n"


def _document(one: Planned) -> dict[str, Any]:
    image, commands, python = in_container(one)
    document: dict[str, Any] = {
        "name": f"torch {one.label}",
        "image": image,
        "runArgs": ["--ipc=host", *_gpu_options(one)],
        "onCreateCommand": " && ".join(map(shlex.join, commands)),
        "postStartCommand": shlex.join([python, "-c", check_program(one.plan)]),
        "customizations": {"vscode": {"extensions": ["ms-python.python"]}},
    }
    if one.plan.uses_gpu:
        document["hostRequirements"] = {"gpu": True}
    return document


def _gpu_options(one: Planned) -> list[str]:
    vendors = dict.fromkeys(one.machine.gpus[index].vendor for index in one.plan.covered_gpus)
    return [option for vendor in vendors for option in _RUN.get(vendor, [])]
