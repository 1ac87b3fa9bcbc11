"""The edits: idempotent, minimal, sound afterwards, and nothing outside the change."""

from __future__ import annotations

import contextlib
import difflib
import re
import time
import tomllib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from support.projects import EVERYTHING, FLEETS, LAYOUTS, PIXI, PLAIN, POETRY, REQUIREMENTS, UV, project_file, synced
from torchup.catalog import load_catalog
from torchup.errors import NoBuildError, UsageError
from torchup.jobs.project import flaws
from torchup.project.lines import is_managed, name_of

CASES = [(layout, fleet) for layout in LAYOUTS for fleet in FLEETS if (layout, "rocm" in fleet) != ("conda", True)]
# What a changed line may be about.
OURS = re.compile(
    r"torch|triton|rocm|index|url|explicit|priority|source|conflicts|extra|platforms|system-requirements|cuda"
    r"|dependencies\]|exclude_packages|include_packages|name = |channels|nvidia|conda-forge|^[\]\[},\s]*$"
    r"|see the README|version = "
)


def of(layout):
    """Name and text of a layout."""
    return LAYOUTS[layout]


@pytest.mark.parametrize(("layout", "fleet"), CASES)
def test_a_sync_twice_is_a_sync_once(layout, fleet):
    """The second has nothing to change."""
    name, text = of(layout)
    once = synced(name, text, fleet)
    again = synced(name, once.after, fleet)
    assert not again.changes, again.difference


@pytest.mark.parametrize(("layout", "fleet"), CASES)
def test_a_sync_leaves_a_file_that_check_accepts(layout, fleet):
    """Whatever was wrong before, nothing is wrong after, but what the edit has no say in."""
    name, text = of(layout)
    found = flaws(project_file(name, synced(name, text, fleet).after), load_catalog())
    assert [flaw.rule for flaw in found] == []


@pytest.mark.parametrize(("layout", "fleet"), CASES)
def test_only_lines_about_torch_change(layout, fleet):
    """Comments, order, quotes and everything of other tools stay."""
    name, text = of(layout)
    edit = synced(name, text, fleet)
    changed = [line[1:] for line in edit.difference.split("\n")[2:] if line[:1] in "+-"]
    assert all(OURS.search(line) for line in changed), changed
    kept = [
        line for line in text.split("\n") if "torch" not in line and "nvidia" not in line and "platforms" not in line
    ]
    after = edit.after.decode().split("\n")
    assert [line for line in kept if line not in after] == []


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fleet", ["linux-cuda", "mac,windows-cuda,linux-cuda"])
def test_line_ends_and_the_mark_stay(layout, fleet):
    """A file with CRLF and a byte-order mark gets the same edit in its own form."""
    name, text = of(layout)
    plain = synced(name, text, fleet).after
    dressed = synced(name, b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(), fleet).after
    assert dressed == b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n")


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_mixed_line_ends_stay_line_by_line(data):
    """Each line that is not changed keeps the end that it has."""
    name, text = LAYOUTS[data.draw(st.sampled_from(["uv", "requirements", "conda", "pixi"]))]
    lines = text.split("\n")[:-1]
    ends = data.draw(st.lists(st.sampled_from(["\n", "\r\n"]), min_size=len(lines), max_size=len(lines)))
    mixed = "".join(line + end for line, end in zip(lines, ends, strict=True))
    after = synced(name, mixed.encode(), "linux-cuda").after.decode()
    before = set(zip(lines, ends, strict=True))
    pieces = [(piece.removesuffix("\r"), "\r\n" if piece.endswith("\r") else "\n") for piece in after.split("\n")[:-1]]
    now = [line for line, _ in pieces]
    for line, end in pieces:
        assert (line, end) in before or now.count(line) != lines.count(line) or lines.count(line) > 1


def others(data):
    """The plain data of a TOML file without what belongs to torch."""
    if isinstance(data, dict):
        return {
            k: v for k, value in data.items()
            if not is_managed(k) and k not in {"index", "source", "conflicts", "sources", "platforms", "target"}
            and (v := others(value)) not in ({}, [])
        }  # fmt: skip
    if isinstance(data, list):
        return [others(one) for one in data if not (isinstance(one, str) and is_managed(name_of(one) or ""))]
    return data


