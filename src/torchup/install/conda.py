"""The conda engine: packages from conda-forge through py-rattler; no conda, mamba or pixi is needed.

Conda writes the environment's own path into files when it links them, so a linked environment cannot be renamed. It is
therefore linked in the staging folder *for its final path* (py-rattler's ``alternative_target_prefix``): the swap stays
the one rename of every engine, and a rolled-back environment finds its own path again. Until the swap, verification
starts the staged Python by its full path, which needs none of those texts.

py-rattler is an optional extra. It works in a child process (`install.rattler_runner`), where a stall, a crash of
native code or Ctrl-C is handled as for any other installer.
"""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any

import msgspec
from packaging.specifiers import SpecifierSet

from torchup.encoding import UNREADABLE
from torchup.envs.paths import join, split
from torchup.errors import InstallError, NetworkError, NoBuildError, TorchupError, UsageError
from torchup.install import uv
from torchup.install.arguments import usable, uv_arguments
from torchup.install.keep import requirement_name
from torchup.model import Step, message, verbatim
from torchup.own_commands import add_to_torchup
from torchup.plan.conda import conda_name
from torchup.sources.conda_config import conda_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.host import Completed, Host
    from torchup.model import CondaOrder, Plan

RATTLER = "py-rattler"
SUPPORTED = SpecifierSet(">=0.28,<0.29")  # its API breaks with every minor release; also in pyproject.toml
RUNNER = "torchup.install.rattler_runner"
SOLVE_TIMEOUT = 900.0  # seconds; the full index of conda-forge is some 50 MB where a mirror has no shards
LINK_TIMEOUT = 6 * 3600.0  # as for uv; the runner itself notices a stall


class CondaInstaller:
    """See `torchup.install.base.Installer`."""

    def steps(self, plan: Plan, path: str) -> tuple[Step, ...]:
        """Solve into a lock file, download and link exactly that, then what only pip has.

        ``python`` as the first word stands for torchup's own.
        """
        order = order_of(plan)
        names = ", ".join(_spec_name(spec) for spec in order.specs)
        solve = Step(
            argv=_argv("solve", order, path),
            summary=message("install.step.conda-solve", "resolve the conda packages for {packages}", packages=names),
            timeout=SOLVE_TIMEOUT,
        )
        link = Step(
            argv=_argv("link", order, path),
            summary=message("install.step.conda-link", "download and link the conda packages"),
            timeout=LINK_TIMEOUT,
        )
        return (solve, link, *_pip_steps(plan, order, path))

    def perform(self, host: Host, step: Step, path: str, on_line: Callable[[str], None]) -> Completed:
        """Run a step with torchup's own Python; raises the `TorchupError` that says what went wrong."""
        if step.argv[0] == "uv":
            return uv.INSTALLER.perform(host, step, path, on_line)
        require_rattler()
        final = final_path(path)
        # What the engine tells uv when its cache is damaged holds here, too: another cache, which goes with staging.
        without_cache = "UV_NO_CACHE" in step.environment
        cache = join(split(path)[0], "conda-cache") if without_cache else join(host.folders().cache, "conda")
        extra = ["--final", final, "--cache", cache]
        if host.is_dir(join(final, "conda-meta")):
            extra += ["--keep", final]
        completed = host.run(
            (host.platform().python_executable, *step.argv[1:], *extra),
            timeout=step.timeout,
            environment={**conda_environment(host), **step.environment},
            on_line=lambda line: _pass_on(line, on_line),
        )
        if not completed.ok:
            raise failure(step, completed)
        return completed

    def settle(self, host: Host, path: str, target: str) -> None:
        """Nothing: the link step has written the final path into the files."""
        del host, path, target


def order_of(plan: Plan) -> CondaOrder:
    """The plan's conda order; raises `UsageError` for a plan made for another installer."""
    if plan.conda is None:
        text = message("conda.no-order", "this plan was made for {installer}, not for conda", installer=plan.installer)
        raise UsageError(
            text, hint=message("conda.no-order.hint", "run `torchup plan --installer conda` to make a conda plan")
        )
    return plan.conda


def _pip_steps(plan: Plan, order: CondaOrder, path: str) -> tuple[Step, ...]:
    """Packages that the user had installed with pip in the environment that is replaced: with pip's protocol again."""
    known = {_spec_name(spec) for spec in order.specs}
    own = tuple(line for line in plan.packages if conda_name(requirement_name(line)) not in known)
    if not own:
        return ()
    places = uv_arguments(plan) if usable(plan.sources) else ()
    names = ", ".join(own)
    return (
        Step(
            argv=("uv", "pip", "install", "--no-config", "--python", path, *places, *own),
            summary=message(
                "install.step.conda-pip", "install {packages} from a package index, not from conda", packages=names
            ),
            environment=uv.CLEARED,
            timeout=uv.INSTALL_TIMEOUT,
        ),
    )


