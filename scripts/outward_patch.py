"""What was seen outside, put into the texts of `catalog/data/`: whole facts only; the rest is a list for a person."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from torchup.catalog.expand import PLATFORMS
from torchup.catalog.types import kind_of
from torchup.catalog.versions import python_key, version_key
from torchup.model import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torchup.catalog.measured import MeasuredWheel
    from torchup.catalog.types import Learned
    from torchup.sources.outlook import Look

Build = tuple[str, str, str]  # torch, variant, platform
_NEED = ("date", "torchvision", "torchaudio")  # of a release, beside what file names say


class Proposal(Value, frozen=True, kw_only=True):
    """Texts with what is new taken over, and what a person has to find out."""

    texts: dict[str, str]
    left: tuple[str, ...] = ()


def proposed(
    texts: Mapping[str, str],
    new: Sequence[Learned],
    looks: Iterable[Look],
    *,
    companions: Mapping[str, Mapping[str, str]],
    measured: Mapping[Build, MeasuredWheel],
) -> Proposal:
    """Take over new releases, variants, arch lists, drivers and watched packages.

    Args:
        texts: file below `catalog/data/` -> its text.
        new: builds that the catalogue does not have.
        looks: the other tables.
        companions: torch -> the companions that were made for it, as far as their metadata says it.
        measured: the wheels that could be read.
    """
    found, left = dict(texts), list[str]()
    for torch in sorted({build.torch for build in new}, key=version_key):
        builds = [build for build in new if build.torch == torch]
        text, missing = _with_release(found["releases.toml"], torch, builds, companions.get(torch, {}))
        found["releases.toml"] = text
        left += [f"releases.toml: {torch} was seen, but nothing says its {name}" for name in missing]
    for build in new:
        key = build.torch, build.variant, build.platform
        wheel = measured.get(key)
        if wheel is not None and wheel.sass:
            found["architectures.toml"] = _with_code(found["architectures.toml"], key, wheel)
        elif kind_of(build.variant) in {"cuda", "rocm"}:
            left.append(f"architectures.toml: what {build.torch}+{build.variant} has code for on {build.platform}")
    for look in looks:
        for entry in look.new if look.table != "releases" else ():
            before = dict(found)
            found = {name: _taken_over(text, look.table, entry) for name, text in found.items()}
            left += [f"{look.table}: {entry}"] if found == before else []
    return Proposal(texts=found, left=tuple(left))


def _with_release(
    text: str, torch: str, builds: Sequence[Learned], companions: Mapping[str, str]
) -> tuple[str, tuple[str, ...]]:
    """The releases with a new one, or with new variants of one that is there; and what is not known of it."""
    if f'\ntorch = "{torch}"\n' in text:
        for build in builds:
            text = _with_variant(text, build)
        return text, ()
    date = min((build.released for build in builds if build.released), default="")
    known = {"date": date, **companions}
    missing = tuple(name for name in _NEED if not known.get(name))
    return (text, missing) if missing else (f"{text}\n{_table(torch, builds, known)}", ())


def _table(torch: str, builds: Sequence[Learned], known: Mapping[str, str]) -> str:
    pythons = sorted({python for build in builds for python in build.pythons}, key=python_key)
    plain = [python for python in pythons if not python.endswith("t")]
    threaded = ", ".join(f'"{python[:-1]}"' for python in pythons if python.endswith("t"))
    variants: dict[str, list[str]] = defaultdict(list)
    for build in builds:
        variants[build.platform].append(build.variant)
    own = {build.platform: build.variant for build in builds if not build.local and build.variant != "cpu"}
    own |= {b.platform: "cpu" for b in builds if not b.local and b.variant == "cpu" and b.platform not in own}
    lines = [
        "[[release]]", f'torch = "{torch}"', f"date = {known['date']}", f'python = "{plain[0]}-{plain[-1]}"',
        *([f"free_threaded = [{threaded}]"] if threaded else []),
        f'torchvision = "{known["torchvision"]}"', f'torchaudio = "{known["torchaudio"]}"',
        *(f'{platform} = "{" ".join(sorted(variants[platform]))}"' for platform in PLATFORMS if variants[platform]),
        "pypi = { " + ", ".join(f'{platform} = "{variant}"' for platform, variant in own.items()) + " }",
        f'source = "{builds[0].source}"',
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _with_variant(text: str, build: Learned) -> str:
    """A release with one more variant on its platform's line, or with that line."""
    start = text.index(f'\ntorch = "{build.torch}"\n')
    end = text.find("\n[[", start)
    block = text[start : end if end > 0 else len(text)]
    line = re.search(rf'(?m)^{build.platform} = "([^"]*)"$', block)
    names = " ".join(sorted({*(line[1].split() if line else ()), build.variant}))
    row = f'{build.platform} = "{names}"'
    changed = block.replace(line[0], row) if line else re.sub(r"(?m)^pypi = ", f"{row}\npypi = ", block, count=1)
    return text.replace(block, changed, 1)


def _with_code(text: str, build: Build, wheel: MeasuredWheel) -> str:
    """The arch list of one wheel as a row, and its release as one that was read."""
    torch, variant, platform = build
    ptx = f', ptx = "{" ".join(wheel.ptx)}"' if wheel.ptx else ""
    row = (
        f'  {{ variant = "{variant}", torch = "{torch}-{torch}", platform = "{platform}",'
        f' sass = "{" ".join(wheel.sass)}"{ptx}, basis = "measured", source = "outward" }},\n'
    )
    text = text.replace("cuda = [\n", f"cuda = [\n{row}", 1)
    read = re.search(r'(?m)^outward = "([^"]*)"$', text)
    seen = " ".join(dict.fromkeys((*(read[1].split() if read else ()), torch)))
    return text.replace(read[0], f'outward = "{seen}"', 1) if read else text


def _taken_over(text: str, table: str, entry: str) -> str:
    """A text with one new fact of the smaller tables in place of the old one."""
    name, _, version = entry.partition(" ")
    if table == "packages":
        known = rf'\b{re.escape(name)} = "[\d.]*"'
        return re.sub(known, f'{name} = "{version}"', text) if "[[source]]" in text else text
    if table == "drivers" and name.startswith("R"):
        return text.replace("[branch]\n", f'[branch]\n{name[1:]} = {{ newest = "{version}" }}\n', 1)
    if table == "drivers":
        return re.sub(rf'(?m)^({entry.partition(".")[0]} = .*newest = )"[^"]*"', rf'\1"{entry}"', text)
    return text