@pytest.mark.parametrize(("layout", "fleet"), [case for case in CASES if of(case[0])[0].endswith(".toml")])
def test_the_rest_of_the_data_is_the_same(layout, fleet):
    """Read as TOML, everything but torch's own parts is what it was."""
    name, text = of(layout)
    after = others(tomllib.loads(synced(name, text, fleet).after.decode()))
    for part in (after, after.get("tool", {})):
        part.pop("system-requirements", None)
        part.pop("uv", None)
    before = others(tomllib.loads(text))
    before.get("tool", {}).pop("uv", None)
    if not before.get("tool"):
        before.pop("tool", None)
    if not after.get("tool"):
        after.pop("tool", None)
    assert after == before


def test_a_conda_file_is_still_yaml():
    """Its other items and keys are the same."""
    after = yaml.safe_load(synced("environment.yml", LAYOUTS["conda"][1], "linux-cuda").after)
    assert after["channels"] == ["conda-forge"]
    assert "jupyterlab>=4" in after["dependencies"]
    assert {"pip": ["einops"]} in after["dependencies"]
    assert after["variables"] == {"COURSE": "2026"}
    assert not any("pytorch-cuda" in str(spec) for spec in after["dependencies"])


def test_one_file_serves_every_platform_with_extras_where_there_are_several_builds():
    """As uv documents it: extras that conflict, each tied to its index; the Mac needs none."""
    data = tomllib.loads(synced("pyproject.toml", UV, EVERYTHING).after.decode())
    project, uv = data["project"], data["tool"]["uv"]
    assert set(project["optional-dependencies"]) == {"plots", "cpu", "cuda", "rocm"}
    assert uv["conflicts"] == [[{"extra": "cpu"}, {"extra": "cuda"}, {"extra": "rocm"}]]
    assert all(index["explicit"] for index in uv["index"])
    assert {entry["extra"] for entry in uv["sources"]["torch"]} == {"cpu", "cuda", "rocm"}
    assert [line for line in project["dependencies"] if line.startswith("torch")] == [
        "torch==2.14.1 ; sys_platform == 'darwin'", "torchvision ; sys_platform == 'darwin'",
    ]  # fmt: skip
    assert not synced("pyproject.toml", synced("pyproject.toml", UV, EVERYTHING).after, EVERYTHING).changes


def test_pixi_gets_features_and_environments_where_there_are_several_builds():
    """Each environment has one build."""
    data = tomllib.loads(synced("pixi.toml", PIXI, "linux-cuda,linux-cpu,mac").after.decode())
    assert data["environments"] == {"test": ["test"], "cuda": ["cuda"], "cpu": ["cpu"]}
    assert "torch" not in data["pypi-dependencies"]


@pytest.mark.parametrize("layout", ["poetry", "pdm", "conda", "requirements", "modern-poetry"])
def test_a_file_without_room_for_several_builds_says_so(layout):
    """It is refused, with the way out."""
    with pytest.raises(UsageError) as caught:
        synced(*of(layout), "linux-cuda,linux-cpu")
    assert caught.value.code == "project.several"


def test_what_the_file_allows_holds():
    """A pin in the file is a wish: the planner looks for a build of it, and says why there is none."""
    pinned = PLAIN.replace('"torch"', '"torch==2.11.0"')
    assert "torch==2.11.0" in synced("pyproject.toml", pinned, "linux-cuda").after.decode()
    with pytest.raises(NoBuildError):
        synced("pyproject.toml", pinned.replace("2.11.0", "2.5.1"), "linux-cuda='RTX 5090'")
    assert "torch==2.14" in synced("pyproject.toml", pinned, "linux-cuda", torch="2.14").after.decode()


def test_the_oldest_python_of_the_file_decides_with():
    """A torch without wheels for it is not chosen."""
    old = PLAIN.replace('version = "0.1.0"', 'version = "0.1.0"\nrequires-python = ">=3.10"')
    edit = synced("pyproject.toml", old, "linux-cuda")
    assert all(slot.python == "3.10" for slot in edit.slots)


