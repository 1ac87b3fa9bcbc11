"""Conda's configuration as conda, mamba and pixi write it, and where conda-forge is fetched from."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchup.errors import UsageError
from torchup.host import HttpResponse, PlatformFacts, RecordedHost
from torchup.host.recorded import Recording
from torchup.model import Request, Secret
from torchup.sources.conda_config import conda_environment, read_conda_config
from torchup.sources.conda_survey import survey_conda
from torchup.sources.configured import read_configuration

FORGE = "https://conda.anaconda.org/conda-forge"
TUNA = "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/conda-forge"
# The configuration that TUNA's own help page gives.
TUNA_CONDARC = """\
channels:
  - defaults
show_channel_urls: true
default_channels:
  - https://mirrors.tuna.tsinghua.edu.cn/anaconda/pkgs/main
custom_channels:
  conda-forge: https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud
  pytorch: https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud
"""


def host(files=None, environ=None, answers=()) -> RecordedHost:
    """A Linux machine with these files; ``answers`` are channels that answer, without shards as most mirrors are."""
    responses = tuple(
        HttpResponse(url=f"{url}/noarch/{name}", status=status, body=b"x")
        for url in answers
        for name, status in (("repodata_shards.msgpack.zst", 404), ("repodata.json.zst", 200))
    )
    facts = PlatformFacts(system="Linux", machine="x86_64")
    return RecordedHost(Recording(platform=facts, files=files or {}, environ=environ or {}, responses=responses))


def served(files=None, environ=None) -> list[str]:
    """Where the configuration fetches conda-forge from."""
    return [setting.value.reveal() for setting in read_conda_config(host(files, environ)).served]


@pytest.mark.parametrize(
    ("files", "environ", "expected"),
    [
        ({}, {}, []),
        ({"/home/user/.condarc": TUNA_CONDARC}, {}, [TUNA]),
        ({"/home/user/.condarc": "channel_alias: https://m.example/conda/"}, {}, ["https://m.example/conda/conda-forge"]),
        ({"/home/user/.condarc": "channel_alias: https://conda.anaconda.org"}, {}, []),
        ({}, {"CONDA_CHANNEL_ALIAS": "https://m.example"}, ["https://m.example/conda-forge"]),
        (
            {"/home/user/.condarc": "mirrored_channels:\n  conda-forge:\n    - https://a.example/cf\n    - https://b.example/cf"},
            {},
            ["https://a.example/cf", "https://b.example/cf"],
        ),
        ({"/etc/conda/.condarc": TUNA_CONDARC, "/home/user/.condarc": "custom_channels: {conda-forge: https://own.example}"},
         {}, ["https://own.example/conda-forge"]),
        ({"/corp.yml": TUNA_CONDARC}, {"CONDARC": "/corp.yml"}, [TUNA]),
        ({"/home/user/.config/pixi/config.toml": f'[mirrors]\n"{FORGE}" = ["https://p.example/cf"]'}, {}, ["https://p.example/cf"]),
        ({"/home/user/.pixi/config.toml": '[mirrors]\n"https://conda.anaconda.org" = ["https://p.example"]'},
         {}, ["https://p.example/conda-forge"]),
    ],
)  # fmt: skip
def test_the_configuration_of_each_tool_is_understood(files, environ, expected):
    """Conda's aliases and custom channels, mamba's mirrors, pixi's mirrors; the nearest file wins."""
    assert served(files, environ) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "channel_alias: [1]",
        "custom_channels: 7",
        "custom_channels: {conda-forge: 3}",
        "mirrored_channels: {conda-forge: {}}",
    ],
)
def test_odd_values_mean_nothing(text):
    """A value of another type is as good as none."""
    assert served({"/home/user/.condarc": text}) == []


def test_a_file_that_cannot_be_read_is_told_without_its_password():
    """A broken file is a notice, and the others still count."""
    broken = "channel_alias: https://me:secret@x: {"
    config = read_conda_config(host({"/home/user/.condarc": broken, "/etc/conda/.condarc": TUNA_CONDARC}))
    assert [notice.code for notice in config.notices] == ["sources.config-unreadable"]
    assert "secret" not in str(config.notices[0].text)
    assert [setting.value.reveal() for setting in config.served] == [TUNA]


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text):
    """Whatever lies in .condarc, there is a configuration."""
    assert read_conda_config(host({"/home/user/.condarc": text})).files in {(), ("/home/user/.condarc",)}


