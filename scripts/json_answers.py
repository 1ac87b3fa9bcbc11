"""What ``data`` of each command's JSON answer is. Held to the code by tests/cli/test_json_reference.py.

A command with several shapes lists them all. A shape is a value type of torchup, a tuple of one, or a class below: one
for each dictionary that a verb puts together itself. Comments behind the fields go into the page.
"""

from __future__ import annotations

from torchup.bench.compare import Report
from torchup.catalog.measured import MeasuredWheel
from torchup.catalog.types import Learned, Row
from torchup.compat.packages import Match
from torchup.compat.packages.contents import Explained
from torchup.doctor.explain import Explanation
from torchup.doctor.panel import Panel
from torchup.envs.damage import Damage
from torchup.envs.kernels import Kernel
from torchup.envs.owned import Owned
from torchup.fetch.store import Stored
from torchup.install.bundle_check import Bundle
from torchup.install.sizes import Sizes
from torchup.model import (
    Change,
    Diagnosis,
    Environment,
    Machine,
    Message,
    Notice,
    Plan,
    Result,
    Source,
    Value,
    Verification,
)
from torchup.plan.explain import WhyNot
from torchup.project.check import Flaw
from torchup.project.declared import Place, Wish
from torchup.report.fleet import Drift
from torchup.results.run import Run
from torchup.sources.mirror_test import MirrorTest
from torchup.sources.mirrors import Mirror
from torchup.sources.outlook import Look
from torchup.sources.package_refresh import PackageRefresh
from torchup.sources.refresh import Gain
from torchup.web.site import Site


class Up(Value, frozen=True, kw_only=True):
    """The main job. With ``--dry-run`` the machine and the plan are all there is."""

    machine: Machine
    plan: Plan
    environment: Environment | None
    reused: bool  # an environment that was there already is what the plan asks for
    verification: Verification | None
    results: tuple[Result, ...]  # empty with --no-bench


class PlanSizes(Value, frozen=True, kw_only=True):
    """``plan --sizes``."""

    plan: Plan
    sizes: Sizes


class EnvironmentThere(Value, frozen=True, kw_only=True):
    """``env create NAME`` without further options, where NAME is there and verified: nothing was looked up."""

    environment: Environment
    reused: bool


class Detected(Value, frozen=True, kw_only=True):
    """What `--machine FILE` reads, too."""

    machine: Machine


class PlanExport(Value, frozen=True, kw_only=True):
    """With ``--export`` (``plan``) or ``--format`` (``env export``)."""

    format: str
    content: str  # the file, whole


class PlanWhyNot(Value, frozen=True, kw_only=True):
    """With ``--why-not``."""

    why_not: WhyNot


class PlannedMachine(Value, frozen=True, kw_only=True):
    """One file of a folder of machines: its plan, or why there is none."""

    file: str
    plan: Plan | None
    error: Message | None
    hint: Message | None


class PlanMany(Value, frozen=True, kw_only=True):
    """With ``--machine DIR``."""

    machines: tuple[PlannedMachine, ...]


class EnvShow(Value, frozen=True, kw_only=True):
    """One environment."""

    environment: Environment
    verification: Verification | None  # None: adopted, or never verified
    activation: dict[str, str]  # shell -> the line to type there
    previous: str | None  # torch of the version that `env rollback` would restore


class EnvWouldRemove(Value, frozen=True, kw_only=True):
    """With ``--dry-run``."""

    would_remove: tuple[str, ...]  # folders


class EnvRolledBack(Value, frozen=True, kw_only=True):
    """What is in use now, and what that changed."""

    environment: Environment
    changes: tuple[Change, ...]


class EnvWouldRestore(Value, frozen=True, kw_only=True):
    """With ``--dry-run``."""

    would_restore: str  # torch of the previous version; - where there is none


