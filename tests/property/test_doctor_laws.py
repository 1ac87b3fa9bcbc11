"""Laws of the doctor over golden and recorded machines: its cure is the plan, and what is planned is not blamed."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from golden.machines import GROUPS
from support.facts import sign
from support.remedies import facts_with_wrong_build, one_python, read_back
from torchup.catalog import load_catalog
from torchup.catalog.types import kind_of
from torchup.catalog.versions import cuda_of
from torchup.doctor import diagnose
from torchup.doctor.cause import CURED_BY_PLAN
from torchup.doctor.facts import Package, Torch
from torchup.doctor.fix import kind_of_remedy
from torchup.doctor.remedy import WISHES
from torchup.doctor.signatures import load_signatures
from torchup.encoding import from_builtins
from torchup.errors import TorchupError
from torchup.model import Machine, Request, Severity
from torchup.plan import resolve

CATALOG = load_catalog()
RECORDED = sorted((Path(__file__).parents[1] / "machines").glob("*/expected.json"))
MACHINES = {case.name: case.machine for group in GROUPS.values() for case in group()} | {
    path.parent.name: from_builtins(json.loads(path.read_text("utf-8")), Machine) for path in RECORDED
}
FEW = sorted(MACHINES)[::9]  # for what is asked of every message


@functools.cache
def planned(name):
    """The plan of a machine; ``None``: nothing fits."""
    try:
        return resolve(one_python(MACHINES[name]), Request(), CATALOG)
    except TorchupError:
        return None


def wrong(name):
    """Facts of the machine with a torch of years ago for the processor."""
    return facts_with_wrong_build(one_python(MACHINES[name]))


def right(name, **torch):
    """Facts of the machine with the planned build."""
    plan, facts = planned(name), wrong(name)
    build = plan.build
    kind = kind_of(build.variant)
    known = Torch(
        installed=True,
        version=build.torch,
        local=build.variant,
        variant=build.variant,
        cuda=cuda_of(build.variant) if kind == "cuda" else None,
        hip=build.variant.removeprefix("rocm") if kind == "rocm" else None,
        xpu_built=kind == "xpu",
        **torch,
    )
    companions = {name: version for name, version in build.companions.items() if version}
    packages = tuple(
        Package(name=name, version=version) for name, version in ({"torch": build.torch} | companions).items()
    )
    python = replace(
        facts.python,
        version=plan.python.removesuffix("t"),
        bits=64,
        arch="arm64" if MACHINES[name].translated else MACHINES[name].arch,
        path=None,
    )
    return replace(facts, torch=known, packages=packages, python=python)


def blamed(diagnosis):
    """Error-level findings whose cure is another build."""
    return [f for f in diagnosis.findings if f.severity is Severity.ERROR and kind_of_remedy(f.rule) in CURED_BY_PLAN]


@pytest.mark.parametrize("name", MACHINES)
def test_the_cure_of_a_wrong_build_is_the_plan(name):
    """Whatever cause is named, a remedy that installs torch installs what `torchup plan` chooses for the machine."""
    plan = planned(name)
    for finding in diagnose(wrong(name)).findings:
        installs = read_back(finding.remedy).torch if finding.remedy else None
        if installs is None or kind_of_remedy(finding.rule) not in CURED_BY_PLAN:
            continue
        assert plan is not None, finding.rule
        assert installs.partition("+")[0] == plan.build.torch, finding.rule
        if not any(source.kind == "file" for source in plan.sources):  # NVIDIA labels its file with a commit
            assert installs.partition("+")[2] in {"", plan.build.variant}, finding.rule


@pytest.mark.parametrize("available", [None, False])
@pytest.mark.parametrize("name", [name for name in MACHINES if planned(name)])
def test_a_build_that_is_planned_is_never_blamed(name, available):
    """The planned build is there, and torch does not reach the GPU: whatever it is, another build is no cure."""
    assert blamed(diagnose(right(name, cuda_available=available))) == []


@pytest.mark.parametrize("name", [name for name in MACHINES if planned(name)])
def test_a_remedy_that_was_applied_leaves_nothing_to_do(name):
    """After the cure of a wrong build no cause of the first diagnosis that a build cures fires again."""
    before = {finding.rule for finding in blamed(diagnose(wrong(name)))}
    after = {finding.rule for finding in blamed(diagnose(right(name)))}
    assert not before & after
    assert not after


@pytest.mark.parametrize("row", load_signatures(), ids=lambda row: row.code)
def test_no_evidence_satisfies_its_own_remedy(row):
    """Beside any message of a program: a remedy never asks for the build that is there already."""
    for name in FEW:
        if planned(name) is None:
            continue
        facts = replace(right(name), signs=(sign(row.code),))
        for finding in diagnose(facts).findings:
            if finding.remedy is None or kind_of_remedy(finding.rule) not in CURED_BY_PLAN:
                continue
            installs = read_back(finding.remedy).torch
            there = {facts.torch.version, f"{facts.torch.version}+{facts.torch.variant}"}
            assert installs not in there, (name, finding.rule)


def test_the_kinds_that_install_are_those_that_can_be_repaired():
    """`--fix` and the laws above speak of the same kinds."""
    assert set(WISHES) >= CURED_BY_PLAN
