"""The golden plans: what the planner says of each machine, held word by word; `--update-golden` rewrites them."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden.machines import GROUPS
from torchup.catalog import load_catalog
from torchup.errors import TorchupError
from torchup.model import InstallerName, Request
from torchup.plan import resolve

FOLDER = Path(__file__).parent / "plans"
CATALOG = load_catalog()
HARD = list(GROUPS["hard"]()) + [case for case in GROUPS["requests"]() if case.build]


def request_of(case):
    """The request of a case."""
    wish = dict(case.request)
    if "installer" in wish:
        wish["installer"] = InstallerName(wish["installer"])
    return Request(**wish)


def outcome(case):
    """The plan, or the error."""
    try:
        return resolve(case.machine, request_of(case), CATALOG)
    except TorchupError as error:
        return error


def written(case):
    """A case as the golden files have it."""
    found = outcome(case)
    lines = [f"## {case.name}", f"expert: {case.expert}"]
    if isinstance(found, TorchupError):
        lines += [f"error: {type(found).__name__} (exit {int(found.exit_code)}): {found.text}", f"hint: {found.hint}"]
        return "\n".join(lines)
    build = found.build
    lines.append(f"build: {build.label}  python {found.python}  gpu {'yes' if found.uses_gpu else 'no'}")
    lines.append(f"from: {build.source}  {build.index_url}")
    lines.append(f"packages: {' '.join(found.packages)}")
    lines += [f"covered: {found.covered_gpus}"] if len(case.machine.gpus) > 1 else []
    lines += [f"left out: {found.uncovered_gpus}"] if found.uncovered_gpus else []
    lines += [f"missing: {' '.join(found.missing_companions)}"] if found.missing_companions else []
    lines += [f"why: {reason}" for reason in found.why]
    lines += [f"{notice.level}: {notice.text}" for notice in found.advice]
    lines.append(f"rejected: {len(found.rejected)}")
    lines += [f"  {r.torch}+{r.variant}  {r.reason.value}: {r.detail}" for r in found.rejected[:3]]
    return "\n".join(lines)


@pytest.mark.parametrize("group", GROUPS)
def test_golden(group, request):
    """Every plan of a group is the recorded one."""
    text = "\n\n".join(written(case) for case in GROUPS[group]()) + "\n"
    path = FOLDER / f"{group}.txt"
    if request.config.getoption("--update-golden"):
        path.write_text(text, "utf-8")
    recorded = path.read_text("utf-8").split("\n\n")
    for now, then in zip(text.split("\n\n"), recorded, strict=True):
        assert now == then


def test_there_are_at_least_two_hundred():
    """The table is broad, and no machine is in it twice."""
    names = [f"{group}/{case.name}" for group, make in GROUPS.items() for case in make()]
    assert len(names) == len(set(names))
    assert len(names) >= 200


@pytest.mark.parametrize("case", HARD, ids=lambda case: case.name)
def test_expert(case):
    """What an expert wrote by hand for a hard machine holds, whatever the recorded plans say."""
    found = outcome(case)
    if case.build == "none":
        assert isinstance(found, TorchupError), found.build
        assert (case.hint or "") in str(found.hint)
        return
    assert not isinstance(found, TorchupError), (found.text, found.hint)
    assert found.build.label == case.build
    assert set(case.advice) <= {notice.code for notice in found.advice}


def test_the_comparison_page_is_of_this_planner():
    """The page that compares torchup with other tools shows what torchup says today (the script rewrites it)."""
    page = (Path(__file__).parents[2] / "docs" / "explanation" / "selection.md").read_text("utf-8")
    cases = {case.name: case for case in GROUPS["hard"]()}
    rows = [
        line.split(" | ") for line in page.splitlines() if line.startswith("| ") and line[2:].split(" ")[0] in cases
    ]
    assert len(rows) >= 30
    for name, shown, *_ in rows:
        found = outcome(cases[name.removeprefix("| ")])
        assert shown == ("none" if isinstance(found, TorchupError) else found.build.label)