def test_entries_of_platforms_that_nobody_asked_about_stay():
    """A sync for Linux leaves what the file says of Windows."""
    text = UV.replace(
        'torch = { index = "pytorch-cu118" }',
        'torch = [\n  { index = "pytorch-cu118", marker = "sys_platform == \'win32\'" },\n]',
    )
    entries = tomllib.loads(synced("pyproject.toml", text, "linux-cuda").after.decode())["tool"]["uv"]["sources"][
        "torch"
    ]
    assert {"index": "pytorch-cu118", "marker": "sys_platform == 'win32'"} in entries
    assert len(entries) == 2


def test_a_file_without_torch_gets_it():
    """At the end of the list, pinned."""
    text = PLAIN.replace('["torch", "numpy"]', '["numpy"]')
    data = tomllib.loads(synced("pyproject.toml", text, "mac").after.decode())
    assert data["project"]["dependencies"][0] == "numpy"
    assert data["project"]["dependencies"][1].startswith("torch==")
    lines = synced("requirements.txt", "numpy\n", "linux-cuda").after.decode().splitlines()
    assert lines[0].startswith("--extra-index-url ")
    assert lines[-1].startswith("torch==")
    assert synced("requirements.txt", "", "mac").after.startswith(b"torch==")


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("pyproject.toml", "[project", "project.broken"),
        ("pyproject.toml", "[tool.uv]\n[tool.poetry]\n", "project.two"),
        ("pyproject.toml", b"\xff\xfe[project]\n", "project.encoding"),
        ("pyproject.toml", "[tool.uv]\n", "project.no-table"),
        ("pyproject.toml", "x = 1\n" + "#" * 140_000, "project.large"),
        ("pixi.toml", "[tasks]\n", "project.pixi"),
        ("environment.yml", "dependencies: [pytorch]\n", "project.conda"),
        ("environment.yml", "a: [\n", "project.broken"),
        ("environment.yml", "a: &x [1]\nb: *x\n", "project.broken"),
        ("requirements.txt", "torch==2.5.1 \\\n    --hash=sha256:00\n", "project.hashes"),
        ("pyproject.toml", '[project]\ndependencies = ["torch"]\n[tool.uv.sources]\ntorch = { path = "../torch" }\n',
         "project.source"),
        ("setup.cfg", "[x]\n", "project.kind"),
        ("requirements.txt", "torch\n" * 300, "project.many"),
    ],
)  # fmt: skip
def test_what_cannot_be_edited_is_refused(name, text, code):
    """With the reason; nothing is guessed."""
    with pytest.raises(UsageError) as caught:
        synced(name, text, "linux-cuda")
    assert caught.value.code == code


@st.composite
def pyprojects(draw):
    """[project] tables in many layouts."""
    names = draw(
        st.lists(st.sampled_from(["numpy", "rich>=13", "einops", "uvloop; sys_platform != 'win32'"]), unique=True)
    )
    torch = draw(st.sampled_from([
        "torch", "torch>=2.1", "torch==2.14.1", "torch ; sys_platform == 'linux'", "torch>=2.0,<3", "Torch",
        "torch>=2.1 ; python_version >= '3.11'", "torch==2.5.1+cu118",
    ]))  # fmt: skip
    items = [*names, torch, *draw(st.sampled_from([[], ["torchvision"], ["torchaudio>=2.1"]]))]
    items = draw(st.permutations(items))
    quote = draw(st.sampled_from(['"{}"', "{}"]))
    written = [quote.format(item) if quote != "{}" else f'"{item}"' for item in items]
    layout = draw(st.integers(0, 3))
    if layout == 0:
        listed = "[" + ", ".join(written) + "]"
    elif layout == 1:
        listed = "[\n" + "".join(f"    {item},  # {position}\n" for position, item in enumerate(written)) + "]"
    elif layout == 2:
        listed = "[\n  " + ",\n  ".join(written) + "\n]"
    else:
        listed = "[ " + " , ".join(written) + ", ]"
    tails = ["", "\n[tool.uv]\nmanaged = true\n", "\n[tool.ruff]\nline-length = 99\n", "\n# the end\n", "\n\n\n"]
    tail = draw(st.sampled_from(tails))
    head = draw(st.sampled_from(["", "# a project\n\n", "[build-system]\nrequires = ['hatchling']\n\n"]))
    return f'{head}[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = {listed}\n{tail}'


