"""What the documents tell people to type exists; links between them lead somewhere."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest
from scripts.make_terminal_pictures import FOLDER, PICTURES, picture, printed

from support.documents import BLOCK, commands, parse
from torchup.cli.app import make_app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
UNTYPED = ("commands.md", "commands.zh-CN.md", "json.md", "CHANGELOG.md")  # generated; release notes use short forms


WRITTEN = [page for page in PAGES if page.name not in UNTYPED]
SHOWN = {command: page for page in reversed(WRITTEN) for command in commands(page.read_text("utf-8"))}


@pytest.mark.parametrize("shown", SHOWN)
def test_commands_in_the_documents_exist(shown):
    """Every torchup command line that a document shows can be parsed by the program."""
    command = re.split(r" (?:\||>>?|&&) ", shown, maxsplit=1)[0]
    arguments = [word for word in shlex.split(command, comments=True)[1:] if word not in {"...", "…"}]
    if {"-h", "--help", "--version"} & set(arguments) or not arguments or arguments[0].isupper():
        return
    try:
        parse(make_app(), arguments)
    except click.MissingParameter:
        assert not arguments[-1].startswith("-"), SHOWN[shown]  # prose may name a command without its arguments
    except click.BadParameter as error:
        if not any(word.isupper() and word in error.message for word in arguments):  # FORMAT, NAME|URL
            raise


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(page):
    """A relative link names a file that exists."""
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


def test_the_threat_model_names_tests_that_exist():
    """Every row of the threat model names a test, and the test is there."""
    page = (ROOT / "docs" / "explanation" / "threat-model.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith(("| input", "|---"))]
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert all(f"def {name}(" in source for name in named), row


# Every place outside that a document may point to, and what for. Nothing is fetched: documents are read without.
OUTSIDE = {
    "download.pytorch.org": "PyTorch's own index",
    "pypi.org": "PyPI",
    "repo.amd.com": "AMD's wheels",
    "keepachangelog.com": "the form of the release notes",
    "modelcontextprotocol.io": "the protocol of the tools of agents",
    "semver.org": "what version numbers mean",
    "mirror.example": "an example",
    "proxy.example": "an example",
    "127.0.0.1": "this machine",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_addresses_outside_are_well_formed_and_known(page):
    """An address names a host of the one list, and is https but for this machine and a proxy."""
    for address in re.findall(r"https?://[^\s)>\]`\"'|]+", page.read_text("utf-8")):
        parts = urlsplit(address.rstrip(".,;"))
        assert parts.hostname in OUTSIDE, address
        assert parts.scheme == "https" or parts.hostname in {"127.0.0.1", "proxy.example"}, address


def test_pages_load_nothing_from_elsewhere():
    """No picture, script or style of a document comes from another host, the site's theme included."""
    loaded = re.compile(r"!\[[^\]]*\]\(https?:|<(?:img|script|link|iframe)[^>]+https?:")
    assert not [page for page in PAGES if loaded.search(page.read_text("utf-8"))]
    site = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert "font: false" in site
    assert "extra_javascript" not in site


def test_every_page_is_in_the_navigation_of_the_site():
    """A page that nobody can find is not there."""
    site = (ROOT / "mkdocs.yml").read_text("utf-8")
    missing = [
        page for page in (ROOT / "docs").rglob("*.md") if str(page.relative_to(ROOT / "docs").as_posix()) not in site
    ]
    assert not missing


def test_the_verification_page_has_every_rung():
    """The table of what is verified names the rungs that the worker climbs, in any order."""
    source = (ROOT / "src" / "torchup" / "worker" / "verify.py").read_text("utf-8")
    climbed = {
        *re.findall(r'climb\(\s*"(\w+)"', source),
        *re.findall(r'^ +\("(\w+)", (?:partial\()?check_', source, re.MULTILINE),
    }
    page = (ROOT / "docs" / "explanation" / "verification.md").read_text("utf-8")
    told = {row[0] for row in re.findall(r"^\| (\w+) \|( .* \|)", page, re.MULTILINE)} - {"rung"}
    assert told == climbed | {"files"}  # the parent's own rung, before the worker starts


def test_the_pictures_are_of_what_the_program_prints():
    """The README's pictures are current; `python scripts/make_terminal_pictures.py` draws them anew."""
    stale = [
        name
        for name, (verb, language) in PICTURES.items()
        if (FOLDER / name).read_text("utf-8") != picture(printed(verb, language))
    ]
    assert not stale


def test_every_dependency_has_its_reason():
    """What pyproject.toml names is in the table of dependencies."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    needed = [*project["dependencies"], *(name for extra in extras for name in extra)]
    names = {re.split(r"[\[<>=~! ]", requirement)[0] for requirement in needed} - {"torchup"}
    page = (ROOT / "docs" / "explanation" / "dependencies.md").read_text("utf-8")
    assert not [name for name in names if f"`{name}`" not in page]


def test_the_readmes_have_the_same_blocks():
    """Blocks without an answer are the same to the byte in both; an answer is in the reader's language."""
    pages = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md"))
    english, chinese = ([b["body"] for b in BLOCK.finditer(t) if not b["body"].startswith("$ ")] for t in pages)
    assert english == chinese


def test_the_readmes_numbers_are_those_of_the_table():
    """How the other tools choose, counted in the table that scripts/compare_selection.py writes."""
    page = (ROOT / "docs" / "explanation" / "selection.md").read_text("utf-8")
    table = page.partition("<!-- table: scripts/compare_selection.py -->")[2].partition("<!-- end of table -->")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines() if "|" in line][2:]
    uv, ltt = (Counter(verdict(row[column], row[5]) for row in rows) for column in (2, 3))
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text("utf-8")
        assert f"| {len(rows)} / {len(rows)} |" in text
        for counted in (uv, ltt):
            asked = counted["fits"] + counted["older"] + counted["wrong"]
            assert f"| {counted['fits'] + counted['older']} / {asked}" in text, (name, counted)


def test_the_readmes_recorded_machines_are_those_of_the_tests():
    """How many machines stand behind each row of the table of platforms."""
    counted: Counter[str] = Counter()
    for file in sorted((ROOT / "tests" / "machines").glob("*/expected.json")):
        system = file.parent.name.partition("-")[0]
        vendors = {gpu["vendor"] for gpu in json.loads(file.read_text("utf-8")).get("gpus", ())}
        counted["nvidia"] += system == "linux" and "nvidia" in vendors
        counted["others"] += system == "linux" and bool(vendors & {"amd", "intel"})
        counted["windows"] += system in {"windows", "wsl", "wsl1"}
        counted["macos"] += system == "macos"
    for name in ("README.md", "README.zh-CN.md"):
        told = re.findall(r"(?:yes: |支持：)(\d+) (?:recorded machines|台录制的机器)", (ROOT / name).read_text("utf-8"))
        assert [int(number) for number in told] == list(counted.values()), name


def verdict(choice: str, against: str) -> str:
    """What the table says of a tool's choice for one machine."""
    if choice == "-":
        return "not asked"
    said = next((part for part in re.split(r"; (?=\d)", against) if part.startswith(f"{choice}:")), None)
    if said is None:
        return "wrong" if choice == "error" and against.startswith("an error") else "fits"
    return "older" if "works, " in said else "wrong"
