"""`torchup results` as a person and a program meet it."""

from __future__ import annotations

import json

import pytest

from support.results import breakdown, result
from torchup.cli import main
from torchup.host import RealHost
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
    code, out, err = call(capsys, "compare", *runs, "--threshold", "5")
    assert code == 1
    assert out.count("slower") == 2
    assert "2 of 2 comparisons are slower by more than 5 %" in err
    assert call(capsys, "compare", *runs, "--threshold", "30%")[0] == 0


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
    ("arguments", "words"),
    [
        (("show", "nope"), "no run `nope`"),
        (("show", "latest"), "0 stored"),
        (("show", "missing/file.json"), "cannot be read"),
        (("compare", "article", "article:nope"), "no result nope"),
        (("compare", "article", "--threshold", "x"), "not a percentage"),
        (("frobnicate",), "No such command"),
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
    path = store.save(RealHost(), [result(evil, device_name=evil, notes=(evil,))])
    code, out, err = call(capsys, "show", path)
    assert code == 0
    assert not {"\x1b", "\x07", "\u202e"} & set(out + err)
