"""The text reports say what their values hold, each value in its place; nothing is invented for what is unknown."""

from __future__ import annotations

import math

import msgspec
import pytest

from support.plan_machines import machine, nvidia
from support.results import breakdown, limit, result, run
from torchup.bench.compare import Comparison, Difference, Refusal, Report, Side
from torchup.catalog import load_catalog
from torchup.model import Change, Environment, InstallerName, Notice, Request, Rung, Said, Verification, message
from torchup.plan import resolve
from torchup.report import numbers
from torchup.report.bench_text import advice, bench_text, limits, programs, shortened
from torchup.report.catalog_text import catalog_text
from torchup.report.columns import beside
from torchup.report.env_text import changes_text, show_text, torch_label
from torchup.report.results_text import compare_text, heading, results_text
from torchup.report.style import Style, paint
from torchup.report.up_text import up_text

CATALOG = load_catalog()
STYLE = Style(width=200)
ASCII = Style(width=200, unicode=False)
ENVIRONMENT = Environment(name="default", path="/data/envs/default", python="3.12.3", torch="2.15.0", variant="cu132")
VERIFICATION = Verification(
    passed=True, rungs=(Rung(name="import", status="pass", seconds=1.0), Rung(name="jit", status="skip"))
)


def a_plan(**changes):
    """The plan for a current machine."""
    target = machine("linux", nvidia("NVIDIA GeForce RTX 4090", "8.9", 24), driver="610.43.02")
    return msgspec.structs.replace(resolve(target, Request(), CATALOG), **changes)


def up(**changes):
    """The report of `up` with these arguments changed."""
    arguments = {
        "plan": a_plan(), "environment": ENVIRONMENT, "verification": VERIFICATION, "results": (), "baseline": None,
        "next_steps": (("use it", "torchup env run default -- python"), ("look", "torchup env show")),
    }  # fmt: skip
    return up_text(**(arguments | changes), style=STYLE)


# ---------------------------------------------------------------- up


def test_up_says_what_is_there_that_it_works_and_what_to_type_next():
    """Build, path, source, reasons, the rungs that ran, results, next steps in one column."""
    said = up(results=(result(),), plan=a_plan(missing_companions=("torchaudio",)))
    assert "torch 2.15.0+cu132, Python 3.12.3" in said
    assert "in /data/envs/default (new)" in said
    assert "not available here: torchaudio" in said
    assert "import" in said
    assert "jit" not in said  # skipped rungs are no news
    assert "script" in said
    assert "  use it  torchup env run default -- python\n  look    torchup env show" in said


def test_up_says_when_the_environment_was_there_already():
    """Nothing is claimed to be new, verified or measured that is not."""
    said = up(environment=msgspec.structs.replace(ENVIRONMENT, python=None), verification=None, reused=True)
    assert "(already there)" in said
    assert f"Python {a_plan().python}" in said
    assert "import" not in said


# ---------------------------------------------------------------- catalogue


def rows_of(*labels):
    """Rows of the catalogue by label and platform."""
    return [next(row for row in CATALOG.rows if (row.label, row.platform) == label) for label in labels]


def test_the_catalogue_shows_what_a_build_needs():
    """The driver floor of each system, glibc, macOS for installing and for the GPU, companions, code, size."""
    linux, windows = rows_of(("2.14.1+cu126", "linux_x86_64"), ("2.14.1+cu126", "windows_x86_64"))
    said = catalog_text([linux, windows], Style(width=400))
    for expected in ("driver 525", "driver 528", "glibc 2.28", "8.6", "torchvision 0.", "GB"):
        assert expected in said


def test_the_catalogue_shows_macos_and_what_is_not_known():
    """Two macOS floors apart; unknown code is called unknown; a row that is not surely there says so."""
    (mac,) = rows_of(("2.14.1+cpu", "macos_arm64"))
    odd = msgspec.structs.replace(mac, arch_known=False, certainty="unsure", size_bytes=None)
    said = catalog_text([mac, odd], Style(width=400))
    assert f"macOS {mac.macos}" in said
    assert f"MPS: macOS {mac.mps}" in said
    assert "unknown" in said
    assert "(unsure)" in said


