"""`torchup plan` as a person or a program types it: stdout, stderr, exit code."""

from __future__ import annotations

import json

import pytest

from torchup.catalog import load_catalog
from torchup.cli import main

LAPTOP = "gpu=RTX 3070 Ti Laptop GPU,driver=561.09,os=windows"


def run(capsys, *arguments):
    """(exit code, stdout, stderr) of one command line."""
    code = main(["plan", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_text_names_choice_reason_rivals_and_source(capsys, monkeypatch):
    """The plan is a page: machine, build, why, what was not chosen, where from, steps, advice."""
    monkeypatch.setenv("COLUMNS", "120")
    code, out, err = run(capsys, "--assume", LAPTOP)
    assert code == 0
    assert not err
    for part in (
        "2.14.1+cu126",
        "561.09 is older than 580",
        "2.15.0+cu132",
        "download.pytorch.org/whl/cu126",
        "Steps",
        "528.33",
    ):
        assert part in out


def test_json_is_one_document_with_the_documented_keys(capsys):
    """Stdout holds the envelope and nothing else."""
    code, out, err = run(capsys, "--json", "--assume", LAPTOP)
    data = json.loads(out)["data"]
    assert (code, err) == (0, "")
    assert data["build"]["variant"] == "cu126"
    assert data["uses_gpu"] is True
    assert data["covered_gpus"] == [0]
    assert {"torch", "variant", "reason", "detail"} <= set(data["rejected"][0])
    assert {"code", "text"} <= set(data["advice"][0])
    assert data["steps"][0]["argv"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("cu132", "561.09 is older than 580"),
        ("2.15", "561.09 is older than 580"),
        ("2.14.1+cu126", "is the planned build"),
        ("cu999", "was not published"),
        ("2.13.0+cu126", "older than 2.14.1"),
    ],
)
def test_why_not(capsys, asked, said):
    """--why-not answers for a variant, a version or one build."""
    code, out, _ = run(capsys, "--assume", LAPTOP, "--why-not", asked)
    assert code == 0
    assert said in out


def test_a_gpu_left_unused_is_exit_3(capsys):
    """No driver: exit 3, one sentence, a hint with the driver branch, no traceback, no plan on stdout."""
    code, out, err = run(capsys, "--assume", "os=linux,gpu=RTX 3060,driver=none")
    assert code == 3
    assert not out
    assert "RTX 3060" in err
    assert "580" in err
    assert "--cpu" in err


def test_error_in_json_is_an_envelope(capsys):
    """A program gets the same envelope for an error."""
    code, out, _ = run(capsys, "--json", "--assume", "os=linux,gpu=RX 580")
    document = json.loads(out)
    assert (code, document["exit_code"], document["data"]) == (3, 3, None)


def test_folder_of_machines_is_a_table(capsys, tmp_path, monkeypatch):
    """--machine DIR plans every file; one without a build makes it exit 3, the others are still there."""
    monkeypatch.setenv("COLUMNS", "160")
    gpu = {"vendor": "nvidia", "name": "NVIDIA GeForce GTX 1080", "compute_capability": "6.1"}
    driver = {"vendor": "nvidia", "version": "580.95.05"}
    good = {"os": "linux", "arch": "x86_64", "python": "3.12.3", "gpus": [gpu], "drivers": [driver]}
    (tmp_path / "a.json").write_text(json.dumps(good))
    (tmp_path / "b.json").write_text(json.dumps({"os": "linux", "arch": "armv7l"}))
    code, out, _ = run(capsys, "--machine", str(tmp_path))
    assert code == 3
    assert "2.14.1+cu126" in out
    assert "32-bit" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--variant", "foo", "--assume", LAPTOP), "no variant"),
        (("--python", "abc", "--assume", LAPTOP), "not a Python version"),
        (("--torch", "2.14+cu126", "--variant", "cu130", "--assume", LAPTOP), "--variant asks for cu130"),
        (("--machine", "/nowhere/machine.json"), "cannot be read"),
        (("--torch", "newest", "--assume", LAPTOP), "not a torch version"),
        (("--machine", "a.json", "--from", "b"), "cannot be used together"),
        (("--cpu", "--variant", "cu126", "--assume", LAPTOP), "--cpu and cu126 cannot be used together"),
        (("--cpu", "--torch", "2.14.1+cu126", "--assume", LAPTOP), "--cpu and cu126 cannot be used together"),
        (("--installer", "conda", "--channel", "nightly", "--assume", LAPTOP), "conda-forge has no nightly builds"),
        (("--with", "-e", "--assume", LAPTOP), "`-e` is not a valid package name"),
        (("--require", "bad name", "--assume", LAPTOP), "`bad name` is not a valid package name"),
        (("--with", "torch==1.0", "--assume", LAPTOP), "choose torch with --torch"),
        (("--mirror", "tunaa", "--assume", LAPTOP), "no mirror `tunaa`"),
        (("--mirror", "ftp://example.org", "--assume", LAPTOP), "ftp://"),
        (("--why-not", "", "--assume", LAPTOP), "neither a variant nor a version"),
        (("--why-not", "2.15.0+foo", "--assume", LAPTOP), "neither a variant nor a version"),
    ],
)
def test_wrong_input_is_exit_2(capsys, arguments, said):
    """Usage errors are sentences."""
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert not out
    assert said in err


