"""A bundle or a plan that somebody changed is refused by the name of its file and the reason, before it is shown."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from support.bundles import write_sums
from support.plans import folder_plan
from torchup.cli import main
from torchup.cli.env_bundle import read_plan
from torchup.encoding import to_builtins
from torchup.errors import ExitCode, UsageError
from torchup.host import RealHost
from torchup.install import steps
from torchup.install.bundle import load_bundle
from torchup.install.bundle_check import Bundle, check_bundle
from torchup.model import InstallerName

if TYPE_CHECKING:
    from pathlib import Path

HOST = RealHost()
TORCH = "torch-2.13.0+cpu-py3-none-any.whl"
PIP = "pip-26.0-py3-none-any.whl"
ADDRESS = "https://host/x-1-py3-none-any.whl"
WHEEL = {"package": "x", "version": "1", "requirement": f"x @ {ADDRESS}", "url": ADDRESS}


def bundle(folder: Path):
    """A sound bundle of two small files; its document, to be changed."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    for name in (TORCH, PIP):
        (wheels / name).write_bytes(name.encode())
    files = {name: hashlib.sha256(name.encode()).hexdigest() for name in (TORCH, PIP)}
    plan = json.loads(json.dumps(to_builtins(folder_plan(wheels)))) | {"python": "3.12", "python_path": None}
    return {"schema": 1, "platform": None, "pins": [], "files": files, "plan": plan}


def put(document, place, value):
    """Change one place (``plan.build.torch``) of a document."""
    *way, last = place.split(".")
    for part in way:
        document = document[int(part)] if isinstance(document, list) else document[part]
    document[int(last) if isinstance(document, list) else last] = value


def write(folder: Path, document):
    """The bundle as it lies in the folder."""
    (folder / "plan.json").write_text(json.dumps(document))
    write_sums(folder)


def test_a_sound_bundle_is_read(tmp_path):
    """The measure: nothing was changed, and the plan installs the named files with their hashes and no network."""
    document = bundle(tmp_path)
    write(tmp_path, document)
    plan = load_bundle(HOST, str(tmp_path))
    assert plan.hashes == document["files"]
    put(document, "plan.wheels", [WHEEL])
    write(tmp_path, document)
    assert load_bundle(HOST, str(tmp_path)).wheels[0].url == ADDRESS
    put(document, "plan.wheels", [])
    for installer in ("uv", "pip"):
        put(document, "plan.installer", installer)
        write(tmp_path, document)
        install = steps(load_bundle(HOST, str(tmp_path)), "/envs/x")[1]
        assert "--require-hashes" in install.argv
        assert "--no-index" in install.argv
        assert not any("://" in part or part.startswith("torch==") for part in install.argv)
        (text,) = install.files.values()
        assert f"torch==2.13.0+cpu --hash=sha256:{document['files'][TORCH]}\n" in text