class EnvRepaired(Value, frozen=True, kw_only=True):
    """What was damaged, and the environment as it is now; ``repaired`` is false where nothing was damaged."""

    environment: Environment
    damage: tuple[Damage, ...]
    repaired: bool


class EnvWouldRepair(Value, frozen=True, kw_only=True):
    """With ``--dry-run``."""

    damage: tuple[Damage, ...]
    plan: Plan


class Doctor(Diagnosis, frozen=True, kw_only=True):
    """The diagnosis and the versions that it rests on."""

    versions: Panel


class DoctorFixed(Diagnosis, frozen=True, kw_only=True):
    """With ``--fix``: the diagnosis after the repair, or the one before where nothing was repaired."""

    fixed: bool
    environment: Environment | None = None  # the repaired one; the key is missing where nothing was repaired


class DiagnosedMachine(Value, frozen=True, kw_only=True):
    """One file of a folder of machines: its diagnosis, or why there is none."""

    file: str
    diagnosis: Diagnosis | None
    error: Message | None
    hint: Message | None


class DoctorMany(Value, frozen=True, kw_only=True):
    """With ``--machine DIR``."""

    machines: tuple[DiagnosedMachine, ...]


class DoctorWouldFix(Value, frozen=True, kw_only=True):
    """With ``--fix --dry-run``, where there is something to repair."""

    fixed: bool
    dry_run: bool
    plan: Plan | None = None  # what would be rebuilt
    commands: tuple[tuple[str, ...], ...] = ()  # instead of a plan: what would be run in the environment as it is


class ListedRule(Value, frozen=True, kw_only=True):
    """One rule of the doctor."""

    rule: str
    family: str
    severity: str


class DoctorRules(Value, frozen=True, kw_only=True):
    """With ``--list``."""

    rules: tuple[ListedRule, ...]


class ExplainIndex(Value, frozen=True, kw_only=True):
    """Without a code: all topics; with words: the topics nearest to them, the nearest first."""

    codes: dict[str, Message]  # code -> title


class ExplainQuestion(Value, frozen=True, kw_only=True):
    """A question that does not name a cause."""

    slug: str
    title: Message
    answer: tuple[Message, ...]  # paragraphs


class ResultsList(Value, frozen=True, kw_only=True):
    """The stored runs, oldest first."""

    runs: tuple[Run, ...]
    broken: tuple[Notice, ...]  # files that could not be read


class ResultsReport(Value, frozen=True, kw_only=True):
    """The page that was written."""

    file: str
    runs: tuple[str, ...]
    bytes: int


class ResultsExport(Value, frozen=True, kw_only=True):
    """The run, written or printed."""

    run: str
    format: str
    file: str | None  # with --output
    content: str | None  # without


class ResultsImport(Value, frozen=True, kw_only=True):
    """What was kept."""

    run: str
    new: bool  # False: that run was here already
    results: int


class MirrorList(Value, frozen=True, kw_only=True):
    """The mirrors that are known."""

    mirrors: tuple[Mirror, ...]
    in_use: str | None  # the one that the settings name


class MirrorTests(Value, frozen=True, kw_only=True):
    """What each mirror served, from here, now."""

    variant: str
    newest_known: str | None  # newest torch of the catalogue
    tests: tuple[MirrorTest, ...]


class Served(Value, frozen=True, kw_only=True):
    """A server that answers: the document comes then, and the command goes on until the server ends."""

    environment: str
    url: str | None  # to open in a browser, with what logs in; not with `--dry-run`
    port: int
    argv: tuple[str, ...]
    ready: bool  # false: it ended before it answered, or `--dry-run`
    install: tuple[str, ...]  # packages that the environment lacked


class KernelAdded(Value, frozen=True, kw_only=True):
    """The kernel, and what had to be installed for it."""

    kernel: Kernel
    installed: tuple[str, ...]


class KernelWouldAdd(Value, frozen=True, kw_only=True):
    """With ``--dry-run``."""

    dry_run: bool
    write: str  # the file
    install: tuple[str, ...]


