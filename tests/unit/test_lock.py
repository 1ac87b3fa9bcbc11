"""What uv is asked for a lock of another machine."""

from __future__ import annotations

import pytest

from support.sources import IsolatedHost
from torchup.host import Completed
from torchup.install.lock import lock
from torchup.model import Build, Machine, Os, Plan

PLAN = Plan(build=Build(torch="2.13.0", variant="cpu"), python="3.12", packages=("torch==2.13.0",))


class NotingHost(IsolatedHost):
    """Notes the command and its environment instead of running it."""

    def run(self, argv, **options):
        """Every command succeeds."""
        self.asked = (argv, options["environment"])
        return Completed(argv=tuple(argv), returncode=0, stdout="lock-version = '1.0'\n")


@pytest.mark.parametrize(
    ("glibc", "platform"),
    [
        ("2.17", "x86_64-manylinux_2_17"),
        ("2.27", "x86_64-manylinux_2_17"),
        ("2.28", "x86_64-manylinux_2_28"),
        ("2.30", "x86_64-manylinux_2_28"),
        ("2.35", "x86_64-manylinux_2_35"),
        ("2.50", "x86_64-manylinux_2_40"),
        (None, "x86_64-manylinux_2_28"),
    ],
)
def test_linux_is_locked_for_its_own_c_library(tmp_path, glibc, platform):
    """CentOS 7 gets no wheel that needs a newer glibc, a new system misses none that an old one cannot use."""
    host = NotingHost(tmp_path)
    lock(host, PLAN, Machine(os=Os.LINUX, arch="x86_64", glibc=glibc), here=False)
    argv, _ = host.asked
    assert argv[argv.index("--python-platform") + 1] == platform


def test_a_mac_is_locked_for_its_own_macos(tmp_path):
    """Left alone, uv takes an older macOS than torch's wheels need; for this machine nothing is told."""
    host = NotingHost(tmp_path)
    mac = Machine(os=Os.MACOS, arch="arm64", os_version="15.0")
    lock(host, PLAN, mac, here=False)
    assert host.asked[1]["MACOSX_DEPLOYMENT_TARGET"] == "15.0"
    lock(host, PLAN, mac, here=True)
    assert "MACOSX_DEPLOYMENT_TARGET" not in host.asked[1]