# place in plan.json -> what somebody wrote there
CHANGED_PLANS = [
    ("plan.python", "./tp/evil"),
    ("plan.python", "/usr/bin/env"),
    ("plan.python", "python3"),
    ("plan.python", "--help"),
    ("plan.python", "3.12; sh"),
    ("plan.python", "3.12\n3.13"),
    ("plan.python", "cpython-3.12"),
    ("plan.python", ""),
    ("plan.python", "٣.12"),
    ("plan.python", 3.12),
    ("plan.installer", "sh"),
    ("plan.installer", "conda"),
    ("plan.packages", ["torch @ https://host/torch-2.13.0+cpu-py3-none-any.whl"]),
    ("plan.packages", ["torch @ file:///etc/passwd"]),
    ("plan.packages", ["https://host/torch-2.13.0+cpu-py3-none-any.whl"]),
    ("plan.packages", ["--index-url=https://host/simple"]),
    ("plan.packages", ["-r", "/etc/passwd"]),
    ("plan.packages", ["-e", "./evil"]),
    ("plan.packages", ["./evil"]),
    ("plan.packages", ["torch==2.13.0+cpu\n--index-url https://host"]),
    ("plan.packages", ["torch==2.13.0+cpu --hash=sha256:" + "0" * 64]),
    ("plan.packages", ["evil==1.0"]),
    ("plan.packages", []),
    ("plan.packages", ["torch"] * 3000),
    ("plan.packages", ["torch==" + "1" * 600]),
    ("plan.packages", ["torch; os_name == '" + "x" * 600 + "'"]),
    ("plan.constraints", ["-c https://host/constraints.txt"]),
    ("plan.constraints", ["numpy @ git+https://host/numpy"]),
    ("plan.build.torch", "../2.13"),
    ("plan.build.torch", "2.13.0 --pre"),
    ("plan.build.variant", "cpu/../.."),
    ("plan.build.variant", "\u001b[31mcpu"),
    ("plan.build.size_bytes", -(10**18)),
    ("plan.build.size_bytes", 10**18),
    ("plan.build.companions", {"../x": "1.0"}),
    ("plan.build.companions", {"torchvision": "$(id)"}),
    ("plan.build.index_url", "javascript:alert(1)"),
    ("plan.sources.0.url", "--index-url"),
    ("plan.sources.0.url", "https://me:Passw0rd@host/simple"),
    ("plan.sources.0.kind", "program"),
    ("plan.sources.0.name", "a b\n"),
    ("plan.covered_gpus", [-1]),
    ("plan.hashes", {TORCH: "md5"}),
    ("plan.wheels", [WHEEL | {"requirement": "--index-url=https://host/simple=="}]),
    ("plan.wheels", [WHEEL | {"requirement": "x @ file:///etc/x-1-py3-none-any.whl"}]),
    ("plan.wheels", [WHEEL | {"requirement": "x @ https://other/x-1-py3-none-any.whl"}]),
    ("plan.wheels", [WHEEL | {"package": "--help"}]),
    ("plan.wheels", [WHEEL | {"url": "file:///etc/x-1-py3-none-any.whl"}]),
    ("plan.wheels", [WHEEL | {"url": "https://me:Passw0rd@host/x-1-py3-none-any.whl"}]),
    ("plan.wheels", [WHEEL | {"index": "--index-url"}]),
    ("plan.wheels", [WHEEL | {"find_links": "/etc"}]),
    ("plan.wheels", [WHEEL | {"version": "1 --pre"}]),
    ("plan.wheels", [WHEEL | {"sha256": "md5"}]),
    ("plan.wheels", [WHEEL | {"requires": ["-r /etc/passwd"]}]),
    ("plan.conda", {"subdir": "linux-64", "channels": [], "specs": ["evil"]}),
    ("schema", 99),
    ("schema", 0),
    ("schema", "1"),
    ("files", {}),
    ("files", {"../plan.json": "0" * 64}),
    ("files", {"/etc/passwd": "0" * 64}),
    ("files", {TORCH: "0" * 64}),
    ("files", {TORCH: "sha1:abc"}),
    ("files", {TORCH: ""}),
    ("files", {TORCH: "0" * 64, "evil.tar.gz": "0" * 64}),
    ("files", {f"torch-{i}-py3-none-any.whl": "0" * 64 for i in range(600)}),
]


@pytest.mark.parametrize(("place", "value"), CHANGED_PLANS, ids=[f"{p}={str(v)[:30]!r}" for p, v in CHANGED_PLANS])
def test_a_changed_plan_is_refused(tmp_path, place, value):
    """No field of the plan can name a program, a path, an option or an address, or a size that is none."""
    document = bundle(tmp_path)
    put(document, place, value)
    write(tmp_path, document)
    with pytest.raises(UsageError) as refused:
        load_bundle(HOST, str(tmp_path))
    assert "plan.json" in str(refused.value) or ".whl" in str(refused.value)
    assert "Passw0rd" not in str(refused.value)
    assert "\x1b" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_bundle_compiles_nothing(tmp_path):
    """To compile is to run programs, with variables of the plan's choice."""
    document = bundle(tmp_path)
    put(document, "plan.wheels", [WHEEL | {"compiled": True, "environment": {"LD_PRELOAD": "wheels/evil.whl"}}])
    write(tmp_path, document)
    with pytest.raises(UsageError, match="this plan compiles x"):
        load_bundle(HOST, str(tmp_path))


