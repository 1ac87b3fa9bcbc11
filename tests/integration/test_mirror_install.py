"""A mirror from the first look to the update: pages on one host, files on another, the same way again."""

from __future__ import annotations

import json
import sys

import pytest

from support.index_server import Fault, IndexServer, make_wheel
from torchup.cli import main
from torchup.errors import ExitCode
from torchup.host import RealHost
from torchup.jobs import up
from torchup.model import Verification

pytestmark = pytest.mark.slow
TAG = f"cp{sys.version_info.major}{sys.version_info.minor}"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
LINUX = "manylinux_2_28_x86_64"


@pytest.fixture
def mirror(monkeypatch, tmp_path):
    """A mirror's pages, with torch's files on another host and everything else on the user's own index."""
    for name in ("PIP_FIND_LINKS", "PIP_CERT", "PIP_EXTRA_INDEX_URL", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setattr(up, "verify_environment", lambda *_, **__: Verification(passed=True))  # these wheels are empty
    real = RealHost.fetch

    def only_here(self, url, **options):
        return real(self, url, **(options if "127.0.0.1" in url else {**options, "proxy": "http://127.0.0.1:1"}))

    monkeypatch.setattr(RealHost, "fetch", only_here)
    with IndexServer() as pages, IndexServer() as elsewhere:
        pages.elsewhere = elsewhere
        wheel = make_wheel("torch", "2.13.0+cpu", python=TAG, platform=LINUX, requires=["filelock"])
        pages.publish("pytorch/whl/cpu", wheel, files=elsewhere)
        for name in ("numpy", "pillow", "pip", "filelock"):
            pages.publish("simple", make_wheel(name, "99.0"))
        monkeypatch.setenv("PIP_INDEX_URL", pages.url("simple"))
        yield pages


def make(capsys, *arguments):
    """(exit code, document, what was said) of `torchup env create`."""
    code = main(["env", "create", "m", "--cpu", "--python", PYTHON, "--yes", "--json", "-v", *arguments])
    output = capsys.readouterr()
    return code, json.loads(output.out), output.err


def test_a_mirror_is_used_and_used_again(mirror, capsys):
    """Torch comes by the mirror's page from where its link leads; a second run takes the same mirror unasked."""
    code, document, _ = make(capsys, "--mirror", mirror.url("pytorch/whl/{variant}"))
    assert code == 0, document
    plan = document["data"]["plan"]
    assert plan["build"]["source"] == f"mirror:{mirror.host}"
    assert document["data"]["environment"]["packages"]["torch"] == "2.13.0+cpu"
    assert any(path.endswith(".whl") for path in mirror.elsewhere.paths())
    newer = make_wheel("torch", "2.14.0+cpu", python=TAG, platform=LINUX)
    mirror.publish("pytorch/whl/cpu", newer, files=mirror.elsewhere)
    code, document, said = make(capsys)
    assert code == 0, document
    assert document["data"]["environment"]["packages"]["torch"] == "2.14.0+cpu"
    assert "using the mirror" in said
    assert make(capsys, "--mirror", "official")[0] == ExitCode.NETWORK


def test_a_mirror_that_lists_but_does_not_serve_rolls_back(mirror, capsys):
    """A page with a file behind it that is forbidden ends in the network's exit code and leaves nothing."""
    mirror.elsewhere.fault("files/*", Fault(status=403))
    code, document, _ = make(capsys, "--mirror", mirror.url("pytorch/whl/{variant}"))
    assert code == ExitCode.NETWORK
    assert document["data"] is None
    assert main(["env", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"] == []


def test_the_same_build_comes_from_the_next_source_when_the_first_fails(mirror, capsys):
    """Where another source lists the same build in another file it is tried next, and the user hears why."""
    mirror.elsewhere.fault("files/torch*", Fault(status=403))
    other = {"torch/repacked.py": ""}
    mirror.publish("simple", make_wheel("torch", "2.13.0+cpu", python=TAG, platform=LINUX, files=other))
    code, document, said = make(capsys, "--mirror", mirror.url("pytorch/whl/{variant}"))
    assert code == 0, document
    assert document["data"]["plan"]["build"]["source"] == "index-url"
    assert "from index-url" in said


def test_the_same_file_comes_from_another_source_without_a_new_plan(mirror, capsys):
    """A file that is forbidden on the mirror is fetched from the source that lists it with the same hash."""
    mirror.elsewhere.fault("files/torch-2.13.0+cpu*.whl", Fault(status=403))
    wheel = make_wheel("torch", "2.13.0+cpu", python=TAG, platform=LINUX, requires=["filelock"])
    mirror.publish("simple", wheel)
    code, document, said = make(capsys, "--mirror", mirror.url("pytorch/whl/{variant}"))
    assert code == 0, document
    assert document["data"]["environment"]["packages"]["torch"] == "2.13.0+cpu"
    assert "from index-url" not in said


def test_another_build_is_never_taken_unasked(mirror, capsys):
    """A source with an older torch is no substitute for the one that was agreed to."""
    mirror.elsewhere.fault("files/torch*", Fault(status=403))
    mirror.publish("simple", make_wheel("torch", "2.12.0+cpu", python=TAG, platform=LINUX))
    code, document, _ = make(capsys, "--mirror", mirror.url("pytorch/whl/{variant}"))
    assert code == ExitCode.NETWORK, document