# ---------------------------------------------------------------- benchmark


def test_the_limit_of_a_device_is_said_once_for_its_fastest_run():
    """Which bound, how long, which share; where the peak is unknown no limit is claimed."""
    slow, fast = result(limit=limit()), result("graph", 2.0, limit=limit(bound="bytes", share=0.455))
    (line,) = limits([slow, fast])
    assert line == (
        "Example CPU: this work takes at least 910 ms (limited by memory bandwidth); "
        "`graph` reaches 45.5 % of the speed at that limit"
    )
    assert "(limited by arithmetic)" in limits([slow])[0]
    assert limits([result(limit=limit(seconds=None, share=None))]) == [
        "the peak performance of Example CPU is unknown, so torchup shows no limit"
    ]
    assert limits([result()]) == []


@pytest.mark.parametrize("share", [1.001, 1.15])
def test_a_run_above_its_limit_is_not_said_to_be_below_it(share):
    """A limit that a run exceeds is not one: the sentence says so, and never "at least"."""
    (line,) = limits([result("graph", limit=limit(share=share))])
    assert "so the device's real limit is higher" in line
    assert "at least" not in line


def test_what_the_budget_cut_short_is_said():
    """Only where fewer epochs were measured than asked for."""
    cut = result(parameters={"epochs": 4, "epochs_asked": 10})
    whole = result(parameters={"epochs": 10, "epochs_asked": 10})
    (line,) = shortened([cut, whole, result(parameters={"epochs": 3})])
    assert line.startswith("script (cpu): the time budget allowed only 4 of 10 epochs; ")
    assert line.endswith("torchup extrapolated the time and did not judge the accuracy")
    assert "4 of 10" in bench_text([cut], STYLE, baseline=run(result(seconds=45.02, measured=False)))


def test_a_run_that_waits_for_its_input_is_advised_the_faster_recipe():
    """The sentence names the run, and says nothing of a run that computes."""
    waiting = result(breakdown=breakdown(input=90.0, compute=10.0))
    busy = result("graph", 5.0, breakdown=breakdown(input=0.1, compute=4.9))
    (line,) = advice([waiting, busy])
    assert line.startswith("script (cpu): ")
    assert "graph" in line


# ---------------------------------------------------------------- results


def test_a_scaling_curve_is_a_table_by_kind_and_processes():
    """One row for each number of processes, sorted, with efficiency and the difference of the loss."""
    points = [
        result(
            seconds=seconds, world_size=count,
            parameters={"scaling": "strong", "batch": 64, "efficiency": share, "loss_difference": difference,
                        "backend": "gloo"},
        )
        for count, seconds, share, difference in [(2, 60.0, 0.83, 1.5e-7), (1, 100.0, 1.0, None)]
    ]  # fmt: skip
    said = results_text(points, STYLE)
    assert "gloo" in said.splitlines()[0]
    first, second = [line.split() for line in said.splitlines() if line.strip().startswith("strong")]
    assert first[:3] == ["strong", "1", "64"]
    assert first[-1] == "-"
    assert second[-2:] == ["%", "1.5e-07"]
    assert "83" in second


NOTE = Said(code="raised", values={"text": "warm room"})


def test_notes_and_doubts_are_said_once_with_all_their_recipes():
    """Two recipes with one note share a line."""
    said = results_text([result(notes=(NOTE,)), result("graph", 5.0, notes=(NOTE,))], STYLE)
    assert "script, graph: warm room" in said


def test_the_heading_of_a_run_has_its_name_and_its_time():
    """What an old file does not say is a dash."""
    assert heading(run()) == "Run 20260101T000000-abc123, 2026-01-01T00:00:00Z, torchup 0.1.0"
    assert heading(run(created_at=None, torchup=None)).endswith(", unknown, torchup unknown")