def _append(folder):
    with (folder / "wheels" / TORCH).open("ab") as file:
        file.write(b"x")


def _flip(folder):
    path = folder / "wheels" / TORCH
    path.write_bytes(path.read_bytes().swapcase())


def _empty(folder):
    (folder / "wheels" / TORCH).write_bytes(b"")


def _link(folder):
    (folder / "wheels" / TORCH).unlink()
    (folder / "wheels" / TORCH).symlink_to("/etc/hostname")


def _device(folder):
    (folder / "wheels" / TORCH).unlink()
    (folder / "wheels" / TORCH).symlink_to("/dev/zero")


def _folder(folder):
    (folder / "wheels" / TORCH).unlink()
    (folder / "wheels" / TORCH).mkdir()


def _swap(folder):
    a, b = folder / "wheels" / TORCH, folder / "wheels" / PIP
    first, second = a.read_bytes(), b.read_bytes()
    a.write_bytes(second)
    b.write_bytes(first)


def _add(folder):
    (folder / "wheels" / "numpy-99.0-py3-none-any.whl").write_bytes(b"")


def _add_newer(folder):
    (folder / "wheels" / "torch-99.0-py3-none-any.whl").write_bytes(b"")


def _take(folder):
    (folder / "wheels" / PIP).unlink()


@pytest.mark.parametrize(
    "change",
    [_append, _flip, _empty, _link, _device, _folder, _swap, _add, _add_newer, _take],
    ids=lambda c: c.__name__,
)
def test_changed_files_are_refused_before_the_plan_is_shown(tmp_path, change, capsys):
    """`up --from` compares every file with its SHA-256, also for `--dry-run`: the plan is not even shown."""
    write(tmp_path, bundle(tmp_path))
    change(tmp_path)
    assert main(["up", "--from", str(tmp_path), "--dry-run", "--yes"]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert ".whl" in shown.err
    assert "PyTorch" not in shown.out


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"schema":1}', b'{"files":' + b'{"a":' * 50_000,
     b'{"schema":1,"plan":3}', b" " * 5_000_000],
    ids=["empty", "null", "list", "cut", "binary", "deep", "no plan", "deep object", "a number", "endless"],
)  # fmt: skip
def test_what_is_no_plan_is_refused(tmp_path, raw):
    """Whatever lies at plan.json, the answer is a sentence."""
    bundle(tmp_path)
    (tmp_path / "plan.json").write_bytes(raw)
    write_sums(tmp_path)
    with pytest.raises(UsageError, match=r"plan\.json"):
        load_bundle(HOST, str(tmp_path))


PLAN_FIELDS = [(p, v) for p, v in CHANGED_PLANS if p.startswith("plan.") and v not in ("conda", ["evil==1.0"])]


@pytest.mark.parametrize(("place", "value"), PLAN_FIELDS, ids=[f"{p}={str(v)[:30]!r}" for p, v in PLAN_FIELDS])
def test_a_plan_from_a_file_is_checked_like_that_of_a_bundle(tmp_path, place, value):
    """`env bundle --plan FILE` refuses what `up --from` refuses."""
    document = bundle(tmp_path)
    put(document, place, value)
    file = tmp_path / "given.json"
    file.write_text(json.dumps({"data": document["plan"]}))
    with pytest.raises(UsageError, match=r"given\.json"):
        read_plan(HOST, str(file))


