"""The help of `torchup bench`: its workloads with the options of each, and its recipes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.bench.options import spelled, used
from torchup.bench.workloads import ALONE, RECIPES, REGISTRY, Workload, recipe_summary
from torchup.cli.verb import Verb
from torchup.i18n import render, text

if TYPE_CHECKING:
    import click


class BenchVerb(Verb):
    """`torchup bench`; its help lists workloads and recipes above the examples."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the lists, then the examples."""
        with formatter.section(text("bench.help.workloads", "Workloads")):
            formatter.write_dl([(name, _described(workload)) for name, workload in REGISTRY.items()])
        with formatter.section(text("bench.help.recipes", "Recipes")):
            formatter.write_dl([(name, render(recipe_summary(name))) for name in RECIPES if name not in ALONE])
        super().format_epilog(ctx, formatter)


def _described(workload: Workload) -> str:
    """What a workload measures, its options beside those of every workload, and its recipes where it has several."""
    parts, own = [render(workload.summary)], used(workload) - used(Workload(name=workload.name))
    if own:
        parts.append(text("bench.help.options", "options: {options}", options=spelled(own)))
    if workload.recipes != ALONE:
        parts.append(text("bench.help.recipes-of", "recipes: {recipes}", recipes=", ".join(workload.recipes)))
    return "; ".join(parts)


def takers(option: str) -> str:
    """The workloads that use an option, in the order of the list."""
    return ", ".join(name for name, workload in REGISTRY.items() if option in used(workload))