class KernelList(Value, frozen=True, kw_only=True):
    """The kernels of the place asked about."""

    kernels: tuple[Kernel, ...]


class KernelRemoved(Value, frozen=True, kw_only=True):
    """What went."""

    removed: tuple[Kernel, ...]  # empty with --dry-run
    dry_run: bool
    found: tuple[Kernel, ...]


class CatalogShow(Value, frozen=True, kw_only=True):
    """Rows of the catalogue."""

    as_of: str
    rows: tuple[Row, ...]
    sources: dict[str, str]  # short name in a row's source -> where it is


class CatalogCheck(Value, frozen=True, kw_only=True):
    """The catalogue held against its own laws."""

    as_of: str
    rows: int
    breaches: tuple[Notice, ...]


class TableLook(Look, frozen=True, kw_only=True):
    """One table of the catalogue held against what is published."""

    status: str  # new | same | unclear: a source was silent


class CatalogMeasure(MeasuredWheel, frozen=True, kw_only=True):
    """What a wheel says of itself, and whether it fits the machine."""

    fits: bool
    why: tuple[Message, ...]
    known: str  # what the catalogue says of it: same | different | unknown


class CatalogRefresh(Value, frozen=True, kw_only=True):
    """What index pages have that the catalogue does not."""

    as_of: str
    sources: tuple[Source, ...]
    new: tuple[Learned, ...]
    gains: tuple[Gain, ...]
    confirmed: tuple[str, ...]  # known builds that no index had shown before
    new_variants: tuple[str, ...]
    gone: tuple[str, ...]  # known builds that their own index answered without
    learned: int  # builds in the overlay, those of earlier refreshes included
    written: str | None  # with --write: the file
    tables: tuple[TableLook, ...]  # empty with --variant


class Folders(Value, frozen=True, kw_only=True):
    """Where torchup writes."""

    data: str
    cache: str
    config: str
    log: str


class SelfPaths(Value, frozen=True, kw_only=True):
    """Everything that torchup has written."""

    folders: Folders
    owned: tuple[Owned, ...]
    shared_with_uv: tuple[str, ...]  # filled by uv for torchup and for others; never removed


class SelfUninstalled(Value, frozen=True, kw_only=True):
    """What went."""

    removed: tuple[Owned, ...]
    shared_with_uv: tuple[str, ...]


class SelfWouldUninstall(Value, frozen=True, kw_only=True):
    """With ``--dry-run``."""

    would_remove: tuple[Owned, ...]
    shared_with_uv: tuple[str, ...]


class SelfCompletion(Value, frozen=True, kw_only=True):
    """Answer of ``torchup self completion SHELL``."""

    shell: str  # bash, zsh, fish, powershell
    script: str  # what the shell is to run


class CacheShow(Value, frozen=True, kw_only=True):
    """Downloaded files, the largest first."""

    folder: str
    files: tuple[Stored, ...]
    bytes: int


class CachePruned(Value, frozen=True, kw_only=True):
    """What went."""

    removed: tuple[Stored, ...]


class CacheWouldPrune(Value, frozen=True, kw_only=True):
    """With ``--dry-run``."""

    would_remove: tuple[Stored, ...]


class WheelPackage(Value, frozen=True, kw_only=True):
    """A package that the tables know."""

    package: str
    kind: str  # pure, ctypes, stable, pinned, matched, source, beside, ended
    pypi: str  # what PyPI has under its name: wheel, sdist, none, other, old


class WheelPackages(Value, frozen=True, kw_only=True):
    """Without PACKAGE."""

    packages: tuple[WheelPackage, ...]


class DeclaredFile(Value, frozen=True, kw_only=True):
    """One file of a project, and what it asks for."""

    file: str
    kind: str  # uv, poetry, pdm, pyproject, pixi, conda, requirements
    packages: tuple[Wish, ...]
    indexes: tuple[Place, ...]
    conda: tuple[str, ...]  # match specs


