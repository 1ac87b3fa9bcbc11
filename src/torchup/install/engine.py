"""The one engine: build beside, verify, swap, keep the previous; on any failure the old environment is untouched."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from packaging.requirements import InvalidRequirement, Requirement

from torchup.envs import distributions, kernels, records, registry, transaction
from torchup.envs.damage import find_damage
from torchup.envs.guard import refusing, torch_spans
from torchup.envs.paths import python_of, split
from torchup.errors import InstallError, TorchupError, VerifyError
from torchup.fetch import CONNECTIONS
from torchup.i18n.sentences import sentence
from torchup.install.base import Event, Progress, installer
from torchup.install.conda_files import fetched_packages
from torchup.install.direct import unpromised
from torchup.install.direct_fetch import fetch_direct, with_files
from torchup.install.direct_origin import write_origins
from torchup.install.failures import explain
from torchup.install.guard import write_guard
from torchup.install.hashes import with_hashes
from torchup.install.keep import beside_bundle, changed, changes, own_packages, requirements
from torchup.install.language import speak_language
from torchup.install.origin import origins
from torchup.install.prefetch import Staging, locked_step
from torchup.install.prefetch_wheels import fetched_wheels
from torchup.install.pythons import fetched_python
from torchup.install.space import other_disk
from torchup.model import Environment, InstallerName, Verification, message
from torchup.package_names import normalise
from torchup.sources.child_environment import child_environment
from torchup.sources.private import handed_over, secret_addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.envs.distributions import Distribution
    from torchup.host import Completed, Host
    from torchup.install.base import Installer
    from torchup.install.prefetch import Perform
    from torchup.model import Message, Plan, Step

# Unpacked wheels are 1.5 to 2 times their download, and the download itself is kept in the tool's cache.
SPACE_FACTOR = 2.5
LATER = 3  # steps from here on install further packages
# What torchup downloads before a step runs, by the number of the step.
PREPARE: dict[tuple[InstallerName, int], Callable[[Staging, Step], Step]] = {
    (InstallerName.UV, 1): fetched_python,
    (InstallerName.UV, 2): locked_step,
    (InstallerName.PIP, 2): locked_step,
    (InstallerName.CONDA, 2): fetched_packages,
    (InstallerName.UV, LATER): fetched_wheels,
    (InstallerName.PIP, LATER): fetched_wheels,
}
NO_CACHE: Overlay = {"UV_NO_CACHE": "1", "PIP_NO_CACHE_DIR": "1"}
NO_SOLUTION = "install.failed.no-solution"
CACHE_DAMAGED = "install.failed.cache"
Overlay = dict[str, str | None]  # variables laid over those of every step


@dataclass(frozen=True, kw_only=True)
class Watched:
    """One installation's listener, and how it downloads."""

    tell: Progress
    connections: int

    def __call__(self, event: Event) -> None:
        """Pass an event on."""
        self.tell(event)


def install(
    host: Host,
    plan: Plan,
    name: str,
    *,
    path: str | None = None,
    verify: Callable[[str], Verification],
    progress: Progress | None = None,
    keep: bool = True,
    again: bool = False,
    connections: int = CONNECTIONS,
) -> Environment:
    """Make the environment ``name`` as planned, or return the one that already is.

    Args:
        host: the machine.
        plan: what to install; its ``steps`` are recreated for the staging folder.
        name: the environment's name.
        path: where to put it, if not below the data folder.
        verify: is given the new environment's Python and proves that it works.
        progress: receives what happens; may be called from another thread.
        keep: take over the packages that the user added to the environment that is replaced.
        again: make it even where it already seems to be as planned.
        connections: to one server at a time, of torchup's own downloads.

    Raises:
        InstallError: it could not be made; NetworkError: a source did not answer; VerifyError: it does not work.
            In each case the old environment is as it was.
    """
    tell = Watched(tell=progress or (lambda _: None), connections=connections)
    target = registry.environment_path(host, name, path)
    transaction.check_link(host, target)
    try:
        with registry.lock(host, target):
            return _locked(host, plan, name, target, verify=verify, tell=tell, keep=keep, again=again)
    except TimeoutError as error:
        raise registry.busy(name) from error
    except OSError as error:
        raise _os_error(target, error) from error


def is_satisfied(host: Host, plan: Plan, target: str) -> bool:
    """Whether the environment at a path already is what the plan asks for, and was verified. Starts no process."""
    record = records.read(host, target)
    if record is None or record.plan is None or record.environment.verified_at is None:
        return False
    if registry.find_python(host, target) is None:
        return False  # the Python that it was made with has been removed
    same_build = record.plan.build.label == plan.build.label
    version = registry.python_version(host, target) or ""
    same_python = f"{version}.".startswith(f"{plan.python.removesuffix('t')}.")
    if not (same_build and same_python and _all_there(_wanted(plan), distributions.versions(host, target))):
        return False
    return not any(one.weighs for one in find_damage(host, target))  # damaged: recreated, which repairs it


