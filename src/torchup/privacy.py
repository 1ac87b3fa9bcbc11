"""What must not leave this machine in a text: credentials, people, machines, places. Pure but for what it remembers.

One table says what is recognised and what stands in for it. A text leaves for one of four purposes:

    SHOW      on this screen, in a log, an export or a record: only credentials go
    SHARE     a report that is pasted elsewhere: people, homes, hosts and serial numbers go too
    REPLAY    a recording: the same, by stand-ins of the same length and form, so that parsers still read it
    PUBLISH   a result that is published: every path and address goes too

This is the second line: where a credential is read, it becomes a `torchup.model.Secret`, which no text can hold.
Credentials that torchup has read are remembered, and go in whatever form they come back (`remember`). Every pattern
takes no longer than its text (tests/unit/test_growth.py).
"""

from __future__ import annotations

import base64
import re
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote

from torchup.encoding import from_builtins, to_builtins
from torchup.i18n import printable
from torchup.model import Secret
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

T = TypeVar("T")

SECRET = "<secret>"  # noqa: S105  # the stand-in
SHORTEST_SECRET = 6  # characters; a shorter one is part of ordinary words
SHORTEST_TOKEN = 12  # letters and digits of a part of an address's path that can be a token
SHORTEST_NAME = 3
# Names that are also ordinary words of a result; replacing them would damage it and hide no one.
ORDINARY = frozenset(
    {"root", "user", "admin", "localhost", "cpu", "cuda", "mps", "xpu", "torch", "linux", "ubuntu", "runner"}
)
# Where numbers with dots are versions, not addresses (driver 32.0.15.6094).
_VERSIONS = lazy_pattern(r"version|driver|torch|cuda|kernel|runtime")


class Purpose(StrEnum):
    """What a text leaves for."""

    SHOW = "show"
    SHARE = "share"
    REPLAY = "replay"
    PUBLISH = "publish"