class ProjectShow(Value, frozen=True, kw_only=True):
    """Every file of the folder that is known."""

    files: tuple[DeclaredFile, ...]


class FlawedFile(Flaw, frozen=True, kw_only=True):
    """One thing that is wrong, with its file."""

    file: str


class ProjectCheck(Value, frozen=True, kw_only=True):
    """What is wrong; empty: nothing."""

    flaws: tuple[FlawedFile, ...]


class SyncedBuild(Value, frozen=True, kw_only=True):
    """One build that the file asks for."""

    torch: str
    variant: str
    platforms: tuple[str, ...]
    extra: str | None  # what chooses it, where a platform has several builds
    index: str | None  # None: PyPI has it


class SyncedFile(Value, frozen=True, kw_only=True):
    """One file, and what becomes of it."""

    file: str
    changed: bool
    difference: str  # unified, as diff writes it; empty: none
    builds: tuple[SyncedBuild, ...]  # empty with --undo


class ProjectSync(Value, frozen=True, kw_only=True):
    """With ``--undo`` too."""

    files: tuple[SyncedFile, ...]
    written: bool
    dry_run: bool


class FleetMember(Value, frozen=True, kw_only=True):
    """One machine of the folder."""

    name: str
    machine: Machine | None  # None: its file holds none
    plan: Plan | None
    error: str | None
    hint: str | None
    diagnosis: Diagnosis | None
    environments: tuple[Environment, ...]


class FleetReport(Value, frozen=True, kw_only=True):
    """Every machine, and where they drift."""

    file: str | None  # with --html
    machines: tuple[FleetMember, ...]
    drifts: tuple[Drift, ...]


ANSWERS: dict[str, tuple[object, ...]] = {
    "up": (Up,),
    "detect": (Detected,),
    "plan": (Plan, PlanMany, PlanWhyNot, PlanExport, PlanSizes),
    "env create": (Up, EnvironmentThere),
    "env adopt": (Environment,),
    "env list": (tuple[Environment, ...],),
    "env show": (EnvShow,),
    "env remove": (Environment, EnvWouldRemove),
    "env rollback": (EnvRolledBack, EnvWouldRestore),
    "env repair": (EnvRepaired, EnvWouldRepair),
    "env run": (None,),
    "env export": (PlanExport,),
    "env bundle": (Bundle,),
    "fetch": (Bundle,),
    "verify": (Verification,),
    "doctor": (Doctor, DoctorMany, DoctorFixed, DoctorWouldFix, DoctorRules),
    "bench": (tuple[Result, ...],),
    "explain": (Explanation, ExplainQuestion, ExplainIndex, Explained),
    "wheel": (Match, tuple[Match, ...], WheelPackages),
    "project show": (ProjectShow,),
    "project check": (ProjectCheck,),
    "project sync": (ProjectSync,),
    "fleet report": (FleetReport,),
    "mcp": (None,),
    "results list": (ResultsList,),
    "results show": (Run,),
    "results compare": (Report,),
    "results report": (ResultsReport,),
    "results export": (ResultsExport,),
    "results import": (ResultsImport,),
    "web": (Site,),
    "mirror list": (MirrorList,),
    "mirror test": (MirrorTests,),
    "lab": (Served,),
    "hub": (Served,),
    "kernel add": (KernelAdded, KernelWouldAdd),
    "kernel list": (KernelList,),
    "kernel remove": (KernelRemoved,),
    "catalog show": (CatalogShow,),
    "catalog check": (CatalogCheck,),
    "catalog refresh": (CatalogRefresh, PackageRefresh),
    "catalog measure": (CatalogMeasure,),
    "cache show": (CacheShow,),
    "cache prune": (CachePruned, CacheWouldPrune),
    "self paths": (SelfPaths,),
    "self uninstall": (SelfUninstalled, SelfWouldUninstall),
    "self completion": (SelfCompletion,),
}