def test_a_pair_that_never_was(capsys):
    """A version and a variant that were never published together: the error lists what exists."""
    code, _, err = run(capsys, "--assume", LAPTOP, "--torch", "2.6", "--variant", "cu121")
    assert code == 3
    assert "cu124" in err


def test_one_bad_file_does_not_hide_the_other_machines(capsys, tmp_path, monkeypatch):
    """A file of the folder that is no machine is a row of the table, with its reason."""
    monkeypatch.setenv("COLUMNS", "400")  # no wrapping, however long the folder's name is
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "good.json").write_text('{"os": "linux", "arch": "x86_64", "glibc": "2.35", "python": "3.12.3"}')
    code, out, _ = run(capsys, "--machine", str(tmp_path))
    assert code == 3
    assert "truncated" in out
    assert "+cpu" in out


def test_a_wheel_label_says_version_and_variant(capsys):
    """`--torch 2.13.0+CU126` is what people paste."""
    code, out, _ = run(capsys, "--json", "--assume", LAPTOP, "--torch", "2.13.0+CU126")
    assert code == 0
    assert json.loads(out)["data"]["packages"][0] == "torch==2.13.0+cu126"


def test_a_folder_without_machines(capsys, tmp_path):
    """Exit 2 and how to write one."""
    code, _, err = run(capsys, "--machine", str(tmp_path))
    assert code == 2
    assert "torchup detect --json" in err


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (("--installer", "conda", "--torch", "2.14"), "conda-forge has no torch 2.14", "conda-forge has 2.13.0+cu130"),
        (("--channel", "nightly", "--torch", "2.14"), "the nightly channel has no torch 2.14", "leave out --channel"),
        (("--channel", "test", "--variant", "cu126"), "the test channel has no cu126", "(cu126)"),
        (
            ("--torch", "2.15.0", "--require", "torchaudio", "--variant", "cu130", "--python", "3.15"),
            "torchaudio is not available",
            "leave out --require",
        ),
    ],
)
def test_what_is_not_there_is_said_of_the_place_that_was_asked(capsys, arguments, said, hint):
    """Exit 3 names conda-forge or the channel, not "not published", and what would be there."""
    code, _, err = run(capsys, "--assume", "os=linux,glibc=2.35,gpu=RTX 3060,driver=580.95.05", *arguments)
    assert code == 3
    assert said in err
    assert hint in err


@pytest.mark.parametrize("option", [("--export", "requirements"), ("--why-not", "cu126")])
def test_a_folder_of_machines_has_no_single_answer(capsys, tmp_path, option):
    """--export and --why-not answer for one machine; with a folder they are refused, not ignored."""
    (tmp_path / "a.json").write_text('{"os": "linux", "arch": "x86_64"}')
    code, out, err = run(capsys, "--machine", str(tmp_path), *option)
    assert (code, out) == (2, "")
    assert option[0] in err


