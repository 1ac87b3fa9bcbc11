"""Secrets of the configuration reach uv and pip by a private file, certificates and proxies by variables."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from support.sources import IsolatedHost
from torchup.cli import main
from torchup.sources.child_environment import child_environment, sweep


def test_credentials_go_into_a_private_file_that_is_removed(tmp_path):
    """The netrc file holds every address's login decoded, is readable by its owner alone, and is gone afterwards."""
    environ = {
        "PIP_INDEX_URL": "https://me:p%40w@one.example:8443/simple",
        "PIP_EXTRA_INDEX_URL": "https://two.example/s",
    }
    (tmp_path / ".netrc").write_text("machine own login a password b\nmachine two.example login c password d\n")
    with child_environment(IsolatedHost(tmp_path, environ)) as overlay:
        path = Path(overlay["NETRC"])
        text = path.read_text("utf-8")
        assert text.splitlines() == [
            "machine one.example login me password p@w",
            "machine two.example login c password d",
        ]
        if os.name == "posix":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


def test_without_credentials_there_is_no_file(tmp_path):
    """Only what is needed is laid over: the certificate and the proxy."""
    environ = {"PIP_CERT": "/ca.pem", "PIP_PROXY": "http://proxy:3128"}
    with child_environment(IsolatedHost(tmp_path, environ)) as overlay:
        assert overlay == {
            "SSL_CERT_FILE": "/ca.pem", "PIP_CERT": "/ca.pem",
            "HTTP_PROXY": "http://proxy:3128", "HTTPS_PROXY": "http://proxy:3128", "PIP_PROXY": "http://proxy:3128",
        }  # fmt: skip


def test_what_a_killed_run_left_is_swept(tmp_path):
    """A file of logins whose lock nobody holds goes at the next start of any verb; one in use stays."""
    host = IsolatedHost(tmp_path)
    cache = tmp_path / "cache"
    cache.mkdir()
    for name in ("netrc-0123", "netrc-4567", "netrc-4567.lock", "other"):
        (cache / name).write_text("machine a login b password c\n")
    with host.lock(str(cache / "netrc-4567.lock")):
        sweep(host)
        assert sorted(entry.name for entry in cache.iterdir() if not entry.name.endswith(".lock")) == [
            "netrc-4567",
            "other",
        ]
    sweep(host)
    assert [entry.name for entry in cache.iterdir()] == ["other"]


def test_every_verb_sweeps(tmp_path, monkeypatch):
    """`env list` after a kill is enough."""
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/netrc-0123").write_text("machine a login b password c\n")
    main(["env", "list"])
    assert not (tmp_path / "cache/netrc-0123").exists()
