"""Advice on the driver: what a newer one would unlock, and how the present one can stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.versions import version_key
from torchup.compat.target import forward_compat_possible
from torchup.model import Notice, Plan, Reason, message
from torchup.plan.drivers import DriverAction, DriverOrder, driver_text, keep_text, place_of
from torchup.plan.notices import tell, warn
from torchup.plan.whatif import families, newer_driver_gives

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchup.plan.judge import Fit, Question


def last_branch(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    """That a family of GPUs gets no driver branch after its last one."""
    del best
    ended = [family for family in families(question) if family.last_branch]
    if not ended or not plan.uses_gpu or question.target.machine.jetson:  # JetPack brings its driver
        return
    yield warn(
        keep_text(
            place_of(question.target.machine),
            branch=min(family.last_branch or 0 for family in ended),
            family=", ".join(dict.fromkeys(family.name for family in ended)),
        )
    )


def driver_unlocks(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    """What a newer driver would make possible."""
    if not plan.uses_gpu or best.candidate.row.kind != "cuda" or question.target.machine.jetson:
        return
    if question.request.torch or question.request.variant:
        return
    if not any(r.reason == Reason.DRIVER for r in plan.rejected):
        return
    gives = newer_driver_gives(question)
    if gives is None or version_key(gives[1].torch) <= version_key(plan.build.torch):
        return
    order = DriverOrder(
        action=DriverAction.UPDATE,
        place=place_of(question.target.machine),
        branch=gives[0],
        exact=any(family.last_branch for family in families(question)),
        gives=gives[1].label,
    )
    text = driver_text(order)
    yield tell(message("plan.advice.unlock", "to use a newer build, {driver}", driver=text))


def driver_may_stay(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    """Administrators of servers often cannot change the driver; their GPUs have another way."""
    target = question.target
    if target.forward_compat or not forward_compat_possible(target.machine, question.catalog):
        return
    if not any(driver_unlocks(plan, best, question)):
        return
    gives = newer_driver_gives(question)
    if gives is not None and gives[1].driver is not None:
        yield tell(
            message(
                "plan.advice.compat-package",
                "to keep the driver, try NVIDIA's package cuda-compat-{cuda}: it can make newer builds run on "
                "this GPU if NVIDIA's forward-compatibility table lists the driver's branch",
                cuda=gives[1].driver.cuda.replace(".", "-"),
            )
        )


def assumed_driver(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    """That the driver is not known, and which one the plan assumes."""
    del plan
    driver = question.target.nvidia
    if question.target.machine.jetson:
        return
    if question.target.machine.sources.get("drivers") == "unsaid" and best.candidate.row.kind == "cuda" and driver:
        yield tell(
            message(
                "plan.advice.assumed-driver",
                "no NVIDIA driver was given, so the plan assumes one of branch {branch}; use --assume "
                "driver=VERSION to plan for another driver",
                branch=driver.version,
            )
        )


def forward_compat(plan: Plan, best: Fit, question: Question) -> Iterator[Notice]:
    """That the plan counts on NVIDIA's forward-compatibility libraries."""
    del plan
    driver = question.target.nvidia
    if question.target.forward_compat and best.candidate.row.kind == "cuda" and driver:
        yield tell(
            message(
                "plan.advice.forward-compat",
                "this machine uses the forward-compatibility libcuda (CUDA {cuda} with driver {driver}); without "
                "it, builds that need a newer driver do not work",
                cuda=question.target.cuda,
                driver=driver.version,
            )
        )
