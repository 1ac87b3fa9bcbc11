"""Every document is there in Chinese, with the structure, the commands and the links of the English one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from support.documents import CHINESE, ROOT, commands, outside_blocks

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / "docs"
ENGLISH_ONLY = {
    "docs/WRITING.md": "for those who write here",
    "docs/reference/json.md": "names of fields, which are English in every language",
}
PAGES = [
    page
    for page in sorted(DOCS.rglob("*.md"))
    if not page.name.endswith(CHINESE) and page.relative_to(ROOT).as_posix() not in ENGLISH_ONLY
]
BOTH = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
WITH_README = pytest.mark.parametrize(
    "page", [ROOT / "README.md", *PAGES], ids=lambda page: page.relative_to(ROOT).as_posix()
)
CODE = re.compile(r"^ *```([\w-]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)+|\d{3,})(?!\d)")
LANGUAGE = re.compile(r"\.zh-CN(?=\.(?:md|svg|png))")


def chinese_of(page: Path) -> Path:
    """The Chinese page beside an English one."""
    return page.with_name(page.name.removesuffix(".md") + CHINESE)


def headings(text: str) -> list[int]:
    """The level of each heading, in order."""
    return [len(marks) for marks in re.findall(r"^(#+) ", outside_blocks(text), re.MULTILINE)]


def tables(text: str) -> list[tuple[int, ...]]:
    """How many cells each row of each table has."""
    found = re.findall(r"(?:^\|.*\n)+", outside_blocks(text) + "\n", re.MULTILINE)
    return [tuple(len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()) for table in found]


def links(page: Path) -> list[str]:
    """The targets of all links and pictures, those to its sibling in the other language left out."""
    siblings = {page.name, chinese_of(page).name, page.name.replace(CHINESE, ".md")}
    found = re.findall(r"\]\(([^)\s]+)\)", outside_blocks(page.read_text("utf-8")))
    return sorted(target for target in found if target.rpartition("/")[2].partition("#")[0] not in siblings)


@BOTH
def test_every_page_has_its_chinese(page):
    """The Chinese page is there and is Chinese: each of its paragraphs and cells of prose has Chinese characters."""
    whole = chinese_of(page).read_text("utf-8")
    text = outside_blocks(whole)
    paragraphs = [part for part in re.split(r"\n\s*\n", text) if len(re.findall(r"[A-Za-z]{3,}", bare(part))) > 8]
    assert len(re.findall(r"[\u4e00-\u9fff]", whole)) > 50
    assert not [part for part in paragraphs if not re.search(r"[\u4e00-\u9fff]", part)]


def bare(part: str) -> str:
    """A paragraph without code, links and comments: the words that a reader reads."""
    return re.sub(r"`[^`]*`|\([^)\s]*\)|<!--.*?-->|https?:\S+", "", part)


@BOTH
def test_the_chinese_page_has_the_structure_of_the_english(page):
    """The same headings by level and order, tables by rows and cells, blocks by language."""
    english, chinese = page.read_text("utf-8"), chinese_of(page).read_text("utf-8")
    assert headings(chinese) == headings(english)
    assert tables(chinese) == tables(english)
    assert [block[0] for block in CODE.findall(chinese)] == [block[0] for block in CODE.findall(english)]


@WITH_README
def test_the_chinese_page_tells_what_to_type(page):
    """Every command of the English page is in the Chinese one; blocks of code and settings are the same to the byte."""
    english, chinese = page.read_text("utf-8"), chinese_of(page).read_text("utf-8")
    plain = {command.replace("--lang zh ", "") for command in commands(chinese)}
    assert not [command for command in commands(english) if command.replace("--lang zh ", "") not in plain]
    ours, theirs = (
        [block for block in CODE.findall(text) if block[0] not in {"console", "text"}] for text in (english, chinese)
    )
    assert theirs == ours


@WITH_README
def test_the_chinese_page_states_the_same_numbers(page):
    """Versions, times and counts of three digits or with a point: a measurement that is renewed is renewed in both."""
    ours, theirs = (set(NUMBER.findall(outside_blocks(path.read_text("utf-8")))) for path in (page, chinese_of(page)))
    assert theirs == ours


@WITH_README
def test_the_chinese_page_links_what_the_english_links(page):
    """The same targets, the Chinese page of each where there is one."""
    theirs = links(chinese_of(page))
    assert sorted(LANGUAGE.sub("", target) for target in theirs) == sorted(LANGUAGE.sub("", t) for t in links(page))
    chinese = chinese_of(page).parent
    passed_by = [
        target
        for target in theirs
        if target.partition("#")[0].endswith(".md") and not target.partition("#")[0].endswith(CHINESE)
        if chinese_of(chinese / target.partition("#")[0]).is_file()
    ]
    assert not passed_by


@WITH_README
def test_each_page_links_the_other_language(page):
    """A reader of either page reaches the other one at its head."""
    for one, other in ((page, chinese_of(page)), (chinese_of(page), page)):
        assert f"]({other.name})" in one.read_text("utf-8")[:800]
