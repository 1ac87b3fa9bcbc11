"""From table rows to `Row`s: the only place that knows how the TOML tables refer to each other."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from torchup.catalog import schema
from torchup.catalog.types import (
    LIKELY,
    LISTED,
    UNSURE,
    Arch,
    Catalog,
    Channels,
    Companion,
    DriverFloor,
    Learned,
    Publication,
    Row,
    kind_of,
)
from torchup.catalog.versions import in_range, python_key, version_key
from torchup.model import ComputeCapability

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PLATFORMS = (
    "linux_x86_64",
    "linux_aarch64",
    "linux_s390x",
    "windows_x86_64",
    "windows_arm64",
    "macos_arm64",
    "macos_x86_64",
)


class Expander:
    """Joins the tables of one catalogue."""

    def __init__(
        self,
        *,
        releases: schema.Releases,
        arches: schema.Architectures,
        platforms: schema.Platforms,
        floors: dict[str, DriverFloor],
        channels: Channels,
    ) -> None:
        self._releases = releases
        self._cuda = cuda_arches(arches.cuda)
        self._rocm = _rocm_arches(arches)
        self._plain: dict[str, list[schema.PlainNames]] = {}
        for row in platforms.plain:
            self._plain.setdefault(row.platform, []).append(row)
        self._sizes = {
            platform: [row for row in platforms.size if row.platform in {None, platform}] for platform in PLATFORMS
        }
        self._platforms = platforms
        self._floors = floors
        self._channels = channels
        self._by_version = {release.torch: release for release in releases.release}
        named = [release.torchaudio for release in releases.release]
        self._stable = {version for version in named if named.count(version) > 1}  # fits more than its own torch

    def rows(self) -> Iterator[Row]:
        """Every (torch, variant, platform) that the PyTorch index or PyPI publishes."""
        for release in self._releases.release:
            for platform in PLATFORMS:
                variants = getattr(release, platform).split()
                pythons = _with_index_pythons(_pythons(release, platform), release, platform)
                shared = self._shared(release, platform, pythons) if variants else {}
                for variant in variants:
                    yield self._row(release, platform, variant, shared)

    def _shared(self, release: schema.Release, platform: str, pythons: tuple[str, ...]) -> dict[str, object]:
        torch, tables = release.torch, self._platforms
        macos = next((m for m in tables.macos if m.platform == platform and in_range(torch, m.torch)), None)
        return {
            "torch": torch,
            "platform": platform,
            "pythons": pythons,
            "macos": macos.floor if macos else None,
            "mps": macos.mps if macos else None,
            "macos_for": self._macos_for(torch) if macos else {},
            "needs": tuple(n.requirement for n in tables.needs if in_range(torch, n.torch)),
            "released": release.date.isoformat(),
            "source": release.source,
        }

    def _row(self, release: schema.Release, platform: str, variant: str, shared: dict[str, object]) -> Row:
        index = Publication(
            name="pytorch-index",
            url=self._channels.index(variant),
            local=not (variant == "cpu" and self._is_plain(release.torch, platform, variant, "torch")),
        )
        places = [index]
        if release.pypi.get(platform) == variant:
            places.append(Publication(name="pypi", url=self._channels.pypi))
        size = self._size(release.torch, variant, platform)
        return Row(
            variant=variant,
            glibc=self._glibc(release.torch, variant, platform),
            arch=self._arch(release.torch, variant, platform),
            driver=self._floors.get(variant),
            size_bytes=size[0],
            size_estimated=size[1],
            companions=self._companions(release, platform, variant),
            publications=tuple(places),
            certainty=_certainty(release, variant, platform),
            **shared,  # type: ignore[arg-type]  # names and types are those of `_shared`
        )

    def _is_plain(self, torch: str, platform: str, variant: str, what: str) -> bool:
        """Whether file names of ``torch`` or its ``companions`` have no local part."""
        rows = self._plain.get(platform, ())
        return any(variant.startswith(row.variant) and in_range(torch, getattr(row, what)) for row in rows)

    def _glibc(self, torch: str, variant: str, platform: str) -> str | None:
        for row in self._platforms.glibc:
            if row.platform == platform and in_range(torch, row.torch) and variant in (row.variants or variant).split():
                return row.floor
        return None

    def _macos_for(self, torch: str) -> dict[str, str]:
        rows = (row for row in self._platforms.macos_python if in_range(torch, row.torch))
        return {python: row.floor for row in rows for python in row.python.split()}

    def _arch(self, torch: str, variant: str, platform: str) -> Arch | None:
        if kind_of(variant) == "cuda":
            found = self._cuda.get((variant, platform), ())
            return next((arch for span, arch in found if in_range(torch, span)), None)
        return self._rocm.get((torch, variant))

    def _size(self, torch: str, variant: str, platform: str) -> tuple[int | None, bool]:
        """Bytes, and whether they are an estimate."""
        for row in self._sizes[platform]:
            if variant.startswith(row.variant) and in_range(torch, row.torch):
                return row.megabytes * 10**6, row.source.startswith("estimate")
        return None, False

    def _companions(self, release: schema.Release, platform: str, variant: str) -> dict[str, Companion]:
        if platform == "linux_s390x":
            return {}
        plain = self._is_plain(release.torch, platform, variant, "companions")
        found = {"torchvision": Companion(version=release.torchvision, plain=plain)}
        home = self._by_version.get(release.torchaudio)
        since = home.torch if home is not None and release.torchaudio in self._stable else None
        if home is None or home.torch == release.torch or not in_range(release.torch, f"{home.torch}-9"):
            found["torchaudio"] = Companion(version=release.torchaudio, plain=plain, since=since)
        elif variant in getattr(home, platform).split():
            pythons = _pythons(home, platform)
            found["torchaudio"] = Companion(version=release.torchaudio, pythons=pythons, plain=plain, since=since)
        return found | self._stable_companions(release.torch, platform, variant)

    def _stable_companions(self, torch: str, platform: str, variant: str) -> dict[str, Companion]:
        return {
            row.name: Companion(version=row.version, plain=True, since=row.since, open=True)
            for row in self._releases.stable
            if variant in row.on.get(platform, "").split() and in_range(torch, row.torch)
        }


def _certainty(release: schema.Release, variant: str, platform: str) -> str:
    if release.pypi.get(platform) == variant:
        return LISTED
    if variant in release.unsure.split():
        return UNSURE
    return LIKELY if variant in release.likely.split() else LISTED


@cache
def python_span(span: str) -> tuple[str, ...]:
    """``3.10-3.12`` -> ("3.10", "3.11", "3.12")."""
    low, _, high = span.partition("-")
    return tuple(f"3.{minor}" for minor in range(int(low.split(".")[1]), int(high.split(".")[1]) + 1))


def _pythons(release: schema.Release, platform: str) -> tuple[str, ...]:
    if platform in release.python_on:
        return python_span(release.python_on[platform])
    plain = python_span(release.python)
    threaded = tuple(f"{version}t" for version in release.free_threaded if version in plain)
    return tuple(sorted((*plain, *threaded), key=python_key)) if threaded else plain


def _with_index_pythons(pythons: tuple[str, ...], release: schema.Release, platform: str) -> tuple[str, ...]:
    """With those that only the PyTorch index has; not on macOS, where plans take PyPI's wheel."""
    if not release.index_python or platform in release.python_on or platform.startswith("macos"):
        return pythons
    return tuple(sorted({*pythons, *release.index_python.split()}, key=python_key))


