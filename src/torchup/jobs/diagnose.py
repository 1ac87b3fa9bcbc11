"""What the doctor looks at: a report, another machine, or an environment here. Facts come back, and no sentence."""

from __future__ import annotations

import importlib.util
import posixpath
import re
import sys
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from torchup.encoding import to_builtins
from torchup.errors import ExitCode, UsageError
from torchup.jobs.changed_files import changed_files
from torchup.model import UNKNOWN, Notice, Shell, Value, message

if TYPE_CHECKING:
    from torchup.doctor.facts import Facts
    from torchup.envs.inspection import Inspection
    from torchup.host import Host
    from torchup.model import Diagnosis, Machine, Message

STALE = ("python-missing", "environment-missing")  # problems of a Jupyter kernel that cannot start


class Examined(Value, frozen=True, kw_only=True):
    """What was looked at: the facts, and for a live environment the machine, the interpreter and its name.

    ``empty``: a report with words, none of which torchup knows.
    """

    facts: Any  # Facts, which caches derived values and so is not a plain field type
    machine: Any = None
    python: str | None = None
    name: str | None = None
    notices: tuple[Any, ...] = ()
    empty: bool = False


def examine_report(raw: bytes) -> Examined:
    """The facts of a pasted report. Raises `UsageError` for a picture, another binary file, or no words at all."""
    from torchup.doctor.facts import Facts as Known  # noqa: PLC0415  # only a report pays for it
    from torchup.reports import Content, decode, has_words, parse_report, recognise  # noqa: PLC0415  # same

    content = recognise(raw)
    foreign = content not in {Content.TEXT, Content.EMPTY}
    facts = parse_report("" if foreign else decode(raw))
    if replace(facts, text="") != Known():
        return Examined(facts=facts)
    if foreign:
        raise UsageError(
            _FOREIGN[content],
            hint=_paste()
            if content is Content.BINARY
            else message(
                "doctor.report.binary.hint",
                "use a text file: copy the text from the terminal or the page into it, or unpack the archive",
            ),
        )
    if not has_words(facts.text):
        raise UsageError(message("doctor.report.nothing", "torchup recognises nothing in this report"), hint=_paste())
    return Examined(facts=facts, notices=_nothing_known(), empty=True)


def doctor_data(found: Diagnosis, facts: Facts) -> dict[str, Any]:
    """``data`` of the doctor's JSON answer: the diagnosis, and the versions that are often mixed up."""
    from torchup.doctor.panel import panel  # noqa: PLC0415  # reads a table

    return {**to_builtins(safe(found)), "versions": to_builtins(panel(facts))}


def safe(found: Diagnosis) -> Diagnosis:
    """The diagnosis without names of users, hosts and homes in a rule's own error text."""
    from torchup.privacy import redact  # noqa: PLC0415  # only an answer pays for it

    outcomes = tuple(replace(o, detail=redact(o.detail)) if o.detail else o for o in found.outcomes)
    return replace(found, outcomes=outcomes)


def exit_code_of(found: Diagnosis, examined: Examined, *, strict: bool = False, whole: bool = True) -> ExitCode:
    """How the doctor ends: 1 for an error (``strict``: for a warning too), 2 for a report of which nothing is known.

    ``whole``: all rules were run.
    """
    from torchup.doctor.verdict import is_bad  # noqa: PLC0415  # with the rules

    if examined.empty:
        return ExitCode.USAGE
    return ExitCode.FINDINGS if is_bad(found, examined.facts, strict=strict, whole=whole) else ExitCode.OK


_FOREIGN = {
    "picture": message("doctor.report.picture", "the report is a picture; torchup reads only text"),
    "document": message("doctor.report.document", "the report is a document file; torchup reads only text"),
    "archive": message("doctor.report.archive", "the report is an archive; torchup reads only text"),
    "binary": message("doctor.report.binary", "the report is a binary file; torchup reads only text"),
}