def _wanted(plan: Plan) -> tuple[str, ...]:
    """What has to be there: the packages, and those that are bound to torch."""
    return (*plan.packages, *(wheel.by_version for wheel in plan.wheels))


def _locked(
    host: Host,
    plan: Plan,
    name: str,
    target: str,
    *,
    verify: Callable[[str], Verification],
    tell: Watched,
    keep: bool,
    again: bool,
) -> Environment:
    if transaction.recover(host, target):
        tell(Event(stage="recover", text=message("install.recovered", "cleaned up after an interrupted installation")))
    _check_place(host, name, target)
    if not again and is_satisfied(host, plan, target):
        return _reuse(host, name, target, tell)
    _check_space(host, plan, target)
    try:
        return _replace(host, plan, name, target, verify=verify, tell=tell, keep=keep)
    except BaseException:
        with contextlib.suppress(OSError):  # a later run clears what cannot be cleared now; the first error matters
            transaction.recover(host, target)
        raise


def _reuse(host: Host, name: str, target: str, tell: Watched) -> Environment:
    record = records.read(host, target)
    if record is None:
        raise registry.busy(name)  # removed by hand in this very moment
    environment = msgspec.structs.replace(record.environment, name=name, path=target)
    registry.point_to(host, environment)  # a killed run may have come to the swap and not this far
    tell(Event(stage="reused", text=message("install.reused", "nothing to do: `{name}` matches the plan", name=name)))
    return environment


def _replace(
    host: Host, plan: Plan, name: str, target: str, *, verify: Callable[[str], Verification], tell: Watched, keep: bool
) -> Environment:
    before = distributions.versions(host, target)
    mine = beside_bundle(plan, _own(host, plan, target)) if keep else ()
    doubtful = any(one.weighs for one in find_damage(host, target))  # what damaged it may have damaged the cache
    staged, verification = _build_and_verify(host, plan, target, mine, verify=verify, tell=tell, doubtful=doubtful)
    installer(plan.installer).settle(host, staged, target)
    environment = _describe(host, plan, staged, verification)
    requested = (*_wanted(plan), *(one.name for one in mine if one.name in environment.packages))
    python = registry.find_python(host, staged) or python_of(staged)
    direct_urls = distributions.metadata(host, staged, "direct_url.json")
    first_use = unpromised(host, plan)
    plan = with_hashes(plan, direct_urls)
    environment = msgspec.structs.replace(
        environment,
        name=name,
        path=target,
        requested=requested,
        origins=origins(host, plan, environment.packages, python, direct_urls),
        first_use=tuple(package for package in first_use if package in environment.packages),
    )
    write_guard(host, staged, environment, plan.constraints)
    records.write(host, staged, records.Record(environment=environment, plan=plan, verification=verification))
    tell(Event(stage="swap", text=message("install.swap", "put the new environment in place")))
    transaction.commit(host, staged, target)
    registry.point_to(host, environment)
    if before:
        tell(Event(stage="changed", text=changed(changes(before, environment.packages))))
    with contextlib.suppress(OSError):  # an old label in Jupyter is not worth a failed installation
        kernels.refresh(host, environment, registry.find_python(host, target) or python_of(target))
    tell(Event(stage="done", text=message("install.done", "`{name}` is ready", name=name)))
    return environment


def _build_and_verify(
    host: Host,
    plan: Plan,
    target: str,
    mine: Sequence[Distribution],
    *,
    verify: Callable[[str], Verification],
    tell: Watched,
    doubtful: bool,
) -> tuple[str, Verification]:
    """A staged environment that works. If the tool's download cache is what is broken, once more without it.

    ``doubtful``: that it works is not enough, every file must be as it was published.
    """
    try:
        staged = _build(host, plan, target, mine, tell)
        speak_language(host, staged, distributions.versions(host, staged))
        verification = _verify(host, staged, verify, tell)
        if verification.passed and not (doubtful and find_damage(host, staged, deep=True)):
            return staged, verification
        if not verification.passed and not find_damage(host, staged, deep=True):
            raise _not_verified(verification)
    except InstallError as error:
        if error.code != CACHE_DAMAGED:
            raise
    tell(
        Event(
            stage="check", text=message("install.cache-damaged", "the download cache is damaged; continuing without it")
        )
    )
    transaction.clean(host, target)  # the disk need not hold both attempts
    staged = _build(host, plan, target, mine, tell, overlay=NO_CACHE)
    speak_language(host, staged, distributions.versions(host, staged))
    verification = _verify(host, staged, verify, tell)
    if not verification.passed:
        raise _not_verified(verification)
    return staged, verification


