"""A wheel of torch that is not there: the hint names what is."""

from __future__ import annotations

import pytest

from support.sources import IsolatedHost
from torchup.errors import UsageError
from torchup.model import Offer
from torchup.sources.find_links import list_folder
from torchup.sources.index_client import PageRequest
from torchup.sources.wheel_find import MOST_NAMED, _chosen, pinned


def offer(version, variant=None, platform="manylinux_2_28_x86_64"):
    """A wheel for Python 3.12."""
    return Offer(package="torch", version=version, variant=variant, python_tag="cp312", abi_tag="cp312",
                 platform_tags=(platform,), filename="x.whl", url="https://x.example/x.whl", source="x")  # fmt: skip


OFFERS = [offer(f"2.{minor}.0", variant) for minor in range(5, 16) for variant in ("cpu", "cu126")]


@pytest.mark.parametrize(
    ("named", "platform", "python", "hint"),
    [
        ("torch==9.9.9", "linux_x86_64", None, "2.15.0+cu126, 2.15.0+cpu"),
        ("torch==2.15.0+cu999", "linux_x86_64", None, "2.15.0+cu126, 2.15.0+cpu"),
        ("torch==2.15.0", "macos_arm64", None, "--platform: linux_x86_64"),
        ("torch==2.15.0", "linux_x86_64", "3.9", "3.12"),
    ],
)
def test_a_hint_names_what_can_be_chosen(named, platform, python, hint):
    """Builds if the version is unknown, platforms or Pythons if it is known; never a dash, and never a long list."""
    with pytest.raises(UsageError) as caught:
        _chosen(OFFERS, pinned(named), platform, python, None)
    said = str(caught.value.hint)
    assert hint in said
    assert "-" not in said.partition(": ")[2].split(", ")
    assert said.count(",") < MOST_NAMED


@pytest.mark.parametrize(("place", "code"), [("missing.whl", "sources.no-wheel"), ("missing", "sources.no-folder")])
def test_a_place_of_wheels_that_is_missing_is_named_for_what_it_was(tmp_path, place, code):
    """A wheel is not called a folder."""
    request = PageRequest(source="find-links", url=str(tmp_path / place))
    listing = list_folder(IsolatedHost(tmp_path), request)
    assert listing is not None
    assert listing.problem is not None
    assert listing.problem.code == code
