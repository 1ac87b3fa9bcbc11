"""Tools that hang, print garbage or crash: detection through the real command line still ends, in time, with code 0."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest


def torchup(*arguments, path, **variables):
    """Run the command line in a process of its own, with a folder of fake tools first on PATH."""
    environment = os.environ | {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}"} | variables
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "torchup", *arguments], env=environment, capture_output=True, timeout=60, check=False
    )
    return ended, time.monotonic() - started


def fake(folder, name, script):
    """Put an executable on the fake PATH."""
    program = folder / name
    program.write_bytes(script)
    program.chmod(0o755)


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the fake tools are shell scripts"),
    pytest.mark.skipif(os.path.exists("/dev/nvidiactl"), reason="a real NVIDIA driver answers before the fake tool"),  # noqa: PTH110  # a patched pathlib must not answer
]


def test_a_hung_nvidia_smi_costs_its_limit_once(tmp_path):
    """Every call of the fake tool would hang; detection pays one limit and says so."""
    fake(tmp_path, "nvidia-smi", b'#!/bin/sh\necho $$ >> "$0.calls"\nexec sleep 30\n')
    ended, seconds = torchup("detect", "--json", path=tmp_path, TORCHUP_PROBE_TIMEOUT="4")
    machine = json.loads(ended.stdout)["data"]["machine"]
    assert ended.returncode == 0
    assert [p["code"] for p in machine["problems"] if p["probe"] == "nvidia-smi"] == ["timeout"]
    assert machine["drivers"][0]["problem"] == "timeout"
    assert len((tmp_path / "nvidia-smi.calls").read_text().splitlines()) == 1
    assert seconds < 25


def test_a_hung_tool_is_told_to_people_too(tmp_path):
    """The table ends with the probe that did not answer; stderr stays empty."""
    fake(tmp_path, "nvidia-smi", b"#!/bin/sh\nexec sleep 30\n")
    ended, _ = torchup("detect", path=tmp_path, TORCHUP_PROBE_TIMEOUT="4")
    assert ended.returncode == 0
    assert b"nvidia-smi: timeout (no answer in 4 s)" in ended.stdout
    assert ended.stderr == b""


def test_a_tool_that_leaves_a_child_holding_the_pipe_does_not_hang_torchup(tmp_path):
    """A tool's background child keeps stdout open; the group is stopped at the limit."""
    fake(tmp_path, "nvidia-smi", b"#!/bin/sh\nsleep 30 &\nwait\n")
    ended, seconds = torchup("detect", "--json", path=tmp_path, TORCHUP_PROBE_TIMEOUT="4")
    assert ended.returncode == 0
    assert seconds < 25


@pytest.mark.parametrize(
    "garbage",
    [
        b"#!/bin/sh\nprintf '\\377\\376\\000\\001\\033[31m\\200garbage\\n'\n",
        b"#!/bin/sh\nhead -c 200000 /dev/urandom\n",
        b"#!/bin/sh\nprintf '<nvidia_smi_log><gpu>'\n",
        b"#!/bin/sh\nkill -SEGV $$\n",
        b"#!/bin/sh\nexit 9\n",
        b"not a program at all",
    ],
    ids=["bytes", "random", "cut-xml", "segfault", "silent", "not-executable"],
)
def test_garbage_from_nvidia_smi_is_a_problem_and_not_a_crash(tmp_path, garbage):
    """Whatever the tool prints, the answer is one JSON document, code 0, no traceback, no crashed probe."""
    fake(tmp_path, "nvidia-smi", garbage)
    ended, _ = torchup("detect", "--json", path=tmp_path)
    machine = json.loads(ended.stdout)["data"]["machine"]
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert machine["gpus"] == []
    assert "crashed" not in {problem["code"] for problem in machine["problems"]}
    assert b"\\u001b" not in ended.stdout or b"\x1b" not in ended.stdout


def test_escape_codes_of_a_tool_do_not_reach_the_terminal(tmp_path):
    """What the tool said is shown, its control characters are not."""
    fake(tmp_path, "nvidia-smi", b"#!/bin/sh\nprintf '\\033]0;owned\\007 NVIDIA-SMI says hello\\n'\n")
    ended, _ = torchup("detect", path=tmp_path)
    assert ended.returncode == 0
    assert b"says hello" in ended.stdout
    assert b"\x1b" not in ended.stdout
    assert b"\x07" not in ended.stdout


def test_a_tool_in_the_current_folder_is_never_run(tmp_path):
    """A relative entry of PATH is passed over."""
    fake(tmp_path, "nvidia-smi", b'#!/bin/sh\ntouch "$0.ran"\n')
    environment = os.environ | {"PATH": f".{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run(
        [sys.executable, "-m", "torchup", "detect", "--json"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0
    assert not (tmp_path / "nvidia-smi.ran").exists()


def test_hung_tools_of_several_vendors_wait_side_by_side(tmp_path):
    """nvidia-smi and uv both hang: their limits overlap."""
    for name in ("nvidia-smi", "uv", "micromamba"):
        fake(tmp_path, name, b"#!/bin/sh\nexec sleep 30\n")
    ended, seconds = torchup("detect", "--json", path=tmp_path, TORCHUP_PROBE_TIMEOUT="5")
    assert ended.returncode == 0
    assert seconds < 10  # two limits in sequence would take ten seconds and the start


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no recording"),
        (b"{", "not a recording"),
        (b"[]", "not a recording"),
        (b"\xff\xfe\x00", "not a recording"),
    ],
)
def test_a_recording_that_is_none_is_a_usage_error(tmp_path, content, said):
    """Exit code 2, a sentence and a hint, JSON too."""
    if content is not None:
        (tmp_path / "recording.json").write_bytes(content)
    ended, _ = torchup("detect", "--from", str(tmp_path), "--json", path=tmp_path)
    assert ended.returncode == 2
    assert json.loads(ended.stdout)["exit_code"] == 2
    assert said in ended.stderr.decode()
    assert "hint" in ended.stderr.decode()


def test_a_recording_that_cannot_be_written_is_a_usage_error(tmp_path):
    """The folder's name is taken by a file."""
    (tmp_path / "taken").write_text("x")
    ended, _ = torchup("detect", "--record", str(tmp_path / "taken" / "deep"), path=tmp_path)
    assert ended.returncode == 2
    assert b"cannot be written" in ended.stderr


def test_record_and_from_exclude_each_other(tmp_path):
    """Both at once is exit 2."""
    ended, _ = torchup("detect", "--record", str(tmp_path), "--from", str(tmp_path), path=tmp_path)
    assert ended.returncode == 2