def _verify(host: Host, staged: str, verify: Callable[[str], Verification], tell: Watched) -> Verification:
    tell(Event(stage="verify", text=message("install.verify", "verify the new environment")))
    # conda on Windows keeps its Python elsewhere than a venv
    return verify(registry.find_python(host, staged) or python_of(staged))


def _own(host: Host, plan: Plan, target: str) -> tuple[Distribution, ...]:
    record = records.read(host, target)
    return own_packages(distributions.installed(host, target), record.environment if record else None, plan)


def _without_refusing(
    host: Host, plan: Plan, target: str, mine: Sequence[Distribution], tell: Watched
) -> Sequence[Distribution]:
    """Of the user's own packages those that go with the planned torch; the others are named and left out."""
    refused = set(refusing(torch_spans(host, target), plan.build.label))
    left = [distribution.name for distribution in mine if distribution.name in refused]
    if left:
        text = message(
            "install.keep.refused", "packages left out because they need another torch: {names}", names=", ".join(left)
        )
        tell(Event(stage="keep", text=text))
    return [distribution for distribution in mine if distribution.name not in refused]


def _build(
    host: Host,
    plan: Plan,
    target: str,
    mine: Sequence[Distribution],
    tell: Watched,
    *,
    overlay: Overlay | None = None,
) -> str:
    """Fill a staging folder; the user's own packages at their versions, or where those do not fit at any."""
    if mine:
        names = ", ".join(distribution.name for distribution in mine)
        tell(Event(stage="keep", text=message("install.keep", "torchup keeps your own packages: {names}", names=names)))
    loosened = message(
        "install.keep.loose",
        "the installer finds no solution with the present versions of your packages; trying other versions",
    )
    tries = ((requirements(mine, exact=True), None), (requirements(mine, exact=False), loosened))
    for packages, said in tries:
        if said is not None:
            tell(Event(stage="keep", text=said))
            transaction.clean(host, target)
        try:
            return _stage(host, _and(plan, packages), target, tell, overlay or {})
        except InstallError as error:
            if not mine or error.code != NO_SOLUTION:
                raise
            unsolved = error
    rest = _without_refusing(host, plan, target, mine, tell)
    if len(rest) == len(mine):
        raise unsolved
    transaction.clean(host, target)
    return _stage(host, _and(plan, requirements(rest, exact=False)), target, tell, overlay or {})


def _and(plan: Plan, packages: tuple[str, ...]) -> Plan:
    return msgspec.structs.replace(plan, packages=(*plan.packages, *packages))


def _stage(host: Host, plan: Plan, target: str, tell: Watched, overlay: Overlay) -> str:
    engine = installer(plan.installer)
    staged = transaction.new_staging(target)
    host.make_dirs(split(staged)[0])
    direct = () if plan.hashes else fetch_direct(host, plan, staged, tell, tell.connections)
    plan = with_files(plan, direct)
    steps = engine.steps(plan, staged)
    addresses = secret_addresses(host)
    places = [source.url for source in plan.sources]
    with child_environment(host, places) as configured:  # passwords and certificates of the user's configuration

        def laid(step: Step) -> Step:
            """The step with what the user's configuration adds; secret addresses go by variables."""
            argv, secret = handed_over(step.argv, addresses)
            variables = {**configured, **step.environment, **(overlay or {}), **secret}
            return msgspec.structs.replace(step, argv=argv, environment=variables)

        for position, step in enumerate(steps, 1):
            event = Event(stage="step", text=step.summary, position=position, total=len(steps))
            tell(event)
            prepare = PREPARE.get((plan.installer, min(position, LATER)))
            if prepare is not None and not plan.hashes:  # a bundle's files are there
                perform, said = _performer(host, engine, staged, laid), list[Event]()
                telling = _both(said.append, tell)
                step = prepare(Staging(host, plan, staged, perform, telling, tell.connections), step)  # noqa: PLW2901  # the same step, exact
                if said:
                    tell(event)
            _run(host, engine, laid(step), staged, _teller(tell, event))
    write_origins(host, staged, direct)
    return staged


