"""Bundles for machines without a network: a folder with every wheel of a plan, and the plan.

    DIR/plan.json     the plan (schema 1), the pins, the files with their hashes
    DIR/SHA256SUMS    for ``sha256sum -c``
    DIR/wheels/       find-links folder

uv resolves for the machine it is meant for (its markers, not this machine's), pip downloads exactly those pins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from torchup.encoding import UNREADABLE, decode_problem, from_json, to_json
from torchup.envs.paths import join, python_of
from torchup.errors import InstallError, UsageError
from torchup.install.arguments import UV_CLEARED, pip_arguments, uv_arguments
from torchup.install.base import Event
from torchup.install.bundle_check import Bundle, check_bundle
from torchup.install.failures import explain
from torchup.install.pip import CLEARED
from torchup.install.uv import UvInstaller
from torchup.model import InstallerName, Plan, Source, Step, message
from torchup.plan.foreign import SIZE_LIMIT, checked_plan
from torchup.sources.child_environment import child_environment
from torchup.sources.private import handed_over, secret_addresses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.host import Host
    from torchup.install.base import Progress

PLAN_FILE = "plan.json"
DOWNLOAD_TIMEOUT = 6 * 3600.0  # seconds; as an installation's

# Platform -> uv's name for it, and the platform tags that its pip takes. manylinux_2_28 is torch's own floor since 2.6
# (https://github.com/pytorch/pytorch/issues/123649); macOS 14 since torch 2.12.
_MANYLINUX = ("2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")
PLATFORMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "linux_x86_64": (
        "x86_64-manylinux_2_28",
        (*(f"manylinux_{v}_x86_64" for v in _MANYLINUX), "manylinux2014_x86_64", "manylinux1_x86_64", "linux_x86_64"),
    ),
    "linux_aarch64": (
        "aarch64-manylinux_2_28",
        (*(f"manylinux_{v}_aarch64" for v in _MANYLINUX[:5]), "manylinux2014_aarch64", "linux_aarch64"),
    ),
    "windows_x86_64": ("x86_64-pc-windows-msvc", ("win_amd64",)),
    "macos_arm64": (
        "aarch64-apple-darwin",
        tuple(f"macosx_{v}_0_{arch}" for v in (14, 13, 12, 11) for arch in ("arm64", "universal2")),
    ),
}


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One bundle in the making."""

    host: Host
    plan: Plan
    folder: str
    platform: str | None
    overlay: dict[str, str | None]  # certificates and passwords of the user's configuration
    tell: Progress

    @property
    def workshop(self) -> str:
        """Where the tools work; removed at the end."""
        return join(self.folder, ".workshop")

    @property
    def wheels(self) -> str:
        """Where the wheels go."""
        return join(self.folder, "wheels")

    @property
    def environment(self) -> dict[str, str | None]:
        """Of every tool: the user's settings of what to choose do not count."""
        return {**self.overlay, **dict.fromkeys(UV_CLEARED), **CLEARED}

    @property
    def python(self) -> str:
        """What pip runs on: the planned Python; for another platform any will do, so torchup's own."""
        if self.platform is not None:
            return self.host.platform().python_executable
        return self.plan.python_path or self.plan.python

    def run(self, step: Step) -> str:
        """Run one tool; its stdout."""
        event = Event(stage="step", text=step.summary)
        self.tell(event)
        argv, secret = handed_over(step.argv, secret_addresses(self.host))
        private = msgspec.structs.replace(step, argv=argv, environment={**step.environment, **secret})
        completed = UvInstaller().perform(
            self.host, private, self.workshop, lambda line: self.tell(msgspec.structs.replace(event, detail=line))
        )
        if not completed.ok:
            raise explain(step, completed)
        return completed.stdout


