"""The interpreters in a report: which of them failed, and which others there are.

Each line that names an interpreter (its banner, its path, a traceback through its packages) is a moment; the one that
was named last before the last failure is the one that failed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.doctor.facts import Python
from torchup.model import Value
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.reports.collected import Collected

_POSIX = lazy_pattern(
    r"(?<![\w.~/])([~/][^\s\"':(]{0,250}?|\.?[A-Za-z][\w-]{0,40})/(lib|lib64)/python(3\.\d{1,2})/(site|dist)-packages\b"
)
_WINDOWS = lazy_pattern(r"(?<!\w)([A-Za-z]:[\\/][^\"'<>|:\n]{1,250}?)[\\/][Ll]ib[\\/]site-packages\b")
_LAUNCHED = lazy_pattern(r"\s{0,8}(?:venv|Command:) \"([^\"]{3,250}python(?:\.exe)?)\"", re.IGNORECASE)
_FAILED = lazy_pattern(
    r"\s{0,80}(?:E\s{1,4})?(?:[\w.]{0,60}(?:Error|Exception)\b\s?[:(\[]|ERROR:|error:|False$|"
    r"Segmentation fault|OSError|.{0,40}No module named)"
)
_VERSION_IN_PATH = lazy_pattern(r"[Pp]ython(3)\.?(\d{1,2})(?!\d)")
_VIRTUAL = lazy_pattern(
    r"[\\/](?:[\w.-]{0,30}venv[\w.-]{0,30}|env|(?:\.?virtualenvs|uv[\\/]tools|pipx[\\/]venvs)[\\/][^\\/]{1,80})$",
    re.IGNORECASE,
)
_ROAMING = lazy_pattern(
    r"\\AppData\\Roaming\\(?!(?:uv|pipx)\\)", re.IGNORECASE
)  # a user's packages, of any interpreter
_CLOSE = 4  # lines between an interpreter's path and its version
_HIDDEN = lazy_pattern(r"\.\.\.|<|\*\*|…|\bxxx", re.IGNORECASE)


class _Moment(Value, frozen=True, kw_only=True):
    line: int
    path: str | None = None
    version: str | None = None


def read_pythons(collected: Collected, lines: Sequence[str]) -> None:
    """Work out which interpreter the report is about; needs the paths and versions that other readers noted."""
    moments = _moments(collected, lines)
    known = _merge(moments)
    if not known:
        return
    failures = [position for position, line in enumerate(lines) if _FAILED.match(line)]
    failed = _failed(moments, failures[-1] if failures else len(lines))
    # one path with two versions is one interpreter: then a moment of the other version is no longer like it
    python = next((python for python in known if _same(python, failed)), known[0])
    collected.interpreter = python.path
    if (python.version and not _agree(python.version, collected.python.get("version"))) or (
        python.version and len(python.version) > len(collected.python.get("version", ""))
    ):
        collected.python["version"] = python.version
    collected.other_pythons = [other for other in known if other is not python]


def _moments(collected: Collected, lines: Sequence[str]) -> list[_Moment]:
    found = [_Moment(line=line, path=path, version=_version_of(path)) for line, path in collected.pythons_at]
    found += [_Moment(line=line, version=version) for line, version in collected.versions_at]
    for position, line in enumerate(lines):
        if "-packages" in line:
            found += _of_packages(position, line)
        elif ('venv "' in line or 'Command: "' in line) and (launched := _LAUNCHED.match(line)) is not None:
            found.append(_Moment(line=position, path=launched[1]))
    named = [moment for moment in found if moment.path or moment.version]  # a hidden folder names no interpreter
    return _with_versions(sorted(named, key=lambda moment: moment.line))


def _of_packages(position: int, line: str) -> list[_Moment]:
    """The interpreters whose packages a line names."""
    posix = [
        _Moment(line=position, path=_posix_python(prefix, lib, version, kind), version=version)
        for prefix, lib, version, kind in _POSIX.findall(line)[:2]
    ]
    return posix + [
        _Moment(line=position, path=_windows_python(prefix), version=_version_of(prefix))
        for prefix in _WINDOWS.findall(line)[:2]
    ]


def _posix_python(prefix: str, lib: str, version: str, kind: str) -> str | None:
    if _HIDDEN.search(prefix) or prefix.endswith("/.local"):
        return None  # of a user's packages the path does not say which interpreter
    if kind == "dist" or (prefix in ("/usr", "/usr/local") and lib == "lib64"):
        return f"/usr/bin/python{version}"
    if prefix in ("/usr", "/usr/local"):
        return f"{prefix}/bin/python{version}"
    return f"{prefix}/bin/python"


def _windows_python(prefix: str) -> str | None:
    if _HIDDEN.search(prefix) or _ROAMING.search(prefix):
        return None
    separator = "/" if "/" in prefix and "\\" not in prefix else "\\"
    below = (
        f"Scripts{separator}"
        if _VIRTUAL.search(prefix) and not re.search(r"conda|forge", prefix, re.IGNORECASE)
        else ""
    )
    return f"{prefix}{separator}{below}python.exe"


def _version_of(path: str) -> str | None:
    found = _VERSION_IN_PATH.search(path)
    return f"{found[1]}.{found[2]}" if found else None


def _with_versions(moments: list[_Moment]) -> list[_Moment]:
    """A path and a version that stand close together are one interpreter's."""
    joined: list[_Moment] = []
    for moment in moments:
        last = joined[-1] if joined else None
        if (
            last is not None
            and moment.line - last.line <= _CLOSE
            and (moment.path is None) != (last.path is None)
            and _agree(moment.version, last.version)
        ):
            joined[-1] = _Moment(
                line=moment.line, path=moment.path or last.path, version=_longer(moment.version, last.version)
            )
        else:
            joined.append(moment)
    return joined


def _merge(moments: list[_Moment]) -> list[Python]:
    """Each interpreter once."""
    known: list[Python] = []
    for moment in moments:
        for index, python in enumerate(known):
            if _same(python, moment):
                known[index] = Python(path=python.path or moment.path, version=_longer(python.version, moment.version))
                break
        else:
            known.append(Python(path=moment.path, version=moment.version))
    return known


def _failed(moments: list[_Moment], failure: int) -> _Moment:
    before = [moment for moment in moments if moment.line <= failure]
    return before[-1] if before else moments[0]


def _same(python: Python, moment: _Moment) -> bool:
    if python.path and moment.path:
        return _same_place(_place(python.path), _place(moment.path))
    return bool(python.version and moment.version and _agree(python.version, moment.version))


def _same_place(one: str, other: str) -> bool:
    """A relative path is the end of the absolute one: ``./python_embeded`` and ``C:/Comfy/python_embeded``."""
    short, long = sorted((one, other), key=len)
    end = short.lstrip("./")
    relative = not short.startswith(("/", "~")) and ":" not in short
    return short == long or bool(relative and end and long.lower().endswith("/" + end.lower()))


def _place(path: str) -> str:
    """The folder of an interpreter: ``bin/python`` and ``bin/python3.12`` are one."""
    folder = re.split(r"[\\/]", path)[:-1]
    text = "/".join(folder)
    return text.lower() if ":" in text else text


def _agree(one: str | None, other: str | None) -> bool:
    """``3.10`` and ``3.10.12`` do; unknown agrees with everything."""
    if not one or not other:
        return True
    short, long = sorted((one, other), key=len)
    return long == short or long.startswith(short + ".")


def _longer(one: str | None, other: str | None) -> str | None:
    return max(one or "", other or "", key=len) or None
