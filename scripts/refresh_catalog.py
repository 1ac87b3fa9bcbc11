"""What index pages have that the built-in catalogue does not, for whoever edits `catalog/data/releases.toml`.

python scripts/refresh_catalog.py                    # the diff, as `torchup catalog refresh` shows it
python scripts/refresh_catalog.py --mirror nju       # by way of a mirror
python scripts/refresh_catalog.py --toml             # new builds as lines of a [[release]] table
python scripts/refresh_catalog.py --check            # exit 1 where the catalogue is behind

Arch lists are not on index pages: read them from the wheels (`torch.cuda.get_arch_list()`) before a row is added.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from torchup.catalog import load_catalog
from torchup.catalog.versions import version_key
from torchup.cli.catalog_refresh import refresh_text
from torchup.errors import TorchupError
from torchup.host import RealHost
from torchup.model import Request
from torchup.report.style import Style
from torchup.sources.refresh import refresh

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.catalog.types import Learned


def release_tables(new: Iterable[Learned]) -> str:
    """New builds as the lines of `releases.toml` that an index page can fill; the rest is for a person."""
    variants: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for build in new:
        variants[build.torch][build.platform].append(build.variant)
    parts = []
    for torch in sorted(variants, key=version_key):
        lines = ["[[release]]", f'torch = "{torch}"']
        lines += [f'{platform} = "{" ".join(sorted(names))}"' for platform, names in sorted(variants[torch].items())]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def main() -> int:
    """Run; 1 with ``--check`` when there is something new, 2 when nothing answered."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mirror")
    parser.add_argument("--variant", action="append", default=[])
    parser.add_argument("--toml", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    try:
        found = refresh(RealHost(), Request(mirror=options.mirror), load_catalog(), variants=options.variant)
    except TorchupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(release_tables(found.new) if options.toml else refresh_text(found, None, Style(width=120)))
    return 1 if options.check and (found.new or found.gains) else 0


if __name__ == "__main__":
    sys.exit(main())
