"""A plan that comes from outside is data: every field is of a closed form before anything looks at it. Pure.

A plan of torchup's own is made from checked parts. One in a bundle or a file can hold anything that fits the types:
a program as its Python, an option as a package, an address that leads elsewhere. What has no closed form is refused by
the name of its field; what a foreign plan cannot know (an interpreter here, commands) is dropped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from torchup.errors import UsageError
from torchup.model import InstallerName, message
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torchup.model import PackageWheel, Plan, Source

SIZE_LIMIT = 4 * 1024 * 1024  # bytes of a plan's file; one of 300 rejected builds has 60 KB
COUNT_LIMIT = 2000  # entries of one list; a plan has 5 to 300
TEXT_LIMIT = 500  # characters of one requirement or name
_DOWNLOAD_LIMIT = 1 << 40  # bytes: no wheel has a terabyte
_PYTHON = lazy_pattern(r"[23]\.\d{1,2}(?:\.\d{1,2})?t?", re.ASCII)
_VERSION = lazy_pattern(
    r"nightly|test|\d{1,4}(?:\.\d{1,8}){1,3}(?:(?:a|b|rc|\.dev|\.post)\d{1,8}){0,3}(?:\+[a-z0-9.]{1,40})?", re.ASCII
)  # a channel where no version is pinned
_WORD = lazy_pattern(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", re.ASCII)
_NAME = lazy_pattern(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?", re.ASCII)
_WHEEL_VERSION = lazy_pattern(r"[0-9][A-Za-z0-9.!+_-]{0,100}", re.ASCII)
_SHA256 = lazy_pattern(r"[0-9a-f]{64}", re.ASCII)
_SPEC = lazy_pattern(r"[A-Za-z0-9_][A-Za-z0-9_.:=<>!,*|~+ -]{0,199}", re.ASCII)  # of conda
_CONTROL = lazy_pattern(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ADDRESS = lazy_pattern(r"(?:https?://|file:///)[^\s\\'\"<>@]{1,1000}")
_WEB = lazy_pattern(r"https?://[^\s\\'\"<>@]{1,1000}")
_FOLDER = lazy_pattern(r"(?:/|[A-Za-z]:[\\/])[^\x00-\x1f]{0,1000}")
_WHEEL = lazy_pattern(r"torch-[A-Za-z0-9_.+]{1,100}(?:-[A-Za-z0-9_.]{1,100}){3,4}\.whl", re.ASCII)
_KINDS = frozenset({"index", "find-links", "conda", "file"})


def checked_plan(plan: Plan, file: str) -> Plan:
    """The plan without what only its maker's machine knew.

    Args:
        plan: as it was decoded.
        file: where it was read, for the error.

    Raises:
        UsageError: a field is not of its form; it names the file, the field and the value.
    """
    for field, value, good in _claims(plan):
        if not good(value):
            raise _refused(file, field, value)
    for index, source in enumerate(plan.sources):
        _check_source(source, f"sources.{index}", file)
    build = plan.build
    if build.variant == "mps":  # as `torchup plan --json` names the one macOS build
        build = msgspec.structs.replace(build, variant="cpu")
    return msgspec.structs.replace(plan, build=build, python_path=None, steps=())


def _claims(plan: Plan) -> Iterator[tuple[str, object, Callable[[Any], bool]]]:
    """(field, value, what it must be) of everything that an installation uses."""
    build = plan.build
    yield "python", plan.python, _fits(_PYTHON)
    yield "build.torch", build.torch, _fits(_VERSION)
    yield "build.variant", build.variant, _fits(_WORD)
    yield "build.source", build.source, lambda value: value is None or _fits(_WORD)(value)
    yield "build.index_url", build.index_url, lambda value: value is None or _fits(_ADDRESS)(value)
    yield "build.size_bytes", build.size_bytes, lambda value: value is None or 0 <= value < _DOWNLOAD_LIMIT
    for name, version in build.companions.items():
        yield f"build.companions.{name}", name, _fits(_NAME)
        yield f"build.companions.{name}", version, lambda value: value is None or _fits(_VERSION)(value)
    for field in ("packages", "constraints", "overrides"):
        lines = getattr(plan, field)
        yield field, len(lines), lambda count: count <= COUNT_LIMIT
        for index, line in enumerate(lines):
            yield f"{field}.{index}", line, is_plain_requirement if field != "packages" else _package(plan)
    yield "packages", plan.packages, bool
    for name, digest in plan.hashes.items():
        yield f"hashes.{name}", name, _fits(_SPEC)
        yield f"hashes.{name}", digest, _fits(_SHA256)
    for index in (*plan.covered_gpus, *plan.uncovered_gpus):
        yield "covered_gpus", index, lambda value: 0 <= value < COUNT_LIMIT
    yield from _conda_claims(plan)
    yield from _wheel_claims(plan)


def _wheel_claims(plan: Plan) -> Iterator[tuple[str, object, Callable[[Any], bool]]]:
    """Of the files that are bound to torch; what is compiled runs programs, and no bundle takes it."""
    for index, wheel in enumerate(plan.wheels):
        if wheel.compiled:
            continue
        field = f"wheels.{index}"
        yield f"{field}.package", wheel.package, _fits(_NAME)
        yield f"{field}.version", wheel.version, lambda value: value is None or _fits(_WHEEL_VERSION)(value)
        yield f"{field}.sha256", wheel.sha256, lambda value: value is None or _fits(_SHA256)(value)
        yield f"{field}.requirement", wheel.requirement, _requirement(wheel)
        for place in ("url", "index", "find_links"):
            yield f"{field}.{place}", getattr(wheel, place), lambda value: value is None or _fits(_WEB)(value)
        for line in wheel.requires:
            yield f"{field}.requires", line, is_plain_requirement


def _requirement(wheel: PackageWheel) -> Callable[[Any], bool]:
    """A plain requirement, or the package by the address that the wheel has."""
    return lambda line: is_plain_requirement(line) or line == f"{wheel.package} @ {wheel.url}"


def _conda_claims(plan: Plan) -> Iterator[tuple[str, object, Callable[[Any], bool]]]:
    order = plan.conda
    yield "conda", order, lambda value: (value is not None) == (plan.installer is InstallerName.CONDA)
    if order is None:
        return
    yield "conda.subdir", order.subdir, _fits(_WORD)
    for spec in (*order.specs, *order.virtual_packages):
        yield "conda.specs", spec, _fits(_SPEC)
    for address in (*order.channels, *order.mirrors, *(url for urls in order.mirrors.values() for url in urls)):
        yield "conda.channels", address, _fits(_ADDRESS)


def _fits(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value) <= TEXT_LIMIT * 4 and bool(pattern.fullmatch(value))


def is_plain_requirement(line: object) -> bool:
    """Whether a text is a package's name with extras, versions and a marker: no option, no path, no address."""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415  # 15 ms for foreign plans only

    if not isinstance(line, str) or len(line) > TEXT_LIMIT or _CONTROL.search(line) or not _NAME.match(line):
        return False
    try:
        return Requirement(line).url is None
    except InvalidRequirement:
        return False


