"""Installations that use no cache and no home but their test's; import `own_caches` to have it in every test."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_caches(monkeypatch, tmp_path):
    """No cache but this test's is used, and pip keeps none."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "home"))
