"""One file a cause: what the rule needs, and the texts, which are checked when somebody asks for them."""

from __future__ import annotations

import string
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from torchup.data_files import read_data
from torchup.model import UNKNOWN, Message, Severity, Value, message

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent / "causes"
T = TypeVar("T")


class RemedyKind(StrEnum):
    """Where a cause's remedy comes from: the closed set that cause files, rules and `--fix` share."""

    NONE = "none"  # nothing is broken
    RULE = "rule"  # the rule's own
    TEXT = "text"  # nothing to type
    COMMANDS = "commands"  # the file's rows for this system
    REINSTALL = "reinstall"  # the build that fits
    REQUESTED = "requested"  # the release that the user asked for, from where it is published; else the build that fits
    KEEP_TORCH = "keep-torch"  # the same torch again, leftovers of another CUDA removed
    COMPANIONS = "companions"  # torchvision and torchaudio of the torch that is there
    NEW_ENVIRONMENT = "new-environment"  # the build that fits, in an environment of its own
    DRIVER = "driver"  # whatever the driver needs: back, update or install
    DRIVER_INSTALL = "driver-install"
    DRIVER_UPDATE = "driver-update"
    DRIVER_BACK = "driver-back"
    DRIVER_REBOOT = "driver-reboot"
    DRIVER_RELOAD = "driver-reload"
    UNSET = "unset-variables"  # `names`
    SET = "set-variables"  # `variables`
    GROUPS = "groups"
    CONTAINER_GPU = "container-gpu"
    CONTAINER_ENGINE = "container-engine"  # the engine has to learn of the GPU's runtime first
    CONTAINER_RESTART = "container-restart"
    JOB_GPU = "job-gpu"


# A finding of these kinds says that the build, or the Python below it, is at fault.
CURED_BY_PLAN = frozenset({RemedyKind.REINSTALL, RemedyKind.NEW_ENVIRONMENT})


class EvidenceLine(StrEnum):
    """What a data rule shows beside the messages that it found."""

    DRIVER = "driver"
    GPU = "gpu"
    TORCH = "torch"


class System(StrEnum):
    """Keys of ``[commands]``; the first one that applies is taken, ``any`` last."""

    CONTAINER = "container"
    WSL = "wsl"
    DEBIAN = "debian"  # Debian and its relatives, which have apt
    LINUX = "linux"
    WINDOWS = "windows"
    MACOS = "macos"
    ANY = "any"


class CauseFileError(Exception):
    """A file of a cause that cannot be read: names the file and the key."""


class Cause(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The part of a cause that decides.

    ``signs``: codes of ``data/signatures.toml``, any of which makes a data rule fire; empty: a function decides.
    ``guards``: conditions (see `torchup.doctor.conditions`), any of which silences a data rule.
    ``supersedes``: slugs whose findings follow from this one.
    ``packages``, ``names``, ``variables``: what the remedy installs besides, unsets and sets; as in a `RemedyRow`.
    """

    slug: str
    severity: Severity
    family: str
    remedy: RemedyKind
    packages: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    variables: dict[str, str] = {}
    supersedes: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    certainty: Literal["table", "seen", "said", "proven"] = "said"
    evidence: tuple[EvidenceLine, ...] = ()
    needs_root: bool = False
    needs_reboot: bool = False
    last_resort: bool = False  # fires only where no other cause was found


class Texts(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The English texts; ``summary`` and ``remedy`` are those of a finding."""

    title: str
    meaning: str
    see: str
    fix: str
    summary: str | None = None
    remedy: str | None = None
    linux: str | None = None
    windows: str | None = None
    macos: str | None = None
    wsl: str | None = None


class Words(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The part of a cause that people read, and the commands of its remedy by system.

    ``variants`` are further summaries and remedies (``summary-NAME``, ``remedy-NAME``), one of which a rule chooses;
    ``remedy-in-SYSTEM`` stands in for ``remedy`` on that system, as its commands do.
    ``releases``: distribution -> its oldest release with the packages of the commands; empty: every system has them.
    """

    text: Texts
    variants: dict[str, str] = {}
    commands: dict[System, tuple[tuple[str, ...], ...]] = {}
    releases: dict[str, str] = {}


@cache
def order() -> tuple[str, ...]:
    """The slugs of all causes, those that lie below others first."""
    return tuple(read_data(FOLDER / "order.toml", dict[str, list[str]])["order"])


@cache
def load_cause(slug: str) -> Cause:
    """The deciding part of one file. Raises `CauseFileError` naming file and key."""
    decides = {key: value for key, value in _read(slug).items() if key not in Words.__struct_fields__}
    return _convert(slug, {"slug": slug, **decides}, Cause)


@cache
def load_words(slug: str) -> Words:
    """The texts of one file. Raises `CauseFileError` naming file and key."""
    read = _read(slug)
    return _convert(slug, {key: read[key] for key in Words.__struct_fields__ if key in read}, Words)


def text_of(slug: str, key: str, **values: object) -> Message:
    """One text of a cause as a message, whose code is ``explain.SLUG.KEY``. Raises `CauseFileError`: it has none.

    ``key`` is a field of `Texts` or a variant; ``values`` fill its fields.
    """
    words = load_words(slug)
    english: str | None = words.variants[key] if key in words.variants else getattr(words.text, key, None)
    if english is None:
        raise CauseFileError(f"{slug}.toml: the text {key} is missing")
    return message(f"explain.{slug}.{key}", english, **values)


def filled(words: Message, values: Mapping[str, object]) -> Message:
    """A text with its values; one that is not known is said to be unknown."""
    fields = {name for _, name, _, _ in string.Formatter().parse(words.template) if name}
    return Message(words.code, words.template, tuple((name, values.get(name, UNKNOWN)) for name in sorted(fields)))


def _read(slug: str) -> dict[str, Any]:
    try:
        return read_data(FOLDER / f"{slug}.toml", dict[str, Any])
    except (OSError, ValueError) as error:
        raise CauseFileError(f"{slug}.toml: {error}") from error


def _convert(slug: str, values: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise CauseFileError(f"{slug}.toml: {error}") from error
