"""`torchup doctor --fix`: repair what lies inside the environment; print what lies outside of it."""

from __future__ import annotations
