"""An installer finds no build: is it Python's version, or was what was asked for never published?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from torchup.catalog.versions import minor, version_key
from torchup.compat.published import has_labels, platform_of_tag
from torchup.doctor.cause import text_of
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import platform, quoted, said
from torchup.doctor.rules.prebuilt import refused_package, wheel_that_exists
from torchup.doctor.rules.refused import (
    BY_PLATFORM,
    BY_PYTHON,
    NONE_FITS,
    NOT_THERE,
    Asked,
    asked,
    for_other_python,
    refusals,
)
from torchup.model import UNKNOWN, message
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts
    from torchup.model import Message, Remedy

_TAGS = lazy_pattern(r"\b[a-z]\w*_\w+")
_STUB = "python.stub"
_SAYS_PYTHON = (BY_PYTHON, "python.requires", "python.compile")


# ---------------------------------------------------------------- never published


def build_not_published(facts: Facts, compat: Compat) -> Found | None:
    """The version, label or index asked for does not exist for this system; Python is not the reason."""
    signs, wish = refusals(facts), asked(facts)
    if facts.works or not signs or not wish.family:
        return None
    reason = next(_reasons(facts, compat, wish), None)
    gone = facts.sign(*NOT_THERE) is not None  # the resolver saw every file of the index
    if reason is None and not gone:
        return None
    slug = "build-not-published"
    return Found(
        summary=text_of(slug, "summary"),
        evidence=(*map(said, signs), *([reason] if reason is not None else [])),
        remedy=_as_asked(facts, compat, wish, slug),
        certainty=Certainty.SAID if reason is None else Certainty.PROVEN,
    )


def _as_asked(facts: Facts, compat: Compat, wish: Asked, slug: str, *, fresh: bool = False) -> Remedy:
    """The release that was asked for, from where it is published, where it fits; else the build that fits.

    ``fresh``: into an environment with the Python that it has wheels for, unless a program brings its own.
    """
    from torchup.doctor import remedy  # noqa: PLC0415  # see `remedy_of`

    fresh = fresh and not remedy.is_bundled(remedy.interpreter_of(facts))
    label = f"+{wish.labels[0]}" if len(wish.labels) == 1 else ""
    pins = (f"torch=={wish.release}{label}", f"torch=={wish.release}") if wish.release else ()
    known = msgspec.structs.replace(facts, requested=(*pins, *facts.requested))
    return remedy.reinstall(
        known, compat.catalog, remedy.Wish(requested=True, fresh=fresh), text=text_of(slug, "remedy")
    )


def _reasons(facts: Facts, compat: Compat, wish: Asked) -> Iterator[Message]:
    """Why it is not available; empty: no evidence, and Python or the network may be the reason."""
    yield from _other_platform(facts, compat)
    yield from _no_such_label(facts, compat, wish)
    if wish.companion_release:
        yield from _no_such_companion(compat, wish.companion_release, wish)
    elif wish.label and wish.release:
        yield from _not_on_this_index(facts, compat, wish.release, wish)
    elif wish.release:
        yield from _left_out_of_offer(compat, wish.release, wish)


def _other_platform(facts: Facts, compat: Compat) -> Iterator[Message]:
    """A resolver names the platform, and wheels of the same release are published for it elsewhere."""
    sign = facts.sign(BY_PLATFORM)
    mine = platform_of_tag(sign.values.get("tag", "")) if sign is not None else None
    if sign is None or (mine is None and "musl" not in sign.values.get("tag", "")):
        return
    others = _TAGS.findall(sign.values.get("platforms", ""))
    release = version_key(sign.values.get("wanted", "").partition("+")[0])
    published = any(compat.has_wheel(python, mine, torch=".".join(map(str, release))) for python in _pythons(compat))
    if mine is None or (mine not in map(platform_of_tag, others) and published):
        yield text_of(
            "build-not-published", "summary-platform", others=", ".join(others) or UNKNOWN, mine=sign.values["tag"]
        )


def _pythons(compat: Compat) -> set[str]:
    return {python for row in compat.catalog.rows for python in row.pythons}


def _no_such_label(facts: Facts, compat: Compat, wish: Asked) -> Iterator[Message]:
    """No build was ever published under a label, on this system, or of this release."""
    place = platform(facts)
    for label in wish.labels:
        if not compat.label_exists(label):
            yield text_of("build-not-published", "summary-label", label=label)
        elif place is not None and (not compat.on_platform(label, place) or (wish.label and not has_labels(place))):
            yield text_of("build-not-published", "summary-system", label=label)
        elif wish.release and compat.is_published(wish.release, label, place) is False and len(wish.labels) == 1:
            yield text_of("build-not-published", "summary-pair", torch=wish.release, label=label)


def _not_on_this_index(facts: Facts, compat: Compat, release: str, wish: Asked) -> Iterator[Message]:
    """A label that is published, asked of an index without labels: PyPI, or a mirror of it."""
    named = wish.label in wish.from_index or any("+" in version for version in wish.offered)
    served = version_key(release) in wish.offered_keys
    python = facts.python.version
    fits = python is not None and compat.has_wheel(python, platform(facts), torch=release, labels=wish.labels)
    locked = facts.sign("python.no-wheel") is not None  # the index has the release, and no file of it fits
    if (
        not named
        and not locked
        and (served or (fits and not wish.offered) or facts.sign("index.no-version") is not None)
    ):
        yield text_of("build-not-published", "summary-index", label=wish.label)


def _no_such_companion(compat: Compat, release: str, wish: Asked) -> Iterator[Message]:
    """A release of torchvision or torchaudio that goes with no torch, while others are offered."""
    if wish.offered and compat.torch_of(wish.package, release) is None:
        yield text_of("build-not-published", "summary-companion", package=wish.package, version=release)


def _left_out_of_offer(compat: Compat, release: str, wish: Asked) -> Iterator[Message]:
    """The installer is offered older and newer releases, so this Python is served, and not the one it wants."""
    keys, wanted = wish.offered_keys, version_key(release)
    if not keys or wanted in keys:
        return
    if min(keys) < wanted < max(keys) and not compat.is_listed(release):
        yield text_of("build-not-published", "summary-release", torch=release)
    elif wanted > max(keys) and version_key(compat.catalog.newest_torch) in keys:
        yield text_of("build-not-published", "summary-future", torch=release)


# ---------------------------------------------------------------- Python


def python_version_unsupported(facts: Facts, compat: Compat) -> Found | None:
    """No wheel of the wanted torch exists for this Python, or torch.compile refuses it."""
    signs = quoted(facts, *NONE_FITS, *_SAYS_PYTHON, _STUB)
    if facts.extension_problem is not None:
        signs = (*signs, _built_for(facts))
    if for_other_python(facts):
        signs = (*signs, *quoted(facts, "python.wheel-platform"))
    if facts.works and facts.sign("python.compile") is None:
        return None
    if not signs and not _served_by_none(facts, compat):
        return None
    proven = (
        facts.sign(*_SAYS_PYTHON, _STUB) is not None or for_other_python(facts) or facts.extension_problem is not None
    )
    if not proven and _fits(facts, compat):
        return None
    lines: list[Message] = [*signs]
    if facts.python.version:
        lines.append(message("doctor.python.version", "Python {version}", version=facts.python.version))
    slug, wish = "python-version-unsupported", asked(facts)
    if facts.python.version is not None and _fits(facts, compat) is not False:
        wish = Asked()  # the same release was refused to this Python
    if facts.sign(_STUB) is not None and facts.sign(*NONE_FITS, *_SAYS_PYTHON) is None:
        return _wrong_name(facts, compat, wish, tuple(lines))
    return Found(
        summary=text_of(slug, "summary"),
        evidence=tuple(lines),
        remedy=_other_file(facts, compat) or _as_asked(facts, compat, wish, slug, fresh=facts.python.version is None),
        certainty=Certainty.SAID,
    )


def _wrong_name(facts: Facts, compat: Compat, wish: Asked, lines: tuple[Message, ...]) -> Found:
    """The placeholder refused the installation, whatever Python it was."""
    remedy = _as_asked(facts, compat, wish, "python-version-unsupported")
    return Found(
        summary=text_of("python-version-unsupported", "summary-name"),
        evidence=lines,
        remedy=msgspec.structs.replace(remedy, text=text_of("python-version-unsupported", "remedy-name")),
        certainty=Certainty.PROVEN,
    )


def _other_file(facts: Facts, compat: Compat) -> Remedy | None:
    """The refused file was one of a package around torch: the file of that package for this Python."""
    package = refused_package(facts)
    return wheel_that_exists(facts, compat, package) if package is not None else None


def _fits(facts: Facts, compat: Compat) -> bool | None:
    """Whether there are wheels of what was asked for, for this Python; ``None``: unknown."""
    wish, python = asked(facts), facts.python.version
    if python is None or not wish.family:
        return None
    tagged = python + ("t" if facts.python.free_threaded and not python.endswith("t") else "")
    release = compat.torch_of(wish.package, wish.companion_release) if wish.companion_release else wish.release
    return compat.has_wheel(tagged, platform(facts), torch=release, labels=wish.labels)


def _served_by_none(facts: Facts, compat: Compat) -> bool:
    """Whether no current release has a wheel for the interpreter here."""
    python = facts.python.version
    missing = facts.live and facts.torch.installed is None and python is not None
    return missing and minor(str(python)) not in _pythons(compat)


def _built_for(facts: Facts) -> Message:
    return message(
        "doctor.python.extension",
        "this torch was built for another Python: its extension module is {name}",
        name=facts.extension_problem,
    )