def _nothing_known() -> tuple[Notice, ...]:
    nothing = message("doctor.report.nothing", "torchup recognises nothing in this report")
    return tuple(Notice(code=part.code, level="warning", text=part) for part in (nothing, _paste()))


def _paste() -> Any:
    return message(
        "doctor.report.nothing.hint",
        "paste the whole error message, or the output of one of these commands: `torchup doctor --format md`, "
        "`python -m torch.utils.collect_env`, `nvidia-smi`, `pip list`",
    )


def examine_machine(host: Host, machine: Machine, python: str | None = None) -> Examined:
    """The facts of a machine alone, or with the environment of a Python that is here."""
    from torchup.doctor.live import facts_of  # noqa: PLC0415  # not for reports
    from torchup.envs.inspection import inspect_environment  # noqa: PLC0415  # only a named environment pays for it
    from torchup.jobs.state import with_state  # noqa: PLC0415  # same

    if python is None:
        return Examined(facts=facts_of(machine), machine=machine)
    facts = of_user(host, python, facts_of(machine, inspect_environment(host, python)))
    return Examined(facts=with_state(host, python, machine, facts), machine=machine)


def examine_here(host: Host, target: tuple[str, str | None] | None, *, deep: bool = False) -> Examined:
    """This machine and an environment on it, given as path of the Python and name; ``None``: the machine alone.

    ``deep``: hash every installed file even where torch can be imported.
    """
    from torchup.detect import detect_machine  # noqa: PLC0415  # not for reports
    from torchup.doctor.live import facts_of  # noqa: PLC0415  # same
    from torchup.envs.inspection import inspect_environment  # noqa: PLC0415  # same
    from torchup.host.threads import Pool  # noqa: PLC0415  # same
    from torchup.jobs.state import with_state  # noqa: PLC0415  # same

    if target is None:
        return replace(examine_machine(host, detect_machine(host)), notices=(_no_environment(), *stray_kernels(host)))
    path, name = target
    with Pool(max_workers=1) as pool:  # the machine is asked while torch is imported
        detected = pool.submit(detect_machine, host)
        inspection = inspect_environment(host, path, deep=deep)
        machine: Machine = detected.result()
    facts = of_user(host, path, facts_of(machine, inspection))
    if inspection.python is None:
        facts = without_answer(host, path, inspection, facts)
    facts = with_state(host, path, machine, facts)
    notices = (*changed_files(inspection.damage, facts), *stray_kernels(host))
    return Examined(facts=facts, machine=machine, python=path, name=name, notices=notices)


def of_user(host: Host, python: str, facts: Facts) -> Facts:
    """The facts with what changes this environment: its manager, its interpreter, and the user's shell."""
    from torchup.envs.activation import shell_of  # noqa: PLC0415  # not for reports
    from torchup.envs.manager import manager_of  # noqa: PLC0415  # same
    from torchup.envs.restorable import restorable  # noqa: PLC0415  # same

    prefix = _prefix_of(python)
    named = shell_of(host.environ(), windows=host.platform().system == "Windows")
    shell = Shell(named) if named in set(Shell) else Shell.SH
    return replace(
        facts,
        manager=manager_of(host, prefix),
        interpreter=python,
        shell=shell,
        restorable=restorable(host, prefix),
    )


def _no_environment() -> Notice:
    text = message(
        "doctor.target.only-torchup",
        "there is no environment with PyTorch to examine; run `torchup up` to make one, or use --python PATH",
    )
    return Notice(code=text.code, level="warning", text=text)


def active_python(host: Host) -> str | None:
    """The Python of the active environment (VIRTUAL_ENV, CONDA_PREFIX); ``None``: there is none with anything in it.

    The environment that torchup itself runs in is skipped where it holds no torch.
    """
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = host.environ().get(variable)
        found = _python_in(host, prefix)
        if found is not None and not _holds_only_torchup(prefix or ""):
            return found
    return None


