"""What the world has that the built-in catalogue does not, for whoever edits `catalog/data/`; also as a patch.

python scripts/look_outward.py                    # the comparison, as `torchup catalog refresh` shows it
python scripts/look_outward.py --mirror nju       # by way of a mirror
python scripts/look_outward.py --patch FILE       # also a patch that takes over what is new (`git apply FILE`)

The patch holds whole facts only: what could not be read is listed at the end, and nothing stands in for it. Arch lists
are read out of the new wheels. `torchup catalog check` then says what else the tables owe a new release.
Exit 1 where something is new, 7 where a needed source was silent.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from torchup.catalog import load_catalog
from torchup.catalog.types import kind_of
from torchup.catalog.versions import version_key
from torchup.cli.catalog_refresh import looks_text, refresh_text, releases_look
from torchup.errors import ExitCode, TorchupError
from torchup.host import RealHost
from torchup.model import Request, Secret
from torchup.report.style import Style
from torchup.sources.configured import places, read_configuration
from torchup.sources.index_client import fetch
from torchup.sources.outlook import look_outward
from torchup.sources.refresh import refresh
from torchup.sources.surveyor import ask, connection_of
from torchup.sources.wheel_find import find_wheel
from torchup.sources.wheel_measure import measure

sys.path.insert(0, str(Path(__file__).parents[1]))  # for who calls this file by its path

from scripts.outward_patch import proposed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scripts.outward_patch import Build
    from torchup.catalog.measured import MeasuredWheel
    from torchup.catalog.types import Learned
    from torchup.host import Host
    from torchup.model import Offer

DATA = "src/torchup/catalog/data"
ROOT = Path(__file__).parents[1]
FILES = ("releases.toml", "architectures.toml", "drivers.toml", "outlook.toml")
COMPANIONS = ("torchvision", "torchaudio")
NEWEST = 4  # releases of a companion whose metadata is read
_REQUIRES = re.compile(r"(?m)^Requires-Dist:[ \t]*(torch\b[^\n]{0,200})$")


def companions_of(host: Host, request: Request, releases: Iterable[str]) -> dict[str, dict[str, str]]:
    """Of each torch and companion the newest version whose metadata asks for this torch and no older one would do."""
    wanted = tuple(releases)
    if not wanted:
        return {}
    configuration = read_configuration(host)
    connection, _ = connection_of(host, configuration)
    found = places(host, configuration, request, ())
    answers = ask(host, found, connection, packages=COMPANIONS)
    offers = [offer for listings in answers.values() for listing in listings for offer in listing.offers]
    said: dict[str, dict[str, str]] = {}
    for name in COMPANIONS:
        for offer in _newest(offers, name):
            response = fetch(
                host, f"{offer.url}.metadata", connection, secret=offer.url, headers={}, timeout=10.0, limit=1 << 20
            )
            text = response.body.decode("utf-8", "replace") if response.ok else ""
            for torch in (release for release in wanted if asks_for(text, release)):
                said.setdefault(torch, {}).setdefault(name, offer.version)
    return said


def _newest(offers: Sequence[Offer], package: str) -> tuple[Offer, ...]:
    by_version = {o.version: o for o in offers if o.package == package and not o.yanked and o.variant is None}
    final = [version for version in by_version if version.replace(".", "").isdigit()]
    return tuple(by_version[version] for version in sorted(final, key=version_key, reverse=True)[:NEWEST])


def asks_for(metadata: str, torch: str) -> bool:
    """Whether a companion's metadata names this release of torch, or admits it."""
    match = _REQUIRES.search(metadata)
    try:
        return match is not None and torch in Requirement(match[1]).specifier
    except InvalidRequirement:
        return False


def measured_wheels(host: Host, request: Request, new: Iterable[Learned]) -> dict[Build, MeasuredWheel]:
    """The new GPU builds that can be read where they lie; the others are left out."""
    found: dict[Build, MeasuredWheel] = {}
    for build in new:
        if kind_of(build.variant) not in {"cuda", "rocm"}:
            continue
        named = f"torch=={build.torch}+{build.variant}" if build.local else f"torch=={build.torch}"
        try:
            wheel = find_wheel(host, named, request, platform=build.platform)
            found[build.torch, build.variant, build.platform] = measure(
                host, wheel.address, wheel.connection, offer=wheel.offer
            )
        except TorchupError as error:
            print(f"{named} for {build.platform}: {error}", file=sys.stderr)
    return found


def patch(texts: dict[str, str], root: Path) -> str:
    """The unified difference of the files on the disk and these texts."""
    parts: list[str] = []
    for name, text in texts.items():
        path = f"{DATA}/{name}"
        old = (root / path).read_text("utf-8").splitlines(keepends=True)
        parts += difflib.unified_diff(old, text.splitlines(keepends=True), f"a/{path}", f"b/{path}")
    return "".join(parts)


def main(arguments: Sequence[str] | None = None, host: Host | None = None) -> int:
    """Run; see the exit codes above."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mirror")
    parser.add_argument("--patch", type=Path)
    options = parser.parse_args(arguments)
    host, request, catalog = host or RealHost(), Request(mirror=Secret.of(options.mirror)), load_catalog()
    try:
        found = refresh(host, request, catalog)
    except TorchupError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(ExitCode.NETWORK)
    looks = (releases_look(found), *look_outward(host, request, catalog))
    style = Style(width=120)
    print(refresh_text(found, None, style), looks_text(looks, style), sep="\n\n")
    if options.patch:
        known = {row.torch for row in catalog.rows}
        proposal = proposed(
            {name: (ROOT / DATA / name).read_text("utf-8") for name in FILES},
            found.new,
            looks,
            companions=companions_of(host, request, {build.torch for build in found.new} - known),
            measured=measured_wheels(host, request, found.new),
        )
        options.patch.write_text(patch(proposal.texts, ROOT), "utf-8")
        print("\nLeft for a person:", *(proposal.left or ("nothing",)), sep="\n  ")
    if any(look.needed and look.status == "unclear" for look in looks):
        return int(ExitCode.NETWORK)
    return int(ExitCode.FINDINGS if any(look.new for look in looks) or found.gains or found.confirmed else ExitCode.OK)


if __name__ == "__main__":
    sys.exit(main())