@cache
def _capabilities(text: str) -> tuple[ComputeCapability, ...]:
    return tuple(c for c in map(ComputeCapability.parse, text.split()) if c is not None)


def cuda_arches(rows: Iterable[schema.CudaArch]) -> dict[tuple[str, str], list[tuple[str, Arch]]]:
    """(variant, platform) -> the code in it, each with its range of releases."""
    table: dict[tuple[str, str], list[tuple[str, Arch]]] = {}
    for row in rows:
        arch = Arch(sass=_capabilities(row.sass), ptx=_capabilities(row.ptx), basis=row.basis, source=row.source)
        table.setdefault((row.variant, row.platform), []).append((row.torch, arch))
    return table


def _rocm_arches(arches: schema.Architectures) -> dict[tuple[str, str], Arch]:
    table = {}
    for row in arches.rocm:
        arch = Arch(gfx=tuple(row.gfx.split()), basis=row.basis, source=row.source, note=row.note)
        table.update({(torch, variant): arch for torch in row.torch.split() for variant in row.variant.split()})
    return table


def vendor_rows(vendors: Iterable[schema.Vendor], floors: dict[str, DriverFloor]) -> Iterator[Row]:
    """Builds that AMD and NVIDIA's Jetson people publish themselves."""
    for vendor in vendors:
        named = {"torchvision": vendor.torchvision, "torchaudio": vendor.torchaudio}
        for platform in vendor.platforms.split():
            yield Row(
                torch=vendor.torch,
                variant=vendor.variant,
                platform=platform,
                pythons=python_span(vendor.python),
                arch=Arch(
                    sass=_capabilities(vendor.sass),
                    gfx=tuple(vendor.gfx.split()),
                    basis=vendor.basis,
                    source=vendor.source,
                ),
                driver=floors.get(vendor.variant),
                glibc=vendor.glibc,
                size_bytes=vendor.megabytes * 10**6,
                size_estimated=True,
                companions={name: Companion(version=version) for name, version in named.items() if version},
                needs=("numpy", *vendor.needs.split()),
                extra=vendor.extra,
                file=vendor.file,
                system=vendor.system,
                jetson=vendor.jetson,
                publications=(Publication(name=vendor.name, url=vendor.url, local=vendor.local),),
                certainty=vendor.certainty,
                source=vendor.source,
            )


