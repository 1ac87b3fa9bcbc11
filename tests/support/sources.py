"""Hosts for tests of sources: a recorded one with files and variables, a real one that reaches this machine only."""

from __future__ import annotations

from torchup.host import HttpResponse, PlatformFacts, RealHost, RecordedHost
from torchup.host.recorded import Recording


def recorded(files=None, environ=None, *, system="Linux", directories=None, cwd="/home/user/project", python=""):
    """A machine that has just these files and variables."""
    return RecordedHost(
        Recording(
            platform=PlatformFacts(system=system, machine="x86_64", python_executable=python),
            files=files or {},
            environ=environ or {},
            directories=directories or {},
            cwd=cwd,
        )
    )


class IsolatedHost(RealHost):
    """This machine with its own variables and home, and no network but 127.0.0.1; keeps what it was asked for."""

    def __init__(self, home, environ=None):
        self.home = str(home)
        self.variables = {"PIP_CONFIG_FILE": "/dev/null", "UV_NO_CONFIG": "1", **(environ or {})}
        self.fetched = []

    def environ(self):
        """Only the variables given."""
        return self.variables

    def folders(self):
        """Folders below the home given."""
        parts = {name: f"{self.home}/{name}" for name in ("data", "cache", "config", "log")}
        return type(super().folders())(home=self.home, **parts)

    def fetch(self, url, **options):
        """Reach servers of this machine; any other name is unknown."""
        self.fetched.append(url)
        if "//127.0.0.1:" not in url:
            return HttpResponse(url=url, error="[Errno -2] Name or service not known")
        return super().fetch(url, **options)


class RedirectedHost(IsolatedHost):
    """What is outside is sent to a local server, by the host's name as its first folder."""

    def __init__(self, home, environ=None, *, server):
        super().__init__(home, environ)
        self.server = server.rstrip("/")

    def fetch(self, url, **options):
        """The server's own addresses as they are; the rest below it."""
        here = url if url.startswith(self.server) else f"{self.server}/{url.partition('://')[2]}"
        return RealHost.fetch(self, here, **options)