SIDE = Side(
    run="a", recipe="script", device="cpu", device_name="CPU A", median=2.0, ci95=(1.9, 2.1), repeats=5, measured=True
)
SLOWER = Comparison(
    workload="mnist", precision="fp32-default", unit="epoch", base=SIDE,
    candidate=msgspec.structs.replace(SIDE, run="b", median=4.0), ratio=0.5, interval=(0.48, 0.52), verdict="slower",
    regressed=True, differences=(Difference(key="torch", base="2.12.0", candidate=None),),
    caveats=(Notice(code="x", level="warning", text=message("x", "few samples")),),
)  # fmt: skip


def test_a_comparison_says_ratio_interval_verdict_and_what_differs():
    """The sign of a regression is an error's, of a slower run within the threshold a warning's."""
    said = compare_text(Report(comparisons=(SLOWER,)), ASCII)
    differs = "torch differs: 2.12.0 and unknown"
    for expected in ("2.00x slower", "0.48 - 0.52", "[x]", "few samples", differs, "4.00 s"):
        assert expected in said
    tolerated = msgspec.structs.replace(SLOWER, regressed=False, interval=None)
    said = compare_text(Report(comparisons=(tolerated,)), msgspec.structs.replace(ASCII, color=True))
    assert "[x]" not in said
    assert "\x1b" not in said.split("few samples")[0].rsplit("\n", 1)[0]  # colours inside a table break its columns


def test_what_is_not_compared_is_said_with_the_reason():
    """Both recipes and every difference of the work."""
    refusal = Refusal(
        base=SIDE, candidate=msgspec.structs.replace(SIDE, recipe="graph"), workload="mnist",
        differences=(Difference(key="batch", base="64", candidate="128"),),
    )  # fmt: skip
    said = compare_text(Report(refused=(refusal,)), ASCII)
    assert "Not compared" in said
    assert "batch: 64 / 128" in said
    assert compare_text(Report(), ASCII) == ""


# ---------------------------------------------------------------- environments


def test_changes_are_listed_torch_first_and_long_lists_are_counted():
    """What was added, removed and changed; an arrow that the console can show."""
    assert changes_text((), STYLE) == "no package changed"
    changes = (Change(name="numpy", before="1.26.4"), Change(name="torch", before="2.12.0", after="2.13.0"))
    assert changes_text(changes, ASCII).splitlines()[1:] == ["  torch 2.12.0 -> 2.13.0", "  numpy 1.26.4 -> -"]
    assert "→" in changes_text(changes, STYLE)
    many = tuple(Change(name=f"package{number:03}", after="1.0") for number in range(100))
    shown = changes_text(many, ASCII).splitlines()
    assert f"  and {100 - (len(shown) - 2)} more" == shown[-1]


def shown(environment, verification=None, previous=None):
    """`env show` of an environment."""
    return show_text(environment, verification, style=STYLE, activation={"bash": "source it"}, previous=previous)


def test_an_environment_is_shown_with_where_it_is_from():
    """Source and installer, or that it was adopted; the previous one where there is one; how to enter it."""
    made = msgspec.structs.replace(ENVIRONMENT, source="pytorch", installer=InstallerName.UV)
    said = shown(made, previous="torch 2.12.0+cu126")
    for expected in (
        "pytorch (uv)",
        "torch 2.12.0+cu126",
        "not recorded; run `torchup verify --env default`",
        "source it",
    ):
        assert expected in said
    assert "adopted (not installed by torchup)" in shown(msgspec.structs.replace(made, adopted=True))


def test_what_is_not_known_of_an_environment_is_called_unknown():
    """No sign stands for its Python, its source or the day it was made."""
    rows = {line.split()[0]: line.split()[1:] for line in shown(Environment(name="x", path="/x")).splitlines() if line}
    assert [rows[name] for name in ("Python", "source", "created")] == [["unknown"]] * 3


@pytest.mark.parametrize(
    ("torch", "variant", "label"),
    [
        ("2.9.0", None, "2.9.0"),
        ("2.9.0", "cu130", "2.9.0+cu130"),
        ("2.9.0+cu130", "cu130", "2.9.0+cu130"),
        (None, "cpu", "-"),
    ],
)
def test_a_label_stands_once(torch, variant, label):
    """Whether a record has it in the version, beside it, in both places or nowhere."""
    assert torch_label(msgspec.structs.replace(ENVIRONMENT, torch=torch, variant=variant)) == label


