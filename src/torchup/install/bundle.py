"""Bundles for machines without a network: a folder with every wheel of a plan, and the plan.

    DIR/plan.json     the plan (schema 1), the pins, the files with their hashes
    DIR/SHA256SUMS    of all the others; for ``sha256sum -c``, and checked before anything is opened
    DIR/wheels/       find-links folder

uv resolves for the machine it is meant for (its markers, not this machine's); the files come by torchup's own fetcher,
so that a broken-off bundle is continued, and what the store has is not fetched again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from torchup.encoding import UNREADABLE, decode_problem, from_json, to_json
from torchup.envs.paths import join
from torchup.errors import InstallError, UsageError
from torchup.fetch import CONNECTIONS
from torchup.install.arguments import UV_CLEARED, uv_arguments
from torchup.install.base import Event
from torchup.install.bundle_check import PLAN_FILE, SUMS_FILE, Bundle, check_bundle, checked_sums, remade_here
from torchup.install.direct import by_version, direct_files
from torchup.install.direct_fetch import FetchedFile, fetch_direct, with_files
from torchup.install.downloading import Downloading, is_remote
from torchup.install.failures import explain
from torchup.install.lockfile import LIMIT, read_lock
from torchup.install.space import check_space
from torchup.install.uv import UvInstaller
from torchup.model import InstallerName, Plan, Source, Step, message
from torchup.plan.foreign import SIZE_LIMIT, checked_plan
from torchup.sources.child_environment import child_environment
from torchup.sources.private import handed_over, secret_addresses
from torchup.sources.urls import file_name, local_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torchup.host import Host
    from torchup.install.base import Progress
    from torchup.install.lockfile import LockedFile
    from torchup.model import Message, PackageWheel


# Platform -> uv's name for it. manylinux_2_28 is torch's own floor since 2.6
# (https://github.com/pytorch/pytorch/issues/123649).
PLATFORMS: dict[str, str] = {
    "linux_x86_64": "x86_64-manylinux_2_28",
    "linux_aarch64": "aarch64-manylinux_2_28",
    "windows_x86_64": "x86_64-pc-windows-msvc",
    "macos_arm64": "aarch64-apple-darwin",
}


WORKSHOP = ".workshop"  # who finds it in a folder knows that a run of this verb was killed there
COMPLETE = {PLAN_FILE, SUMS_FILE, "wheels"}


MACOS = {"MACOSX_DEPLOYMENT_TARGET": "14.0"}  # what torch's wheels need since 2.12; uv supposes an older one


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One bundle in the making."""

    host: Host
    plan: Plan
    folder: str
    platform: str | None
    overlay: dict[str, str | None]  # certificates and passwords of the user's configuration
    tell: Progress
    connections: int

    @property
    def workshop(self) -> str:
        """Where the tools work; removed at the end."""
        return join(self.folder, WORKSHOP)

    @property
    def wheels(self) -> str:
        """Where the wheels go."""
        return join(self.folder, "wheels")

    @property
    def environment(self) -> dict[str, str | None]:
        """Of every tool: the user's settings of what to choose do not count."""
        system = MACOS if self.platform == "macos_arm64" else {}
        return {**self.overlay, **dict.fromkeys(UV_CLEARED), **system}

    @property
    def python(self) -> str:
        """Whose version uv asks for; for another platform any will do, so torchup's own."""
        if self.platform is not None:
            return self.host.platform().python_executable
        return self.plan.python_path or self.plan.python

    def run(self, step: Step) -> str:
        """Run one tool; its stdout."""
        self.tell(Event(stage="step", text=step.summary))
        argv, secret = handed_over(step.argv, secret_addresses(self.host))
        private = msgspec.structs.replace(step, argv=argv, environment={**step.environment, **secret})
        completed = UvInstaller().perform(self.host, private, self.workshop, lambda _: None)  # it prints the lock
        if not completed.ok:
            raise explain(step, completed)
        return completed.stdout


