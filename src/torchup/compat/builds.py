"""What is inside the builds: which row is meant, its code, its Pythons, what belongs with it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from torchup.catalog.types import UNSURE
from torchup.catalog.versions import cuda_of, minor, python_key, variant_named, version_key
from torchup.compat import laws
from torchup.model import ComputeCapability, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.catalog.types import Arch, Catalog, Companion, Row

Key = tuple[tuple[int, ...] | str, str, str]  # release (its numbers, or its minor version as text), variant, platform
PERSONAL = ("linux_x86_64", "windows_x86_64")  # what a report is from that names no system


class Pair(Value, frozen=True, kw_only=True):
    """The releases of a companion that go with a torch: those of one minor version, or any from there on."""

    minor: str  # "0.19"
    later: bool = False  # stable ABI: newer releases fit as well

    def fits(self, version: str) -> bool:
        """Whether a version of the companion is one of them."""
        mine, found = version_key(self.minor), version_key(minor(version))
        return found >= mine if self.later else found == mine


class Builds:
    """Questions about published builds. A platform of ``None`` is unknown; unknown answers are ``None`` or empty."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    @cached_property
    def _old(self) -> tuple[Row, ...]:
        from torchup.catalog.old import old_rows  # noqa: PLC0415  # read only when such an old release is asked about

        return old_rows()

    @cached_property
    def _oldest(self) -> tuple[int, ...]:
        return min(version_key(row.torch) for row in self.catalog.rows)

    def _rows(self, torch: str) -> tuple[Row, ...]:
        return self._old if version_key(torch) < self._oldest else self.catalog.rows

    @cached_property
    def _tables(self) -> dict[bool, dict[Key, Row]]:
        return {}

    def _table(self, torch: str) -> dict[Key, Row]:
        """Rows by exact release and, for releases that are not listed, by minor version: the newest of it."""
        old = version_key(torch) < self._oldest
        if old not in self._tables:
            table: dict[Key, Row] = {}
            for row in self._rows(torch):
                if row.publications[0].name in {"pytorch-index", "pypi", "learned"}:
                    table.setdefault((version_key(row.torch), row.variant, row.platform), row)
                    table.setdefault((minor(row.torch), row.variant, row.platform), row)
            self._tables[old] = table
        return self._tables[old]

    def row(self, torch: str, build: str, platform: str) -> Row | None:
        """The published build of a torch, by its variant (``cu126``) or CUDA version (``12.6``), on a platform."""
        variant = variant_named(build) if build[:1].isdigit() else build
        table = self._table(torch)
        return table.get((version_key(torch), variant, platform)) or table.get((minor(torch), variant, platform))

    def rows(self, torch: str, build: str, platform: str | None) -> tuple[Row, ...]:
        """`row`, or those of personal computers where the platform is unknown."""
        places = (platform,) if platform else PERSONAL
        return tuple(row for place in places if (row := self.row(torch, build, place)) is not None)

    def code_names(self, torch: str, build: str, platform: str | None) -> tuple[str, ...]:
        """What is compiled into a build, as torch prints it; empty: unknown, or no GPU code.

        Where the platform is unknown all that any personal computer's build has: nothing is missing that may be there.
        """
        arches = [row.arch for row in self.rows(torch, build, platform) if row.arch is not None]
        return tuple(dict.fromkeys(name for arch in arches for name in arch.names))

    def pypi_variant(self, torch: str, platform: str | None) -> str | None:
        """The variant of PyPI's wheel, whose version carries no label."""
        found = set()
        for place in (platform,) if platform else PERSONAL:
            rows = (row for row in self._rows(torch) if row.platform == place and _same_release(row.torch, torch))
            found |= {row.variant for row in rows if any(where.name == "pypi" for where in row.publications)}
        return found.pop() if len(found) == 1 else None

    def pypi_cuda(self, torch: str, platform: str | None) -> str | None:
        """CUDA of PyPI's wheel; ``None`` too if that wheel is not a CUDA build."""
        return cuda_of(self.pypi_variant(torch, platform))

    def pythons(self, torch: str, platform: str | None) -> tuple[str, ...]:
        """Pythons that a torch has wheels for, ascending; empty: unknown."""
        found: set[str] = set()
        for place in (platform,) if platform else PERSONAL:
            table = self._table(torch)
            row = table.get((version_key(torch), "cpu", place)) or table.get((minor(torch), "cpu", place))
            found |= set(row.pythons) if row else set()
        return tuple(sorted(found, key=python_key))

    def python_fits(self, torch: str, python: str, platform: str | None) -> bool | None:
        """Whether a torch has a wheel for a Python (``3.12.3``, ``3.14t``)."""
        pythons = self.pythons(torch, platform)
        threaded = "t" if python.endswith("t") else ""
        return minor(python) + threaded in pythons if pythons else None

    def is_placeholder(self, torch: str) -> bool:
        """Whether a version of torch is what PyPI has where it has no wheel: sources that only say where to look."""
        return version_key(torch) == version_key(self.catalog.placeholder)

    def companion(self, torch: str, name: str) -> Pair | None:
        """The releases of torchvision or torchaudio that go with a torch."""
        found = [row.companions.get(name) for row in self._rows(torch) if _same_release(row.torch, torch)]
        known: list[Companion] = [companion for companion in found if companion is not None]
        if not known:
            return None
        return Pair(minor=minor(known[0].version), later=known[0].since is not None)

    def needs(self, torch: str) -> tuple[str, ...]:
        """Requirements that belong with a torch: ``numpy<2``."""
        return next((row.needs for row in self._rows(torch) if _same_release(row.torch, torch)), ())

    def newest_on(self, platform: str) -> Row | None:
        """The newest release that a platform has wheels for."""
        rows = (row for row in self.catalog.by_platform.get(platform, ()) if row.certainty != UNSURE)
        return max(rows, key=lambda row: version_key(row.torch), default=None)

    def macos_for_mps(self, torch: str) -> str | None:
        """The oldest macOS on which a torch uses the Apple GPU."""
        row = next(iter(self.rows(torch, "cpu", "macos_arm64")), None)
        return row.mps if row else None

    def mps_exists_for(self, macos: str) -> bool:
        """Whether any release uses the Apple GPU on a macOS."""
        floors = {row.mps for row in self.catalog.by_platform.get("macos_arm64", ()) if row.mps}
        return any(version_key(floor) <= version_key(macos) for floor in floors)

    def macos_floor(self, torch: str, platform: str) -> str | None:
        """The oldest macOS that a torch installs on."""
        row = self.row(torch, "cpu", platform)
        return row.macos if row else None

    def glibc_floor(self, torch: str, build: str, platform: str) -> str | None:
        """The oldest glibc that a build installs on."""
        row = self.row(torch, build, platform)
        return row.glibc if row else None

    # ------------------------------------------------------------ code for GPUs

    @cached_property
    def gfx_of_every_build(self) -> frozenset[str]:
        """The targets that every ROCm build on PyTorch's index has code for, whichever release it is."""
        rows = (row for row in self.catalog.rows if row.publications[0].name == "pytorch-index")
        known = [frozenset(row.arch.gfx) for row in rows if row.arch is not None and row.arch.gfx]
        return frozenset.intersection(*known) if known else frozenset()

    def code(
        self, names: Iterable[str], gpu: ComputeCapability, *, cuda: str | None = None, driver_cuda: str | None = None
    ) -> str | None:
        """The code that a GPU would run of what torch prints (``sm_80``, ``sm_90a``, ``compute_120``).

        Args:
            names: an arch list.
            gpu: the GPU's compute capability.
            cuda: the toolkit that compiled it, which PTX depends on.
            driver_cuda: the newest CUDA that the driver serves; unknown counts as new enough.
        """
        return laws.code_named(
            names, gpu, rule=self.catalog.sass_rule, built_with=cuda, driver_cuda=driver_cuda or cuda
        )

    @cached_property
    def capabilities(self) -> tuple[ComputeCapability, ...]:
        """Every compute capability that NVIDIA's architectures have."""
        return tuple(sorted(code for family in self.catalog.families for code in family.capabilities))

    def last_build(self, gpu: ComputeCapability, rows: Iterable[Row]) -> Row | None:
        """The newest of some builds that has native code for a GPU; ``None``: none of them."""
        codes = ((row, [code.sm for code in row.arch.sass]) for row in rows if row.arch is not None)
        return next((row for row, names in codes if self.code(names, gpu) is not None), None)

    def runs_on(self) -> dict[str, tuple[str, ...]]:
        """Name in an arch list -> the capabilities that it runs on (``8.6``): the law as a table, for the worker."""
        codes = {*self.capabilities, *self.catalog.sass_rule.renamed}
        names = [f"{kind}_{code.major}{code.minor}{end}" for code in sorted(codes) for kind, end in _SPELLINGS]
        return {
            name: tuple(str(gpu) for gpu in self.capabilities if self.code((name,), gpu) is not None) for name in names
        }

    def side(self, gpu: ComputeCapability) -> str | None:
        """On which side of the builds a GPU falls when one has no code for it: ``old``, ``new``, or ``None``: either.

        A GPU that the first builds covered and today's do not was left out since; the reverse was added since.
        """
        first, last = self._code_of(self._old[-1].torch, self._old), self._code_of(self.catalog.newest_torch)
        in_first, in_last = self.code(first, gpu) is not None, self.code(last, gpu) is not None
        if in_first != in_last:
            return "old" if in_first else "new"
        if in_first:
            return None
        known = sorted(filter(None, map(ComputeCapability.parse, first)))
        return "old" if gpu < known[0] else "new" if gpu > known[-1] else None

    def _code_of(self, torch: str, rows: tuple[Row, ...] | None = None) -> tuple[str, ...]:
        """Native code in all builds of a release."""
        of_release = (row for row in rows or self.catalog.rows if row.torch == torch)
        arches: list[Arch] = [row.arch for row in of_release if row.arch is not None and row.kind == "cuda"]
        return tuple(dict.fromkeys(code.sm for arch in arches for code in arch.sass))


_SPELLINGS = (("sm", ""), ("sm", "a"), ("sm", "f"), ("compute", ""), ("compute", "a"), ("compute", "f"))


def _same_release(one: str, other: str) -> bool:
    """Whether two versions are of one release, to the minor version: builds of it differ in the last number only."""
    return minor(one) == minor(other)