def _spec_name(spec: str) -> str:
    return spec.split("=", maxsplit=1)[0].split(maxsplit=1)[0]


def _argv(action: str, order: CondaOrder, path: str) -> tuple[str, ...]:
    pairs = [
        *(("--channel", url) for url in order.channels),
        *(("--mirror", f"{canonical}={url}") for canonical, urls in order.mirrors.items() for url in urls),
        *(("--virtual", text) for text in order.virtual_packages),
        *(("--spec", spec) for spec in order.specs),
    ]
    options = (part for pair in pairs for part in pair)
    return ("python", "-P", "-m", RUNNER, action, "--prefix", path, "--subdir", order.subdir, *options)


def final_path(path: str) -> str:
    """Where an environment in the making will be: ``envs/.NAME.staging/ID/NAME`` -> ``envs/NAME``."""
    attempt, name = split(path)
    parent, staging = split(split(attempt)[0])
    return join(parent, name) if staging == f".{name}.staging" else path


def require_rattler() -> str:
    """The version of py-rattler; raises `UsageError` with the exact command where it is missing or too old or new."""
    command = add_to_torchup(f"{RATTLER}{SUPPORTED}")
    hint = message("conda.rattler.hint", "run `{command}` to install the package", command=command)
    try:
        version = importlib.metadata.version(RATTLER)
    except importlib.metadata.PackageNotFoundError:
        text = message(
            "conda.rattler-missing", "--installer conda needs {package}, which is not installed", package=RATTLER
        )
        raise UsageError(text, hint=hint) from None
    if version not in SUPPORTED:
        text = message(
            "conda.rattler-version",
            "--installer conda needs {package} {versions}; version {version} is installed",
            package=RATTLER,
            versions=str(SUPPORTED),
            version=version,
        )
        raise UsageError(text, hint=hint)
    return version


# ---------------------------------------------------------------- what the runner says


def events(stdout: str) -> list[dict[str, Any]]:
    """The JSON objects of the runner's output; anything else is left out."""
    found = []
    for line in stdout.splitlines():
        if line.startswith("{"):
            try:
                found.append(msgspec.json.decode(line, type=dict[str, Any]))
            except UNREADABLE:
                continue
    return found


def progress_text(event: dict[str, Any]) -> str | None:
    """One short line for a progress event, ``None`` for those that people need not see."""
    kind = event.get("event")
    if kind == "download" and event.get("total"):
        done, total = event["bytes"] / 1e6, event["total"] / 1e6
        return f"{event.get('package', '')} {done:.1f}/{total:.1f} MB"
    if kind == "package":
        return str(event.get("package", ""))
    if kind == "solved":
        return ", ".join(f"{name} {version}" for name, version in event.get("packages", ()))
    return None


def _pass_on(line: str, on_line: Callable[[str], None]) -> None:
    for event in events(line):
        if text := progress_text(event):
            on_line(text)


def failure(step: Step, completed: Completed) -> TorchupError:
    """The error for a step that failed, by the kind that the runner names."""
    said: dict[str, Any] = next((event for event in reversed(events(completed.stdout)) if "error" in event), {})
    words = verbatim(str(said.get("text") or completed.stderr[-2000:] or completed.returncode))
    kind = "network" if completed.timed_out else str(said.get("error", "internal"))
    if kind in {"solve", "virtual"}:
        text = message("conda.unsolvable", "no set of conda packages fits this machine:\n{words}", words=words)
        hint = message(
            "conda.unsolvable.hint", "run `torchup plan --installer uv` to see which wheel fits this machine"
        )
        return NoBuildError(text, hint=hint)
    if kind == "network":
        text = message(
            "conda.network",
            "could not {step}, because the network or a channel failed:\n{words}",
            step=step.summary,
            words=words,
        )
        hint = message("conda.network.hint", "check the network, or choose a conda-forge mirror with --mirror")
        return NetworkError(text, hint=hint)
    return InstallError(
        message("conda.failed", "could not {step}:\n{words}", step=step.summary, words=words),
        hint=message("conda.failed.hint", "try again, or use `--installer uv` to install wheels instead"),
    )


INSTALLER = CondaInstaller()
