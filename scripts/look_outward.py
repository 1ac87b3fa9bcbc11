"""What the world has that the built-in catalogue does not, for whoever edits `catalog/data/`; also as a patch.

python scripts/look_outward.py                    # the comparison, as `torchup catalog refresh` shows it
python scripts/look_outward.py --mirror nju       # by way of a mirror
python scripts/look_outward.py --patch FILE       # also a patch that takes over what is new (`git apply FILE`)

Exit 1 where something is new, 7 where a needed source was silent. Arch lists are not on index pages: run
`scripts/measure_wheels.py` for PyPI's wheels, or `torchup catalog measure URL` for one.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from torchup.catalog import load_catalog
from torchup.catalog.versions import version_key
from torchup.cli.catalog_refresh import looks_text, refresh_text, releases_look
from torchup.errors import ExitCode, TorchupError
from torchup.host import RealHost
from torchup.model import Request
from torchup.report.style import Style
from torchup.sources.outlook import look_outward
from torchup.sources.refresh import refresh

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.catalog.types import Learned
    from torchup.sources.outlook import Look

DATA = "src/torchup/catalog/data"
ROOT = Path(__file__).parents[1]


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


def changed(new: Iterable[Learned], looks: Iterable[Look]) -> dict[str, str]:
    """File below `DATA` -> its text with what is new: releases, newest drivers, packages that are watched."""
    texts = {
        name: (ROOT / DATA / name).read_text("utf-8") for name in ("releases.toml", "drivers.toml", "outlook.toml")
    }
    if tables := release_tables(new):
        texts["releases.toml"] += f"\n# TODO: dates, Pythons, companions and source\n{tables}\n"
    for look in looks:
        for entry in look.new:
            texts = {name: _taken_over(text, look.table, entry) for name, text in texts.items()}
    return texts


def _taken_over(text: str, table: str, entry: str) -> str:
    """A text with one new fact in place of the old one."""
    name, _, version = entry.partition(" ")
    if table == "packages":
        return re.sub(rf'\b{re.escape(name)} = "[^"]*"', f'{name} = "{version}"', text)
    if table == "drivers" and entry[0].isdigit():
        branch = entry.partition(".")[0]
        return re.sub(rf'(?m)^({branch} = .*newest = )"[^"]*"', rf'\1"{entry}"', text)
    return text


def patch(texts: dict[str, str]) -> str:
    """The unified difference of the files on the disk and these texts."""
    parts: list[str] = []
    for name, text in texts.items():
        path = f"{DATA}/{name}"
        old = (ROOT / path).read_text("utf-8").splitlines(keepends=True)
        parts += difflib.unified_diff(old, text.splitlines(keepends=True), f"a/{path}", f"b/{path}")
    return "".join(parts)


def main() -> int:
    """Run; see the exit codes above."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mirror")
    parser.add_argument("--patch", type=Path)
    options = parser.parse_args()
    request, catalog = Request(mirror=options.mirror), load_catalog()
    try:
        found = refresh(RealHost(), request, catalog)
    except TorchupError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(ExitCode.NETWORK)
    looks = (releases_look(found), *look_outward(RealHost(), request, catalog))
    style = Style(width=120)
    print(refresh_text(found, None, style), looks_text(looks, style), sep="\n\n")
    if options.patch:
        options.patch.write_text(patch(changed(found.new, looks)), "utf-8")
    if any(look.needed and look.status == "unclear" for look in looks):
        return int(ExitCode.NETWORK)
    return int(ExitCode.FINDINGS if any(look.new for look in looks) or found.gains else ExitCode.OK)


if __name__ == "__main__":
    sys.exit(main())
