"""A wheel file explained, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.wheel_rows import python_of_tag
from torchup.compat.packages import Axis
from torchup.compat.packages.against import AXES, value_of
from torchup.i18n import render, text
from torchup.model import UNKNOWN, Message, message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchup.compat.packages.contents import Contents, Explained

INTERFACES: dict[str, Message] = {
    "none": message("explain.wheel.abi.none", "not linked with torch"),
    "stable": message("explain.wheel.abi.stable", "stable; the wheel also works with newer torch releases"),
    "c++": message("explain.wheel.abi.cpp", "C++; the wheel works only with the torch releases that it was built for"),
}
PROBLEMS: dict[str, Message] = {
    "no-metadata": message("explain.wheel.no-metadata", "the metadata of the wheel is missing or names no package"),
    "name-differs": message("explain.wheel.name-differs", "the file name and the metadata state different packages"),
    "version-differs": message(
        "explain.wheel.version-differs", "the file name and the metadata state different versions"
    ),
    "platform-differs": message(
        "explain.wheel.platform-differs", "the file name and the code are for different systems"
    ),
}


def explained_text(found: Explained) -> str:
    """The wheel, what it needs, and whether it fits here."""
    return "\n".join((*_what(found.contents), *_verdict(found)))


def _what(contents: Contents) -> Iterator[str]:
    name, version = (part or render(UNKNOWN) for part in (contents.package, contents.version))
    yield f"{name} {version}  ({contents.file})"
    tags = " ".join((*contents.python_tags, *contents.abi_tags))
    platforms = " ".join(contents.platforms)
    yield "  " + text(
        "explain.wheel.for", "for: {platforms}; Python and ABI tags: {tags}", platforms=platforms, tags=tags
    )
    if contents.requires_torch:
        yield "  " + text("explain.wheel.requires", "requires torch: {span}", span=contents.requires_torch)
    if contents.interface:
        yield "  " + text("explain.wheel.abi", "torch ABI: {words}", words=INTERFACES[contents.interface])
    if contents.releases:
        yield "  " + text(
            "explain.wheel.releases", "the wheel's symbols match torch {minors}", minors=_runs(contents.releases)
        )
    if contents.string_abi:
        yield "  " + text("explain.wheel.string-abi", "cxx11abi{value}", value=contents.string_abi)
    if contents.cuda_majors:
        yield "  " + text("explain.wheel.cuda", "CUDA {majors}", majors=", ".join(map(str, contents.cuda_majors)))
    if contents.architectures:
        yield "  " + text("explain.wheel.code", "GPU code: {names}", names=" ".join(contents.architectures))
    if floor := contents.glibc or contents.glibc_symbols:
        yield "  " + text("explain.wheel.glibc", "glibc {version} or newer", version=floor)
    for code in contents.problems:
        yield "  ! " + render(PROBLEMS[code])


def _runs(minors: Sequence[str]) -> str:
    """Releases as runs without a gap, so that none is named that is not among them: ``2.4 - 2.6, 2.9``."""
    runs: list[list[str]] = []
    for minor in minors:
        if runs and _next(runs[-1][-1]) == minor:
            runs[-1].append(minor)
        else:
            runs.append([minor])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} - {run[-1]}" for run in runs)


def _next(minor: str) -> str:
    major, _, number = minor.partition(".")
    return f"{major}.{int(number) + 1}" if number.isdigit() else ""


def _verdict(found: Explained) -> Iterator[str]:
    if found.torch:
        yield "  " + text("explain.wheel.torch", "checked against torch {torch}", torch=found.torch)
    if found.fits:
        yield "  " + text("explain.wheel.fits", "fits this machine, according to the file")
    for one in found.failed:
        yield "  " + text(
            "explain.wheel.not", "does not fit: the wheel needs {axis} {want}, but torchup found {have}",
            axis=AXES[one.axis], want=_shown(one.axis, one.want), have=_shown(one.axis, one.have),
        )  # fmt: skip


def _shown(axis: Axis, value: str) -> Message | str:
    """One side of a comparison in the form of the other: CUDA ``12`` and ``13.0``, Python ``3.12`` and ``3.11``."""
    if axis is Axis.CUDA and value.startswith("cu"):
        return f"{value[2:-1]}.{value[-1]}"
    if axis is Axis.CUDA:
        return ", ".join(value.split())
    if axis is Axis.PYTHON:
        return ", ".join(python_of_tag(word) if word.startswith(("cp", "py")) else word for word in value.split())
    return _runs(value.split()) if axis is Axis.TORCH else value_of(axis, value)