def conda_rows(tables: schema.ChannelsFile, floors: dict[str, DriverFloor]) -> Iterator[Row]:
    """Builds on conda-forge: other arch lists than the wheels', used when conda is the installer."""
    place = Publication(name="conda-forge", url=tables.conda_forge.url)
    for row in tables.conda:
        for platform in row.platforms.split():
            for variant in row.builds.split():
                code = tables.conda_arch.get(f"{variant}_{platform}") or tables.conda_arch.get(variant)
                code = schema.CondaArch(sass=row.sass) if row.sass else code
                yield Row(
                    torch=row.torch,
                    variant=variant,
                    platform=platform,
                    pythons=python_span(row.python),
                    arch=Arch(sass=_capabilities(code.sass), ptx=_capabilities(code.ptx), source=row.source)
                    if code
                    else None,
                    driver=floors.get(variant),
                    glibc=row.glibc.get(variant),
                    jetson=row.jetson,
                    macos="11.0" if platform.startswith("macos") else None,
                    mps="14.0" if platform == "macos_arm64" else None,
                    companions={"torchvision": Companion(version=row.torchvision)},
                    needs=("numpy",),
                    publications=(place,),
                    source=row.source,
                )


def learned_rows(learned: Iterable[Learned], base: Catalog) -> dict[tuple[str, str, str], Row]:
    """What a refresh saw, by (torch, variant, platform).

    A row that the catalogue has is confirmed and may gain Pythons; the arch list of a new one is unknown, not guessed.
    """
    found: dict[tuple[str, str, str], Row] = {}
    for build in learned:
        if build.platform not in PLATFORMS:
            continue
        key = (build.torch, build.variant, build.platform)
        row = found.get(key) or base.by_key.get(key) or _learned_row(build, base)
        pythons = tuple(sorted({*row.pythons, *build.pythons}, key=python_key))
        found[key] = msgspec.structs.replace(row, pythons=pythons, certainty=LISTED)
    return found


def _learned_row(build: Learned, base: Catalog) -> Row:
    return Row(
        torch=build.torch,
        variant=build.variant,
        platform=build.platform,
        pythons=build.pythons,
        arch_known=build.variant == "cpu",
        driver=base.floors.get(build.variant),
        glibc=build.glibc,
        macos=build.macos,
        size_bytes=build.size_bytes,
        needs=("numpy",) if version_key(build.torch) >= version_key("2.3") else ("numpy<2",),
        released=build.released,
        publications=(Publication(name="learned", url=build.url, local=build.local),),
        source=build.source,
    )
