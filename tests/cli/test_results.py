"""`torchup results` as a person and a program meet it."""

from __future__ import annotations

import json

import pytest

from support.results import breakdown, result
from torchup.cli import main
from torchup.host import RealHost
from torchup.i18n.sentences import raised
from torchup.results import store


@pytest.fixture
def runs():
    """Two stored runs: a ladder, and the same a fifth slower."""
    host = RealHost()
    samples = (0.99, 1.0, 1.0, 1.0, 1.01)

    def ladder(factor):
        parts = breakdown(input=80 * factor, transfer=1.0, launch=4.0, compute=14.0, other=1.0)
        return [
            result("script", 100 * factor, repeats=tuple(100 * factor * s for s in samples), breakdown=parts),
            result("resident", 25 * factor, repeats=tuple(25 * factor * s for s in samples)),
        ]

    store.save(host, ladder(1.0))
    listing = store.list_runs(host)
    store.save(host, ladder(1.2))
    new = [run for run in store.list_runs(host).runs if run not in listing.runs]
    return [listing.runs[0].id, new[0].id]


def call(capsys, *arguments):
    """Run one command line: exit code, stdout, stderr."""
    code = main(["results", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_list_without_runs_says_how_to_make_one(capsys):
    """An empty store is no error."""
    code, out, err = call(capsys, "list")
    assert (code, err) == (0, "")
    assert "torchup bench" in out


def test_list_shows_runs_and_reports_broken_files(capsys, runs):
    """Runs on stdout, the file that cannot be read on stderr, exit code 0."""
    host = RealHost()
    host.write_text(f"{store.folder(host)}/bad.json", "no json")
    code, out, err = call(capsys, "list")
    assert code == 0
    assert all(run in out for run in runs)
    assert "bad.json is not a readable result file" in err


def test_show_has_the_ladder_the_bars_and_the_article(capsys, runs):
    """Recipes slowest first with speed-ups, where the time went, and the published devices as ratios."""
    code, out, _ = call(capsys, "show", runs[0])
    assert code == 0
    assert out.index("script") < out.index("resident")
    for part in ("4.00x", "98.20 %", "Where the time went", "not measured by torchup", "RTX 3070 Ti", "1.10x"):
        assert part in out


def test_show_json_is_the_run(capsys, runs):
    """The JSON answer holds the whole run and nothing else is on stdout."""
    code, out, _ = call(capsys, "show", runs[0], "--json")
    document = json.loads(out)
    assert (code, document["status"], document["data"]["id"]) == (0, "ok", runs[0])
    assert document["data"]["results"][0]["recipe"] == "script"


def test_compare_finds_the_regression(capsys, runs):
    """A fifth slower past a threshold of five per cent is exit code 1, without a threshold it is 0."""
    assert call(capsys, "compare", *runs)[0] == 0
    code, out, err = call(capsys, "compare", *runs, "--threshold", "5%")
    assert code == 1
    assert out.count("slower") == 4  # the ratio and the verdict of each
    assert "results slower by more than 5 %: 2 of 2" in err
    assert call(capsys, "compare", *runs, "--threshold", "0.3")[0] == 0


def test_compare_two_recipes_of_one_run(capsys, runs):
    """Naming a recipe on both sides compares them although they are different ones."""
    code, out, _ = call(capsys, "compare", f"{runs[0]}:script", f"{runs[0]}:resident", "--json")
    comparison = json.loads(out)["data"]["comparisons"][0]
    assert code == 0
    assert (comparison["verdict"], round(comparison["ratio"], 2)) == ("faster", 4.0)


def test_other_precision_is_refused(capsys, runs):
    """Another precision is another measurement: exit code 2, and what differs is named."""
    path = store.save(RealHost(), [result(precision="bf16")])
    code, _, err = call(capsys, "compare", runs[0], path)
    assert code == 2
    assert "precision" in err
    assert call(capsys, "compare", runs[0], path, "--across", "precision")[0] == 0


@pytest.mark.parametrize(
    ("other", "part", "words"),
    [
        (result(workload="gpt"), "", ("have no workload in common: mnist and gpt", "runs of the same workload")),
        (result(workload="gpt"), ":script", ("have no workload in common", "runs of the same workload")),
        (result("graph"), "", ("have no recipe in common", "compare RUN:RECIPE RUN:RECIPE")),
    ],
)
def test_sides_without_a_pair_say_what_they_do_not_share(capsys, runs, other, part, words):
    """Recipes that were named are never the reason, and the hint changes only what keeps the sides apart."""
    path = store.save(RealHost(), [other])
    code, _, err = call(capsys, "compare", f"{runs[0]}{part}", f"{path}{part}")
    assert code == 2
    assert all(word in " ".join(err.split()) for word in words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "nope"), "no run `nope`"),
        (("show", "latest"), "number of runs measured on this machine: 0"),
        (("show", "missing/file.json"), "cannot be read"),
        (("compare", "article", "article:nope"), "nothing in run article matches nope\n"),
        (("compare", "article", "article:script@tpu"), "choose one of the devices measured: "),
        (("compare", "article", "article:nope@tpu"), "choose one of the run's recipes: "),
        (("compare", "article", "article"), "compared with itself"),
        (("compare", "article", "--threshold", "x"), "neither a share"),
        (("compare", "article", "--threshold", "5"), "is neither a share from 0 to 1"),
        (("compare", "article", "--threshold", "-1%"), "neither a share"),
        (("frobnicate",), "there is no command `torchup results frobnicate`"),
    ],
)
def test_wrong_input_is_exit_code_2(capsys, arguments, words):
    """A sentence, a hint, no traceback."""
    code, out, err = call(capsys, *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def test_a_file_cannot_steer_the_terminal(capsys):
    """Escape sequences in a result file are shown without effect."""
    evil = "\x1b]0;owned\x07\x1b[31mred\u202e"
    path = store.save(RealHost(), [result(evil, device_name=evil, notes=(raised(evil),))])
    code, out, err = call(capsys, "show", path)
    assert code == 0
    assert not {"\x1b", "\x07", "\u202e"} & set(out + err)


def test_report_writes_one_page(capsys, runs, tmp_path):
    """The file is there, holds the run and the published times, and stdout says where it is."""
    file = tmp_path / "with space" / "report.html"
    code, out, _ = call(capsys, "report", "--html", str(file), *runs)
    assert code == 0
    assert str(file) in out
    text = file.read_text("utf-8")
    assert all(run in text for run in runs)
    assert "RTX 3070 Ti" in text
    assert call(capsys, "report", "--no-baseline", "--html", str(file))[0] == 0
    assert "RTX 3070 Ti" not in file.read_text("utf-8")


def test_export_and_import_round_trip(capsys, runs, tmp_path, monkeypatch):
    """What one machine exports another takes in, once."""
    file = tmp_path / "run.json"
    assert call(capsys, "export", runs[0], "-o", str(file))[0] == 0
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "elsewhere"))
    code, out, err = call(capsys, "import", str(file))
    assert (code, "results: 2" in out) == (0, True)
    assert "does not say which code measured it" in err
    assert "is already stored" in call(capsys, "import", str(file))[1]
    assert call(capsys, "show", runs[0])[0] == 0


