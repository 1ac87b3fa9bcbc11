"""What the machine did while it was measured: samples of a child process become one `Telemetry`."""

from __future__ import annotations

import json
import posixpath
import threading
from typing import TYPE_CHECKING, Any, Self

import msgspec

from torchup.bench.telemetry_summary import Stamped, summarise
from torchup.encoding import UNREADABLE
from torchup.host.threads import thread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from torchup.bench.request import Task
    from torchup.host import Host
    from torchup.model import Result, Telemetry

FAST, SLOW = 0.1, 0.5  # seconds between samples with and without a GPU: NVML refreshes power about every 0.1 s
LIMIT = 8 * 3600.0  # seconds after which the probe ends by itself
STARTED = 5.0  # seconds to wait for its first line; a machine whose driver hangs is measured without telemetry


class Recorder:
    """``with Recorder(host, device, pci_id) as recorder: ...`` then ``recorder.telemetry``.

    `mark` notes a moment of the measured time (it began, an epoch ended): everything is taken between the first and
    the last mark, so that start-up and evaluation are not in it. Points that are measured one after the other have
    marks, and a telemetry, of their own: `of_point`.
    """

    def __init__(self, host: Host, device: str, pci_id: str | None = None) -> None:
        self._host = host
        self._device = device
        self._pci_id = pci_id
        self._interval = SLOW if device == "cpu" else FAST
        self._keep = posixpath.join(
            host.folders().cache.replace("\\", "/"), f"telemetry-{threading.get_ident()}-{host.monotonic():.6f}"
        )
        self._fixed: Mapping[str, Any] | None = None
        self._samples: list[Stamped] = []
        self._marks: list[tuple[float, int | None]] = []
        self._first = threading.Event()
        self._thread = thread(self._run)
        self.telemetry: Telemetry | None = None

    def __enter__(self) -> Self:
        try:
            self._host.write_text(self._keep, "")
        except OSError:  # a full disk: the measurement matters more than its telemetry
            return self
        self._thread.start()
        self._first.wait(STARTED)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._host.remove(self._keep)
        except OSError:
            return
        if self._thread.ident is not None:
            self._thread.join(STARTED)
        if kind is None:
            self.telemetry = self._between(tuple(when for when, _ in self._marks))

    def of_point(self, point: int) -> Telemetry | None:
        """What the machine did while one of several points was measured; after the end."""
        return self._between(tuple(when for when, marked in self._marks if marked == point))

    def _between(self, marks: tuple[float, ...]) -> Telemetry | None:
        if self._fixed is None:
            return None
        return summarise(
            self._fixed,
            tuple(self._samples),
            device=self._device,
            pci_id=self._pci_id,
            interval=self._interval,
            marks=marks,
        )

    def mark(self, point: int | None = None) -> None:
        """The measured time began, goes on or ended now."""
        self._marks.append((self._host.monotonic(), point))

    def watch_lines(self, then: Callable[[str], None]) -> Callable[[str], None]:
        """The worker's lines on their way to ``then``: a change of stage or the end of an epoch is a mark."""

        def line(text: str) -> None:
            if text.startswith('{"progress"') and any(word in text for word in _MARKING):
                self.mark(_point_of(text))
            then(text)

        return line

    def _run(self) -> None:
        request = {"interval": self._interval, "keep": self._keep, "limit": LIMIT}
        python = self._host.platform().python_executable or "python3"
        argv = (python, "-I", "-m", "torchup.bench.telemetry_probe", json.dumps(request))
        try:
            self._host.run(argv, timeout=LIMIT, on_line=self._line)
        finally:
            self._first.set()  # no caller waits for a probe that could not start

    def _line(self, text: str) -> None:
        try:
            line = msgspec.json.decode(text, type=dict[str, Any])
        except UNREADABLE:
            return
        if "fixed" in line:
            self._fixed = line["fixed"]
        elif "sample" in line:
            self._samples.append((self._host.monotonic(), line["sample"]))
            self._first.set()


_MARKING = ('"epoch"', '"training"', '"testing"', '"point"')


def _point_of(line: str) -> int | None:
    try:
        point = msgspec.json.decode(line, type=dict[str, dict[str, Any]])["progress"].get("point")
    except (*UNREADABLE, KeyError):
        return None
    return point if isinstance(point, int) else None


def with_surroundings(
    results: Sequence[Result], tasks: Sequence[Task], recorded: Sequence[Telemetry | None], *, code_hash: str
) -> tuple[Result, ...]:
    """Results with the hash of the code that measured them and the telemetry of their runs.

    The load before the first run is that of all: later ones would see what torchup itself did.
    """
    quiet = next((telemetry.load_average for telemetry in recorded if telemetry is not None), None)
    found = []
    for result in results:
        setting = result.parameters.get("sweep", {})
        runs = [
            msgspec.structs.replace(t, load_average=quiet) if t is not None else None
            for task, t in zip(tasks, recorded, strict=True)
            if (task.device, task.recipe, task.setting) == (result.device, result.recipe, setting)
        ]
        found.append(msgspec.structs.replace(attach(result, runs), code_hash=code_hash))
    return tuple(found)


def attach(result: Result, recorded: Sequence[Telemetry | None]) -> Result:
    """Give a result the telemetry of the repeat that its median comes from; throttling in any repeat is kept."""
    times = result.repeats or (result.seconds,)
    pairs = [(abs(t - result.seconds), n) for n, t in enumerate(times) if n < len(recorded) and recorded[n] is not None]
    if not pairs:
        return result
    known = [telemetry for telemetry in recorded if telemetry is not None]
    chosen = recorded[min(pairs)[1]]
    assert chosen is not None  # noqa: S101  # filtered above
    throttle = tuple(dict.fromkeys(name for telemetry in known for name in telemetry.throttle))
    strangers = max((t.other_processes for t in known if t.other_processes is not None), default=None)
    merged = msgspec.structs.replace(
        chosen, throttle=throttle, other_processes=strangers, load_average=known[0].load_average
    )
    return msgspec.structs.replace(result, telemetry=merged)
