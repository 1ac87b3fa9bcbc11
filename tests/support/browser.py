"""A real Chromium that a test steers, over the DevTools protocol on two pipes: no driver, no port, no web socket."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import itertools
import json
import os
import select
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Any

from support import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 150.0  # seconds that a page may take on a busy machine


class Browser:
    """One tab of a Chromium with a profile of its own. Every method waits for its answer."""

    def __init__(self, writing: int, reading: int) -> None:
        self._writing, self._reading, self._rest = writing, reading, b""
        self._numbers = itertools.count(1)
        self._session: str | None = None
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        session = {"sessionId": self._session} if self._session else {}
        sent = json.dumps({"id": number, "method": method, "params": params, **session}).encode() + b"\0"
        os.write(self._writing, sent)
        end = time.monotonic() + PATIENCE
        while True:
            answer = self._read(end)
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def _read(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._reading], [], [], max(0.0, end - time.monotonic()))
            assert ready, "Chromium does not answer"
            chunk = os.read(self._reading, 1 << 20)
            assert chunk, "Chromium has ended"
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)

    def go(self, url: str) -> None:
        """Open an address."""
        self._call("Page.navigate", url=url)

    def ask(self, script: str) -> Any:
        """The value of an expression in the page; ``None`` while the page changes."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = PATIENCE) -> Any:
        """The value of an expression as soon as it is true."""
        end = time.monotonic() + seconds
        while not (value := self.ask(script)):
            assert time.monotonic() < end, f"never true: {script}\n{self.text()[-1500:]}"
            time.sleep(0.2)
        return value

    def text(self) -> str:
        """What is to be read on the page."""
        return self.ask("location.href + '\\n' + (document.body ? document.body.innerText : '')") or ""

    def click(self, selector: str) -> None:
        """Click what a selector finds, as soon as it is there."""
        self.wait(f"!!document.querySelector({json.dumps(selector)})")
        self.ask(f"document.querySelector({json.dumps(selector)}).click()")

    def press(self, selector: str) -> None:
        """Press the mouse in the middle of what a selector finds, as a hand does: it gets the focus."""
        box = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"!!{box}")
        x, y = self.ask(
            f"(() => {{ const b = {box}.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2] }})()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, words: str) -> None:
        """Type into what has the focus."""
        self._call("Input.insertText", text=words)

    def run_cell(self, code: str, expected: str) -> None:
        """In a JupyterLab that shows a launcher: a new notebook, one cell, until its output holds ``expected``."""
        self.click(".jp-LauncherCard[title='Python 3 (ipykernel)']")
        self.wait("document.body.innerText.includes('| Idle') || document.body.innerText.includes('| 空闲')")
        self.press(".jp-Notebook .cm-content")
        self.type(code)
        self.shift_enter()
        outputs = "[...document.querySelectorAll('.jp-OutputArea-output')].map((one) => one.innerText).join()"
        self.wait(f"{outputs}.includes({json.dumps(expected)})")

    def shift_enter(self) -> None:
        """Press Shift and Enter, which runs a cell."""
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "modifiers": 8}
        for kind in ("rawKeyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, **key)

    def screenshot(self, file: Path) -> None:
        """Write a PNG of what is to be seen."""
        file.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))


def pipe() -> list[int]:
    """A pipe whose descriptors are none of those that Chromium speaks on."""
    low = os.pipe()
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10) for descriptor in low]
    for descriptor in low:
        os.close(descriptor)
    return high


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Start a Chromium and end it; where there is none the test is skipped, or fails where CI wants one."""
    program = chromium.program()
    to_child, from_us = pipe()
    from_child, to_us = pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            program,
            *chromium.QUIET,
            f"--user-data-dir={profile}",
            "--window-size=1280,860",
            "--remote-debugging-pipe",
            "about:blank",
        ]
        process = subprocess.Popen(  # Chromium reads descriptor 3 and writes 4; sh knows no numbers of two digits
            ["bash", "-c", f'exec 3<&{to_child} 4>&{to_us}; exec "$@"', "bash", *command],
            pass_fds=(to_child, to_us),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_child)
        os.close(to_us)
        try:
            yield Browser(from_us, from_child)
        finally:
            os.close(from_us)
            os.close(from_child)
            process.terminate()
            process.wait(20)
