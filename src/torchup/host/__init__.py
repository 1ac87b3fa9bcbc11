"""The only door to the outside: processes, files, environment, clock, network."""

from torchup.host.base import Completed, Host, HttpResponse, PlatformFacts, StandardFolders
from torchup.host.real import RealHost
from torchup.host.recorded import RecordedHost, RecordingHost

__all__ = [
    "Completed",
    "Host",
    "HttpResponse",
    "PlatformFacts",
    "RealHost",
    "RecordedHost",
    "RecordingHost",
    "StandardFolders",
]