def collect(
    host: Host,
    plan: Plan,
    folder: str,
    *,
    platform: str | None = None,
    progress: Progress | None = None,
    connections: int = CONNECTIONS,
) -> Bundle:
    """Download every wheel of a plan, its dependencies and pip into ``folder``.

    Args:
        host: the machine, which has a network.
        plan: what to bundle.
        folder: where to; new, empty, or a bundle of the same files, which is checked.
        platform: a key of `PLATFORMS`, for another kind of machine than this one.
        progress: receives what happens.
        connections: to one server at a time.

    Raises:
        UsageError: something else is in the folder, the platform is unknown, or the plan is conda's.
        InstallError, NetworkError: a wheel is not available; what was fetched is kept for the next attempt.
    """
    complete = _check(host, plan, folder, platform)
    folder = host.real_path(folder)  # programs in it are started by their whole path
    try:
        with child_environment(host, (source.url for source in plan.sources)) as overlay:
            tell = progress or (lambda _: None)
            job = _Job(
                host=host, plan=plan, folder=folder, platform=platform, overlay=overlay, tell=tell,
                connections=connections,
            )  # fmt: skip
            bundle = _same(job, complete) if complete else _made(job)
        host.remove(job.workshop)
    except BaseException as error:
        # an empty folder came to its whole content here
        _empty(host, folder, {WORKSHOP} if complete else set(host.list_dir(folder) or ()))
        if not isinstance(error, OSError):
            raise
        text = message("bundle.os-error", "cannot write to {folder}: {error}", folder=folder, error=error)
        hint = message("bundle.os-error.hint", "choose a folder that you can write to and that has free space")
        raise InstallError(text, hint=hint) from error
    return bundle


def load_bundle(host: Host, folder: str) -> Plan:
    """The plan of a bundle, its only source the bundle's own wheels: nothing is contacted to install it.

    Raises:
        UsageError: there is no bundle, or files of it are missing or cut short.
    """
    bundle = read_bundle(host, folder)
    source = Source(name="bundle", url=host.real_path(join(folder, "wheels")), kind="find-links", reachable=True)
    plan = bundle.plan
    build = msgspec.structs.replace(plan.build, source="bundle", index_url=None)
    return msgspec.structs.replace(plan, build=build, sources=(source,), constraints=(), hashes=bundle.files)


def read_bundle(host: Host, folder: str) -> Bundle:
    """A bundle whose files are the ones that were bundled; every one is compared before the plan is opened.

    Raises:
        UsageError: as `load_bundle`.
    """
    if not host.exists(join(folder, PLAN_FILE)):
        text = message("bundle.none", "{folder} is not a bundle: it has no {file}", folder=folder, file=PLAN_FILE)
        raise UsageError(text, hint=message("bundle.none.hint", "run `torchup env bundle -o DIR` to make a bundle"))
    sums = checked_sums(host, folder)
    try:
        bundle = from_json(host.read_bytes(join(folder, PLAN_FILE), SIZE_LIMIT) or b"", Bundle)
    except UNREADABLE as error:
        text = message(
            "bundle.damaged", "{folder}/{file} cannot be read: {error}", folder=folder, file=PLAN_FILE,
            error=decode_problem(error),
        )  # fmt: skip
        raise UsageError(text, hint=remade_here()) from error
    place = join(folder, PLAN_FILE)
    plan = checked_plan(bundle.plan, place)
    check_bundle(host, folder, bundle, sums)
    return msgspec.structs.replace(bundle, plan=plan)


def _check(host: Host, plan: Plan, folder: str, platform: str | None) -> Bundle | None:
    """The bundle that is there already; ``None``: the folder is empty, or has what a killed run left."""
    if plan.installer == InstallerName.CONDA:
        raise UsageError(
            message("bundle.conda", "a conda plan cannot be bundled"),
            hint=message("bundle.conda.hint", "make the plan without `--installer conda` to bundle wheels"),
        )
    if plan.compiled:
        names = ", ".join(wheel.package for wheel in plan.compiled)
        raise UsageError(
            message("bundle.compiled", "a bundle contains only wheels, but {names} must be compiled", names=names),
            hint=message(
                "bundle.compiled.hint",
                "make the plan without --build: torchup then chooses a torch for which all packages have wheels",
            ),
        )
    if platform is not None and platform not in PLATFORMS:
        raise no_platform(platform)
    left = set(host.list_dir(folder) or ())
    if not left:
        return None
    if left - {WORKSHOP} == COMPLETE:  # the plan is written last
        return read_bundle(host, folder)
    if WORKSHOP in left and all(_is_ours(name) for name in left):  # of a run that was killed before the plan
        _empty(host, folder, left)
        return None
    text = message("bundle.not-empty", "{folder} is not empty", folder=folder)
    raise UsageError(text, hint=message("bundle.not-empty.hint", "choose a new or empty folder"))


def _is_ours(name: str) -> bool:
    """Whether a bundle in the making has such an entry; a file that was half written is `.NAME.….part`."""
    return name in {WORKSHOP, *COMPLETE} or name.startswith((f".{PLAN_FILE}.", f".{SUMS_FILE}."))


def _empty(host: Host, folder: str, names: set[str]) -> None:
    """Remove entries, the plan first and the workshop last: what a kill leaves is not a bundle, and known as ours."""
    for name in sorted(names, key=lambda name: (name == WORKSHOP, name != PLAN_FILE)):
        host.remove(join(folder, name))


