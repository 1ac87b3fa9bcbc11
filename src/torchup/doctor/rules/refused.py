"""What an installer refused: which release and label were asked for, what was offered, and from where. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.catalog.versions import minor, variant_of, version_key
from torchup.model import Value
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from torchup.doctor.facts import Facts, Sign

# No release fits, or none that is named: pip, and resolvers that see every file of an index.
NONE_FITS = ("python.no-version", "python.no-match", "python.no-wheel")
NOT_THERE = ("index.no-version", "conda.no-package")
BY_PLATFORM, BY_PYTHON = "python.uv-platform", "python.uv-python"
REFUSALS = (*NONE_FITS, *NOT_THERE, BY_PLATFORM, BY_PYTHON)
_EXACT = lazy_pattern(r"(?:^|=|v)(?P<release>\d+(?:\.\d+)+)(?:\+(?P<label>[a-z]+[\d.]*\d|cpu|xpu))?")
_INDEX = lazy_pattern(r"/whl/(?:nightly/|test/)?(?P<label>cu\d{2,3}|cpu|xpu|rocm\d[\d.]*\d)(?:/|$)")
_TORCHES = ("torch", "pytorch")
COMPANIONS = ("torchvision", "torchaudio")
_TORCH = lazy_pattern(r"torch(?==|$)")


class Asked(Value, frozen=True, kw_only=True):
    """One release of torch and its label, as far as they were named.

    ``family``: whether it was torch or a companion of it, and no other package with torch in its name.
    ``offered``: the versions that the installer found for this Python; ``from_index``: labels of the indexes named.
    """

    family: bool = True
    package: str = "torch"
    release: str | None = None
    companion_release: str | None = None  # of `package`, where that is torchvision or torchaudio
    label: str | None = None
    offered: tuple[str, ...] = ()
    from_index: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The label asked for, or those of the indexes."""
        return (self.label,) if self.label else self.from_index

    @property
    def offered_keys(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the versions offered, without labels."""
        return tuple(version_key(version.partition("+")[0]) for version in self.offered)


def asked(facts: Facts) -> Asked:
    """What was asked for and refused; all unknown where nothing was refused."""
    sign = facts.sign(BY_PLATFORM, BY_PYTHON, *REFUSALS)
    package = sign.values.get("package", "torch").lower() if sign is not None else "torch"
    wanted = _EXACT.search(sign.values.get("wanted", "")) if sign is not None else None
    exact = wanted if package in _TORCHES else None
    pins = (_EXACT.search(text) for text in facts.requested if _TORCH.match(text))
    found = exact or next((pin for pin in pins if pin is not None), None)
    labels = (_INDEX.search(url) for url in facts.index_urls)
    return Asked(
        family=package in (*_TORCHES, *COMPANIONS) or _by_conda(sign),
        package=package,
        companion_release=wanted["release"] if wanted and package in COMPANIONS else None,
        release=found["release"] if found else _installed(facts, sign),
        label=variant_of(found["label"]) if found else None,
        offered=offered(facts),
        from_index=tuple(dict.fromkeys(label["label"] for label in labels if label is not None)),
    )


def _by_conda(sign: Sign | None) -> bool:
    """What conda misses are torch's own parts: ``pytorch-cuda``, ``cudatoolkit``."""
    return sign is not None and sign.code == "conda.no-package"


def _installed(facts: Facts, sign: Sign | None) -> str | None:
    """The release that the report names, where the message names none: an installer of locked versions."""
    return facts.torch.version if sign is not None and sign.code == "python.no-wheel" else None


def offered(facts: Facts) -> tuple[str, ...]:
    """The versions that pip found for this Python; empty where it found none or did not say."""
    sign = facts.sign("python.no-version")
    text = "".join(sign.values.get("versions", "").split()) if sign else ""  # a console may have cut a number
    return tuple(part.strip() for part in text.split(",") if part.strip() and part.strip() != "none")


def refusals(facts: Facts) -> tuple[Sign, ...]:
    """The messages of the installers."""
    return tuple(sign for sign in facts.signs if sign.code in REFUSALS)


def for_other_python(facts: Facts) -> bool:
    """Whether the file that pip refuses was built for another Python than the one that is known."""
    sign, python = facts.sign("python.wheel-platform"), facts.python.version
    tag = re.search(r"-cp(\d)(\d+)-", sign.values.get("wheel", "")) if sign is not None else None
    return tag is not None and python is not None and minor(python) != f"{tag[1]}.{tag[2]}"
