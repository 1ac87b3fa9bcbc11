"""Rules of other packages: found by entry point, run behind torchup's own, told when they do not work."""

from __future__ import annotations

import json
import sys

import pytest

from torchup.cli import main
from torchup.doctor.plugins import plugin_rules
from torchup.host import RealHost

MODULE = '''
from torchup.doctor.rule import Found, Rule
from torchup.model import Remedy, Severity, message


def module_not_loaded(facts, compat):
    """The module `cuda` is not loaded.

    On our nodes libcuda comes with it.
    """
    if "module: cuda" not in facts.text:
        return None
    return Found(
        summary=message("our.module", "the module cuda is not loaded"),
        remedy=Remedy(text=message("our.module.fix", "load it"), commands=(("module", "load", "cuda"),)),
    )


def raises(facts, compat):
    raise RuntimeError("no such node")


def says_text(facts, compat):
    return "broken"


def rule(slug, check=module_not_loaded):
    return Rule(slug=slug, family="site", severity=Severity.ERROR, check=check)


ONE = rule("our-module")
SEVERAL = (rule("our-module"), rule("our-raising", raises), rule("our-texts", says_text))
TAKEN = rule("driver-too-old")
NAMELESS = rule("Our Rule!")
NO_RULE = 42
'''


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package whose entry point names one object of `MODULE`."""
    folder = tmp_path / "site-packages"

    def write(target: str) -> None:
        information = folder / "our_cluster-1.0.dist-info"
        information.mkdir(parents=True)
        (folder / "our_cluster_rules.py").write_text(MODULE)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: our-cluster\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[torchup.rules]\nours = {target}\n")
        monkeypatch.syspath_prepend(folder)

    yield write
    sys.modules.pop("our_cluster_rules", None)


@pytest.fixture
def report(tmp_path):
    """A report that only the package's rule understands."""
    path = tmp_path / "report.txt"
    path.write_text("PyTorch version: 2.13.0+cpu\nIs CUDA available: False\nmodule: cuda\n")
    return str(path)


def test_a_packages_rule_finds_what_only_it_knows(install, report, capsys):
    """A finding of another package's rule is the primary one, with its remedy, and makes exit 1."""
    install("our_cluster_rules:ONE")
    assert main(["doctor", "--report", report, "--json"]) == 1
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["primary"] == "our-module"
    assert data["findings"][0]["remedy"]["commands"] == [["module", "load", "cuda"]]


def test_a_packages_rules_are_listed_chosen_and_explained(install, report, capsys):
    """`--list`, `--ignore` and `explain` know a package's rules as they know torchup's."""
    install("our_cluster_rules:ONE")
    assert main(["doctor", "--list"]) == 0
    assert "our-module" in capsys.readouterr().out
    assert main(["doctor", "--report", report, "--ignore", "our-"]) == 0
    capsys.readouterr()
    assert main(["explain", "our-module"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("our-module: The module `cuda` is not loaded.")
    assert "libcuda comes with it" in out


def test_a_packages_rule_that_breaks_is_a_crash_and_the_others_go_on(install, report, capsys):
    """Raising, or giving back what is no finding, is that rule's outcome and nobody else's."""
    install("our_cluster_rules:SEVERAL")
    assert main(["doctor", "--report", report, "--json"]) == 1
    data = json.loads(capsys.readouterr().out)["data"]
    outcomes = {outcome["rule"]: outcome for outcome in data["outcomes"]}
    assert data["primary"] == "our-module"
    assert outcomes["our-raising"]["status"] == outcomes["our-texts"]["status"] == "crash"
    assert "no such node" in outcomes["our-raising"]["detail"]
    assert "gave str" in outcomes["our-texts"]["detail"]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("our_cluster_rules:TAKEN", "there is a rule driver-too-old already"),
        ("our_cluster_rules:NAMELESS", "is not a rule's name"),
        ("our_cluster_rules:NO_RULE", "int is not a torchup.doctor.rule.Rule"),
        ("our_cluster_rules:MISSING", "AttributeError"),
        ("our_cluster_nowhere:ONE", "ModuleNotFoundError"),
    ],
)
def test_a_rule_that_cannot_be_used_is_left_out_with_a_notice(install, report, capsys, target, says):
    """What does not load, is no rule, or takes a name that is taken, is told; the doctor goes on."""
    install(target)
    assert main(["doctor", "--report", report, "--json"]) == 0
    notices = json.loads(capsys.readouterr().out)["messages"]
    assert any(says in notice["text"] and "our-cluster" in notice["text"] for notice in notices)


def test_the_current_folder_brings_no_rules(install, tmp_path, monkeypatch):
    """A cloned project that looks like an installed package is not asked."""
    install("our_cluster_rules:ONE")
    (tmp_path / "site-packages").rename(tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setattr(sys, "path", ["", str(tmp_path / "project"), *sys.path])
    assert plugin_rules(RealHost()).rules == ()