def collect(
    host: Host, plan: Plan, folder: str, *, platform: str | None = None, progress: Progress | None = None
) -> Bundle:
    """Download every wheel of a plan, its dependencies and pip into ``folder``.

    Args:
        host: the machine, which has a network.
        plan: what to bundle.
        folder: where to; new or empty.
        platform: a key of `PLATFORMS`, for another kind of machine than this one.
        progress: receives what happens.

    Raises:
        UsageError: the folder is not empty, the platform unknown, or the plan is conda's.
        InstallError, NetworkError: a wheel is not available.
    """
    _check(host, plan, folder, platform)
    folder = host.real_path(folder)  # programs in it are started by their whole path
    try:
        with child_environment(host, (source.url for source in plan.sources)) as overlay:
            tell = progress or (lambda _: None)
            job = _Job(host=host, plan=plan, folder=folder, platform=platform, overlay=overlay, tell=tell)
            pins = _resolve(job)
            _download(job, pins)
            bundle = _write(job, pins, _sums(job))
        host.remove(job.workshop)
    except BaseException as error:
        for name in host.list_dir(folder) or ():  # it was empty: all of it is from here
            host.remove(join(folder, name))
        if not isinstance(error, OSError):
            raise
        text = message("bundle.os-error", "{folder} cannot be written: {error}", folder=folder, error=error)
        hint = message(
            "bundle.os-error.hint", "use -o to choose a folder that you can write to and that has free space"
        )
        raise InstallError(text, hint=hint) from error
    return bundle


def load_bundle(host: Host, folder: str) -> Plan:
    """The plan of a bundle, its only source the bundle's own wheels: nothing is contacted to install it.

    Raises:
        UsageError: there is no bundle, or files of it are missing or cut short.
    """
    raw = host.read_bytes(join(folder, PLAN_FILE), SIZE_LIMIT)
    if raw is None:
        text = message("bundle.none", "{folder} is not a bundle: it has no {file}", folder=folder, file=PLAN_FILE)
        raise UsageError(text, hint=message("bundle.none.hint", "run `torchup env bundle -o DIR` to make one"))
    try:
        bundle = from_json(raw, Bundle)
    except UNREADABLE as error:
        text = message(
            "bundle.damaged", "{folder}/{file} cannot be read: {error}", folder=folder, file=PLAN_FILE,
            error=decode_problem(error),
        )  # fmt: skip
        raise UsageError(
            text,
            hint=message(
                "bundle.incomplete.hint", "copy the bundle again; SHA256SUMS shows whether the copy is complete"
            ),
        ) from error
    place = join(folder, PLAN_FILE)
    plan = checked_plan(bundle.plan, place)
    check_bundle(host, folder, bundle)
    source = Source(name="bundle", url=host.real_path(join(folder, "wheels")), kind="find-links", reachable=True)
    build = msgspec.structs.replace(plan.build, source="bundle", index_url=None)
    return msgspec.structs.replace(plan, build=build, sources=(source,), constraints=(), hashes=bundle.files)


def _check(host: Host, plan: Plan, folder: str, platform: str | None) -> None:
    if plan.installer == InstallerName.CONDA:
        raise UsageError(
            message("bundle.conda", "a conda plan cannot be bundled"),
            hint=message("bundle.conda.hint", "leave out `--installer conda` to bundle a plan of wheels"),
        )
    if plan.compiled:
        names = ", ".join(wheel.package for wheel in plan.compiled)
        raise UsageError(
            message("bundle.compiled", "a bundle contains only wheels, but {names} must be compiled", names=names),
            hint=message("bundle.compiled.hint", "leave out --build, so that torchup chooses a torch that has a wheel"),
        )
    if platform is not None and platform not in PLATFORMS:
        text = message("bundle.platform", "there is no platform `{name}`", name=platform)
        raise UsageError(text, hint=message("bundle.platform.hint", "known: {names}", names=", ".join(PLATFORMS)))
    left = set(host.list_dir(folder) or ())
    if left and ".workshop" in left and left <= {".workshop", "wheels", "SHA256SUMS"}:
        for name in left:  # of a run that was killed: it never came to the plan
            host.remove(join(folder, name))
    elif left:
        text = message("bundle.not-empty", "{folder} is not empty", folder=folder)
        raise UsageError(text, hint=message("bundle.not-empty.hint", "choose a new folder with -o"))


