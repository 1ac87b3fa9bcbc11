"""Measure every torch wheel of the configured index that the table does not have, and write the table.

python scripts/measure_wheels.py                 # measure what is new, write catalog/data/wheels.toml
python scripts/measure_wheels.py --check         # write nothing; exit 1 where a wheel is not in the table
python scripts/measure_wheels.py --totals        # also measure what each downloads with all it requires

A CUDA wheel costs 6 to 9 MB and 2 to 5 s, any other 1.3 MB. `torchup catalog check` then says which rows of the other
tables disagree with what was measured.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.version import Version

from torchup.catalog.versions import python_key, version_key
from torchup.catalog.wheels import WheelRow, load_snapshot, load_wheels
from torchup.errors import TorchupError
from torchup.host import RealHost
from torchup.model import Request
from torchup.sources.configured import places, read_configuration
from torchup.sources.requirement_sizes import Index, Installation, total_size
from torchup.sources.surveyor import ask, connection_of
from torchup.sources.wheel_measure import measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from torchup.catalog.measured import MeasuredWheel
    from torchup.host import HttpResponse
    from torchup.model import Offer

TABLE = Path(__file__).parents[1] / "src" / "torchup" / "catalog" / "data" / "wheels.toml"
HEADER = (
    "# Written by scripts/measure_wheels.py: what torch wheels say of themselves. `torchup catalog check` compares.\n"
)
SNAPSHOT_HEADER = (
    "# A snapshot of PyPI: the final versions with a wheel, written by scripts/measure_wheels.py."
    " `torchup catalog check` compares.\n"
)
FIRST = "2.0.0"
TOGETHER = 6  # wheels at a time
PLAIN = "3.14"  # the newest Python for which totals are asked: packages around torch are late for newer ones


class Remembering(RealHost):
    """Answers each address once; totals of 120 wheels ask for the same pages."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], HttpResponse] = {}

    def fetch(self, url: str, *, headers: Mapping[str, str] | None = None, **options: Any) -> HttpResponse:
        """The first answer of an address and a range."""
        key = (url, (headers or {}).get("Range", ""))
        if key not in self._known:
            answer = super().fetch(url, headers=headers, **options)
            if answer.status is None:
                return answer
            self._known[key] = answer
        return self._known[key]


def offered(host: RealHost) -> tuple[list[Offer], Index]:
    """Every wheel of torch without a local version on the user's general indexes, and these indexes."""
    configuration = read_configuration(host)
    connection, _ = connection_of(host, configuration)
    general = tuple(
        p for p in places(host, configuration, Request(), ()) if p.source.general and p.source.kind == "index"
    )
    answers = ask(host, general, connection, packages=("torch",))
    offers = [offer for listings in answers.values() for listing in listings for offer in listing.offers]
    wanted = [o for o in offers if o.variant is None and version_key(o.version) >= version_key(FIRST)]
    return [o for o in wanted if o.url.startswith("http")], Index(places=general, connection=connection)


def measure_all(host: RealHost, offers: Iterable[Offer], index: Index) -> list[MeasuredWheel]:
    """Measure; one that fails is named and left out. One macOS wheel a release is read for its error text."""
    deep: dict[str, str] = {}
    for offer in offers:
        if offer.platform_tags[0].startswith("macosx") and offer.platform_tags[0].endswith("arm64"):
            deep.setdefault(offer.version, offer.filename)

    def one(offer: Offer) -> MeasuredWheel | None:
        try:
            wanted = deep.get(offer.version) == offer.filename
            return measure(host, offer.url, index.connection, offer=offer, deep=wanted)
        except TorchupError as error:
            print(f"{offer.filename}: {error}", file=sys.stderr)
            return None

    with ThreadPoolExecutor(TOGETHER) as pool:
        return [wheel for wheel in pool.map(one, offers) if wheel is not None]


def rows_of(wheels: Iterable[MeasuredWheel]) -> list[WheelRow]:
    """Wheels that say the same, in one row."""
    groups: dict[tuple[object, ...], list[MeasuredWheel]] = defaultdict(list)
    for wheel in wheels:
        for platform in wheel.platforms:
            code = " ".join(wheel.architectures or ())
            floors = (wheel.glibc, wheel.macos, wheel.macos_library)
            groups[wheel.torch, platform, wheel.variant, code, floors, wheel.read].append(wheel)
    return [_row(str(key[1]), members) for key, members in groups.items()]


