"""Drive a real headless Chromium without any driver: a page is framed, a script of the test looks at it from outside.

The page under test stands in an ``iframe srcdoc``, so its own content security policy applies to it, and the frame can
have the width of a phone. What the test's script returns is written into the outer document and read with --dump-dom.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
REQUIRED = "TORCHUP_REQUIRE_CHROMIUM"
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--enable-logging=stderr", "--v=0", "--force-device-scale-factor=1",
)  # fmt: skip
HARNESS = """<!doctype html><meta charset=utf-8><style>body{margin:0}iframe{border:0;display:block}</style>
<iframe id=f width=%(width)d height=%(height)d srcdoc="%(page)s"></iframe><pre id=out></pre>
<script>
document.getElementById("f").addEventListener("load", async () => {
  const frame = document.getElementById("f"), page = frame.contentDocument, inside = frame.contentWindow;
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  let answer;
  try { answer = await (async () => { %(script)s })(); } catch (error) { answer = {error: String(error)}; }
  document.getElementById("out").textContent = "ANSWER" + JSON.stringify(answer) + "END";
});
</script>"""


def program() -> str:
    """Chromium's path; without one the test is skipped, or fails where CI says that there has to be one."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        reason = "no Chromium on this machine (Debian: apt install chromium)"
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"{REQUIRED}=1, but there is {reason}")
        pytest.skip(reason)
    return found


def _start(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [program(), *QUIET, f"--user-data-dir={profile}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, errors="replace")


def look(page: str, script: str, *, width: int = 1000, dark: bool = False) -> tuple[Any, list[str]]:
    """Open a page and run a script on it (``page``: document, ``inside``: window): its answer, and the console."""
    values = {"width": width, "height": 900, "page": html.escape(page, quote=True), "script": script}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "harness.html"
        file.write_text(HARNESS % values, encoding="utf-8")
        theme = ["--blink-settings=preferredColorScheme=0"] if dark else []
        done = _start([*theme, "--window-size=1200,900", "--virtual-time-budget=8000", "--dump-dom", file.as_uri()])
    console = re.findall(r"CONSOLE[^\n]*\] \"?([^\n]*)", done.stderr)
    match = re.search(r"ANSWER(.*)END</pre>", done.stdout, re.DOTALL)
    assert match, done.stderr[-2000:]
    return json.loads(html.unescape(match[1])), console


def screenshot(page: str, target: Path, *, width: int, height: int, dark: bool = False) -> None:
    """Write a PNG of the page at a width, phones' included."""
    values = {"width": width, "height": height, "page": html.escape(page, quote=True), "script": "return 0"}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "harness.html"
        file.write_text(HARNESS % values, encoding="utf-8")
        theme = ["--blink-settings=preferredColorScheme=0"] if dark else []
        size = f"--window-size={max(width, 500)},{height}"  # Chromium has no narrower window; the frame has
        _start([*theme, size, f"--screenshot={target}", file.as_uri()])
