"""Which options a workload uses: every one that was given is used, or refused by name."""

from __future__ import annotations

import re

import pytest

from architecture.test_imports import PACKAGE
from torchup.bench import options
from torchup.bench.answers import Capabilities
from torchup.bench.request import BenchRequest
from torchup.bench.runner import find_workload
from torchup.bench.workloads import RECIPES, REGISTRY
from torchup.cli.bench import command
from torchup.errors import UsageError

WORKER = PACKAGE / "worker"
VALUES = {
    "recipes": ("default",), "devices": ("cpu",), "epochs": 3, "budget": 5.0, "repeats": 2, "precision": "bf16",
    "threads": 2, "data": "/data", "model": "resnet50", "batch": 8, "size": 64, "workers": 2, "images": 32,
    "profile": True, "sweep": {"threads": (1, 2)}, "until": 0.01,
}  # fmt: skip
OWN = sorted(VALUES.keys() - options.ALWAYS - options.ALONE)  # what only some workloads use
FIXED = next(recipe for recipe in RECIPES.values() if recipe.epochs)


def read_by(module):
    """The options that a module of the worker reads, and those that a workload reads which it hands the request to."""
    source = (WORKER / f"{module.replace('.', '/')}.py").read_text("utf-8")
    own = {name for name in OWN if re.search(rf"""request(?:\.get\(|\[)"{name}\"""", source)}
    return own.union(*(read_by(f"workloads.{other}") for other in re.findall(r"from workloads import (\w+)", source)))


def test_every_option_is_one_that_this_test_knows():
    """A new field of the request is an option with a value here, an argument, or no option at all."""
    assert set(BenchRequest.__struct_fields__) == {*VALUES, *options.ARGUMENTS, *options.INNER}
    assert {parameter.name for parameter in command.params} >= set(VALUES)


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("together", [False, True])
def test_an_option_is_used_or_refused(name, together):
    """For every workload and option: it is accepted, or the error names it and the hint what there is."""
    check, used = options.check_options, options.used(REGISTRY[name])
    if together:
        check, used = options.check_together, options.used_together(REGISTRY[name])
    for field, value in VALUES.items():
        request = BenchRequest(workload=name, **{field: value})
        if field in used:
            check(request, REGISTRY[name])
            continue
        with pytest.raises(UsageError) as refused:
            check(request, REGISTRY[name])
        assert options.spelled([field]) in str(refused.value.text)
        assert options.spelled(["devices"]) in str(refused.value.hint)


@pytest.mark.parametrize("name", REGISTRY)
def test_what_is_accepted_is_read(name):
    """The list of a workload's options is what its program reads: no more, which is ignored, and no less."""
    workload = REGISTRY[name]
    assert set(OWN) & options.used(workload) == read_by(workload.module)


def test_several_processes_read_what_they_accept():
    """The program of several processes reads every option that one of its workloads has there."""
    source = (WORKER / "distributed.py").read_text("utf-8")
    accepted = {name for workload in REGISTRY.values() for name in workload.distributed}
    shared = options.ALWAYS - {"devices", "repeats"}  # these are the parent's
    assert accepted
    assert [name for name in accepted | shared if f'request.get("{name}")' not in source] == []


def test_all_that_is_wrong_is_named_at_once():
    """Two options that a workload lacks stand in one error."""
    with pytest.raises(UsageError, match="--data, --epochs"):
        options.check_options(BenchRequest(workload="matmul", data="/d", epochs=1), REGISTRY["matmul"])


@pytest.mark.parametrize(
    ("workload", "given", "words"),
    [
        ("mnist", {"batch": 64, "sweep": {"batch": (64, 128)}}, "--batch cannot be combined with --sweep"),
        ("images", {"data": "/d", "images": 32}, "--images cannot be combined with --data"),
        ("mnist", {"recipes": (FIXED.name,), "epochs": FIXED.epochs + 1}, "only with 2 epochs"),
    ],
)
def test_what_another_option_overrides_is_refused(workload, given, words):
    """Of two options for one thing neither is dropped in silence."""
    with pytest.raises(UsageError, match=words):
        options.check_options(BenchRequest(workload=workload, **given), REGISTRY[workload])


@pytest.mark.parametrize("recipes", [("script", FIXED.name), (FIXED.name,)])
def test_a_training_of_its_own_length_stands_beside_others(recipes):
    """The number of epochs is that of the other recipes, or the same number."""
    epochs = FIXED.epochs + (len(recipes) > 1)
    options.check_options(BenchRequest(recipes=recipes, epochs=epochs), REGISTRY["mnist"])


def test_the_length_of_a_training_is_written_once():
    """The list of recipes has the number of epochs that the program trains."""
    source = (WORKER / f"{FIXED.module.replace('.', '/')}.py").read_text("utf-8")
    assert f"EPOCHS = {FIXED.epochs}\n" in source


def test_a_plugin_gets_what_the_page_promises():
    """`docs/how-to/extend.md` names what is in the request: these options are accepted for a workload of a plugin."""
    page = (PACKAGE.parents[1] / "docs" / "how-to" / "extend.md").read_text("utf-8")
    promised = re.search(r"the request holds ([\w, ]+)\.", page)[1].split(", ")
    plugin = find_workload("attention", Capabilities(torch="2", python="3", devices=(), workloads=("attention",)))
    assert set(promised) <= {*options.used(plugin), "device"}
    options.check_options(BenchRequest(workload="attention", epochs=2, data="/d"), plugin)
    with pytest.raises(UsageError):
        options.check_options(BenchRequest(workload="attention", images=20), plugin)


@pytest.mark.parametrize("field", OWN)
def test_the_help_names_who_uses_an_option(field):
    """The text of an option that only some workloads use names exactly these."""
    said = next(parameter.help for parameter in command.params if parameter.name == field)
    words = set(re.findall(r"[\w-]+", said))
    users = {name for name, workload in REGISTRY.items() if field in options.used(workload)}
    others = {"images", "run"}  # which are words of the sentences, too
    assert {name for name in REGISTRY if name in words} - others == users - others
    assert users <= words


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize(
    "check", [(options.used, options.check_options), (options.used_together, options.check_together)]
)
def test_a_setting_is_never_refused(name, check):
    """What a variable or a file says holds for every workload: where it is not used it is left out, and only there."""
    workload, (use, ask) = REGISTRY[name], check
    for field, value in VALUES.items():
        request = BenchRequest(workload=name, **{field: value})
        kept = options.without_idle(request, use(workload), ())
        ask(kept, workload)
        assert (kept == request) == (field in use(workload))
        assert options.without_idle(request, use(workload), {field}) == request


@pytest.mark.parametrize(
    ("given", "dropped"),
    [({"threads": 2, "sweep": {"threads": (1, 2)}}, "threads"), ({"epochs": 9, "recipes": (FIXED.name,)}, "epochs")],
)
def test_what_was_typed_beats_a_setting(given, dropped):
    """A sweep or a recipe of the command line takes the place of what a setting says of the same thing."""
    request = BenchRequest(**given)
    kept = options.without_idle(request, options.used(REGISTRY["mnist"]), given.keys() - {dropped})
    options.check_options(kept, REGISTRY["mnist"])
    assert getattr(kept, dropped) is None
