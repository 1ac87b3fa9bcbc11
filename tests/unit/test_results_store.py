"""Result files: round trip, versions, hostile content, and nothing private."""

from __future__ import annotations

import csv
import io
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.results import result, run
from torchup.bench import code_hash, stats
from torchup.catalog.peaks import load_peaks
from torchup.encoding import to_json
from torchup.errors import UsageError
from torchup.host import RealHost
from torchup.i18n.sentences import raised
from torchup.model import Limit
from torchup.privacy import Purpose, redact, redact_value
from torchup.report.results_export import to_csv, to_markdown
from torchup.results import schema, store
from torchup.results.baselines import load_baseline
from torchup.results.check import problems
from torchup.results.query import Selector
from torchup.results.run import Run
from torchup.results.schema import RunFileError, parse_run, to_text


def test_what_is_saved_is_what_is_loaded():
    """A run comes back from disk as it was."""
    host = RealHost()
    path = store.save(host, [result(), result("resident", 25.0)])
    loaded = store.load(host, path)
    assert loaded.results == (result(), result("resident", 25.0))
    assert store.load(host, loaded.id) == store.load(host, "latest") == store.load(host, loaded.id[:17]) == loaded


def test_a_broken_file_is_reported_and_the_others_listed():
    """One corrupt file hides no run."""
    host = RealHost()
    store.save(host, [result()])
    host.write_text(f"{store.folder(host)}/broken.json", '{"format": "torchup-run", "version": 1, "run": {')
    listing = store.list_runs(host)
    assert len(listing.runs) == 1
    assert [notice.code for notice in listing.broken] == ["results.corrupt"]


def test_a_newer_file_is_refused_with_advice():
    """A later torchup's file is not guessed at."""
    with pytest.raises(RunFileError) as caught:
        parse_run('{"format": "torchup-run", "version": 99, "run": {}}', name="x.json")
    assert caught.value.code == "results.newer"
    assert "update torchup" in str(caught.value.hint)


def test_the_answer_of_bench_is_version_zero():
    """What `torchup bench --json` printed can be read like a run."""
    answer = to_json({"schema": "torchup/1", "command": "bench", "data": [result()], "messages": []})
    assert parse_run(answer, name="answer.json").results == (result(),)


def test_upgrades_are_taken_one_step_at_a_time(monkeypatch):
    """Version 1 of a later format passes through every step in order."""
    monkeypatch.setattr(schema, "VERSION", 3)
    seen = []

    def step(number):
        def raise_by_one(data):
            seen.append(number)
            return {**data, "version": number + 1}

        return raise_by_one

    document = {"format": "torchup-run", "version": 1, "run": {"id": "a"}}
    assert schema.upgrade(document, name="x", steps={1: step(1), 2: step(2)})["version"] == 3
    assert seen == [1, 2]


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "3", '"x"', "{}", "{" * 5000, '{"format": "torchup-run", "version": "1"}',
        '{"format": "torchup-run", "version": 0, "run": {}}', '{"format": "torchup-run", "version": 1}',
        '{"format": "torchup-run", "version": 1, "run": {"id": "../../x"}}',
        '{"format": "torchup-run", "version": 1, "run": {"id": "a", "results": [{"workload": 1}]}}',
        '{"schema": "torchup/1", "command": "bench", "data": null}', '{"schema": "torchup/1", "command": "bench"}',
        "\udcff".encode("utf-8", "surrogatepass"), b"\xff\xfe\x00",
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_a_sentence(text):
    """Whatever the file holds, the answer is one kind of error."""
    with pytest.raises(RunFileError):
        parse_run(text, name="x.json")


KEYS = st.sampled_from(["format", "version", "run", "id", "results", "data", "schema", "command"])
LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=8)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(DOCUMENTS)
def test_any_json_is_a_run_or_an_error(data):
    """No document crashes the reader."""
    for document in (data, {"format": "torchup-run", "version": 1, "run": data}):
        try:
            parse_run(msgspec.json.encode(document), name="x")
        except RunFileError:
            continue


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": -1.0}, {"seconds": 0.0}, {"repeats": (1.0, -2.0)}, {"median": -1.0}, {"ci95": (2.0, 1.0)},
        {"outliers": (7,)}, {"quality": {"test_accuracy": 98.2}},
    ],
)  # fmt: skip
def test_impossible_values_are_refused(change):
    """A negative time, a reversed interval or an accuracy of 98 cannot have been measured."""
    with pytest.raises(RunFileError):
        parse_run(to_text(run(result(**change))), name="x.json")


