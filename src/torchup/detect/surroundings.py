"""What several probes need and only one should ask for: the operating system, the PCI devices, Windows' inventory."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from torchup.detect.pci import PciDevice, display_devices
from torchup.host.base import PROBE_TIMEOUT
from torchup.host.threads import Pool
from torchup.model import Os

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchup.host import Completed, Host, PlatformFacts

T = TypeVar("T")
_SYSTEMS = {"Linux": Os.LINUX, "Windows": Os.WINDOWS, "Darwin": Os.MACOS}
_MACHINES = {"AMD64": "x86_64", "x64": "x86_64", "ARM64": "arm64", "i386": "i686", "x86": "i686", "i586": "i686"}


class Surroundings:
    """The host, with its shared answers asked at most once, whichever thread comes first."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.platform: PlatformFacts = host.platform()
        self.os: Os = _SYSTEMS.get(self.platform.system, Os.LINUX)
        self.arch: str = machine_name(self.platform.machine)
        self.timeout: float = _time_limit(host.environ().get("TORCHUP_PROBE_TIMEOUT"))
        self._lock = threading.RLock()
        self._kept: dict[str, object] = {}

    def once(self, name: str, ask: Callable[[], T]) -> T:
        """The answer to a shared question; a second asker waits for the first one's."""
        with self._lock:
            if name not in self._kept:
                self._kept[name] = ask()
            return self._kept[name]  # type: ignore[return-value]  # each name has one asker, so one type

    @property
    def pci(self) -> tuple[PciDevice, ...]:
        """Display devices on the PCI bus (Linux); empty elsewhere."""
        return self.once("pci", lambda: display_devices(self.host)) if self.os == Os.LINUX else ()

    def run(self, *argv: str) -> Completed:
        """Run a probe's program within the time limit of probes."""
        return self.host.run(argv, timeout=self.timeout)

    def run_all(self, *commands: Sequence[str]) -> tuple[Completed, ...]:
        """Run several programs side by side: if all of them hang, the limit is still paid once."""
        with Pool(max_workers=max(len(commands), 1)) as pool:
            return tuple(pool.map(lambda argv: self.run(*argv), commands))

    def find(self, name: str, places: Sequence[str]) -> str | None:
        """A program on PATH, or in the places where its vendor puts it."""
        return self.host.which(name) or next((place for place in places if self.host.which(place)), None)


def machine_name(name: str) -> str:
    """``platform.machine()`` in the spelling of the Machine document (Windows says AMD64)."""
    return _MACHINES.get(name, name) or "unknown"


def _time_limit(text: str | None) -> float:
    """Seconds a probe may take; TORCHUP_PROBE_TIMEOUT changes it (a cold 8-GPU server can need more)."""
    try:
        seconds = float(text or PROBE_TIMEOUT)
    except ValueError:
        return PROBE_TIMEOUT
    return seconds if 0 < seconds <= 600 else PROBE_TIMEOUT  # noqa: PLR2004  # ten minutes: long enough for any probe