def test_an_environment_is_shown_with_its_proof():
    """When it was verified, and how many of the rungs that were tried passed if the ladder was kept."""
    proved = msgspec.structs.replace(ENVIRONMENT, verified_at="2026-01-01T00:00:00Z")
    assert "2026-01-01T00:00:00Z  1 of 1 checks passed" in shown(proved, VERIFICATION)
    assert "checks passed" not in shown(proved)


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (numbers.digits(0), "0"),
        (numbers.digits(math.nan), "-"),
        (numbers.digits(99.96), "100"),
        (numbers.digits(1234.5), "1230"),
        (numbers.seconds(None), "-"),
        (numbers.seconds(0.0048), "4.80 ms"),
        (numbers.seconds(1e-12), "0.00100 ns"),
        (numbers.plain_seconds(45.017), "45.02"),
        (numbers.plain_seconds(0.1834), "0.183"),
        (numbers.amount(None, "/s"), "-"),
        (numbers.amount(1.25e12, "FLOP/s"), "1.25 TFLOP/s"),
        (numbers.amount(12, "/s"), "12.0 /s"),
        (numbers.tick(2_500_000), "2.5M"),
        (numbers.tick(500), "500"),
        (numbers.tick_seconds(0.05), "50 ms"),
        (numbers.size(None), "-"),
        (numbers.size(173 * 2**20), "173 MiB"),
        (numbers.size(12), "12.0 B"),
        (numbers.percent(None), "-"),
        (numbers.percent(0.5), "50.0 %"),
        (numbers.percent(0.0002), "0.02 %"),
        (numbers.ratio(None), "-"),
        (numbers.ratio(2.414), "2.41x"),
        (numbers.interval(None), "-"),
        (numbers.interval((1.021, 1.1)), "1.02 - 1.10 s"),
        (numbers.interval((0.0991, 0.1014)), "99 - 101 ms"),
    ],
)
def test_numbers_keep_the_digits_that_mean_something(said, expected):
    """Three digits, the unit that fits, a dash for what is not known."""
    assert said == expected


@pytest.mark.parametrize("label", ["来自", "Source", "This machine"])
def test_a_separator_that_begins_a_line_is_not_coloured_as_a_sign(label):
    """Only what stands at the left is a sign; the same character separates values within a section."""
    section = "\n".join(beside(label, "https://pypi.org/simple · about 138 MB", 14, 30))
    assert "\x1b[" not in paint(f"{section}\n{' ' * 14}· 138 MB")
    assert paint("· a hint\n  ✓ a rung").count("\x1b[0m") == 2


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ({"quality": {"cpu_cores": 2.0}, "peak_memory_bytes": 2**30}, 1),
        ({"quality": {}, "peak_memory_bytes": None}, 0),  # Windows
    ],
)
def test_what_a_program_used_is_left_out_if_nothing_counted_it(given, lines):
    """No dash stands for a number in a sentence."""
    found = programs([result(parameters={"program": "train.py"}, **given)])
    assert len(found) == lines
    assert not any("-" in line for line in found)


@pytest.mark.parametrize(("profile", "lines"), [({"copies": 0.1, "input": 0.2}, 1), ({"copies": 0.1}, 0), ({}, 0)])
def test_a_profile_without_shares_has_no_sentence_of_shares(profile, lines):
    """What the profiler did not count is not in the sentence."""
    shown = {"program": "x", "profile": {**profile, "top": []}}
    assert len(programs([result(parameters=shown, quality={}, peak_memory_bytes=None)])) == lines


@pytest.mark.parametrize(("on", "words"), [("device", "the device's time"), ("cpu", "Of the CPU time")])
def test_the_share_of_copies_names_the_time_that_it_is_a_share_of(on, words):
    """Copies are a share of the device's time if one was used, else of the CPU's; the input is always of the CPU's."""
    shown = {"program": "x", "profile": {"copies": 0.1, "input": 0.2, "on": on, "top": []}}
    (line,) = programs([result(parameters=shown, quality={}, peak_memory_bytes=None)])
    assert words in line
    assert "CPU time of all operations" in line