def test_deep_and_huge_documents_are_refused():
    """Depth, number of values and length of texts are bounded."""
    deep: object = 1
    for _ in range(40):
        deep = [deep]
    plain = to_text(run(result(machine={"a": "PLACE"})))  # what is written is cut to what can be read
    named = {"12 levels": deep, "400000 values": ["x"] * 500_000, "2000 characters": "x" * 5000}
    for said, bad in named.items():
        with pytest.raises(RunFileError, match=said):
            parse_run(plain.replace('"PLACE"', json.dumps(bad)), name="x.json")


def test_a_file_of_an_old_version_without_its_key_names_the_key():
    """Not Python's word for it."""
    with pytest.raises(RunFileError, match="the key `run` is missing"):
        parse_run('{"format": "torchup-run", "version": 1}', name="x.json")


def test_an_unwritable_folder_is_a_sentence(tmp_path, monkeypatch):
    """A data folder that is a file ends in the documented error."""
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as caught:
        store.save(RealHost(), [result()])
    assert caught.value.code == "results.cannot-save"


def test_a_measurement_is_not_lost_with_its_file(tmp_path, monkeypatch):
    """Where the run cannot be saved it is said, and nothing is raised."""
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    said = []
    keeper = store.Keeper(RealHost(), said.append)
    keeper.keep((result(),), "{}")
    assert keeper.finish((result(),)) is None
    assert keeper.id is None
    assert [text.code for text in said] == ["results.cannot-save"]


def test_nothing_private_is_written(monkeypatch):
    """User, host, paths, addresses and serial numbers do not reach the disk."""
    monkeypatch.setenv("USER", "wilhelmina")
    monkeypatch.setenv("HOSTNAME", "lab-box-7")
    host = RealHost()
    private = (
        "measured by wilhelmina on lab-box-7 in /home/wilhelmina/x y, C:\\Users\\wilhelmina\\a.py, \\\\nas\\share,"
        " ~/envs/torch, wilhelmina@example.org, http://intranet/x, GPU-0a1b2c3d-0000-1111-2222-333344445555,"
        " 10.20.30.40, 00:11:22:aa:bb:cc"
    )
    path = store.save(
        host, [result(notes=(raised(private),), machine={"cpu": {"model": "x"}, "/home/wilhelmina": private})]
    )
    text = host.read_text(path)
    for part in ("wilhelmina", "lab-box", "/home", "Users", "nas", "envs", "intranet", "0a1b2c3d", "10.20", "aa:bb"):
        assert part not in text, part


@pytest.mark.parametrize(
    "harmless",
    ["2.13.0+cpu", "fp32-default", "images/s", "1/2 of it", "Intel(R) Xeon(R) CPU @ 2.60GHz", "AMD/ATI", "sm_90",
     "input 88 % / compute 3 %", "NVIDIA GeForce RTX 3070 Ti Laptop GPU", "torch 2.13, CUDA 13.0", "10:30:00"],
)  # fmt: skip
def test_ordinary_texts_are_left_alone(harmless):
    """What looks a little like a path or an address but is none stays."""
    assert redact(harmless, Purpose.PUBLISH) == harmless


def test_versions_are_not_taken_for_addresses():
    """A Windows driver version has four numbers and stays."""
    kept = redact_value(run(result(machine={"driver_version": "32.0.15.6094"})), Run, Purpose.PUBLISH)
    assert kept.results[0].machine == {"driver_version": "32.0.15.6094"}


def test_ordinary_words_are_never_taken_for_names():
    """A user called cpu does not turn every device into a blank."""
    assert redact_value(run(result()), Run, Purpose.PUBLISH, names={"cpu", "root"}) == run(result())


def test_cleaning_twice_changes_nothing():
    """The stand-ins are stable, so an imported file is not worn down."""
    dirty = "see /home/a/b and C:\\x\\y and http://h/p and a@b.org"
    assert redact(redact(dirty, Purpose.PUBLISH), Purpose.PUBLISH) == redact(dirty, Purpose.PUBLISH)


def test_the_article_has_its_four_times():
    """The published baseline ships with torchup and says that torchup did not measure it."""
    article = load_baseline("article")
    assert [r.seconds for r in article.results] == [45.02, 75.65, 50.79, 109.61]
    assert not any(r.measured or r.repeats for r in article.results)
    assert store.load(RealHost(), "article") == article


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latest", ("latest", None, None)),
        ("latest:script", ("latest", "script", None)),
        ("latest:script@cuda", ("latest", "script", "cuda")),
        ("latest:@cpu", ("latest", None, "cpu")),
        ("C:\\runs\\a.json", ("C:\\runs\\a.json", None, None)),
        ("C:\\runs\\a.json:script", ("C:\\runs\\a.json", "script", None)),
        ("/a:b/c.json", ("/a:b/c.json", None, None)),
    ],
)
def test_selectors(text, expected):
    """A run, a recipe of it, a device; drive letters stay part of the path."""
    selector = Selector.parse(text)
    assert (selector.run, selector.recipe, selector.device) == expected


