"""The HTML page in a real headless Chromium: script, filter, sort, themes, phone, keyboard, and hostile files."""

from __future__ import annotations

import pytest

from support.chromium import look
from support.results import breakdown, result, run
from support.results_page import EVIL, full_page, hostile
from torchup.report.html import page
from torchup.results.baselines import load_baseline

pytestmark = pytest.mark.slow


def test_filter_sort_and_theme_work():
    """Typing filters rows everywhere, headings sort by value, the button changes the theme; the console stays empty."""
    results = [result(f"r{n}", float(s), breakdown=breakdown(compute=s)) for n, s in enumerate((9, 100, 24))]
    answer, console = look(
        page([run(*results)], baseline=load_baseline("article")),
        """
        const rows = () => [...page.querySelectorAll("#all tbody tr")].filter((r) => !r.hidden);
        const first = () => rows().map((r) => r.cells[1].textContent);
        const form = page.querySelector("#controls"), out = {};
        const type = (name, value) => { form.elements[name].value = value;
          form.dispatchEvent(new inside.Event("input", {bubbles: true})); };
        out.all = rows().length; out.count = page.querySelector("#count").textContent;
        type("words", "R1"); out.words = first();
        out.ladder = [...page.querySelectorAll("#ladder .row[data-workload]")].filter((r) => !r.hidden).length;
        type("words", "no such thing"); out.none = rows().length;
        out.groups = [...page.querySelectorAll("#ladder figure")].filter((f) => !f.hidden).length;
        type("words", "");
        form.elements.published.click(); out.own = rows().length;
        const heading = [...page.querySelectorAll("#all th button")].find((b) => b.textContent === "Median");
        heading.click(); out.up = first(); heading.click(); out.down = first();
        out.sort = heading.closest("th").getAttribute("aria-sort");
        const before = inside.getComputedStyle(page.body).backgroundColor;
        page.querySelector("#theme").click(); out.theme = page.documentElement.dataset.theme;
        out.changed = inside.getComputedStyle(page.body).backgroundColor !== before;
        return out;
        """,
    )
    assert console == []
    assert answer == {
        "all": 7, "count": "7 / 7", "words": ["r1"], "ladder": 1, "none": 0, "groups": 0, "own": 3,
        "up": ["r0", "r2", "r1"], "down": ["r1", "r2", "r0"], "sort": "descending", "theme": "dark", "changed": True,
    }  # fmt: skip


def test_the_system_theme_is_followed():
    """A dark system gets a dark page without a click, with readable contrast in both."""
    script = """
        const rgb = (c) => c.match(/\\d+/g).slice(0, 3).map((v) => { v /= 255;
          return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
        const light = (c) => { const [r, g, b] = rgb(c); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const paper = light(inside.getComputedStyle(page.body).backgroundColor);
        const ratio = (e) => { const ink = light(inside.getComputedStyle(e).color);
          return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05); };
        return {paper, worst: Math.min(...[...page.querySelectorAll("h1,p,td,small,dt,dd,figcaption,a")].map(ratio))};
    """
    (light, _), (dark, _) = look(full_page(), script), look(full_page(), script, dark=True)
    assert light["paper"] > 0.9
    assert dark["paper"] < 0.1
    assert min(light["worst"], dark["worst"]) >= 4.5  # WCAG 2.2, level AA


def test_a_phone_needs_no_sideways_scrolling():
    """At 400 pixels the page is as wide as the screen; only tables scroll, inside themselves."""
    answer, _ = look(
        full_page(),
        """
        const wide = [...page.querySelectorAll("body *")].filter((e) => !e.closest(".scroll") && !e.closest("svg")
          && e.getBoundingClientRect().right > inside.innerWidth + 1).map((e) => e.className || e.tagName);
        return {page: page.documentElement.scrollWidth, screen: inside.innerWidth, wide};
        """,
        width=400,
    )
    assert answer == {"page": 400, "screen": 400, "wide": []}


def test_a_desktop_shows_whole_tables():
    """At 1200 pixels no table needs to be scrolled sideways."""
    answer, _ = look(
        full_page(),
        """
        return [...page.querySelectorAll(".scroll")].filter((e) => e.scrollWidth > e.clientWidth)
          .map((e) => `${e.scrollWidth} of ${e.clientWidth}: ${e.innerText.slice(0, 60)}`);
        """,
        width=1200,
    )
    assert answer == []


def test_everything_is_reached_by_keyboard():
    """Controls, sort buttons, folds and scrolling tables take the focus, and the skip link comes first."""
    answer, _ = look(
        full_page(),
        """
        const can = [...page.querySelectorAll("a[href],button,input,select,summary,[tabindex]")]
          .filter((e) => e.offsetParent !== null || e.classList.contains("skip"));
        const took = can.filter((e) => { e.focus(); return page.activeElement === e; });
        const fold = page.querySelector("summary"); fold.click();
        return {all: can.length === took.length, first: can[0].className, open: fold.parentElement.open,
          negative: can.filter((e) => e.tabIndex < 0).length,
          unnamed: [...page.querySelectorAll("svg[role=img]")].filter((s) => !s.getAttribute("aria-label")).length,
          labels: [...page.querySelectorAll("input,select")].every((e) => e.labels.length === 1)};
        """,
    )
    assert answer == {"all": True, "first": "skip", "open": True, "negative": 0, "unnamed": 0, "labels": True}


def test_hostile_result_files_run_nothing():
    """Scripts, handlers and markup in a result file are shown as text, in every place that shows one."""
    pages = [page([hostile(evil)]) for evil in EVIL]
    script = """
        for (const e of page.querySelectorAll("button,summary,th,[data-workload]")) {
          e.dispatchEvent(new inside.MouseEvent("mouseover", {bubbles: true})); e.click(); }
        await wait(100);
        return {pwned: inside.pwned === undefined && window.pwned === undefined, images: page.images.length,
          scripts: page.scripts.length, text: page.body.textContent.includes("window.pwned=1")};
    """
    for text in pages[:-1:3]:  # each start of the browser costs a second; the others are held by the parser's test
        answer, console = look(text, script)
        assert answer == {"pwned": True, "images": 0, "scripts": 1, "text": True}
        assert console == []


def test_a_script_that_slipped_in_would_be_stopped():
    """The second lock: even with markup injected behind the escaping, the policy lets no foreign script run."""
    text = full_page().replace("<footer", '<script>window.pwned=1</script><img src=x onerror="window.pwned=1"><footer')
    answer, console = look(text, "await wait(100); return inside.pwned === undefined")
    assert answer is True
    assert any("Content Security Policy" in line for line in console)