def _resolve(job: _Job) -> tuple[str, ...]:
    """The exact version of everything, worked out for the platform."""
    wanted, constraints = join(job.workshop, "wanted.txt"), join(job.workshop, "constraints.txt")
    job.host.write_text(wanted, "".join(f"{line}\n" for line in (*job.plan.requirements, "pip")))
    job.host.write_text(constraints, "".join(f"{line}\n" for line in job.plan.constraints))
    target = ("--python-platform", PLATFORMS[job.platform][0]) if job.platform else ()
    step = Step(
        argv=("uv", "pip", "compile", wanted, "--no-config", "--no-header", "--no-annotate", "--quiet", *target,
              "--python-version", job.plan.python.removesuffix("t"), "--only-binary", ":all:",
              "--constraint", constraints, "--python", job.python, *uv_arguments(job.plan)),
        summary=message("bundle.step.resolve", "resolve the packages"),
        environment=job.environment,
        timeout=600.0,
    )  # fmt: skip
    lines = [line.strip() for line in job.run(step).splitlines()]
    return tuple(line for line in lines if line and not line.startswith("#"))


def _download(job: _Job, pins: Sequence[str]) -> None:
    # A pip of its own: this machine's Python may have none, or one too old to know today's platform tags.
    place = join(job.workshop, "pip")
    make = Step(
        argv=("uv", "venv", "--no-config", "--no-project", "--python", job.python, place),
        summary=message("bundle.step.pip", "fetch pip for the downloads"),
        environment=job.environment,
        timeout=600.0,
    )
    fetch = msgspec.structs.replace(
        make, argv=("uv", "pip", "install", "--no-config", "--python", place, *uv_arguments(job.plan), "pip")
    )
    download = Step(
        argv=(python_of(place), "-I", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input",
              "--disable-pip-version-check", "--progress-bar", "off", "--dest", job.wheels,
              *pip_arguments(job.plan), *_tags(job), *pins),
        summary=message("bundle.step.download", "download {count} wheels", count=len(pins)),
        environment=job.environment,
        timeout=DOWNLOAD_TIMEOUT,
    )  # fmt: skip
    for step in (make, fetch, download):
        job.run(step)


def _tags(job: _Job) -> tuple[str, ...]:
    """Pip's options for another kind of machine; for this kind it knows best itself."""
    if job.platform is None:
        return ()
    platforms = tuple(part for tag in PLATFORMS[job.platform][1] for part in ("--platform", tag))
    version, abi = job.plan.python.removesuffix("t"), f"cp{job.plan.python.replace('.', '')}"
    abis = tuple(part for name in (abi, "abi3", "none") for part in ("--abi", name))
    return (*platforms, "--python-version", version, "--implementation", "cp", *abis)


def _sums(job: _Job) -> dict[str, str]:
    """Wheel -> sha256; pip reads the files piece by piece, so that none has to fit into memory."""
    names = job.host.list_dir(job.wheels) or ()
    step = Step(
        argv=(
            python_of(join(job.workshop, "pip")),
            "-I",
            "-m",
            "pip",
            "hash",
            *(join(job.wheels, name) for name in names),
        ),
        summary=message("bundle.step.hash", "write their checksums"),
        environment=job.environment,
        timeout=DOWNLOAD_TIMEOUT,
    )
    digests = [line.rpartition("sha256:")[2].strip() for line in job.run(step).splitlines() if "sha256:" in line]
    if len(digests) != len(names):
        raise InstallError(
            message("bundle.hash", "the downloaded files cannot be read"),
            hint=message("bundle.hash.hint", "check whether the disk is full, then repeat the command"),
        )
    return dict(zip(names, digests, strict=True))


def _write(job: _Job, pins: tuple[str, ...], sums: dict[str, str]) -> Bundle:
    # the wheels are in the folder: where they came from is not asked again, and may be a place of this machine only
    build = msgspec.structs.replace(job.plan.build, index_url=None)
    plan = msgspec.structs.replace(job.plan, build=build, steps=(), rejected=(), sources=(), python_path=None)
    bundle = Bundle(platform=job.platform, pins=pins, files=sums, plan=plan)
    lines = "".join(f"{digest}  wheels/{name}\n" for name, digest in sums.items())
    job.host.write_text(join(job.folder, "SHA256SUMS"), lines)
    job.host.write_text(join(job.folder, PLAN_FILE), to_json(bundle))
    return bundle
