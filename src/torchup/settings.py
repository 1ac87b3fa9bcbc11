"""The user's own defaults: TORCHUP_* variables over the nearest ``torchup.toml``; a flag beats both.

``torchup.toml`` lies in the project's folder or above it:

    env = "thesis"     # the environment that this project's commands work on
    mirror = "nju"
    python = "3.12"
    require = ["torchvision"]
    connections = 8

    [bench]            # options of one verb, spelled as on the command line without dashes in front
    budget = 60
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from torchup.documents import SIZE_LIMIT, DocumentError, read_toml
from torchup.errors import UsageError
from torchup.model import Value, message
from torchup.near_names import did_you_mean

if TYPE_CHECKING:
    from torchup.host import Host

FILE_NAME = "torchup.toml"
LISTS = ("with", "require")
FLAGS = ("cpu", "offline")
TEXTS = ("torch", "variant", "python", "profile", "channel", "mirror", "installer", "wheelhouse", "lang", "env")
NUMBERS = ("connections",)
KEYS = (*TEXTS, *LISTS, *FLAGS, *NUMBERS)


class Settings(Value, frozen=True, kw_only=True):
    """Merged settings. ``values`` holds `KEYS`; ``verbs`` the tables of single verbs; ``path`` the file, if any."""

    values: dict[str, Any] = {}
    verbs: dict[str, dict[str, Any]] = {}
    path: str | None = None

    def text(self, key: str) -> str | None:
        """A setting that is a text, or ``None``."""
        value = self.values.get(key)
        return value if isinstance(value, str) and value else None

    def number(self, key: str, default: int) -> int:
        """A setting that is a number."""
        value = self.values.get(key)
        return value if isinstance(value, int) else default


def load_settings(host: Host) -> Settings:
    """Read the nearest file and the variables.

    Raises:
        UsageError: the file is not TOML, or has a key, a type or a number that torchup does not take.
    """
    path = nearest_file(host)
    document = _read(host, path) if path else {}
    verbs = {key: value for key, value in document.items() if isinstance(value, dict)}
    top = {key: _checked(key, value, path) for key, value in document.items() if not isinstance(value, dict)}
    return Settings(values=top | _variables(host), verbs=verbs, path=path)


def nearest_file(host: Host) -> str | None:
    """``torchup.toml`` in the current folder or the nearest one above."""
    folder = host.cwd().replace("\\", "/")
    while folder:
        path = posixpath.join(folder, FILE_NAME)
        if host.exists(path):
            return path
        parent = posixpath.dirname(folder)
        folder = "" if parent == folder else parent
    return None


def _read(host: Host, path: str) -> dict[str, Any]:
    text = host.read_text(path, SIZE_LIMIT + 1)
    if text is None:
        raise UsageError(
            message("settings.unreadable", "{path} cannot be read", path=path),
            hint=message("settings.unreadable.hint", "check the permissions of the file, or work in another folder"),
        )
    try:
        return read_toml(text)
    except DocumentError as error:
        raise UsageError(
            message("settings.not-toml", "{path} cannot be read: {error}", path=path, error=error.text),
            hint=message(
                "settings.not-toml.hint",
                'correct the file or remove it; a correct line is, for example, `key = "value"`',
            ),
        ) from error


def _checked(key: str, value: object, path: str | None) -> Any:
    if key not in KEYS:
        raise unknown_key(key, KEYS, path)
    is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
    if (key in LISTS and is_list) or (key in FLAGS and isinstance(value, bool)):
        return value
    if key in TEXTS and isinstance(value, str):
        return value
    if key in NUMBERS and isinstance(value, int) and not isinstance(value, bool):
        return _in_range(value, f"{path}: {key}", f"{key} = {{number}}")
    forms = {**dict.fromkeys(LISTS, f'{key} = ["..."]'), **dict.fromkeys(FLAGS, f"{key} = true")}
    forms |= dict.fromkeys(NUMBERS, f"{key} = 4")
    raise UsageError(
        message("settings.type", "{path}: the value of `{key}` has the wrong type", path=path, key=key),
        hint=message("settings.type.hint", "write `{form}`", form=forms.get(key, f'{key} = "..."')),
    )


def _in_range(value: int | None, name: str, form: str, given: str | None = None) -> int:
    """A number of connections that a user may set; ``None``: what was given is not a number.

    Raises:
        UsageError: it is not a number, or out of range; says the range and how it is written.
    """
    from torchup.fetch.order import CONNECTIONS, MOST_CONNECTIONS  # noqa: PLC0415  # only who sets it pays for it

    if value is not None and 1 <= value <= MOST_CONNECTIONS:
        return value
    raise UsageError(
        message(
            "settings.number",
            "{name}: `{value}` is not a whole number from 1 to {most}",
            name=name,
            value=given if given is not None else value,
            most=MOST_CONNECTIONS,
        ),
        hint=message("settings.type.hint", "write `{form}`", form=form.format(number=CONNECTIONS)),
    )


def unknown_key(key: str, known: tuple[str, ...], path: str | None) -> UsageError:
    """The error for an unknown key, with the nearest name."""
    hint = did_you_mean(key, known) or message("settings.known", "choose one of: {names}", names=", ".join(known))
    return UsageError(message("settings.unknown", "{path}: there is no setting `{key}`", path=path, key=key), hint=hint)


def _variables(host: Host) -> dict[str, Any]:
    environ = host.environ()  # a copy each time it is asked for
    found = {key: environ.get(f"TORCHUP_{key.upper()}", "") for key in KEYS}
    return {key: _of_variable(key, value) for key, value in found.items() if value}


def _of_variable(key: str, value: str) -> Any:
    if key not in NUMBERS:
        return value.split() if key in LISTS else value
    name, given = f"TORCHUP_{key.upper()}", value.strip()[:40]
    number = int(given) if given.isascii() and given.isdecimal() else None
    return _in_range(number, name, f"{name}={{number}}", given)