def test_import_refuses_a_polished_file(capsys, runs, tmp_path):
    """A median that is not that of the samples is exit code 2; `--force` keeps it with its warning."""
    document = json.loads(call(capsys, "export", runs[0])[1])
    document["run"]["results"][0]["median"] = 1.0
    document["run"]["results"][0]["ci95"] = [1.0, 1.0]
    file = tmp_path / "polished.json"
    file.write_text(json.dumps(document), "utf-8")
    code, _, err = call(capsys, "import", str(file))
    assert code == 2
    assert "failed validation" in err
    code, out, err = call(capsys, "import", str(file), "--force")
    assert (code, "saved as run imported-" in out) == (0, True)
    assert "its median does not match its repeats" in err


def test_exports_in_other_formats(capsys, runs):
    """CSV has a header and a line a result, Markdown a table."""
    lines = call(capsys, "export", runs[0], "--format", "csv")[1].splitlines()
    assert lines[0].startswith("run,created_at,workload,recipe")
    assert len(lines) == 3
    assert "| Recipe | Device |" in call(capsys, "export", runs[0], "--format", "md")[1]


def test_an_unwritable_file_is_a_sentence(capsys, runs, tmp_path):
    """A path below a file cannot be written: exit code 2."""
    (tmp_path / "file").write_text("")
    for arguments in (("export", runs[0], "-o"), ("report", runs[0], "--html")):
        code, _, err = call(capsys, *arguments, str(tmp_path / "file" / "x"))
        assert code == 2
        assert "cannot be written" in err


def test_runs_that_a_budget_cut_short_are_shown_for_the_same_epochs(capsys):
    """A ladder never sets two epochs beside ten."""
    host = RealHost()
    path = store.save(host, [result("script", 100.0), result("resident", 5.0, parameters={"epochs": 2})])
    out = call(capsys, "show", path)[1]
    assert "number of epochs: 10" in out
    assert "25.0 s" in out
    assert "2 epochs" in out
    assert "4.00x" in out