# place in plan.json -> what is there, and the words of the one step that mends it
MENDED = [
    ("schema", 99, "update torchup"),
    ("schema", 0, "with this version of torchup"),
    ("plan.installer", "sh", "with this version of torchup"),
    ("files", {}, "torchup env bundle"),
    ("files", {f"torch-{i}-py3-none-any.whl": "0" * 64 for i in range(600)}, "fewer packages"),
    ("files", {"evil.tar.gz": "0" * 64}, "torchup env bundle"),
    ("files", {"pip-1.0-py3-none-any.whl": "0" * 64, PIP: "0" * 64}, "torchup env bundle"),
    ("files", {PIP: "0" * 64}, "torchup env bundle"),
]


@pytest.mark.parametrize(("place", "value", "step"), MENDED, ids=[f"{p}={str(v)[:30]!r}" for p, v, _ in MENDED])
def test_a_whole_copy_of_a_bad_bundle_is_not_copied_again(tmp_path, place, value, step):
    """The hint is the step that mends this reason; copying helps none of them, for SHA256SUMS agrees."""
    document = bundle(tmp_path)
    put(document, place, value)
    write(tmp_path, document)
    with pytest.raises(UsageError) as refused:
        load_bundle(HOST, str(tmp_path))
    assert step in str(refused.value.hint)
    assert "copy the bundle" not in str(refused.value.hint)


def test_a_bundle_of_a_conda_plan_is_made_again_without_conda(tmp_path):
    """The hint names the option that made the plan one of conda's."""
    write(tmp_path, bundle(tmp_path))
    plan = replace(load_bundle(HOST, str(tmp_path)), installer=InstallerName.CONDA)
    with pytest.raises(UsageError, match="this plan is for conda") as refused:
        check_bundle(HOST, str(tmp_path), Bundle(plan=plan), {})
    assert "--installer uv --json" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("lines", "reason", "step"),
    [("what\n", "line 1 is not", "copy the bundle again"),
     (f"{'0' * 64}  plan.json\nwhat\n", "line 2 is not", "copy the bundle again"),
     (f"{'0' * 64}  plan.json\n" * 2, "lists plan.json twice", "torchup env bundle"),
     ("".join(f"{'0' * 64}  wheels/{i}.whl\n" for i in range(600)), "more than 501 files", "fewer packages")],
    ids=["no hash", "no second hash", "twice", "many"],
)  # fmt: skip
def test_the_hashes_are_refused_by_their_own_reason(tmp_path, lines, reason, step):
    """A line that is no hash, a name that comes twice and too many lines are three reasons with three steps."""
    write(tmp_path, bundle(tmp_path))
    (tmp_path / "SHA256SUMS").write_text(lines)
    with pytest.raises(UsageError, match=reason) as refused:
        load_bundle(HOST, str(tmp_path))
    assert step in str(refused.value.hint)


@pytest.mark.parametrize(
    ("count", "words"), [(5, "missing wheels/0.whl"), (6, "missing 6 files"), (9, "missing 9 files")]
)
def test_files_that_are_missing_are_counted_if_they_are_not_all_named(tmp_path, count, words):
    """A list that is cut says how many files are missing."""
    write(tmp_path, bundle(tmp_path))
    lines = (tmp_path / "SHA256SUMS").read_text()
    (tmp_path / "SHA256SUMS").write_text(lines + "".join(f"{'0' * 64}  wheels/{i}.whl\n" for i in range(count)))
    with pytest.raises(UsageError, match=words) as refused:
        load_bundle(HOST, str(tmp_path))
    assert "wheels/5.whl" not in str(refused.value.text)


@pytest.mark.parametrize("count", [0, 501])
def test_a_number_of_files_that_is_refused_stands_beside_the_limit(tmp_path, count):
    """Who reads how many files there are also reads how many are allowed."""
    document = bundle(tmp_path)
    put(document, "files", {f"torch-{i}-py3-none-any.whl": "0" * 64 for i in range(count)})
    write(tmp_path, document)
    with pytest.raises(UsageError, match=f"lists {count} files; 1 to 500 are allowed"):
        load_bundle(HOST, str(tmp_path))
