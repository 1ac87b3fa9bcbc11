"""Index pages are read as the real ones are written; garbage gives nothing and never raises anything but PageError."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchup.sources.index_page import PageError, parse_filename, parse_html, parse_json, parse_page

URL = "https://download.pytorch.org/whl/cu126/torch/"
SHA = "ab" * 32

PYTORCH = f"""<!DOCTYPE html>
<html>
  <body>
    <h1>Links for torch</h1>
    <a href="/whl/cu126/torch-2.14.1%2Bcu126-cp312-cp312-manylinux_2_28_x86_64.whl#sha256={SHA}" data-dist-info-metadata="sha256={SHA}" data-core-metadata="sha256={SHA}">torch-2.14.1+cu126-cp312-cp312-manylinux_2_28_x86_64.whl</a><br/>
    <a href="https://download-r2.pytorch.org/whl/cu126/torch-2.14.1%2Bcu126-cp313-cp313t-win_amd64.whl#sha256={SHA}" data-requires-python="&gt;=3.10">torch-2.14.1+cu126-cp313-cp313t-win_amd64.whl</a><br/>
    <a data-yanked="broken" href='torch-2.14.0%2Bcu126-cp312-cp312-manylinux_2_28_x86_64.whl'>x</a>
    <a href=torch-2.13.0+cu126-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl data-requires-python="<4,>=3.9">unquoted</a>
    <a href="torch-2.13.0.tar.gz">an sdist</a>
    <a name="nothing">no link</a>
  </body>
</html>
<!--TIMESTAMP 1764000000-->"""  # noqa: E501  # lines as the index writes them


@pytest.mark.parametrize(("said", "kept"), [('"2026-05-04T03:02:01Z"', "2026-05-04T03:02:01Z"), ("7", None)])
def test_a_file_whose_upload_time_is_no_text_is_still_a_file(said, kept):
    """PEP 700's time is a help for dates; a wrong one costs the date, not the wheel."""
    name = "torch-2.14.1-cp312-cp312-manylinux_2_28_x86_64.whl"
    page = f'{{"files": [{{"filename": "{name}", "url": "{name}", "hashes": {{}}, "upload-time": {said}}}]}}'
    (offer,) = parse_json(page.encode(), URL, "pypi")
    assert (offer.version, offer.uploaded) == ("2.14.1", kept)


def test_a_page_of_pytorchs_index():
    """Rooted, absolute and relative links, encoded plus signs, hashes, yanked files and Python bounds are all read."""
    first, second, third, fourth = parse_html(PYTORCH, URL, "pytorch-index:cu126")
    assert (first.package, first.version, first.variant) == ("torch", "2.14.1", "cu126")
    assert (first.python_tag, first.abi_tag, first.platform_tags) == ("cp312", "cp312", ("manylinux_2_28_x86_64",))
    assert first.url.startswith("https://download.pytorch.org/whl/cu126/torch-2.14.1")
    assert first.sha256 == SHA
    assert second.url.startswith("https://download-r2.pytorch.org/")
    assert (second.abi_tag, second.requires_python, second.yanked) == ("cp313t", ">=3.10", False)
    assert third.yanked
    assert third.sha256 is None
    assert third.url == URL + "torch-2.14.0%2Bcu126-cp312-cp312-manylinux_2_28_x86_64.whl"
    assert fourth.platform_tags == ("manylinux2014_x86_64", "manylinux_2_17_x86_64")
    assert fourth.requires_python == "<4,>=3.9"


def test_a_base_element_moves_relative_links():
    """Pages made by some mirrors name their base."""
    page = (
        '<html><head><base href="https://files.example/w/"></head><a href="torch-2.0.0-cp310-cp310-win_amd64.whl">t</a>'
    )
    assert parse_html(page, URL, "s")[0].url == "https://files.example/w/torch-2.0.0-cp310-cp310-win_amd64.whl"


def test_a_yanked_attribute_without_value_counts():
    """``data-yanked`` alone is a yank; the word inside another value is not."""
    name = "torch-2.0.0-cp310-cp310-win_amd64.whl"
    assert parse_html(f'<a data-yanked href="{name}">', URL, "s")[0].yanked
    assert not parse_html(f'<a href="{name}" title="data-yanked">', URL, "s")[0].yanked


def test_credentials_of_the_index_do_not_reach_the_offers():
    """Relative links are joined to the address without its user and password."""
    page = '<a href="torch-2.0.0-cp310-cp310-win_amd64.whl">'
    assert "secret" not in parse_html(page, "https://me:secret@host/simple/torch/", "s")[0].url


