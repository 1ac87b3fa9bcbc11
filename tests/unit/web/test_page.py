"""The page's door: a question in, the command line's JSON and escaped HTML out; the rooms behind it need no machine."""

from __future__ import annotations

import html
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.results_page import EVIL
from torchup.cli import main
from torchup.model import Manager
from torchup.plan.export import FORMATS
from torchup.plan.exports import FILE_NAMES
from torchup.web.page import answer
from torchup.web.question import Question

ERROR = "AssertionError: Torch not compiled with CUDA enabled\n>>> torch.__version__\n'2.14.1+cpu'\n"
THREADS = sorted((Path(__file__).parents[2] / "threads").glob("*/*.txt"))
OUTSIDE = ("click", "rich", "requests", "psutil", "platformdirs", "yaml", "filelock", "uv", "pynvml")
ROOMS = ("torchup.host.real", "torchup.cli", "torchup.fetch", "torchup.bench", "torchup.worker")


def ask(**question):
    """The answer to a question, its JSON read."""
    found = json.loads(answer(json.dumps({"verb": "plan", **question})))
    return found | {"json": json.loads(found["document"])}


def test_nothing_that_a_browser_lacks_is_imported():
    """Both verbs, every export and a mirror answer with msgspec, packaging and jinja2 alone, and without a host."""
    script = f"""
import json, sys
from torchup.web.page import answer
for question in ({{"verb": "plan", "os": "linux", "gpu": "RTX 4090", "mirror": "nju", "asked": "cu118"}},
                 {{"verb": "doctor", "paste": {ERROR!r}, "lang": "zh"}}):
    assert json.loads(json.loads(answer(json.dumps(question)))["document"])["data"]
for thread in {[str(thread) for thread in THREADS[::8]]!r}:
    pasted = open(thread, encoding="utf-8").read()
    for verb in ("plan", "doctor"):
        answer(json.dumps({{"verb": verb, "paste": pasted, "lang": "zh"}}))
print(json.dumps(sorted(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert [name for name in loaded if name.split(".")[0] in OUTSIDE] == []
    assert [name for name in loaded if name.startswith(ROOMS)] == []


def test_the_plan_is_the_command_lines(tmp_path, capsys):
    """A pasted machine gives the document of `torchup plan --machine FILE --json`, byte for byte."""
    machine = '{"os": "linux", "arch": "x86_64", "gpus": [{"vendor": "nvidia", "name": "RTX 3060"}]}'
    file = tmp_path / "machine.json"
    file.write_text(machine)
    main(["plan", "--machine", str(file), "--json"])
    assert ask(paste=machine)["document"] == capsys.readouterr().out


def test_a_field_goes_before_the_pasted_text():
    """A pasted report names the GPU; the driver that is filled in counts, not the pasted one."""
    report = "NVIDIA-SMI 550.54.15  Driver Version: 550.54.15  CUDA Version: 12.4\n0  NVIDIA GeForce RTX 4090"
    pasted, changed = ask(paste=report), ask(paste=report, driver="590")
    assert pasted["json"]["data"]["build"]["variant"].startswith("cu12")
    assert changed["json"]["data"]["build"]["variant"].startswith("cu13")


@pytest.mark.parametrize("manager", list(Manager))
@pytest.mark.parametrize("system", ["linux", "windows", "macos", "wsl"])
def test_every_installer_has_its_lines(manager, system):
    """Commands are there for each system and installer that has the build, and begin with that installer's program."""
    found = ask(os=system, gpu="M1 Max" if system == "macos" else "RTX 3060", manager=manager)
    programs = {Manager.PIP: ("python", "py "), Manager.UV_VENV: ("uv venv",), Manager.UV_PROJECT: ("uv python pin",)}
    if found["json"]["data"] is not None:
        begins = programs.get(manager, (str(manager),))
        assert any(f"<code>{start}" in found["html"] for start in begins)


def test_every_export_has_a_name_and_a_copy():
    """Each format that can hold the plan is offered, under the name that its tool looks for."""
    found = ask(os="linux", gpu="RTX 4090")
    assert set(FILE_NAMES) == set(FORMATS)
    for name in FILE_NAMES.values():
        assert f'data-save="{name}"' in found["html"]


@pytest.mark.parametrize("evil", EVIL)
def test_hostile_text_is_escaped(evil):
    """No field and no report puts an element of its own into the answer."""
    for field in ("gpu", "os", "driver", "torch", "variant", "packages", "purpose", "mirror", "asked", "paste"):
        found = ask(**({"os": "linux", "gpu": "RTX 4090"} | {field: evil}))
        assert "<script" not in found["html"]
        assert "<img" not in found["html"]
        assert "<svg" not in found["html"]


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_answered(text):
    """Whatever is pasted, there is an answer in words, for both verbs, and a document of the one schema."""
    for verb in ("plan", "doctor"):
        found = ask(verb=verb, paste=text)
        assert found["spoken"]
        assert found["html"].startswith(("<header", "<ul"))
        assert found["json"]["schema"] == "torchup/1"


def test_a_question_with_an_unknown_field_is_refused():
    """A page and a package of different versions do not misunderstand each other."""
    with pytest.raises(ValueError, match="colour"):
        answer('{"verb": "plan", "colour": "red"}')
    assert set(Question.__struct_fields__) >= {"os", "gpu", "driver", "manager", "mirror", "paste"}


def test_every_command_of_a_report_is_shown():
    """Threads of strangers: main cause, its commands, its explanation and what to run next are in the HTML, escaped."""
    for thread in THREADS[::8]:
        found = ask(verb="doctor", paste=thread.read_text("utf-8"))
        data = found["json"]["data"]
        if data is None:
            continue
        shown = html.unescape(found["html"])
        for finding in data["findings"]:
            words = [word for command in (finding["remedy"] or {}).get("commands", ()) for word in command]
            assert all(word in shown for word in words if word.isalnum()), thread.name
        assert (data["primary"] or "") in shown
        assert all(line.partition("`")[0] in shown for line in data["missing"])


def test_the_pasted_text_comes_back_without_names():
    """What a link carries holds no user's name."""
    found = ask(verb="doctor", paste=f"{ERROR}/home/alice.smith/venv/bin/python")
    assert "alice" not in found["paste"] + found["html"] + found["markdown"]
    assert "Torch not compiled" in found["paste"]


def test_chinese():
    """The texts are Chinese where the question says so; the document stays English."""
    english, chinese = ask(os="linux", gpu="RTX 4090"), ask(os="linux", gpu="RTX 4090", lang="zh")
    assert chinese["document"] == english["document"]
    assert "最佳构建" in chinese["html"]
