"""`torchup mirror` on the command line."""

from __future__ import annotations

import json

import pytest

from support.index_server import Fault, IndexServer, make_wheel
from torchup.cli import main
from torchup.errors import ExitCode

LINUX = "manylinux_2_28_x86_64"


def torch(version):
    """A wheel of torch, with enough bytes to measure."""
    return make_wheel("torch", version, python="cp312", platform=LINUX, files={"torch/big.txt": "x" * 5000})


@pytest.fixture(autouse=True)
def own_configuration(monkeypatch, tmp_path):
    """Keep the developer's pip and uv configuration out."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    for name in ("PIP_CERT", "PIP_FIND_LINKS", "PIP_PROXY", "PIP_TRUSTED_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server():
    """A mirror on this machine."""
    with IndexServer() as running:
        yield running


def measure(capsys, *arguments):
    """(exit code, tests by part) of `torchup mirror test --json`."""
    code = main(["mirror", "test", "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)["data"]["tests"]


def test_the_list_names_what_each_carries(capsys):
    """Tsinghua is there without PyTorch wheels, Nanjing with an index, Aliyun with a page of links."""
    assert main(["mirror", "list"]) == 0
    output = capsys.readouterr().out
    lines = {line.split()[0]: line for line in output.splitlines() if line.strip()}
    assert "index" in lines["nju"]
    assert "page of links" in lines["aliyun"]
    assert "index" not in lines["tuna"]
    assert main(["mirror", "list", "--json"]) == 0
    mirrors = json.loads(capsys.readouterr().out)["data"]["mirrors"]
    assert next(m for m in mirrors if m["name"] == "tuna")["lacks_pytorch"]


def test_the_mirror_in_use_is_shown_without_its_password(capsys, monkeypatch):
    """TORCHUP_MIRROR with credentials is named without them."""
    monkeypatch.setenv("TORCHUP_MIRROR", "https://me:secret@mirror.example/whl/{variant}")
    assert main(["mirror", "list"]) == 0
    output = capsys.readouterr().out
    assert "mirror.example" in output
    assert "secret" not in output


def test_a_mirror_is_measured_by_index_and_first_bytes(capsys, server):
    """The newest release that is not yanked is found, and its first bytes are asked for with a range."""
    for version, yanked in (
        ("2.13.0+cpu", None),
        ("2.14.1+cpu", None),
        ("2.15.0+cpu", "broken"),
        ("2.16.0.dev1+cpu", None),
    ):
        server.publish("whl/cpu", torch(version), yanked=yanked)
    code, (test,) = measure(capsys, server.url("whl/{variant}"))
    assert code == ExitCode.OK
    assert (test["part"], test["newest_torch"], test["served_by"]) == ("pytorch", "2.14.1", server.host)
    assert test["upstream"] is False
    assert test["bytes_per_second"] > 0
    path, headers = server.requests[-1]
    assert path == "/files/" + torch("2.14.1+cpu").filename
    assert headers["range"].startswith("bytes=0-")


def test_the_host_that_really_serves_is_named(capsys, server):
    """A page whose links or redirects lead elsewhere is told by the host that sent the bytes."""
    with IndexServer() as elsewhere:
        server.publish("whl/cpu", torch("2.14.1+cpu"), files=elsewhere)
        server.publish("re/cpu", torch("2.13.0+cpu"))
        elsewhere.files[torch("2.13.0+cpu").filename] = b"x" * 100
        target = elsewhere.url(f"files/{torch('2.13.0+cpu').filename}").replace("+", "%2B")
        server.fault(f"files/{torch('2.13.0+cpu').filename}", Fault(redirect=target))
        code, tests = measure(capsys, server.url("whl/{variant}"), server.url("re/{variant}"))
    assert code == ExitCode.OK
    assert [test["served_by"] for test in tests] == [elsewhere.host, elsewhere.host]


def test_a_listed_file_that_is_not_served_is_a_failure(capsys, server):
    """An index page alone proves nothing: 403 on the wheel is exit 7."""
    server.publish("whl/cpu", torch("2.14.1+cpu"))
    server.fault("files/*", Fault(status=403))
    code, (test,) = measure(capsys, server.url("whl/{variant}"))
    assert code == ExitCode.NETWORK
    assert "403" in test["problem"]


def test_a_stale_mirror_is_seen_by_its_newest_torch(capsys, server):
    """The text names the version that is known beside the one the mirror has."""
    server.publish("whl/cpu", torch("2.5.1+cpu"))
    assert main(["mirror", "test", server.url("whl/{variant}")]) == 0
    assert "2.5.1 (newest" in " ".join(capsys.readouterr().out.split())


def test_a_flat_page_is_measured_too(capsys, server):
    """A variant's own address is taken as it stands."""
    server.publish("whl/cu126", torch("2.14.1+cu126"))
    code, (test,) = measure(capsys, server.url("whl/cu126"))
    assert (code, test["newest_torch"]) == (ExitCode.OK, "2.14.1")


def test_wrong_names_are_usage_errors(capsys):
    """A name that no mirror has is exit 2 with a guess, in text and in JSON."""
    assert main(["mirror", "test", "njuu"]) == ExitCode.USAGE
    assert "did you mean `nju`" in capsys.readouterr().err
    assert main(["mirror", "test", "njuu", "--json"]) == ExitCode.USAGE
    assert json.loads(capsys.readouterr().out)["status"] == "error"


def test_a_variant_that_is_none_is_a_usage_error(capsys):
    """What would become part of an address is checked first."""
    assert main(["mirror", "test", "nju", "--variant", "../../x"]) == ExitCode.USAGE
    assert "is not a variant" in capsys.readouterr().err
