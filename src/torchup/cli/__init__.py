"""The command line: one file a verb (parse, call, render); this file only starts and catches."""

from __future__ import annotations

import gc

# Imports and tables make 100,000 objects that stay; to look through them again and again takes a tenth of a short run.
gc.set_threshold(50_000)

from torchup.cli.run import main  # noqa: E402  # the threshold is for the imports too

__all__ = ["main"]