def test_files_say_their_format_and_version():
    """The first keys of a file tell any reader what it is."""
    document = json.loads(to_text(run(result())))
    assert (document["format"], document["version"]) == ("torchup-run", schema.VERSION)


def believable(**changes):
    """A result whose numbers agree with each other."""
    return stats.with_statistics(result(**({"repeats": (99.0, 100.0, 101.0), "code_hash": "h"} | changes)))


def complaints(*results, torchup="1.0", version="1.0"):
    """The codes that the check gives."""
    found = problems(run(*results, torchup=torchup), version=version, code_hash="h", peaks=load_peaks())
    return {(notice.level, notice.code.removeprefix("check.")) for notice in found}


def test_an_honest_run_has_no_problems():
    """Statistics of its own samples, the same code, below the roof."""
    assert complaints(believable()) == set()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"median": 1.0}, "median"),
        ({"ci95": (99.9, 100.1)}, "interval"),
        ({"seconds": 50.0}, "seconds"),
        ({"code_hash": "other"}, "hash"),
        ({"repeats": (1e-6, 1e-6, 1e-6), "seconds": 1e-6, "median": 1e-6, "ci95": (1e-6, 1e-6)}, "roof"),
        ({"workload": "other", "limit": Limit(flops=1e15, peak_flops=1e12)}, "roof"),
        ({"limit": Limit(seconds=200.0)}, "limit"),
        (
            {
                "device": "cuda:0",
                "device_name": "NVIDIA GeForce RTX 3070 Ti Laptop GPU",
                "seconds": 0.04,
                "repeats": (0.04, 0.04, 0.04),
                "median": 0.04,
                "ci95": (0.04, 0.04),
                "limit": Limit(flops=1.0, peak_flops=1e18),
            },
            "roof",
        ),
    ],
)
def test_numbers_that_contradict_each_other_are_errors(changes, code):
    """A polished median, a narrowed interval, other code, more than the device can do: each is found."""
    assert ("error", code) in complaints(msgspec.structs.replace(believable(), **changes))


def test_what_cannot_be_checked_is_a_warning():
    """Another version's code, no hash, a published number, and nothing at all."""
    assert complaints(believable(code_hash="old"), torchup="0.9") == {("warning", "other-version")}
    assert complaints(believable(code_hash="old"), torchup=None) == {("warning", "other-version")}
    assert complaints(believable(code_hash=None)) == {("warning", "no-hash")}
    assert ("warning", "not-measured") in complaints(believable(measured=False))
    assert complaints() == {("error", "empty")}


@pytest.mark.parametrize(("version", "words"), [("0.9", "by torchup 0.9, whose"), (None, "by an unknown version of")])
def test_a_version_that_is_not_known_is_called_unknown(version, words):
    """No placeholder stands where the version of torchup would."""
    old = run(believable(code_hash="old"), torchup=version)
    (notice,) = problems(old, version="1.0", code_hash="h", peaks=load_peaks())
    assert words in str(notice.text)


def test_the_worker_hash_changes_with_the_code(tmp_path, monkeypatch):
    """Another byte, another name or a new file is another hash; caches and data are not code."""
    monkeypatch.setattr(code_hash, "WORKER_FOLDER", tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "bench.py").write_text("a")
    (tmp_path / "recipes" / "x.py").write_text("b")
    first = code_hash.worker_hash(RealHost())
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "bench.pyc").write_text("c")
    assert code_hash.worker_hash(RealHost()) == first
    (tmp_path / "recipes" / "x.py").write_text("b ")
    assert code_hash.worker_hash(RealHost()) != first


@pytest.mark.parametrize("text", ["=1+1", "+a", "-a", "@a", "a|b\nc", "<script>", "[x](http://e)", "`a`", "\x1b[31m"])
def test_exports_disarm_what_they_are_given(text):
    """No formula for a spreadsheet, no markup for a Markdown page, no control character."""
    hostile = run(result(text, device_name=text, notes=(raised(text),)))
    rows = list(csv.reader(io.StringIO(to_csv(hostile))))
    assert len(rows) == 2
    assert len(rows[0]) == len(rows[1])
    assert not rows[1][3].startswith(("=", "+", "-", "@"))
    markdown = to_markdown(hostile)
    assert "<script>" not in markdown
    assert "[x](" not in markdown
    assert "\x1b" not in markdown
    assert "a|b" not in markdown