_ALL = frozenset(Purpose)
_SHARED = frozenset({Purpose.SHARE, Purpose.PUBLISH})
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_MAIL = r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++"
# (purposes, pattern, stand-in), in the order in which they are applied: the longer forms first.
_TABLE: tuple[tuple[frozenset[Purpose], str, str], ...] = (
    # Credentials. An address is a case of its own (`_ADDRESS`).
    (_ALL, r"(?<![\w.%+~-])[\w.%+~-]{1,64}+:(?!//)[^\s@/'\"<>]{1,128}+@(?!sha256:)(?=[\w\[])", f"{SECRET}@"),
    (_ALL, r"\b((?:Bearer|Basic)[ ])[\w.~+/=-]{8,}", rf"\1{SECRET}"),
    (_ALL, r"\b((?:token|password|passwd|secret|api[_-]?key)[ ]?[:=][ ]?)(?!<)[^\s\"'\\,;&]+", rf"\1{SECRET}"),
    (_ALL, r"\b(?:hf|gh[pousr]|github_pat|glpat|sk|pypi|xox[abp])[_-][A-Za-z0-9_-]{16,}", SECRET),
    (_ALL, r"\bAKIA[0-9A-Z]{16}\b", SECRET),
    # People and machines.
    (_SHARED, _MAIL, "<mail>"),
    (frozenset({Purpose.REPLAY}), _MAIL, "user@host"),
    (frozenset({Purpose.SHARE}),
     r"(?m)^([^\S\n]*+(?:\([\w.-]*+\)[^\S\n]*+)?\[?+)[\w.-]++@[\w.-]++(?=[:\s][^\n]*[$#])", r"\1user@host"),
    (_SHARED, rf"\b(?:GPU-|MIG-)?{_UUID}\b", "<uuid>"),
    (frozenset({Purpose.REPLAY}), rf"\b{_UUID}\b", "00000000-0000-0000-0000-000000000000"),
    (frozenset({Purpose.REPLAY}), r"(Uuid:\s+GPU-)[0-9a-f]{16}", r"\g<1>0000000000000000"),
    (frozenset({Purpose.REPLAY}), r"(unique_id )\d+", r"\g<1>0"),
    (frozenset({Purpose.REPLAY}), r"(<serial>)[^<]*", r"\g<1>0"),
    (frozenset({Purpose.REPLAY}), r"(<(?:pdi|chassis_serial_number|gpu_fabric_guid)>)[^<]*", r"\g<1>N/A"),
    (frozenset({Purpose.REPLAY}), r'("(?:[\w -]{0,60}serial[\w -]{0,60}|unique id)"\s*:\s*")[^"]*', r"\g<1>REDACTED"),
    (frozenset({Purpose.REPLAY}),
     r"((?:Serial Number|Hardware UUID|Provisioning UDID)[^:\n]{0,20}:[ \t]*)\S[^\n]*", r"\g<1>REDACTED"),
    (_SHARED, r"\b(serial(?: number)?[ \t]*[:=][ \t]*)(?!<)\S+", r"\1<serial>"),
    (frozenset({Purpose.REPLAY}), r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "00:00:00:00:00:00"),
    (frozenset({Purpose.PUBLISH}), r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "<mac>"),
    # Places.
    (frozenset({Purpose.SHARE}), r"\b[A-Z]:[\\/]{1,2}(?:Users|Documents and Settings)[\\/]{1,2}[^\\/\s\"':]+", "~"),
    (frozenset({Purpose.SHARE}),
     r"(?<![\w.])/(?:home|Users|data/home|export/home|nfs/home)/[^/\s\"':;,)]+", "~"),
    (frozenset({Purpose.SHARE}), r"(?<![\w.])/root(?=[/\s\"':;,)]|$)", "~"),
    (frozenset({Purpose.REPLAY}), r"((?:/home|/Users)/)(?!user\b)[^/\s\"':;,]+", r"\g<1>user"),
    (frozenset({Purpose.REPLAY}),
     r"([a-z]:[\\/]{1,2}Users[\\/]{1,2})(?!user\b|Public\b)[^\\/\s\"':;,]+", r"\g<1>user"),
    (frozenset({Purpose.PUBLISH}), r"\b[a-z][a-z0-9+.-]{0,20}://[^\s'\"<>]+", "<url>"),
    (frozenset({Purpose.PUBLISH}), r"(?<![\w.])[A-Z]:[\\/][^\s'\"<>|:*?]*", "<path>"),
    (frozenset({Purpose.PUBLISH}), r"\\\\[^\s'\"<>|:*?]+", "<path>"),
    (frozenset({Purpose.PUBLISH}), r"(?<![\w.<>])~?/(?:[^\s'\"<>|:*?/]+/)+[^\s'\"<>|:*?,;)]*", "<path>"),
    (frozenset({Purpose.PUBLISH}),
     r"(?<![\w.<>])(?:~|/(?:home|Users|root|mnt|media|data|tmp|var|opt|srv))(?:/[^\s'\"<>]*)?(?![\w])", "<path>"),
    (frozenset({Purpose.SHARE}),
     r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b(?=:\d{2,5}\b)", "<address>"),
    (frozenset({Purpose.PUBLISH}), r"\b(?:\d{1,3}\.){3}\d{1,3}\b", "<ip>"),
)  # fmt: skip
_ADDRESS = lazy_pattern(r"(?<![\w+.-])([A-Za-z][\w+.-]{0,20}://)([^\s'\"<>\\]+)")
_CONDA_TOKEN = lazy_pattern(r"(?<=/t/)[^/]+")
_NO_SCHEME = lazy_pattern(r"[^\s/@:]{1,64}+:([^\s@/]{1,128})@")
_LONG_PART = lazy_pattern(rf"[A-Za-z0-9]{{{SHORTEST_TOKEN},}}+")
_TOKEN_VARIABLE = lazy_pattern(r"TOKEN|API_?KEY|ACCESS_?KEY|_KEY$|AUTH", re.IGNORECASE)
_PASSWORD_VARIABLE = lazy_pattern(r"PASSWORD|PASSWD|SECRET|CREDENTIAL", re.IGNORECASE)
_remembered: dict[str, None] = {}  # longest first when asked for


@cache  # most verbs only show: the patterns of the other purposes cost 15 ms
def rules(purpose: Purpose) -> tuple[tuple[re.Pattern[str], str], ...]:
    """(pattern, stand-in) of everything that is recognised for a purpose, in order."""
    return tuple((re.compile(form, re.IGNORECASE), instead) for wanted, form, instead in _TABLE if purpose in wanted)


# ---------------------------------------------------------------- addresses


def shown_address(address: str | Secret) -> str:
    """An address as it may be printed: no login, no query, no token of conda's in its path.

    A fragment stays where it is a checksum or names no value. The result leads nowhere where something was taken out
    of the query or path: `torchup.sources.private` hands the whole address to who needs it.
    """
    address = address.reveal() if isinstance(address, Secret) else address
    scheme, separator, rest = address.partition("://")
    if not separator:
        return redact(address, Purpose.SHOW)
    return scheme + separator + _shown_rest(rest)


def _shown_rest(rest: str) -> str:
    rest, hash_sign, fragment = rest.partition("#")
    rest, question, _ = rest.partition("?")
    authority, slash, path = rest.partition("/")
    login, _, host = authority.rpartition("@")
    del login
    path = _CONDA_TOKEN.sub(SECRET, "/" + path)[1:]
    kept = fragment if "=" not in fragment or fragment.startswith(("sha256=", "egg=")) else SECRET
    return host + slash + path + (f"?{SECRET}" if question else "") + (f"#{kept}" if hash_sign else "")


def is_whole(address: str | Secret) -> bool:
    """Whether an address may be printed as it is: no login, nothing secret in its query or path."""
    address = address.reveal() if isinstance(address, Secret) else address
    return without_secrets(shown_address(address)) == address


# ---------------------------------------------------------------- what was read


def remember(*secrets: str | None) -> None:
    """Keep credentials that were read, in each form in which they can come back, so that no text shows them."""
    for secret in secrets:
        if secret and len(secret) >= SHORTEST_SECRET:
            for form in (secret, unquote(secret), quote(secret, safe="")):
                _remembered[form] = None


def remember_address(address: str | Secret) -> None:
    """Keep what is secret in an address of the user's configuration: login, query values, tokens in its path."""
    address = address.reveal() if isinstance(address, Secret) else address
    scheme, separator, rest = address.partition("://")
    if scheme.lower() == "file":
        return  # a folder
    if not separator:  # a folder too, or an address whose scheme was forgotten
        if found := _NO_SCHEME.match(address):
            remember(found[1])
        return
    rest = rest.partition("#")[0]
    rest, _, query = rest.partition("?")
    remember(*(part.partition("=")[2] or part for part in query.split("&")))
    authority, _, path = rest.partition("/")
    login = authority.rpartition("@")[0]
    if login:
        user, _, password = login.partition(":")
        remember(password or user)
        remember_login(unquote(user), unquote(password))
    remember(*(part for part in path.split("/") if _is_token(part)))


def remember_login(user: str, password: str) -> None:
    """Keep who asks, as a request says it; a token may stand in either place."""
    remember(password or user, user if _is_token(user) else None)
    remember(base64.b64encode(f"{user}:{password}".encode()).decode())


def remember_environment(environ: Mapping[str, str]) -> None:
    """Keep what the variables of the process hold: passwords and tokens by name, addresses with logins."""
    for name, value in environ.items():
        is_token = _TOKEN_VARIABLE.search(name) and len(value) >= SHORTEST_TOKEN and "/" not in value
        if is_token or _PASSWORD_VARIABLE.search(name):
            remember(value)
        for word in value.split() if "@" in value or "?" in value else ():
            remember_address(word)


def forget() -> None:
    """Forget everything that was remembered: another command line begins."""
    _remembered.clear()


def _is_token(part: str) -> bool:
    """Whether a part of a path reads like a token: long, letters and digits, no file's name."""
    pieces = (part,) if re.fullmatch(_UUID, part) else _LONG_PART.findall(part) if "." not in part else ()
    return any(not piece.isalpha() and not piece.isdigit() for piece in pieces)


def _without_remembered(text: str) -> str:
    for secret in sorted(_remembered, key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, SECRET)
    return text


# ---------------------------------------------------------------- texts and values


def redact(text: str, purpose: Purpose = Purpose.SHARE, *, names: re.Pattern[str] | None = None, key: str = "") -> str:
    """A text fit for its purpose; twice is as once.

    Args:
        text: what is to leave.
        purpose: what for.
        names: a pattern of `names_pattern`: users and hosts that are known.
        key: the name of the field that holds the text; the numbers of a version are not a network address.
    """
    if purpose is Purpose.SHARE:
        text = printable(text)
    if "://" in text:
        text = _ADDRESS.sub(lambda found: found[1] + _shown_rest(found[2]), text)
    text = _without_remembered(text) if _remembered else text
    for pattern, instead in rules(purpose):
        if instead == "<ip>" and _VERSIONS.search(key.lower()):
            continue
        text = pattern.sub(instead, text)
    return names.sub("<name>", text) if names else text


def names_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern of whole words that name this user or machine; ordinary words are left out."""
    private = sorted({n for n in names if len(n) >= SHORTEST_NAME and n.lower() not in ORDINARY}, key=len, reverse=True)
    if not private:
        return None
    return re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in private), re.IGNORECASE)


def redact_value(value: T, kind: type[T], purpose: Purpose, *, names: Collection[str] = ()) -> T:
    """A copy of a value, every string in it redacted, keys of its mappings too."""
    pattern = names_pattern(names)
    return from_builtins(
        walk(to_builtins(value), lambda text, key: redact(text, purpose, names=pattern, key=key)), kind
    )


def without_secrets(text: str) -> str:
    """A text as the screen, a log or an export may show it."""
    return redact(text, Purpose.SHOW)


def shown(document: object) -> Any:
    """A document of plain data as the screen may show it: no credentials in any string."""
    return walk(to_builtins(document), lambda text, _: without_secrets(text))


def walk(value: Any, change: Any, key: str = "") -> Any:
    """Plain data with every string, keys included, changed by ``change(text, key)``."""
    if isinstance(value, str):
        return change(value, key)
    if isinstance(value, dict):
        return {change(str(name), ""): walk(item, change, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [walk(item, change, key) for item in value]
    return value


# ---------------------------------------------------------------- recordings


def words_to_replace(environ: Mapping[str, str], home: str) -> dict[str, str]:
    """What names this user and machine, longest first, so that a home folder goes before the user name in it."""
    found = {home: "/home/user" if "/" in home else "C:\\Users\\user"} if len(home) > 1 else {}
    for name, instead in (("USERPROFILE", "C:\\Users\\user"), ("HOSTNAME", "host"), ("COMPUTERNAME", "host")):
        if len(environ.get(name, "")) >= SHORTEST_NAME:
            found[environ[name]] = instead
    for name in ("USER", "USERNAME", "LOGNAME"):
        if len(environ.get(name, "")) > SHORTEST_NAME and environ[name] not in {"root", "user", "admin"}:
            found[environ[name]] = "user"
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def replayable(value: T, kind: type[T], environ: Mapping[str, str], home: str) -> T:
    """A recording redacted: every text in it, keys and paths too, so that a replay still finds its files."""
    words = words_to_replace(environ, home)

    def change(text: str, _: str) -> str:
        for word, instead in words.items():
            text = text.replace(word, instead)
        return redact(text, Purpose.REPLAY)

    return from_builtins(walk(to_builtins(value), change), kind)
