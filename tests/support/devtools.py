"""Drive a headless Chromium over its own pipe (DevTools protocol): pages that work for seconds, workers, no network."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Any

from support.chromium import QUIET, program

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 60.0  # seconds for one answer
FREE = 10  # file descriptors from here on are nobody's


class Browser:
    """One Chromium; what its pages request and log is collected in `events`."""

    def __init__(self, *arguments: str) -> None:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        inward, outward = os.pipe(), os.pipe()
        theirs = tuple(fcntl.fcntl(end, fcntl.F_DUPFD, FREE) for end in (inward[0], outward[1]))

        def hand_over() -> None:
            os.dup2(theirs[0], 3)
            os.dup2(theirs[1], 4)

        command = [program(), *QUIET, f"--user-data-dir={self._profile.name}", "--remote-debugging-pipe", *arguments]
        self._process = subprocess.Popen(
            [*command, "about:blank"],
            preexec_fn=hand_over,  # noqa: PLW1509  # Chromium's pipe has these numbers, and nothing else gives them
            pass_fds=(3, 4, *theirs),
            stderr=subprocess.DEVNULL,
        )
        for end in (inward[0], outward[1], *theirs):
            os.close(end)
        self._to, self._from = inward[1], outward[0]
        self._rest, self._number = b"", 0
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """One command and its result."""
        found = self.try_to_send(method, session, **parameters)
        assert "error" not in found, found
        return found["result"]

    def try_to_send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """One command and the whole answer, errors included."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        os.write(self._to, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        until = time.monotonic() + LIMIT
        while True:
            found = self._next(until)
            if found.get("id") == self._number:
                return found
            self.events.append(found)

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            assert time.monotonic() < until, "Chromium does not answer"
            if select.select([self._from], [], [], 1.0)[0]:
                piece = os.read(self._from, 1 << 20)
                assert piece, "Chromium has ended"
                self._rest += piece
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(AssertionError, OSError):
            self.send("Browser.close")
        for end in (self._to, self._from):
            os.close(end)
        self._process.wait(20)
        self._profile.cleanup()


class Page:
    """One tab."""

    def __init__(self, browser: Browser, *, width: int = 1000, height: int = 900, dark: bool = False) -> None:
        self.browser = browser
        target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            self.send(f"{domain}.enable")
        self.look(width=width, height=height, dark=dark)
        self.answered_in = 0.0  # seconds; for the test that opens it

    def look(self, *, width: int = 1000, height: int = 900, dark: bool = False) -> None:
        """Have this size and the system's theme."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[theme])

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command to this tab."""
        return self.browser.send(method, self.session, **parameters)

    def open(self, url: str) -> None:
        """Go to an address."""
        self.send("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """The value of an expression; a promise is waited for."""
        found = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, condition: str, limit: float = LIMIT) -> float:
        """Wait until an expression is true; seconds that it took."""
        began = time.monotonic()
        while not self._is_true(condition):
            assert time.monotonic() - began < limit, f"not true in {limit} s: {condition}; {self.console()}"
            time.sleep(0.05)
        return time.monotonic() - began

    def _is_true(self, condition: str) -> bool:
        found = self.browser.try_to_send(
            "Runtime.evaluate", self.session, expression=f"!!({condition})", awaitPromise=True, returnByValue=True
        )
        return found.get("result", {}).get("result", {}).get("value") is True  # a page that is being left says nothing

    def press(self, key: str, code: int, *, shift: bool = False) -> None:
        """One key, down and up."""
        for kind in ("rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, modifiers=8 * shift)

    def screenshot(self, target: Path) -> None:
        """Write a PNG of the whole page."""
        found = self.send("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        target.write_bytes(base64.b64decode(found["data"]))

    def console(self) -> list[str]:
        """What was logged or thrown in this tab."""
        found = []
        for event in self.browser.events:
            said = event.get("params", {})
            if event.get("method") == "Runtime.consoleAPICalled":
                found.append(" ".join(str(one.get("value", one.get("description"))) for one in said["args"]))
            elif event.get("method") == "Runtime.exceptionThrown":
                found.append(said["exceptionDetails"]["text"])
            elif event.get("method") == "Log.entryAdded":
                found.append(said["entry"]["text"])
        return found
