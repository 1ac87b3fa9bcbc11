"""What versions of torch a request or a constraint file allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import DIGITS, version_key
from torchup.errors import UsageError
from torchup.model import message

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


def version_matches(version: str, wanted: str) -> bool:
    """``2.14`` means 2.14.*, ``2.14.1`` itself, anything with an operator is a specifier (``>=2.12,<2.15``)."""
    if wanted[:1].isdigit():
        numbers = wanted.split("+", maxsplit=1)[0].split(".")
        wish = tuple(int(part[:DIGITS]) for part in numbers if part.isdecimal())
        padded = (*version_key(version), 0, 0, 0)
        return padded[: len(wish)] == wish
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415  # plain versions need no parser

    try:
        return allows(SpecifierSet(wanted), version)
    except InvalidSpecifier as error:
        raise not_a_version(wanted) from error


def not_a_version(wanted: str | None) -> UsageError:
    """That a wish for torch names no version."""
    return UsageError(
        message("plan.torch.invalid", "`{text}` is not a torch version", text=wanted),
        hint=message("plan.torch.invalid.hint", "write 2.14, 2.14.1 or a range such as '>=2.12,<2.15'"),
    )


def allows(limit: SpecifierSet, version: str) -> bool:
    """Whether a specifier admits a version; the name of a nightly channel is not a version and is not admitted."""
    from packaging.version import InvalidVersion  # noqa: PLC0415  # loaded with the specifier

    try:
        return version in limit
    except InvalidVersion:
        return False


def torch_limits(constraints: tuple[str, ...]) -> tuple[SpecifierSet, ...]:
    """What the user's constraint files say of torch."""
    if not constraints:
        return ()
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415  # most users have none

    found = []
    for line in constraints:
        try:
            requirement = Requirement(line.split("#", 1)[0].strip())
        except InvalidRequirement:
            continue
        if requirement.name.lower() == "torch":
            found.append(requirement.specifier)
    return tuple(found)
