"""Packages around torch: which wheel goes with which torch, and why. Pure."""

from torchup.compat.packages.choice import ask, choose, conflict
from torchup.compat.packages.match import close_names, match, match_one
from torchup.compat.packages.values import Axis, By, Failed, Fit, Match, Nearest, Status, Wish

__all__ = [
    "Axis",
    "By",
    "Failed",
    "Fit",
    "Match",
    "Nearest",
    "Status",
    "Wish",
    "ask",
    "choose",
    "close_names",
    "conflict",
    "match",
    "match_one",
]
