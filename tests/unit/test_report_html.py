"""The HTML page as text: self-contained, escaped, complete; and the charts' arithmetic."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.results import result, run
from support.results_page import EVIL, full_page, hostile
from torchup import i18n
from torchup.report.charts import Scale
from torchup.report.html import page
from torchup.results.baselines import load_baseline


class Reader(HTMLParser):
    """Counts elements and attributes of a document."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note one."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]


def test_every_section_is_there():
    """Ladder, devices, breakdown, roofline, speed runs, scaling, curves, table and details, each with its heading."""
    text = full_page()
    for name in ("ladder", "devices", "breakdown", "roofline", "speedruns", "scaling", "curves", "results", "details"):
        assert f'<section aria-labelledby="{name}-title" id="{name}">' in text, name
    assert "waiting for the DataLoader" in text
    assert "published, not measured" in text
    assert "Peak unknown" in text


def test_the_page_loads_nothing():
    """No address, no foreign resource, and a policy that forbids both."""
    text = full_page()
    reader = Reader(text)
    assert not {"link", "img", "iframe", "object", "embed", "base"} & set(reader.tags)
    addresses = {value for _, name, value in reader.attributes if name in {"src", "href", "action", "xlink:href"}}
    assert addresses == {"#main"}
    assert not re.search(r"https?://|url\(|@import", text)
    policy = next(value for tag, name, value in reader.attributes if (tag, name) == ("meta", "content"))
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


@pytest.mark.parametrize("evil", EVIL)
def test_hostile_text_stays_text(evil):
    """One script, one style, no event attribute, whatever a result file says."""
    text = page([hostile(evil)])
    reader = Reader(text)
    assert reader.tags.count("script") == 1
    assert reader.tags.count("style") == 1
    assert not [name for _, name, _ in reader.attributes if name.startswith("on") or name == "style"]
    assert not {"img", "b"} & set(reader.tags)
    assert not {"\x00", "\x1b", "\u202e"} & set(text)


def test_an_empty_run_is_a_page_too():
    """Nothing measured gives a sentence, not an error."""
    assert "have no results" in page([run()], baseline=load_baseline("article"))


def test_the_page_speaks_the_language_in_use():
    """The document says which language it is in."""
    i18n.use("zh")
    assert '<html lang="zh-CN">' in page([run(result())])


@given(st.lists(st.floats(min_value=1e-9, max_value=1e15), min_size=1, max_size=6), st.booleans(), st.booleans())
def test_scales_hold_their_values_and_have_few_round_ticks(values, log, zero):
    """Every value lies on the scale, order is kept, and the labels are few and inside."""
    scale = Scale.around(values, log=log, zero=zero)
    places = [scale.place(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)
    ticks = scale.ticks(6)
    assert 1 <= len(ticks) <= 8
    slack = (scale.high - scale.low) * 1e-6
    assert all(scale.low - slack <= tick <= scale.high + slack for tick in ticks)


def test_a_short_run_is_drawn_for_the_same_number_of_epochs():
    """Two epochs are not drawn beside ten as if they were the same work."""
    text = page([run(result("script", 100.0), result("resident", 5.0, parameters={"epochs": 2}))])
    assert "time of 10 epochs" in text
    assert 'aria-label="resident, Example (cpu): 25.0 s"' in text
    assert "extrapolated from 2 epochs" in text


def test_a_curve_of_many_steps_is_drawn_thin_and_on_a_linear_axis():
    """Twenty thousand steps are at most five hundred points without dots; steps are counted, not scaled."""
    steps = result("default", 5.0, workload="gpt", kind="micro", curves={
        "seconds by step": tuple((float(n + 1), 1.0) for n in range(20_000)),
    })  # fmt: skip
    found = str(page([run(steps)]))
    assert len(found) < 100_000
    assert ">10k<" in found
    assert ">100<" not in found


def test_a_list_that_is_cut_says_how_long_it_is():
    """No value is left out silently."""
    many = tuple(0.001 * number for number in range(1, 31))
    text = page([run(result(repeats=many, raw={"step": many}))])
    assert "(30 in all)" in text
    assert "in all)" not in page([run(result(repeats=many[:24], raw={"step": many[:24]}))])


def test_a_speed_up_between_devices_names_them():
    """One recipe on two devices is told apart."""
    fast, slow = result(seconds=1.0, device="cuda:0", device_name="Example GPU"), result(seconds=100.0)
    assert "script · Example (cuda:0), relative to script · Example (cpu)" in page([run(fast, slow)])
