"""The ladder from the outside: what the parent makes of a worker that answers, dies, hangs or babbles."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support.bench import WorkerHost
from torchup.envs.verification import verify_environment
from torchup.i18n import use
from torchup.i18n.sentences import sentence
from torchup.model import Build, Rung, RungStatus
from torchup.report.style import Style
from torchup.report.verify_text import rung_line, verify_text


def begin(name, device=None, *, soft=False):
    """A line that announces a rung."""
    return json.dumps({"begin": {"name": name, "device": device, "soft": soft}})


def rung(name, status="pass", device=None, detail=None):
    """A line that ends a rung."""
    return json.dumps(
        {
            "rung": {
                "name": name,
                "status": status,
                "seconds": 0.1,
                "device": device,
                "detail": detail and {"code": "raised", "values": {"text": detail}},
            }
        }
    )


FINAL = json.dumps({"torch": {"version": "2.13.0+cpu", "variant": "cpu", "devices": ["cpu"]}})


def verify(lines, code=0, stderr="", **options):
    """Verify against a worker that prints these lines."""
    return verify_environment(WorkerHost(lambda *_: (lines, code, stderr)), "/env/bin/python", **options)


def test_rungs_that_pass_make_a_verified_environment():
    """Every rung is kept and torch's own description comes with them."""
    result = verify([begin("import"), rung("import"), begin("matmul", "cpu"), rung("matmul", device="cpu"), FINAL])
    assert result.passed
    assert [(r.name, r.device) for r in result.rungs] == [("import", None), ("matmul", "cpu")]
    assert result.torch.version == "2.13.0+cpu"


def test_a_failed_rung_fails_the_whole_and_a_warning_does_not():
    """`fail` decides; `warn` and `skip` are only said."""
    assert not verify([rung("conv", "fail", "cuda:0", "off by 3"), FINAL]).passed
    assert verify([rung("import"), rung("compile", "warn"), rung("jit", "skip"), FINAL]).passed


def test_a_crash_is_pinned_on_the_rung_that_was_under_way():
    """Torch that takes the process down (SIGSEGV) is named by its last announced rung."""
    result = verify([begin("import"), rung("import"), begin("matmul", "cuda:0")], -11, "Segmentation fault")
    assert not result.passed
    assert (result.rungs[-1].name, result.rungs[-1].device, result.rungs[-1].status) == ("matmul", "cuda:0", "fail")
    assert "signal 11" in str(sentence(result.rungs[-1].detail))


def test_a_hang_is_pinned_on_the_rung_that_was_under_way():
    """No answer within the limit fails the rung that did not end."""
    result = verify([begin("import"), rung("import"), begin("devices")], None)
    assert result.rungs[-1].name == "devices"
    assert "time limit" in str(sentence(result.rungs[-1].detail))


def test_a_crash_in_a_soft_rung_only_warns():
    """torch.compile may take the process down and the environment still works."""
    result = verify([rung("import"), begin("compile", "cpu", soft=True)], -6)
    assert result.passed
    assert result.rungs[-1].status == "warn"


def test_a_python_that_does_not_start_fails_at_import():
    """Nothing at all from the child is a failed first rung with its last words."""
    result = verify([], 1, "ModuleNotFoundError: No module named 'encodings'")
    assert not result.passed
    assert result.rungs[0].name == "import"
    assert "encodings" in str(sentence(result.rungs[0].detail))


@pytest.mark.parametrize("junk", ["{", '{"rung": 5}', '{"rung": {"name": 3}}', '{"begin": []}', "Traceback", "\x00"])
def test_babble_between_the_lines_is_passed_over(junk):
    """Broken or foreign lines neither crash torchup nor hide the rungs."""
    assert verify([junk, rung("import"), junk, FINAL]).passed


def test_the_plan_travels_to_the_worker():
    """Version, variant and companions of the planned build go to the worker, and which code runs on which GPU."""
    host = WorkerHost(lambda *_: ([rung("import"), FINAL], 0, ""))
    build = Build(torch="2.13.0", variant="cu126", companions={"torchvision": None})
    verify_environment(host, "/env/bin/python", expected=build, compile_rung=False)
    asked = {"torch": "2.13.0", "variant": "cu126", "companions": {"torchvision": None}}
    request = host.requests[0][0]
    assert request.pop("runs_on")["sm_80"] == ["8.0", "8.6", "8.9"]
    assert request == asked | {"compile": False, "only_compile": False}


def test_the_text_names_the_rung_that_failed_and_why():
    """The first line is the verdict; details of failures are shown, skipped rungs only counted."""
    result = verify([rung("import"), rung("jit", "skip"), rung("arch", "fail", "cuda:0", "sm_120 is not in it"), FINAL])
    shown = verify_text(result, Style(unicode=False))
    assert shown.splitlines()[0] == "This PyTorch does not work here: the check arch (cuda:0) failed."
    assert "sm_120 is not in it" in shown
    assert "skipped checks: 1" in shown


def test_every_rung_of_the_worker_is_said_in_chinese():
    """What a rung proves is not left in English, the companions included."""
    source = (Path(__file__).parents[2] / "src" / "torchup" / "worker" / "verify.py").read_text("utf-8")
    climbed = {*re.findall(r'climb\(\s*"(\w+)"', source), *re.findall(r'^ +\("(\w+)", check_', source, re.MULTILINE)}
    assert {"import", "matmul", "compile", "companions"} <= climbed
    rungs = [Rung(name=name, status=RungStatus.PASS, seconds=0.1) for name in climbed - {"companions"}]
    rungs += [Rung(name="companions", status=RungStatus.PASS, package=name) for name in ("torchvision", "numpy")]
    use("zh")
    lines = [rung_line(rung, Style(unicode=False)) for rung in rungs]
    use("en")
    assert len(lines) > 8
    assert not [line for line in lines if not re.search(r"[\u4e00-\u9fff]", line)]