def test_a_mirror_for_a_machine_elsewhere(capsys):
    """An administrator's plan and export for another machine come from the mirror named; nobody is contacted."""
    machine = "os=linux,glibc=2.35,gpu=RTX 3060,driver=580.95.05"
    _, out, _ = run(capsys, "--json", "--assume", machine, "--mirror", "nju")
    data = json.loads(out)["data"]
    assert data["build"]["source"] == "mirror:nju"
    assert data["build"]["index_url"] == "https://mirrors.nju.edu.cn/pytorch/whl/cu132"
    _, out, _ = run(capsys, "--assume", machine, "--mirror", "tuna", "--export", "requirements")
    assert "--index-url https://pypi.tuna.tsinghua.edu.cn/simple" in out
    assert "--extra-index-url https://download.pytorch.org/whl/cu132" in out
    _, out, _ = run(capsys, "--json", "--assume", machine, "--mirror", "tuna", "--installer", "conda")
    assert json.loads(out)["data"]["build"]["index_url"].startswith("https://mirrors.tuna")


def test_why_not_a_version_speaks_of_this_machines_kind_of_build_first(capsys):
    """The build for the card leads, not one of another vendor or one that may not exist; the remedy follows."""
    _, out, _ = run(capsys, "--assume", "os=linux,gpu=RTX 5090,driver=550.54.15", "--why-not", "2.15")
    lines = out.splitlines()
    assert lines[0].startswith("2.15.0+cu132: driver 550.54.15 is older than the GPU")
    assert "580" in lines[-1]
    _, out, _ = run(capsys, "--assume", "gpu=M1,os_version=13.0", "--why-not", "2.15")
    assert out.splitlines()[0] == "2.15.0+mps: needs macOS 14.0 or newer; this machine has 13.0"
    assert "update macOS" in out


def test_why_not_the_choice_lists_its_nearest_rivals(capsys):
    """None of the builds beside the chosen one is swallowed."""
    _, out, _ = run(capsys, "--assume", "os=linux,glibc=2.35,gpu=GTX 1080,driver=580.95.05", "--why-not", "cu126")
    assert out.splitlines()[:2] == [
        "2.14.1+cu126 is the planned build",
        "  2.14.0+cu126  works, but is older than 2.14.1",
    ]


def test_cards_of_a_kind_are_counted(capsys, monkeypatch):
    """Eight H100 are one entry and one reason."""
    monkeypatch.setenv("COLUMNS", "200")
    _, out, _ = run(capsys, "--assume", "os=linux,glibc=2.35,gpu=8x H100,driver=580.95.05")
    assert "8x H100" in out
    assert out.count("has code for the H100") == 1


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        ("cuda", "let torchup choose"),
        ("amd", "rocm"),
        ("cuda12.6", "cu126"),
        ("cu133", "cu13"),
        ("zzz", "choose one of: "),
    ],
)
def test_an_unknown_variant_gets_the_nearest_ones(capsys, variant, said):
    """A kind of GPU is torchup's to choose for; a misspelt variant gets the names near to it; else all are named."""
    code, _, err = run(capsys, "--offline", "--variant", variant)
    assert (code, said in err.partition("hint:")[2]) == (2, True)


def test_the_help_names_the_newest_python_that_torchup_installs(capsys):
    """The default in the help of --python is that of the catalogue."""
    assert main(["plan", "--help"]) == 0
    assert f"else the newest up to {load_catalog().newest_default_python})" in " ".join(capsys.readouterr().out.split())


def test_a_machine_file_that_is_too_large_is_refused_with_the_limit(capsys, tmp_path):
    """Who reads that a file is too large reads how large it may be."""
    (tmp_path / "big.json").write_text(" " * ((1 << 20) + 1))
    assert main(["plan", "--machine", str(tmp_path / "big.json")]) == 2
    assert "is larger than 1024 KB" in capsys.readouterr().err