def test_json_files_with_sizes_hashes_and_yanks():
    """PEP 691: sizes are kept, one malformed file does not spoil its neighbours."""
    name = "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl"
    files = [
        {"filename": name, "url": "../../files/x", "hashes": {"sha256": SHA}, "size": 7, "yanked": "why",
         "requires-python": ">=3.10"},
        {"filename": 3, "url": "x"},
        {"filename": "torch-2.13.0-cp311-cp311-win_amd64.whl", "url": "y", "hashes": {"md5": 3}},
    ]  # fmt: skip
    first, second = parse_json(json.dumps({"files": files}).encode(), "https://h/simple/torch/", "s")
    assert (first.size_bytes, first.sha256, first.yanked, first.requires_python) == (7, SHA, True, ">=3.10")
    assert first.url == "https://h/files/x"
    assert (second.variant, second.yanked, second.sha256) == (None, False, None)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[" * 100_000, "application/json"),
        (b'{"files":' + b'{"a":' * 100_000, "application/vnd.pypi.simple.v1+json"),
        (b"{}", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"PK\x03\x04", "application/octet-stream"),
        (b"Service unavailable", "text/html"),
        (b"", ""),
    ],
)
def test_what_is_no_page_says_so(body, kind):
    """Nested bombs, empty answers, other types: each is a PageError."""
    with pytest.raises(PageError):
        parse_page(body, kind, URL, "s")


@pytest.mark.parametrize(
    "name",
    [
        "torch.whl",
        "torch-2.0.whl",
        "torch-x-cp310-cp310-any.whl",
        "torch-2.0-a-b-c-d-e.whl",
        "-----.whl",
        "t-1-2-3-4.zip",
        "../torch-2.0-cp310-cp310-any.whl",
        "..\\torch-2.0-cp310-cp310-any.whl",
        "/etc/torch-2.0-cp310-cp310-any.whl",
        "torch-2.0-cp310-cp310-any\n.whl",
        f"torch-{'9' * 6000}-cp310-cp310-any.whl",
    ],
)
def test_names_that_are_no_wheels_offer_nothing(name):
    """Only names of PEP 427 with a version of PEP 440 count; none that climbs, none that Python cannot count."""
    assert parse_filename(name, "https://h/" + name, "s") is None


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)//torch-2.0-cp310-cp310-any.whl",
        "file:///etc/torch-2.0-cp310-cp310-any.whl",
        "ftp://h/torch-2.0-cp310-cp310-any.whl",
        "data:text/html,/torch-2.0-cp310-cp310-any.whl",
        "..%2F..%2Ftorch-2.0-cp310-cp310-any.whl",
    ],
)
def test_a_page_of_the_network_leads_to_the_network_only(target):
    """A link to this machine's files, to a program or with a name that climbs is no wheel, in either kind of page."""
    assert parse_html(f'<a href="{target}">x</a>', URL, "s") == ()
    assert parse_html(f'<base href="file:///etc/"><a href="{target}">x</a>', URL, "s") == ()
    if not target.startswith(".."):
        file = {"filename": "torch-2.0-cp310-cp310-any.whl", "url": target}
        assert parse_json(json.dumps({"files": [file]}).encode(), URL, "s") == ()


def test_a_page_on_disk_leads_to_the_disk():
    """An index in a folder names its files as file: addresses."""
    (offer,) = parse_html('<a href="torch-2.0-cp310-cp310-any.whl">x</a>', "file:///srv/simple/torch/", "s")
    assert offer.url == "file:///srv/simple/torch/torch-2.0-cp310-cp310-any.whl"


PIECES = (
    "<a ",
    "<base ",
    "href=",
    "'",
    '"',
    ">",
    "</a>",
    "<!--",
    "-->",
    "torch-2.0-cp310-cp310-any.whl",
    "&#x0;",
    "//[",
    " ",
)


@given(st.one_of(st.text(max_size=100), st.lists(st.sampled_from(PIECES), max_size=30).map("".join)))
def test_any_text_as_html_is_harmless(text):
    """Whatever the text, there are offers or a PageError."""
    try:
        offers = parse_html("<" + text, URL, "s")
    except PageError:
        return
    assert all(offer.filename.endswith(".whl") for offer in offers)


@given(st.binary(max_size=300))
def test_any_bytes_as_json_are_harmless(body):
    """Whatever the bytes, there are offers or a PageError."""
    try:
        parse_page(body, "application/json", URL, "s")
    except PageError:
        return
