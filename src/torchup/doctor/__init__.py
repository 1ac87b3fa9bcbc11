"""The doctor: facts in, one root cause out. `diagnose` is pure; facts come from a report or a live environment."""

from torchup.doctor.engine import diagnose
from torchup.doctor.facts import Facts

__all__ = ["Facts", "diagnose"]