def no_platform(name: str) -> UsageError:
    """That nothing is bundled for a platform."""
    return UsageError(
        message("bundle.platform", "torchup makes no bundles for the platform `{name}`", name=name),
        hint=message("bundle.platform.hint", "choose one of: {names}", names=", ".join(PLATFORMS)),
    )


def _same(job: _Job, there: Bundle) -> Bundle:
    """A bundle that is complete already; raises `UsageError` where it is one of other files."""
    direct = [
        FetchedFile(file=file, path=join(job.wheels, file.name), sha256=there.files[file.name])
        for file in direct_files(job.host, job.plan)
        if file.name in there.files
    ]
    plan = with_files(job.plan, direct)
    files = {file.name: file.sha256 or there.files.get(file.name) for file in _resolve(job, plan)}
    if files != there.files:
        text = message("bundle.another", "{folder} already contains a bundle with other files", folder=job.folder)
        raise UsageError(text, hint=message("bundle.not-empty.hint", "choose a new or empty folder"))
    return there


def _made(job: _Job) -> Bundle:
    job.host.make_dirs(job.workshop)  # who finds it knows that the folder is ours
    direct = fetch_direct(job.host, job.plan, job.workshop, job.tell, job.connections, unpacked=False)
    files = _resolve(job, with_files(job.plan, direct))
    downloading = Downloading(job.host, job.plan, job.tell, job.connections)
    remote = downloading.sized([file for file in files if is_remote(file)])
    check_space(job.host, downloading.reach, remote, job.workshop, unpacked=False)
    found = downloading.fetch(remote) if remote else {}
    for file in files:
        there = found[downloading.order(file).key] if is_remote(file) else local_path(file.url or "") or ""
        job.host.copy(there, join(job.wheels, file.name))
    return _write(job, files)


def _resolve(job: _Job, plan: Plan) -> tuple[LockedFile, ...]:
    """The exact files of everything, worked out for the platform; what has an address lies on the disk."""
    wanted, constraints = join(job.workshop, "wanted.txt"), join(job.workshop, "constraints.txt")
    job.host.write_text(wanted, "".join(f"{line}\n" for line in (*plan.requirements, "pip")))
    job.host.write_text(constraints, "".join(f"{line}\n" for line in job.plan.constraints))
    target = ("--python-platform", PLATFORMS[job.platform]) if job.platform else ()
    step = Step(
        argv=("uv", "pip", "compile", wanted, "--no-config", "--no-header", "--no-annotate", "--quiet", *target,
              "--format", "pylock.toml", "--python-version", job.plan.python.removesuffix("t"), "--only-binary",
              ":all:", "--constraint", constraints, "--python", job.python, *uv_arguments(job.plan)),
        summary=message("bundle.step.resolve", "resolve the packages"),
        environment=job.environment,
        timeout=600.0,
    )  # fmt: skip
    lock = read_lock(job.run(step)[:LIMIT])
    if lock is None or not lock.files:
        raise InstallError(message("bundle.lock", "uv's answer cannot be read as a lock file"), hint=_report())
    return lock.files


def _report() -> Message:
    return message("bundle.lock.hint", "update torchup and uv, then repeat the command")


def _hashed(wheel: PackageWheel, sums: Mapping[str, str]) -> PackageWheel:
    return msgspec.structs.replace(wheel, sha256=sums.get(file_name(wheel.url))) if wheel.url else wheel


def _write(job: _Job, files: Sequence[LockedFile]) -> Bundle:
    # the wheels are in the folder: where they came from is not asked again, and may be a place of this machine only
    build = msgspec.structs.replace(job.plan.build, index_url=None)
    # what has a hash was proved by the fetcher; a folder's files are read here
    sums = {
        file.name: (file.sha256 if is_remote(file) else "") or job.host.sha256(join(job.wheels, file.name)) or ""
        for file in sorted(files, key=lambda file: file.name)
    }
    plan = msgspec.structs.replace(
        by_version(job.plan), build=build, steps=(), rejected=(), sources=(), python_path=None,
        wheels=tuple(_hashed(wheel, sums) for wheel in job.plan.wheels),
    )  # fmt: skip
    pins = tuple(f"{file.package}=={file.version}" for file in files)
    bundle = Bundle(platform=job.platform, pins=pins, files=sums, plan=plan)
    document = to_json(bundle)
    lines = [f"{digest}  wheels/{name}\n" for name, digest in sums.items()]
    lines.append(f"{hashlib.sha256(document.encode()).hexdigest()}  {PLAN_FILE}\n")
    job.host.write_text(join(job.folder, SUMS_FILE), "".join(lines))
    job.host.write_text(join(job.folder, PLAN_FILE), document)
    return bundle