def python_on_path(host: Host) -> str | None:
    """The first ``python3`` or ``python`` on PATH; ``None``: it is torchup's own, without torch.

    Raises `UsageError` where there is no Python at all.
    """
    path = host.which("python3") or host.which("python")
    if path is None:
        raise UsageError(
            message("doctor.target.none", "no environment is active and there is no Python on PATH"),
            hint=message("doctor.target.none.hint", "use --python PATH, or make an environment with `torchup up`"),
        )
    return None if _holds_only_torchup(_prefix_of(path)) else path


def _prefix_of(python: str) -> str:
    return posixpath.dirname(posixpath.dirname(python.replace("\\", "/")))


def _holds_only_torchup(prefix: str) -> bool:
    """Whether this is the environment that torchup runs in, and torch is not there: the user means another one."""
    own = posixpath.normpath(sys.prefix.replace("\\", "/"))
    return (
        posixpath.normpath(prefix.replace("\\", "/")) == own
        and sys.prefix != sys.base_prefix
        and not importlib.util.find_spec("torch")
    )


def _python_in(host: Host, prefix: str | None) -> str | None:
    from torchup.envs import registry  # noqa: PLC0415  # loads file locks
    from torchup.envs.paths import python_of  # noqa: PLC0415  # same

    if not prefix:
        return None
    found = registry.find_python(host, prefix)
    return found or (python_of(prefix) if host.exists(python_of(prefix)) else None)


def without_answer(host: Host, python: str, inspection: Inspection, facts: Facts) -> Facts:
    """The facts of a Python that could not be examined: its version at least. Raises `UsageError` if it does not run.

    What torchup runs inside needs a newer Python than the oldest ones; of those the version is all that is known.
    """
    from torchup.catalog.versions import version_key  # noqa: PLC0415  # not for reports

    asked = host.run((python, "-V"))
    found = re.search(r"Python (\d+\.\d+[.\w]*)", asked.stdout + asked.stderr)
    if inspection.blocked:
        files = ", ".join(one.file or one.package for one in inspection.blocked)
        raise UsageError(
            message(
                "doctor.target.blocked",
                "cannot examine {path}: Python does not start because of code that runs at every start and "
                "belongs to no package ({files})", path=python, files=files,
            ),
            hint=_repair(facts)
            or message(
                "doctor.target.blocked.hint", "move that code out of the environment, then repeat the command"
            ),
        )  # fmt: skip
    failure = inspection.failure
    if not asked.ok or found is None or version_key(found[1]) >= (3, 8):
        raise UsageError(
            message("doctor.target.mute", "cannot examine {path}: {failure}", path=python, failure=failure or UNKNOWN),
            hint=_repair(facts) or message("doctor.target.mute.hint", "check that `{path} -c pass` runs", path=python),
        )
    return replace(facts, python=replace(facts.python, version=found[1], path=python))


def _repair(facts: Facts) -> Message | None:
    """The command for an environment that torchup can recreate."""
    if facts.restorable is None:
        return None
    return message(
        "doctor.target.repair", "run `torchup env repair {name}` to recreate the environment", name=facts.restorable
    )


def stray_kernels(host: Host) -> tuple[Notice, ...]:
    """Jupyter kernels whose Python is gone: a notebook that starts one hangs without a reason."""
    from torchup.envs import kernels  # noqa: PLC0415  # not for reports
    from torchup.report.kernel_text import PROBLEMS  # noqa: PLC0415  # same

    return tuple(
        Notice(
            code="doctor.kernel.stray",
            level="warning",
            text=message(
                "doctor.kernel.stray",
                "the Jupyter kernel `{name}` cannot start: {problem}; run `torchup kernel remove {name}` to remove it",
                name=kernel.name,
                problem=PROBLEMS[kernel.problem],
            ),
        )
        for kernel in kernels.find(host)
        if kernel.problem in STALE
    )
