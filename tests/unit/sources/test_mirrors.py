"""The table of mirrors holds what it promises."""

from __future__ import annotations

import pytest

from torchup.errors import UsageError
from torchup.model import Build, Plan, Source
from torchup.privacy import Purpose, redact
from torchup.sources.mirrors import find_mirror, load_mirrors, mirror_of, suggested


def test_every_row_is_usable():
    """Names are unique, addresses are https, PyTorch's hold {variant}, every part names its source."""
    mirrors = load_mirrors().mirror
    assert len({mirror.name for mirror in mirrors}) == len(mirrors)
    for mirror in mirrors:
        parts = [part for part in (mirror.pytorch, mirror.pypi, mirror.conda, mirror.miniforge) if part]
        assert parts, mirror.name
        assert all(part.url.startswith("https://") and part.source for part in parts)
        assert mirror.pytorch is None or "{variant}" in mirror.pytorch.url
        assert not (mirror.pytorch and mirror.lacks_pytorch)


def test_tsinghua_has_no_pytorch_wheels():
    """The commonest wrong advice: TUNA mirrors PyPI and conda, not PyTorch's index."""
    tuna = find_mirror("TUNA")
    assert tuna.pytorch is None
    assert "#1050" in tuna.lacks_pytorch


def test_only_mirrors_with_wheels_are_suggested():
    """The hint names mirrors that can help, for the language alone."""
    assert {mirror.name for mirror in suggested("zh_CN.UTF-8")} == {"nju", "sjtu", "aliyun"}
    assert suggested("en_US.UTF-8") == suggested("") == ()


def test_an_address_becomes_a_mirror_of_its_own():
    """{variant} or a variant at the end mean PyTorch's wheels only; anything else may hold everything."""
    assert find_mirror("https://m/whl/{variant}").pypi is None
    assert find_mirror("https://m/whl/cu126").pypi is None
    assert find_mirror("https://m/simple").pypi is not None
    assert "secret" not in find_mirror("https://u:secret@m/simple").title


def test_an_unknown_name_lists_the_known():
    """The hint helps when nothing is close."""
    with pytest.raises(UsageError) as caught:
        find_mirror("qqqqqqq")
    assert "nju" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://u:p@h/x?a=1@2", "see https://h/x?<secret>"),
        ("https://token@h", "https://h"),
        ("https://h/p@th", "https://h/p@th"),
        ("a https://u:p@h and http://v:q@i", "a https://h and http://i"),
    ],
)
def test_credentials_are_taken_out_of_any_text(text, shown):
    """Only what stands before the host's @ is taken."""
    assert redact(text, Purpose.SHOW) == shown


@pytest.mark.parametrize(
    ("name", "url", "variant", "mirror"),
    [
        ("mirror:nju:cu126", "https://mirrors.nju.edu.cn/pytorch/whl/cu126", "cu126", "nju"),
        ("mirror:h:8080:cu126", "http://h:8080/whl/cu126", "cu126", "http://h:8080/whl/{variant}"),
        ("mirror:h", "https://h/simple", None, "https://h/simple"),
        ("pytorch-index:cu126", "https://download.pytorch.org/whl/cu126", "cu126", None),
    ],
)
def test_the_mirror_of_a_plan_can_be_asked_again(name, url, variant, mirror):
    """An update goes the way of the installation: by name where the mirror has one, else by its address."""
    source = Source(name=name, url=url, variant=variant)
    plan = Plan(build=Build(torch="2.14.1", variant="cu126", source=name), python="3.12", sources=(source,))
    assert mirror_of(plan) == mirror


def test_official_is_no_mirror_but_a_way_back():
    """`--mirror official` asks the originals although a setting names a mirror."""
    assert find_mirror("Official").pytorch.url.startswith("https://download.pytorch.org")