@settings(max_examples=15, deadline=None)
@given(text=pyprojects(), fleet=st.sampled_from([*FLEETS, EVERYTHING, "linux-cuda,linux-cpu"]))
def test_any_layout_is_kept(text, fleet):
    """Idempotent, other requirements in their order, other lines as they are."""
    edit = synced("pyproject.toml", text, fleet)
    after = edit.after.decode()
    assert not synced("pyproject.toml", after, fleet).changes
    old, new = tomllib.loads(text), tomllib.loads(after)
    rest = [item for item in old["project"]["dependencies"] if not is_managed(name_of(item) or "")]
    assert [item for item in new["project"]["dependencies"] if not is_managed(name_of(item) or "")] == rest
    gone = [line for line in difflib.ndiff(text.split("\n"), after.split("\n")) if line.startswith("- ")]
    kept = [line for line in gone if f"{line[2:]}," not in after]  # the last item may get a comma
    assert all("orch" in line or "dependencies" in line or line == "- " for line in kept), gone


@pytest.mark.parametrize("piece", ["\n", '"a",\n', "[t]\n", "k = 1\n", "# \n", "[", "a.b = 1\n"])
@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.txt", "environment.yml", "pixi.toml"])
def test_a_hostile_file_takes_no_longer_than_its_size(name, piece):
    """Kilobytes of one piece are read, or refused, in seconds: nothing grows faster than the file."""
    head = {"environment.yml": "dependencies:\n  - pytorch\n", "requirements.txt": "torch\n"}
    text = head.get(name, '[project]\nname = "x"\ndependencies = ["torch"]\n') + piece * (8_000 // len(piece))
    start = time.perf_counter()
    with contextlib.suppress(UsageError):
        synced(name, text, "linux-cuda")
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize("label", ["cu999", "rocm6.4", "cu118"])
def test_a_line_that_cannot_be_followed_does_not_stay(label):
    """What is left for other systems are labels that were published for them."""
    after = synced("requirements.txt", f"torch==2.7.1+{label}\n", "linux-cuda").after.decode()
    assert (f"torch==2.7.1+{label} ; sys_platform == 'win32'" in after) == (label == "cu118")
    assert not re.search(r"\+\w+ ; .*darwin", after)


def test_torch_in_a_group_of_poetry_stays_there():
    """The constraint is written where the package stands."""
    text = POETRY.replace('torch = "^2.1"          # see the README\ntorchaudio = "*"\n', "").replace(
        'pytest = "^8.0"', 'pytest = "^8.0"\ntorch = "^2.1"'
    )
    data = tomllib.loads(synced("pyproject.toml", text, "linux-cuda").after.decode())["tool"]["poetry"]
    assert "torch" not in data["dependencies"]
    assert data["group"]["dev"]["dependencies"]["torch"][0]["source"] == "pytorch-cu132"


def test_pixi_inside_pyproject():
    """Its tables stand below [tool.pixi], and a second sync changes nothing."""
    text = '[project]\nname = "x"\n\n[tool.pixi.workspace]\nchannels = ["conda-forge"]\nplatforms = ["linux-64"]\n'
    text += '\n[tool.pixi.pypi-dependencies]\ntorch = ">=2.1"\n'
    once = synced("pyproject.toml", text, "linux-cuda").after
    target = tomllib.loads(once.decode())["tool"]["pixi"]["target"]["linux-64"]["pypi-dependencies"]
    assert target["torch"]["index"].endswith("/cu132")
    assert not synced("pyproject.toml", once, "linux-cuda").changes


def test_a_comment_stays_with_its_requirement():
    """The words behind a changed line are not lost."""
    after = synced("requirements.txt", REQUIREMENTS, "linux-cuda").after.decode()
    assert re.search(r"^torch==\S+ ; sys_platform == 'linux' +# the framework$", after, re.MULTILINE)
    assert "gradio[oauth]>=5, \\\n    <6\n" in after
