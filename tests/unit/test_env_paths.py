"""Paths of environments, in the spelling of the system they are for."""

from __future__ import annotations

import pytest

from torchup.envs.paths import join, split


@pytest.mark.parametrize("path", ["/nope", "/srv/envs/lab", "C:\\Users\\me\\lab"])
def test_a_path_taken_apart_and_joined_is_the_same(path):
    """Also where the folder above is the root."""
    assert join(*split(path)) == path


@pytest.mark.parametrize("root", ["/", "//"])
def test_the_root_stays_the_root(root):
    """Nothing joined to it leaves it as it is."""
    assert join(root) == "/"
