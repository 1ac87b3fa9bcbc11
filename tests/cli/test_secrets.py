"""Twenty secrets, one in every place that torchup reads: no verb prints, writes or hands one to a child's arguments."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click
import pytest

from support.bundles import write_sums
from support.results import result, run
from torchup import privacy
from torchup.cli import main
from torchup.cli.app import make_app
from torchup.cli.session import Session
from torchup.encoding import to_json
from torchup.host import processes

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = "127.0.0.1:9"  # nothing listens there: a refusal comes at once
SECRETS = {name: f"Zq{number:02}wv7Kx{number:02}Bn4pLx9" for number, name in enumerate((
    "index login", "index query", "extra path", "uv login", "uv named", "netrc", "pip proxy", "https proxy",
    "mirror login", "conda token", "conda proxy", "hf token", "pip password", "report login", "report password",
    "report token", "schemeless", "uv query", "results note", "machine name", "plan source", "option mirror",
    "option package", "project package", "broken line", "constraint",
))}  # fmt: skip

# Every verb with what makes it read most; {place} is a file or folder of the fixture.
LINES = (
    "up --yes --no-bench --env a", "up --dry-run", "up --dry-run --json", "up --yes --installer pip --no-bench --env b",
    "up --from {bundle} --yes", "detect", "detect --json", "detect -v", "detect --record {folder}/recorded",
    "plan", "plan --json", "plan -v", "plan --offline -v", "plan --offline --json", "plan --cpu --why-not cu126",
    "plan --export requirements", "plan --export pyproject", "plan --export environment", "plan --export dockerfile",
    "plan --export script-sh", "plan --export script-ps1", "plan --export json", "plan --export pylock",
    "plan --offline --export requirements", "plan --offline --export script-sh", "plan --offline --export json",
    "plan --offline --installer conda --json", "plan --installer conda -v", "plan --machine {machine} --offline",
    "plan --machine {machine} --json", "plan --mirror https://me:{option mirror}@127.0.0.1:9/simple",
    "plan --mirror https://127.0.0.1:9/simple?token={option mirror}",
    "plan --mirror me:{option mirror}@127.0.0.1:9/simple",
    "plan --with x@https://me:{option package}@127.0.0.1:9/x-1-py3-none-any.whl",
    "plan --offline --with x@https://127.0.0.1:9/x-1-py3-none-any.whl?sig={option package} --json",
    "env list", "env list --json", "env create --yes c", "env show", "env remove --yes x", "env rollback x",
    "env repair --yes x",
    "env run -- true", "env export", "env adopt {folder}", "env bundle -o {folder}/out --plan {plan}",
    "env bundle -o {folder}/out2", "verify", "verify --json", "verify --python {folder}", "doctor", "doctor --json",
    "doctor -v", "doctor --report {report}", "doctor --report {report} --json", "doctor --report {report} --format md",
    "explain", "explain driver-too-old", "bench --budget 5", "results list", "results show {results}",
    "results compare {results} {results}", "results report {results} --html {folder}/page.html",
    "results export {results} --format md", "results export {results} --format json", "results import {results}",
    "mirror list", "mirror list --json", "mirror test", "mirror test --json", "kernel add x", "kernel list",
    "lab x", "lab x --json", "hub x", "plan --profile hub --offline --json",
    "cache show", "cache prune --yes", "fetch --to {folder}/out3", "catalog measure torch==2.15.0", "wheel flash-attn",
    "kernel remove x", "catalog show", "catalog check", "catalog refresh", "self paths", "self completion bash",
    "self uninstall --dry-run", "web --offline", "project show", "project check",
    "project sync --dry-run --offline",
    "project sync --yes --offline", "project sync --undo --yes", "fleet report {folder}", "mcp",
    "nonsense {option mirror}password={option package}",
)  # fmt: skip


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A home, a project and variables with the secrets in them; returns the places and the planted files."""
    privacy.forget()
    places = _files(tmp_path)
    for name, value in _variables(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path / "torchup"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.chdir(tmp_path / "project")
    yield places
    privacy.forget()


def _variables(home: Path):
    s = SECRETS
    return {
        "HOME": str(home),
        "PIP_CONFIG_FILE": str(home / "pip.conf"),
        "PIP_INDEX_URL": f"https://me:{s['index login']}@{NOWHERE}/simple?token={s['index query']}",
        "PIP_EXTRA_INDEX_URL": f"https://{NOWHERE}/{s['extra path']}/simple",
        "PIP_FIND_LINKS": f"me:{s['schemeless']}@{NOWHERE}/wheels",
        "PIP_PASSWORD": s["pip password"],
        "UV_CONFIG_FILE": str(home / "uv.toml"),
        "UV_INDEX": f"https://me:{s['uv login']}@{NOWHERE}/uv/simple",
        "UV_INDEX_INNER_USERNAME": "me",
        "UV_INDEX_INNER_PASSWORD": s["uv named"],
        "NETRC": str(home / ".netrc"),
        "HTTPS_PROXY": f"http://me:{s['https proxy']}@{NOWHERE}",
        "TORCHUP_MIRROR": f"https://me:{s['mirror login']}@{NOWHERE}/mirror/simple",
        "CONDARC": str(home / ".condarc"),
        "HF_TOKEN": f"hf_{s['hf token']}",
        "NO_PROXY": "127.0.0.1",
    }


def _files(home: Path):
    s = SECRETS
    bundle, folder, project = home / "bundle", home / "folder", home / "project"
    for place in (bundle / "wheels", folder, project):
        place.mkdir(parents=True)
    constraints = f"numpy @ https://me:{s['constraint']}@{NOWHERE}/numpy-2-py3-none-any.whl\n"
    (home / "constraints.txt").write_text(constraints)
    (home / "pip.conf").write_text(
        f"[global]\nproxy = http://me:{s['pip proxy']}@{NOWHERE}\nconstraint = {home}/constraints.txt\n"
    )
    (home / "uv.toml").write_text(
        f'find-links = ["https://{NOWHERE}/links?token={s["uv query"]}"]\n'
        f'[[index]]\nname = "inner"\nurl = "https://{NOWHERE}/inner"\n'
    )
    (home / ".netrc").write_text(f"machine 127.0.0.1 login me password {s['netrc']}\n")
    (home / ".condarc").write_text(
        f"channels:\n  - https://{NOWHERE}/t/{s['conda token']}/conda-forge\n"
        f"channel_alias: https://{NOWHERE}/t/{s['conda token']}\n"
        f"proxy_servers:\n  https: http://me:{s['conda proxy']}@{NOWHERE}\n"
    )
    (home / "report.txt").write_text(
        f"PyTorch version: 2.12.0+cu130\nIs CUDA available: False\n"
        f"pip install --index-url https://me:{s['report login']}@host/simple torch\npassword: {s['report password']}\n"
        f"HF_TOKEN=hf_{s['report token']}\nRuntimeError: The NVIDIA driver on your system is too old\n"
    )
    source = {"name": "x", "url": f"https://me:{s['plan source']}@{NOWHERE}/simple"}
    plan = {
        "build": {"torch": "2.13.0", "variant": "cpu"},
        "python": "3.12",
        "packages": ["torch"],
        "sources": [source],
    }
    (home / "plan.json").write_text(json.dumps(plan))
    (bundle / "plan.json").write_text(json.dumps({"schema": 1, "files": {}, "plan": plan}))
    write_sums(bundle)
    gpu = {"vendor": "nvidia", "name": f"https://me:{s['machine name']}@host/x"}
    (home / "machine.json").write_text(json.dumps({"os": "linux", "arch": "x86_64", "gpus": [gpu]}))
    noted = run(result(notes=(f"measured against https://me:{s['results note']}@host/simple",)))
    (home / "results.json").write_text(to_json(noted))
    return {
        "bundle": str(bundle), "folder": str(folder), "machine": str(home / "machine.json"),
        "plan": str(home / "plan.json"), "report": str(home / "report.txt"), "results": str(home / "results.json"),
    }  # fmt: skip


@pytest.fixture
def started(monkeypatch):
    """The arguments of every child that is started."""
    found: list[str] = []
    start = processes._start

    def watched(argv, *rest, **more):
        found.append(" ".join(argv))
        return start(argv, *rest, **more)

    monkeypatch.setattr(processes, "_start", watched)
    return found


def _leaked(text):
    return sorted(name for name, secret in SECRETS.items() if secret in text)


def _written(home: Path):
    """Everything that torchup wrote: below its home and in the folder that the lines name."""
    for place in (home / "torchup", home / "folder", home / "project"):
        for file in place.rglob("*"):
            if file.is_file():
                yield file, file.read_text("utf-8", errors="replace")


def _typed(line, places):
    for name, value in {**places, **SECRETS}.items():
        line = line.replace("{" + name + "}", value)
    return line.split()


@pytest.mark.slow
@pytest.mark.parametrize("line", LINES)
def test_no_verb_shows_writes_or_hands_on_a_secret(line, planted, started, tmp_path, capfd):
    """Output, files and arguments of children of one verb, with all secrets in place."""
    typed = _typed(line, planted)
    main(typed)
    shown = capfd.readouterr()
    assert _leaked(shown.out) == []
    assert _leaked(shown.err) == []
    assert _leaked("\n".join(started)) == []
    assert [(str(file), found) for file, text in _written(tmp_path) if (found := _leaked(text))] == []


@pytest.mark.parametrize("line", ["plan", "fetch --to {folder}/out3"])
def test_a_netrc_that_was_read_is_hidden_at_the_exit(line, planted):
    """The second line: a text that quotes the password, from wherever it comes, goes out without it."""
    main(_typed(line, planted))
    assert SECRETS["netrc"] not in privacy.without_secrets(f"the server says: {SECRETS['netrc']} is wrong")


@pytest.mark.slow
@pytest.mark.parametrize("line", ["plan", "plan --json", "up --dry-run", "mirror test", "env create --yes d", "doctor"])
@pytest.mark.parametrize("broken", ["pip.conf", "uv.toml", ".condarc", "torchup.toml", "torchup package"])
def test_a_file_that_does_not_parse_is_not_quoted(line, broken, planted, tmp_path, capfd):
    """A broken line may hold the password itself."""
    text = f"[global]\nindex-url https://me:{SECRETS['broken line']}@host/simple\n\t[: {{"
    place = tmp_path / "project" if broken.startswith("torchup") else tmp_path
    if broken == "torchup package":
        (place / "torchup.toml").write_text(f'with = ["x @ https://me:{SECRETS["project package"]}@host/x.whl"]\n')
    else:
        (place / broken).write_text(text)
    main([*line.split(), *(["--installer", "conda"] if broken == ".condarc" and line.startswith("plan") else [])])
    shown = capfd.readouterr()
    assert _leaked(shown.out + shown.err) == []


def test_every_verb_is_tried():
    """A new verb is added to the lines."""

    def leaves(command, path):
        if isinstance(command, click.Group):
            context = click.Context(command, obj=Session())
            for name in command.list_commands(context):
                yield from leaves(command.get_command(context, name), (*path, name))
        else:
            yield " ".join(path)

    missing = [verb for verb in leaves(make_app(), ()) if not any(f"{line} ".startswith(f"{verb} ") for line in LINES)]
    assert missing == []


def test_the_defects_log_holds_no_secret(planted, monkeypatch, tmp_path, capfd):
    """The log of an unknown error is sent to strangers: no secret, no home, no name in it."""
    secret = SECRETS["index login"]

    def fail(_):
        raise ValueError(f"https://me:{secret}@host/simple in {os.environ['HOME']}")

    monkeypatch.setattr("torchup.cli.detect.detect_machine", fail)
    assert main(["detect"]) == 70  # the code of a defect
    shown = capfd.readouterr()
    logs = [text for _, text in _written(tmp_path)]
    assert logs
    assert _leaked(shown.out + shown.err + "".join(logs)) == []