def test_credentials_certificate_and_proxy_reach_the_child_and_nobody_else():
    """The address in the survey has no password; the child's environment has it, by host."""
    condarc = (
        "custom_channels: {conda-forge: 'https://me:se%2Fcret@corp.example:8443/conda'}\n"
        "ssl_verify: /etc/corp.pem\nproxy_servers: {https: 'http://proxy.example:3128'}\n"
    )
    machine = host({"/home/user/.condarc": condarc})
    found = survey_conda(machine, Request(offline=True), read_configuration(machine))
    assert found.conda_mirrors == {FORGE: ("https://corp.example:8443/conda/conda-forge",)}
    child = conda_environment(machine)
    assert json.loads(child["TORCHUP_CONDA_HEADERS"]) == {"corp.example": {"Authorization": "Basic bWU6c2UvY3JldA=="}}
    assert child["SSL_CERT_FILE"] == "/etc/corp.pem"
    assert child["HTTPS_PROXY"] == "http://proxy.example:3128"


def survey(request, files=None, answers=()):
    """A survey of conda's places."""
    machine = host(files, {}, answers)
    return survey_conda(machine, request, read_configuration(machine))


def test_the_mirror_asked_for_comes_first_then_the_configuration_then_the_channel_itself():
    """Each place is tried in order; the first that answers serves."""
    files = {"/home/user/.condarc": "custom_channels: {conda-forge: https://own.example}"}
    found = survey(Request(mirror=Secret("tuna")), files, [TUNA, "https://own.example/conda-forge", FORGE])
    assert [source.name for source in found.sources[:3]] == ["mirror:tuna", "condarc", "conda-forge"]
    assert found.conda_mirrors == {FORGE: (TUNA,)}
    assert found.sources[1].origin == "/home/user/.condarc"


def test_a_mirror_that_does_not_answer_is_skipped_with_its_reason():
    """The next place serves, and the plan can say why the first did not."""
    found = survey(Request(mirror=Secret("tuna")), answers=[FORGE])
    assert found.sources[0].reachable is False
    assert found.sources[0].detail is not None
    assert found.conda_mirrors == {}


@pytest.mark.parametrize("status", [401, 403, 404, 500, None])
def test_what_a_channel_answered_is_a_sentence(status):
    """A status is explained as that of an index page is; a bare number would say nothing."""
    names = ("repodata_shards.msgpack.zst", "repodata.json.zst", "repodata.json")
    responses = tuple(HttpResponse(url=f"{FORGE}/noarch/{name}", status=status, error="no route") for name in names)
    facts = PlatformFacts(system="Linux", machine="x86_64")
    machine = RecordedHost(Recording(platform=facts, responses=responses))
    found = survey_conda(machine, Request(), read_configuration(machine))
    detail = found.sources[0].detail
    assert detail is not None
    assert detail.code.startswith("sources.")
    assert str(detail) != str(status)
    assert len(str(detail).split()) > 2


def test_offline_contacts_nobody_and_takes_the_first():
    """Nothing is asked; what is configured is believed."""
    found = survey(Request(mirror=Secret("tuna"), offline=True))
    assert found.sources[0].reachable is None
    assert found.conda_mirrors == {FORGE: (TUNA,)}


def test_nobody_answering_is_told():
    """The plan still stands, from the catalogue, with a warning."""
    found = survey(Request())
    assert [notice.code for notice in found.notices] == ["sources.conda.nowhere"]
    assert found.conda_mirrors == {}


def test_a_mirror_without_conda_forge_is_told(monkeypatch):
    """A mirror of wheels only cannot serve conda: a notice, and conda-forge itself."""
    found = survey(Request(mirror=Secret("aliyun")), answers=[FORGE])
    assert [notice.code for notice in found.notices] == ["sources.conda.no-mirror"]
    assert found.conda_mirrors == {}


def test_an_unknown_mirror_is_a_usage_error():
    """As everywhere else."""
    with pytest.raises(UsageError):
        survey(Request(mirror=Secret("tunna")))
