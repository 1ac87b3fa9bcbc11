"""A bundle is what its plan says it is, file by file, before the plan is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.envs.paths import join
from torchup.errors import UsageError
from torchup.model import InstallerName, Plan, Value, message
from torchup.package_names import normalise
from torchup.sources.index_page import parse_filename

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchup.host import Host
    from torchup.model import Message

SCHEMA = 1
FILE_LIMIT = 500  # wheels; a CUDA build with everything around it has 60
SHOWN = 120  # characters of a name that is quoted
SHOWN_FILES = 5  # of those that are missing
PLAN_FILE = "plan.json"
SUMS_FILE = "SHA256SUMS"
SUMS_LIMIT = 1 << 18  # bytes; 500 lines have 70 kB
_SHA256 = re.compile("[0-9a-f]{64}")
_LINE = re.compile(r"([0-9a-f]{64})  (plan\.json|wheels/[^/\\]{1,250})")


class Bundle(Value, frozen=True, kw_only=True):
    """Content of ``plan.json``."""

    schema: int = SCHEMA
    platform: str | None = None  # None: the machine that made it
    pins: tuple[str, ...] = ()
    files: dict[str, str] = {}  # wheel -> sha256
    plan: Plan


def checked_sums(host: Host, folder: str) -> dict[str, str]:
    """SHA256SUMS, with every file that it names compared: path below the folder -> SHA-256.

    Raises:
        UsageError: it is not there or cannot be read, a file is missing, or not the one that was bundled.
    """
    place = join(folder, SUMS_FILE)
    lines = host.read_text(place, SUMS_LIMIT)
    if lines is None:
        raise _refused(join(folder, PLAN_FILE), message("bundle.no-sums", "the bundle has no {file}", file=SUMS_FILE))
    sums: dict[str, str] = {}
    for number, line in enumerate(lines.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise _refused(
                place,
                message(
                    "bundle.sums-line",
                    "line {line} is not a SHA-256 hash followed by `plan.json` or a file in `wheels/`",
                    line=number,
                ),
            )
        if match[2] in sums:
            raise _refused(place, message("bundle.sums-twice", "the file lists {name} twice", name=match[2]), _remade())
        if len(sums) > FILE_LIMIT:
            text = message("bundle.sums-many", "the file lists more than {limit} files", limit=FILE_LIMIT + 1)
            raise _refused(place, text, _smaller())
        sums[match[2]] = match[1]
    if PLAN_FILE not in sums:
        text = message("bundle.unlisted", "{file} does not list this file", file=SUMS_FILE)
        raise _refused(join(folder, PLAN_FILE), text)
    if missing := [name for name in sums if not host.exists(join(folder, name))]:
        raise UsageError(_lacks(missing), hint=_again())
    for name, digest in sums.items():
        if host.sha256(join(folder, name)) != digest:
            raise _refused(
                join(folder, name), message("bundle.changed", "the file differs from the one that was bundled")
            )
    return sums


def check_bundle(host: Host, folder: str, bundle: Bundle, sums: Mapping[str, str]) -> None:
    """Compare a bundle with its plan; ``sums`` is what `checked_sums` gave.

    Raises:
        UsageError: its form is another one, a file is missing, too much, or not the one that was bundled. The file
            and the reason are named.
    """
    _check_form(folder, bundle)
    wheels = join(folder, "wheels")
    present = set(host.list_dir(wheels) or ())
    if missing := [name for name in bundle.files if name not in present]:
        raise UsageError(_lacks(missing), hint=_again())
    if foreign := sorted(present - bundle.files.keys()):
        text = message("bundle.foreign", "the bundle's plan does not list this file")
        raise _refused(join(wheels, foreign[0]), text, _removed())
    for name, digest in bundle.files.items():
        if sums.get(f"wheels/{name}") != digest:
            text = message("bundle.disagree",
                "{sums} does not have the hash that {plan} has for this file", sums=SUMS_FILE,
                           plan=PLAN_FILE)  # fmt: skip
            raise _refused(join(wheels, name), text, _remade())


def _check_form(folder: str, bundle: Bundle) -> None:
    plan_file = join(folder, PLAN_FILE)
    if bundle.schema != SCHEMA:
        text = message("bundle.schema",
            "the bundle has schema version {found}; this torchup reads version {known}", found=bundle.schema,
                       known=SCHEMA)  # fmt: skip
        raise _refused(plan_file, text, _newer() if bundle.schema > SCHEMA else remade_here())
    if bundle.plan.installer is InstallerName.CONDA:
        text = message("bundle.is-conda", "a bundle contains wheels, but this plan is for conda")
        raise _refused(plan_file, text, _without_conda())
    if bundle.plan.compiled:
        text = message(
            "bundle.is-compiled", "a bundle contains wheels, but this plan compiles {name}",
            name=bundle.plan.compiled[0].package[:SHOWN],
        )  # fmt: skip
        raise _refused(plan_file, text, _not_compiled())
    if not 0 < len(bundle.files) <= FILE_LIMIT:
        text = message(
            "bundle.count", "the plan lists {count} files; 1 to {limit} are allowed",
            count=len(bundle.files), limit=FILE_LIMIT,
        )  # fmt: skip
        raise _refused(plan_file, text, _smaller() if bundle.files else _remade())
    _check_complete(plan_file, bundle, _packages(plan_file, bundle))


def _packages(plan_file: str, bundle: Bundle) -> set[str]:
    """The packages of the files: each is a wheel with a hash, and no package comes twice."""
    names: set[str] = set()
    for name, digest in bundle.files.items():
        offer = parse_filename(name, name, "bundle")
        if offer is None or not _SHA256.fullmatch(digest):
            text = message("bundle.not-a-wheel", "`{name}` is not a wheel with a SHA-256 hash", name=name[:SHOWN])
            raise _refused(plan_file, text, _remade())
        if offer.package in names:
            text = message("bundle.twice", "the plan lists {name} twice", name=offer.package)
            raise _refused(plan_file, text, _remade())
        names.add(offer.package)
    return names


def _check_complete(plan_file: str, bundle: Bundle, names: set[str]) -> None:
    """Every package that the plan asks for is one of the files."""
    from packaging.requirements import Requirement  # noqa: PLC0415  # 15 ms for bundles only

    wanted = [Requirement(line) for line in bundle.plan.packages]
    absent = [r.name for r in wanted if r.marker is None and normalise(r.name) not in names]
    if absent:
        text = message("bundle.absent", "the plan requires {name}, but lists no file for it", name=absent[0])
        raise _refused(plan_file, text, _remade())


def _lacks(missing: list[str]) -> Message:
    files = ", ".join(missing[:SHOWN_FILES])
    if len(missing) > SHOWN_FILES:
        return message(
            "bundle.incomplete-many", "the bundle is missing {count} files, among them {files}", files=files,
            count=len(missing),
        )  # fmt: skip
    return message("bundle.incomplete", "the bundle is missing {files}", files=files)


def _refused(file: str, reason: Message, hint: Message | None = None) -> UsageError:
    """``hint``: what mends it, if copying the bundle again does not."""
    text = message("bundle.refused", "torchup refuses {file}: {reason}", file=file, reason=reason)
    return UsageError(text, hint=hint or _again())


# ---------------------------------------------------------------- hints: a bad copy, or a bundle that is bad itself


def _again() -> Message:
    return message("bundle.incomplete.hint", "copy the bundle again; SHA256SUMS shows whether the copy is complete")


def _remade() -> Message:
    return message("bundle.remade.hint", "run `torchup env bundle -o DIR` to recreate the bundle")


def remade_here() -> Message:
    """A plan that this version cannot read, though the copy is whole."""
    return message(
        "bundle.remade-here.hint",
        "run `torchup env bundle -o DIR` with this version of torchup to recreate the bundle",
    )


def _newer() -> Message:
    return message(
        "bundle.newer.hint",
        "update torchup on this machine, or recreate the bundle with this machine's version of torchup",
    )


def _without_conda() -> Message:
    return message(
        "bundle.without-conda.hint",
        "run `torchup plan --installer uv --json > plan.json`, then `torchup env bundle --plan plan.json -o DIR` "
        "to recreate the bundle",
    )


def _not_compiled() -> Message:
    return message(
        "bundle.not-compiled.hint",
        "run `torchup plan --json > plan.json` without --build, then `torchup env bundle --plan plan.json -o "
        "DIR` to recreate the bundle",
    )


def _smaller() -> Message:
    return message(
        "bundle.smaller.hint",
        "recreate the bundle with fewer packages; a bundle can contain at most {limit} wheels",
        limit=FILE_LIMIT,
    )


def _removed() -> Message:
    return message(
        "bundle.removed.hint", "remove the file from the bundle, or copy the bundle again into an empty folder"
    )