def _package(plan: Plan) -> Callable[[Any], bool]:
    """A plain requirement, or torch by the address of a wheel in the folder of one of the plan's sources of files."""
    folders = [source.url.rstrip("/") for source in plan.sources if source.kind == "file"]

    def good(line: object) -> bool:
        if is_plain_requirement(line):
            return True
        name, _, address = line.partition(" @ ") if isinstance(line, str) else ("", "", "")
        folder, _, wheel = address.rpartition("/")
        return name == "torch" and folder in folders and bool(_WHEEL.fullmatch(wheel))

    return good


def _check_source(source: Source, field: str, file: str) -> None:
    """A source is an address of the web without a login, or a folder by its whole path."""
    if source.kind not in _KINDS:
        raise _refused(file, f"{field}.kind", source.kind)
    good = _fits(_ADDRESS)(source.url) or (source.kind != "conda" and _fits(_FOLDER)(source.url))
    if not good:
        raise _refused(file, f"{field}.url", source.url)
    if not _fits(_WORD)(source.name):
        raise _refused(file, f"{field}.name", source.name)


def _refused(file: str, field: str, value: object) -> UsageError:
    if field.rpartition(".")[2] in _ADDRESSES:  # the value may hold a login
        text = message(
            "plan.foreign.address",
            "torchup refuses {file}: `{field}` must be an address that starts with https://, http:// or file:///, "
            "without a login",
            file=file,
            field=field,
        )
        return UsageError(text, hint=_AGAIN)
    shown = _CONTROL.sub("?", str(value))[:120]
    text = message("plan.foreign", "torchup refuses {file}: `{field}` cannot be `{value}`", file=file, field=field,
                   value=shown)  # fmt: skip
    return UsageError(text, hint=_AGAIN)


_ADDRESSES = frozenset({"url", "index", "index_url", "find_links", "channels"})
_AGAIN = message(
    "plan.foreign.hint",
    "recreate the plan with torchup; a plan file may contain names and versions, but no programs, paths or options",
)
