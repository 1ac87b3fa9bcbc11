"""The page of many machines in a real headless Chromium: phone, dark, Chinese, sorting, and a stranger's text."""

from __future__ import annotations

import pytest

from support.chromium import look
from torchup import i18n
from torchup.catalog import load_catalog
from torchup.detect.pretend import assume
from torchup.model import Machine, Os, Request
from torchup.plan import resolve
from torchup.report.fleet import Member, drifts
from torchup.report.fleet_page import fleet_page

pytestmark = pytest.mark.slow
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"
SCRIPT = """
const table = page.querySelector("#all"), first = () => table.tBodies[0].rows[0].cells[0].textContent;
const before = first();
const head = table.querySelector("th button"); head.click(); head.click();
page.querySelectorAll("details").forEach((one) => { one.open = true; });
return {
  wide: page.documentElement.scrollWidth, images: page.images.length, scripts: page.scripts.length, before,
  after: first(), title: page.querySelector("h1").textContent, lang: page.documentElement.lang,
  paper: inside.getComputedStyle(page.body).backgroundColor,
};
"""


def members():
    """Four machines, one of them a stranger's, one without a plan."""
    base = Machine(os=Os.LINUX, arch="x86_64", glibc="2.35")
    found = [Member(name=EVIL, machine=Machine(os=Os.LINUX, arch=EVIL), failure=EVIL, hint=EVIL)]
    for name, items in (("a", ["gpu=RTX 4090", "driver=550.54"]), ("z", ["gpu=RX 7900 XTX"])):
        machine = assume(base, items)
        found.append(Member(name=name, machine=machine, plan=resolve(machine, Request(), load_catalog())))
    return found


@pytest.mark.parametrize(("language", "width", "dark"), [("en", 400, False), ("zh", 400, True), ("en", 1100, True)])
def test_the_page_works_everywhere(language, width, dark):
    """Nothing is wider than the window, a heading sorts, the theme follows, and no stranger's script has run."""
    i18n.use(language)
    try:
        page = fleet_page(members(), drifts(members()))
    finally:
        i18n.use("en")
    answer, console = look(page, SCRIPT, width=width, dark=dark)
    assert console == []
    assert answer["wide"] <= width
    assert (answer["images"], answer["scripts"]) == (0, 1)
    assert answer["before"] != answer["after"] == "z"
    assert answer["lang"] == {"en": "en", "zh": "zh-CN"}[language]
    assert (answer["paper"] == "rgb(255, 255, 255)") == (not dark)
