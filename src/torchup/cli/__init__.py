"""The command line: one file a verb (parse, call, render); this file only starts and catches."""

from __future__ import annotations

from torchup.cli.run import main

__all__ = ["main"]
