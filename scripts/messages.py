"""Keep the Chinese catalogue in step with the code: extract, update, check (babel).

    python scripts/messages.py update    # re-read the code, merge into zh_CN, compile
    python scripts/messages.py check     # exit 1 where an entry is missing, fuzzy, stale or loses a {field}
    python scripts/messages.py compile   # .po -> .mo, for a source tree that was not installed
    python scripts/messages.py sample --seed 1 --count 100   # random texts for a second reader (docs/WRITING.md)

Messages are `message("code", "English", ...)` and `text("code", "English", ...)`, and the texts of the causes
(`doctor/causes/SLUG.toml`, table ``[text]``: code ``explain.SLUG.KEY``). The code becomes the gettext context, so two
texts that happen to be the same English may differ in Chinese.
"""

from __future__ import annotations

import argparse
import ast
import random
import string
import sys
import tomllib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[1] / "src" / "torchup"
CATALOGUE = PACKAGE / "i18n" / "locale" / "zh_CN" / "LC_MESSAGES" / "torchup.po"
KEYWORDS = {"message", "text"}


def calls(source: str) -> Iterator[tuple[str, str]]:
    """Code and English of every message in a source file.

    Babel's own reader takes f-strings apart only from Python 3.12 on, so the catalogue would depend on the interpreter.
    """
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Name(id=name) | ast.Attribute(attr=name),
                args=[ast.Constant(value=str(code)), ast.Constant(value=str(english)), *_],
            ) if name in KEYWORDS:
                yield code, english


def cause_texts(slug: str, source: str) -> Iterator[tuple[str, str]]:
    """Code and English of every text in the file of a cause, and of the variants that a rule chooses from."""
    read = tomllib.loads(source)
    for key, english in {**read.get("text", {}), **read.get("variants", {})}.items():
        yield f"explain.{slug}.{key}", english


def extract() -> Catalog:
    """Every message of the package, in a stable order."""
    template = Catalog(project="torchup", charset="utf-8", fuzzy=False)
    files = {path: path.read_text("utf-8") for path in PACKAGE.rglob("*.py")}
    found = [
        (code, str(path.relative_to(PACKAGE)), english)
        for path, source in files.items()
        for code, english in calls(source)
    ]
    found += [
        (code, str(path.relative_to(PACKAGE)), english)
        for path in (PACKAGE / "doctor" / "causes").glob("*.toml")
        for code, english in cause_texts(path.stem, path.read_text("utf-8"))
    ]
    for code, file, english in sorted(found):
        template.add(english, context=code, locations=[(file, 0)])
    return template


def stored() -> Catalog:
    """The catalogue as it is in the tree, or an empty one."""
    if not CATALOGUE.exists():
        return Catalog(locale="zh_CN", project="torchup", charset="utf-8", fuzzy=False)
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh_CN")


def fields(template: str) -> set[str]:
    """Names of the replacement fields of a template."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def problems(template: Catalog, catalogue: Catalog) -> list[str]:
    """Sentences on every entry that is missing, fuzzy, stale, or whose fields differ from the English ones."""
    found = []
    for entry in template:
        if not entry.id:
            continue
        translated = catalogue.get(entry.id, context=entry.context)
        if translated is None or not translated.string:
            found.append(f"{entry.context}: not translated: {entry.id!r}")
        elif translated.fuzzy:
            found.append(f"{entry.context}: fuzzy")
        elif fields(str(entry.id)) != fields(str(translated.string)):
            found.append(f"{entry.context}: fields {fields(str(entry.id))} became {fields(str(translated.string))}")
    known = {(entry.context, entry.id) for entry in template}
    stale = [entry for entry in catalogue if entry.id and (entry.context, entry.id) not in known]
    return found + [f"{entry.context}: no longer in the code" for entry in stale]


def update() -> None:
    """Merge the code's messages into the catalogue: new entries empty, vanished ones dropped.

    A text that only got another code keeps its translation.
    """
    catalogue = stored()
    known = {entry.id: entry.string for entry in catalogue if entry.id and entry.string}
    made = catalogue.creation_date  # kept: a date of its own in every change is a conflict in every merge
    catalogue.update(extract(), no_fuzzy_matching=True)
    catalogue.creation_date = made
    catalogue.obsolete.clear()
    for entry in catalogue:
        if entry.id and not entry.string:
            entry.string = known.get(entry.id, "")
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    buffer = BytesIO()
    write_po(buffer, catalogue, no_location=True, omit_header=False, sort_output=False, width=120)
    CATALOGUE.write_bytes(buffer.getvalue())


def compile_catalogue() -> None:
    """Write the .mo file that gettext reads."""
    with CATALOGUE.with_suffix(".mo").open("wb") as file:
        write_mo(file, stored())


def sample(template: Catalog, seed: int, count: int) -> list[str]:
    """Random texts with their codes; the same seed and the same texts give the same sample."""
    texts = sorted((str(entry.context), str(entry.id)) for entry in template if entry.id)
    drawn = random.Random(seed).sample(texts, min(count, len(texts)))  # noqa: S311  # a sample, not a secret
    return [f"{code}: {english}" for code, english in drawn]


def parser() -> argparse.ArgumentParser:
    """The verbs and their options."""
    made = argparse.ArgumentParser(usage=__doc__)
    verbs = made.add_subparsers(dest="verb", required=True)
    for verb in ("update", "check", "compile"):
        verbs.add_parser(verb)
    drawing = verbs.add_parser("sample")
    drawing.add_argument("--seed", type=int, default=1)
    drawing.add_argument("--count", type=int, default=100)
    return made


def main(arguments: list[str]) -> int:
    """Run one of the verbs; returns the exit code."""
    wanted = parser().parse_args(arguments)
    found: list[str] = []
    if wanted.verb == "sample":
        sys.stdout.writelines(f"{line}\n" for line in sample(extract(), wanted.seed, wanted.count))
    elif wanted.verb == "check":
        found = problems(extract(), stored())
        sys.stdout.writelines(f"{line}\n" for line in found)
    else:
        if wanted.verb == "update":
            update()
        compile_catalogue()
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
