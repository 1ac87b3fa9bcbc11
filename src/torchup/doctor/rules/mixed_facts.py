"""What shows that two installations share one process: two torches, two folders, libraries of another place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.catalog.versions import minor
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from torchup.doctor.facts import Damaged, Facts, Package

_SYSTEM_LIBRARY = lazy_pattern(
    r"lib(?:cudnn|cublas|nccl|nvjitlink|cusparse|cusolver|cufft|nvrtc|cupti|stdc)", re.IGNORECASE
)

_LABELLED = lazy_pattern(r"(nvidia-.+)-cu\d\d")


def two_torches(facts: Facts) -> tuple[Package, ...]:
    """Pip's torch beside conda's pytorch, of different versions: conda's, then pip's."""
    conda = [p for p in facts.packages if p.name in ("pytorch", "pytorch-gpu", "libtorch") and p.from_conda]
    pip = [p for p in facts.packages if p.name == "torch" and not p.from_conda]
    differ = bool(conda and pip) and minor(conda[0].version) != minor(pip[0].version)
    return (conda[0], pip[0]) if differ else ()


def overwritten(facts: Facts) -> tuple[Damaged, ...]:
    """Damaged files of a library whose wheels for several CUDA majors write one folder, one over the other."""
    names = [match[1] for package in facts.packages if (match := _LABELLED.fullmatch(package.name))]
    stems = [match[1] if (match := _LABELLED.fullmatch(one.package)) else one.package for one in facts.damage]
    return tuple(one for one, stem in zip(facts.damage, stems, strict=True) if names.count(stem) > 1)


def two_places(facts: Facts) -> tuple[str, ...]:
    """A traceback that loads torch from one site-packages and a companion from another; live: several torch folders."""
    folders = tuple(dict.fromkeys(facts.torch.locations))
    return folders if len(folders) > 1 else ()


def foreign_libraries(facts: Facts) -> dict[str, str]:
    """CUDA's libraries that another place than torch's wheels supplied, by name."""
    return {
        name: where
        for name, where in facts.libraries.items()
        if _SYSTEM_LIBRARY.match(name) and not re.search(r"site-packages|dist-packages", where)
    }
