"""Where packages come from, said in the words of uv and of pip. Pure.

Both tools receive every source explicitly and ignore their own configuration: the plan already holds
what the user's configuration names (`torchup.sources`), in the order in which it was weighed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.envs.paths import separator
from torchup.plan.index_options import IndexOptions, index_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.model import Plan, Source

# Variables that would change which packages uv takes. Those that say how to reach them (cache, proxies, certificates,
# timeouts, Python mirrors) stay: they are the user's. Source: uv's environment-variable reference, 0.13.
UV_CLEARED = (
    "UV_BUILD_CONSTRAINT", "UV_COMPILE_BYTECODE", "UV_CONFIG_FILE", "UV_CONSTRAINT", "UV_DEFAULT_INDEX",
    "UV_EXCLUDE", "UV_EXCLUDE_NEWER", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_FORK_STRATEGY", "UV_FROZEN",
    "UV_INDEX", "UV_INDEX_STRATEGY", "UV_INDEX_URL", "UV_ISOLATED", "UV_MANAGED_PYTHON", "UV_NO_BINARY",
    "UV_NO_BINARY_PACKAGE", "UV_NO_INDEX", "UV_NO_MANAGED_PYTHON", "UV_NO_SOURCES", "UV_OVERRIDE", "UV_PRERELEASE",
    "UV_PROJECT", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "UV_PYTHON_PREFERENCE", "UV_REQUIRE_HASHES", "UV_RESOLUTION",
    "UV_SYSTEM_PYTHON", "UV_TARGET", "UV_TORCH_BACKEND", "UV_VENV_CLEAR", "UV_VENV_RELOCATABLE", "UV_VENV_SEED",
    "UV_WORKING_DIR", "UV_WORKING_DIRECTORY", "UV_PREVIEW_FEATURES",
)  # fmt: skip
# The same for pip.
PIP_CLEARED = (
    "PIP_BUILD_CONSTRAINT", "PIP_CONSTRAINT", "PIP_DRY_RUN", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS",
    "PIP_FORCE_REINSTALL", "PIP_IGNORE_INSTALLED", "PIP_INDEX_URL", "PIP_NO_BINARY", "PIP_NO_DEPS",
    "PIP_NO_DEPENDENCIES",
    "PIP_NO_INDEX", "PIP_ONLY_BINARY", "PIP_PLATFORM", "PIP_PRE", "PIP_PREFIX", "PIP_PYTHON", "PIP_PYTHON_VERSION",
    "PIP_REQUIREMENT", "PIP_REQUIRE_HASHES", "PIP_REQUIRE_VIRTUALENV", "PIP_ROOT", "PIP_TARGET", "PIP_UPGRADE",
    "PIP_USER", "PIP_QUIET", "PIP_LOG",
)  # fmt: skip


def usable(sources: Sequence[Source]) -> tuple[Source, ...]:
    """The sources that uv and pip may use: all but channels of conda and those found unreachable; each place once."""
    found = (source for source in reversed(sources) if source.reachable is not False and source.kind != "conda")
    unique = {(source.kind, source.url): source for source in found}
    return tuple(reversed(unique.values()))


def uv_arguments(plan: Plan) -> tuple[str, ...]:
    """Index and find-links options of ``uv pip install``.

    ``unsafe-best-match`` is pip's own rule (the newest that fits, wherever it lies): PyTorch's index carries old copies
    of numpy and others, and uv's default would stop at the first index that knows a name.
    """
    places = _places(plan)
    arguments: list[str] = []
    for folder in places.find_links:
        arguments += ["--find-links", folder]
    for index in places.extra_index_urls:
        arguments += ["--index", index]
    if places.index_url is None:
        arguments += ["--no-index", "--offline"]
    else:
        arguments += ["--default-index", places.index_url, "--index-strategy", "unsafe-best-match"]
    return tuple(arguments)


def pip_arguments(plan: Plan) -> tuple[str, ...]:
    """The same options for pip."""
    places = _places(plan)
    arguments: list[str] = []
    for folder in places.find_links:
        arguments += ["--find-links", folder]
    arguments += ["--no-index"] if places.index_url is None else ["--index-url", places.index_url]
    for index in places.extra_index_urls:
        arguments += ["--extra-index-url", index]
    return tuple(arguments)


def constraints_file(plan: Plan, path: str) -> dict[str, str]:
    """The file (path -> text) that holds the user's constraints for the environment at ``path``; none, no file."""
    if not plan.constraints:
        return {}
    return {f"{path}{separator(path)}torchup-constraints.txt": "".join(f"{line}\n" for line in plan.constraints)}


def constraint_arguments(plan: Plan, path: str) -> tuple[str, ...]:
    """``--constraint FILE`` for `constraints_file`; uv and pip spell it alike."""
    return tuple(part for file in constraints_file(plan, path) for part in ("--constraint", file))


def override_file(plan: Plan, path: str) -> dict[str, str]:
    """The file (path -> text) of requirements that replace what packages require; none, no file. For uv."""
    if not plan.overrides:
        return {}
    return {f"{path}{separator(path)}torchup-overrides.txt": "".join(f"{line}\n" for line in plan.overrides)}


def override_arguments(plan: Plan, path: str) -> tuple[str, ...]:
    """``--overrides FILE`` for `override_file`."""
    return tuple(part for file in override_file(plan, path) for part in ("--overrides", file))


def hashed_file(plan: Plan, path: str) -> dict[str, str]:
    """The file (path -> text) that names each wheel's package, version and SHA-256; none where the plan has none."""
    if not plan.hashes:
        return {}
    lines = sorted(f"{_pin(name)} --hash=sha256:{digest}\n" for name, digest in plan.hashes.items())
    return {f"{path}{separator(path)}torchup-hashes.txt": "".join(lines)}


def hashed_arguments(plan: Plan, path: str) -> tuple[str, ...]:
    """``-r FILE`` for `hashed_file`, hashes required: nothing but the files of the plan is installed."""
    return tuple(part for file in hashed_file(plan, path) for part in ("--require-hashes", "--no-deps", "-r", file))


def _pin(wheel: str) -> str:
    name, version, *_ = wheel.split("-")
    return f"{name}=={version}"


def _places(plan: Plan) -> IndexOptions:
    return index_options(usable(plan.sources), variant=plan.build.variant, chosen=plan.build.source)