def _row(platform: str, members: list[MeasuredWheel]) -> WheelRow:
    first = members[0]
    files = {(python, wheel.sha256 or "-") for wheel in members for python in wheel.pythons}
    return WheelRow(
        torch=first.torch,
        platform=platform,
        variant=first.variant,
        code=" ".join(first.architectures or ()),
        glibc=first.glibc,
        macos=first.macos,
        macos_library=first.macos_library,
        mps_text=next((wheel.mps_text for wheel in members if wheel.mps_text), None),
        megabytes=round(max(wheel.size_bytes for wheel in members) / 1e6),
        read=first.read,  # type: ignore[arg-type]  # written as it is
        files=tuple(f"{python} {digest}" for python, digest in sorted(files, key=lambda f: (python_key(f[0]), f[1]))),
    )


def with_total(host: RealHost, row: WheelRow, offers: Iterable[Offer], index: Index) -> WheelRow:
    """The row with what its newest usual Python downloads, wheel and requirements together."""
    usual = [p for p in row.pythons if not p.endswith("t") and python_key(p) <= python_key(PLAIN)]
    digests = [file.split()[1] for file in row.files if usual and file.split()[0] == usual[-1]]
    offer = next((offer for offer in offers if offer.sha256 in digests), None)
    if offer is None or not usual:
        return row
    wheel = measure(host, offer.url, index.connection, offer=offer, code=False)
    total = total_size(host, wheel.requires, Installation(platform=row.platform, python=usual[-1]), index)
    if total.bytes is None:
        print(f"{offer.filename}: no size of {', '.join(total.unknown)}", file=sys.stderr)
        return row
    return replace(row, total=round((wheel.size_bytes + total.bytes) / 1e6))


def table(rows: Iterable[WheelRow]) -> str:
    """The text of the table, newest release first."""
    ordered = sorted(rows, key=lambda row: (row.platform, row.pythons[:1]))
    ordered.sort(key=lambda row: version_key(row.torch), reverse=True)
    return HEADER + "".join(map(_text, ordered))


def _text(row: WheelRow) -> str:
    named = ("torch", "platform", "variant", "code", "glibc", "macos", "macos_library", "mps_text")
    lines = [f'{name} = "{value}"' for name in named if (value := getattr(row, name))]
    lines += [f"megabytes = {row.megabytes}", *([f"total = {row.total}"] if row.total else []), f"read = {row.read}"]
    files = "".join(f'  "{file}",\n' for file in row.files)
    return "\n[[wheel]]\n" + "\n".join(lines) + f"\nfiles = [\n{files}]\n"


def snapshot(host: RealHost, index: Index) -> str:
    """The text of pypi.toml: final versions of the packages whose rows are kept by hand."""
    answers = ask(host, index.places, index.connection, packages=tuple(load_snapshot()))
    found: dict[str, set[str]] = defaultdict(set)
    for offer in (o for listings in answers.values() for listing in listings for o in listing.offers):
        if not offer.yanked and offer.variant is None and not Version(offer.version).is_prerelease:
            found[offer.package].add(offer.version)
    if set(found) != set(load_snapshot()):
        raise SystemExit(f"no answer for {', '.join(set(load_snapshot()) - set(found))}")
    today = host.now().date().isoformat()
    lines = [f'{name} = "{" ".join(sorted(found[name], key=Version))}"\n' for name in load_snapshot()]
    return f"{SNAPSHOT_HEADER}read = {today}\n\n[versions]\n{''.join(lines)}"


def main() -> int:
    """Run; 1 with ``--check`` where a wheel is not in the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--totals", action="store_true")
    options = parser.parse_args()
    host = Remembering()
    offers, index = offered(host)
    known = load_wheels()
    digests = {file.split()[1] for row in known for file in row.files}
    new = [offer for offer in offers if offer.sha256 not in digests]
    print(f"{len(offers)} wheels on the index, {len(new)} of them not measured")
    if options.check:
        return 1 if new or not offers else 0
    fresh = rows_of(measure_all(RealHost(), new, index))
    asked = [row for row in (*known, *fresh) if options.totals or row.total is None]
    kept = [row for row in known if row not in asked]
    rows = (*kept, *(with_total(host, row, offers, index) for row in asked))  # one at a time: the pages are the same
    TABLE.write_text(table(rows), "utf-8")
    TABLE.with_name("pypi.toml").write_text(snapshot(host, index), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