def _both(*listeners: Progress) -> Progress:
    def tell(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return tell


def _performer(host: Host, engine: Installer, staged: str, laid: Callable[[Step], Step]) -> Perform:
    """Runs a step of a tool and hands over what it printed, failures included."""

    def perform(step: Step) -> Completed:
        for file, text in step.files.items():
            host.write_text(file, text)
        return engine.perform(host, laid(step), staged, lambda _: None)

    return perform


def _teller(tell: Watched, event: Event) -> Callable[[str], None]:
    return lambda line: tell(msgspec.structs.replace(event, detail=line))


def _run(host: Host, engine: Installer, step: Step, staged: str, on_line: Callable[[str], None]) -> None:
    for file, text in step.files.items():
        host.write_text(file, text)
    completed = engine.perform(host, step, staged, on_line)
    if not completed.ok:
        error = explain(step, completed)
        if step.required:
            raise error
        on_line(str(error.text).splitlines()[0])


def _describe(host: Host, plan: Plan, staged: str, verification: Verification) -> Environment:
    now = host.now().isoformat(timespec="seconds")
    return Environment(
        name="",  # the caller knows
        path=staged,
        python=registry.python_version(host, staged),
        torch=(verification.torch.version or plan.build.torch).partition("+")[0],
        variant=_variant(plan, verification),
        installer=plan.installer,
        source=plan.build.source,
        created_at=now,
        verified_at=now,
        packages=distributions.versions(host, staged),
    )


def _variant(plan: Plan, verification: Verification) -> str:
    """The build as plans name it: the one macOS build, which calls itself ``cpu``, is ``mps`` where it uses the GPU."""
    found = verification.torch.variant or plan.build.variant
    uses_mps = any(device.startswith("mps") for device in verification.torch.devices)
    return "mps" if found == "cpu" and uses_mps else found


def _check_place(host: Host, name: str, target: str) -> None:
    """Refuse what is not ours to replace: a foreign folder, another environment's, another place of the same name."""
    if registry.environment_path(host, name) != target and registry.get(host, name) is not None:
        elsewhere = registry.environment_path(host, name)
        text = message("install.name-taken", "the name `{name}` already belongs to {path}", name=name, path=elsewhere)
        raise InstallError(
            text, hint=message("install.name-taken.hint", "choose another name, or remove the existing environment")
        )
    record = records.read(host, target)
    if host.exists(target) and host.list_dir(target) != () and record is None:
        text = message("install.in-the-way", "{path} exists, but torchup has no readable record of it", path=target)
        hint = message(
            "install.in-the-way.hint",
            "choose another name or --path; if the folder is an environment, run `torchup env adopt PATH` to "
            "register it unchanged",
        )
        raise InstallError(text, hint=hint)
    if record is not None and record.environment.name != name:
        text = message(
            "install.other-name",
            "{path} already belongs to the environment `{other}`",
            path=target,
            other=record.environment.name,
        )
        raise InstallError(
            text,
            hint=message("install.other-name.hint", "use the environment's own name, or choose another --path"),
        )


def _check_space(host: Host, plan: Plan, target: str) -> None:
    """Refuse before anything is downloaded."""
    host.make_dirs(split(target)[0])
    needed, free = round((plan.build.size_bytes or 0) * SPACE_FACTOR), host.disk_free(split(target)[0])
    if free is not None and free < needed:
        text = message(
            "install.disk-space",
            "{path} has {free} GB free; the installation needs about {needed} GB",
            path=split(target)[0], free=f"{free / 1e9:.1f}", needed=f"{needed / 1e9:.1f}",
        )  # fmt: skip
        raise InstallError(text, hint=other_disk())


def _all_there(requirements: Sequence[str], found: dict[str, str]) -> bool:
    for line in requirements:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            return False  # a path or an option: the tool must look
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        version = found.get(normalise(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            return False
    return True


def _not_verified(verification: Verification) -> VerifyError:
    failed = next((rung for rung in verification.rungs if rung.status == "fail"), None)
    text: Message = message(
        "install.not-verified",
        "the new environment does not work ({rung}: {detail}), so it was not put in place",
        rung=failed.name if failed else "verify",
        detail=sentence(failed.detail if failed else None),
    )
    return VerifyError(
        text,
        hint=message(
            "install.not-verified.hint",
            "run `torchup doctor` to examine the machine, e.g. its driver; the new environment is removed, and "
            "an existing one stays unchanged",
        ),
    )


def _os_error(target: str, error: OSError) -> TorchupError:
    where = error.filename or target
    text = message("install.os-error", "cannot write {path}: {error}", path=where, error=error.strerror or error)
    hint = message(
        "install.os-error.hint",
        "set TORCHUP_HOME to a folder that you can write to and that has free space (`torchup up` and `torchup "
        "env create` also accept --path DIR)",
    )
    return InstallError(text, hint=hint)
