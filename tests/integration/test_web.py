"""The page for the browser in a real headless Chromium: the command line's answers, nothing sent, offline, readable."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from golden.machines import GROUPS
from support.devtools import Browser, Page
from support.results_page import EVIL
from support.web_page import READY, Served, ask
from support.web_pieces import pieces
from torchup.cli import main
from torchup.encoding import from_builtins, to_json
from torchup.web.links import RAW_DEFLATE, fragment
from torchup.web.site import Site

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("web")]
THREADS = sorted((Path(__file__).parents[1] / "threads").glob("*/*.txt"))
ERROR = "AssertionError: Torch not compiled with CUDA enabled\n>>> torch.__version__\n'2.14.1+cpu'\n"
LINK = fragment("doctor", paste=f"{ERROR}/home/alice.smith/venv/bin/python\n")
LARGEST = 8_000_000  # bytes that a browser loads
ANSWERS_IN = 2.0  # seconds after the page is ready


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The page, written into a folder by the command; what its JSON says."""
    folder, said = tmp_path_factory.mktemp("web"), io.StringIO()
    with contextlib.redirect_stdout(said):
        assert main(["web", "--from", str(pieces()), "--write", str(folder), "--json"]) == 0
    return from_builtins(json.loads(said.getvalue())["data"], Site)


@pytest.fixture(scope="module")
def browser():
    """One Chromium that can reach this machine and nothing else."""
    started = Browser("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    yield started
    started.close()


@pytest.fixture(scope="module")
def served(site):
    """The folder on a port, without any header of torchup's own: as a plain web server would."""
    server = Served(site.folder, headers=False)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def page(browser, served):
    """The page, opened by a link that holds a question."""
    opened = Page(browser)
    opened.send("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)
    opened.open(f"{served.url}{LINK}")
    opened.wait(READY)
    opened.answered_in = opened.wait("document.documentElement.dataset.answers")
    return opened


def printed(arguments, capsys):
    """What the command line prints with ``--json``."""
    capsys.readouterr()
    main([*arguments, "--json"])
    return json.loads(capsys.readouterr().out)


def untimed(document):
    """A document without the seconds that each rule took."""
    for outcome in (document["data"] or {}).get("outcomes", ()):
        outcome.pop("seconds")
    return document


def test_the_page_is_small_and_carries_its_licences(site):
    """What a browser loads stays under 8 MB; every licence is in the folder."""
    assert site.compressed < LARGEST
    licences = Path(site.folder, "licences.txt").read_text("utf-8")
    carried = ("Pyodide", "msgspec", "packaging", "jinja2", "markupsafe")
    for name in (*carried, "Mozilla Public License", "PYTHON SOFTWARE FOUNDATION", "Apache"):
        assert name.lower() in licences.lower()


def test_a_link_answers_and_the_address_keeps_the_question(page):
    """The link answers by itself, soon after the page is ready; the address then holds the question, without names."""
    assert page.answered_in < ANSWERS_IN
    assert "cpu-build-installed" in page.run("document.getElementById('answer').innerText")
    verb, _, fields = page.run("location.hash").partition("?")
    packed = parse_qs(fields)["z"][0]
    pasted = zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), RAW_DEFLATE).decode()
    assert verb == "#doctor"
    assert pasted.startswith(ERROR)
    assert "alice" not in pasted


def test_reports_get_the_command_lines_json(page, capsys):
    """Threads of strangers, every third of them: the page's JSON is that of `torchup doctor --report FILE --json`."""
    for thread in THREADS[::3]:
        found = ask(page, "doctor", paste=thread.read_bytes().decode("utf-8"))
        expected = printed(["doctor", "--report", str(thread)], capsys)
        assert untimed(json.loads(found["json"])) == untimed(expected), thread.name


def test_machines_get_the_command_lines_plan(page, capsys, tmp_path):
    """Ten golden machines, pasted as `torchup detect --json` prints them: build, reasons, steps, all the same."""
    cases = [case for group in ("hard", "nvidia", "amd") for case in GROUPS[group]() if not case.request]
    for case in cases[:: len(cases) // 10][:10]:
        file = tmp_path / "machine.json"
        file.write_text(to_json({"machine": case.machine}), "utf-8")
        found = ask(page, "plan", paste=file.read_text("utf-8"))
        assert json.loads(found["json"]) == printed(["plan", "--machine", str(file)], capsys), case.name


def test_a_form_is_answered_with_commands_reasons_and_files(page):
    """A Windows laptop by its fields: the build, lines for PowerShell and poetry, why, why not, every file."""
    found = ask(page, "plan", os="windows", gpu="RTX 3070 Ti", manager="poetry", mirror="nju", asked="cu118")
    data = json.loads(found["json"])["data"]
    assert data["build"]["source"].startswith("mirror:nju")
    assert "poetry source add" in found["text"]
    assert f"torch {data['build']['torch']}+{data['build']['variant']}" in found["spoken"]
    for words in ("Why", "Not chosen", "The build you asked about", "requirements.txt", "pixi.toml", "torch.ps1"):
        assert words in found["text"]


def test_a_file_is_downloaded_and_copied(browser, page, tmp_path):
    """The buttons of an export hand over exactly the file that `torchup plan --export` writes."""
    ask(page, "plan", os="linux", gpu="RTX 4090", driver="550")
    browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.send("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    inside = "document.querySelector('[data-save=\"requirements.txt\"]').closest('details')"
    page.run(f"{inside}.open = true; {inside}.querySelector('[data-save]').click()")
    file = tmp_path / "requirements.txt"
    until = time.monotonic() + 10
    while not (file.exists() and file.stat().st_size) and time.monotonic() < until:  # an empty file keeps the name
        time.sleep(0.05)
    content = file.read_text("utf-8")
    assert "torch==2.14.1+cu126" in content
    page.send("Page.bringToFront")
    page.run(f"{inside}.querySelector('[data-copy]').click()")
    page.wait("document.querySelector('[data-copy][data-done]')")
    assert page.run("navigator.clipboard.readText()") == content


def test_hostile_text_stays_text(page):
    """Markup in a report and in a field is shown, never run, and becomes no element."""
    for evil in EVIL:
        shown = [ask(page, "doctor", paste=f"{ERROR}RuntimeError: {evil}\nos: {evil}"), ask(page, "plan", gpu=evil)]
        for found in shown:
            assert "<script" not in found["html"]
        assert page.run("document.querySelectorAll('#answer :is(img,script,svg,iframe,a,style,[onload])').length") == 0
    assert page.run("window.pwned === undefined && document.scripts.length === 1")
    assert page.console() == []


def test_a_link_that_unpacks_without_end_is_cut(page):
    """A few kilobytes that unpack to 50 MB fill a field of a megabyte, and are answered."""
    before = page.run("document.documentElement.dataset.answers")
    page.run(f"location.hash = {fragment('doctor', paste='no words here ' * 4_000_000)!r}")
    page.wait(f"document.documentElement.dataset.answers !== '{before}'")
    assert page.run("document.getElementById('doctor-paste').value.length") < 2_000_000


def test_nothing_goes_out(browser, page, served):
    """Every request so far went to the page's own server; page and worker are not let out even when told to."""
    urls = [e["params"]["request"]["url"] for e in browser.events if e["method"] == "Network.requestWillBeSent"]
    assert urls
    assert [url for url in urls if not url.startswith((served.url, "blob:", "data:"))] == []
    heard = Listener()
    worker = next(
        event["params"]["sessionId"]
        for event in browser.events
        if event["method"] == "Target.attachedToTarget" and event["params"]["targetInfo"]["type"] == "worker"
    )
    tried = f"fetch('{heard.url}', {{mode: 'no-cors'}}).then(() => 'out', (error) => 'held')"
    for session in (page.session, worker):
        got = browser.send("Runtime.evaluate", session, expression=tried, awaitPromise=True, returnByValue=True)
        assert got["result"]["value"] == "held"
    assert heard.stop() == []


class Listener:
    """Another origin on this machine, which writes down who asks."""

    def __init__(self) -> None:
        asked = self._asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(204)
                self.end_headers()

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        """The paths that were asked for."""
        self._server.shutdown()
        self._server.server_close()
        return self._asked


def test_keyboard_names_and_announcements(page):
    """Every control has a name and takes the focus, arrows move between the tabs, the answer is announced."""
    page.run("document.getElementById('doctor-tab').click()")
    page.run("document.getElementById('doctor-tab').focus()")
    page.press("ArrowLeft", 37)
    assert page.run("document.activeElement.id") == "plan-tab"
    assert page.run("document.getElementById('plan-panel').hidden") is False
    page.press("Tab", 9)
    assert page.run("document.activeElement.name") == "os"
    ask(page, "plan", os="linux", gpu="RTX 4090")
    assert page.run("document.activeElement.id") == "answer"
    assert page.run("document.getElementById('status').getAttribute('aria-live')") == "polite"
    unnamed = page.run("""[...document.querySelectorAll("input,select,textarea")].filter((e) => !e.labels.length).length
      + [...document.querySelectorAll("button,a")].filter((e) => !e.textContent.trim()).length""")
    assert unnamed == 0
    tree = page.send("Accessibility.getFullAXTree")["nodes"]
    roles = {"textbox", "combobox", "button", "link", "tab", "checkbox"}
    nameless = [
        node for node in tree
        if not node["ignored"] and node["role"]["value"] in roles and not node.get("name", {}).get("value")
    ]  # fmt: skip
    assert nameless == []


CONTRAST = """(() => {
    const rgb = (c) => c.match(/[\\d.]+/g).slice(0, 3).map((v) => { v /= 255;
      return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    const light = (c) => { const [r, g, b] = rgb(c); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const back = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$/.test(c)) return light(c); } return 1; };
    const ratio = (e) => { const ink = light(getComputedStyle(e).color), paper = back(e);
      return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05); };
    return Math.min(...[...document.querySelectorAll("h1,h2,h3,p,li,td,th,dt,dd,a,summary,button,label,code,.badge")]
      .filter((e) => e.checkVisibility()).map(ratio));
})()"""


WIDE = """[...document.querySelectorAll("body *")].filter((e) => e.checkVisibility() && !e.closest("pre,select")
    && !e.classList.contains("skip") && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML)"""


@pytest.mark.parametrize("dark", [False, True])
def test_contrast_and_a_phone(page, dark):
    """In both themes text has a contrast of 4.5 (WCAG AA), and at 400 pixels nothing runs over the edge."""
    page.look(width=400, dark=dark)
    for verb, fields in (("doctor", {"paste": ERROR}), ("plan", {"os": "linux", "gpu": "RTX 4090", "asked": "cu118"})):
        ask(page, verb, **fields)
        page.run("for (const fold of document.querySelectorAll('details')) fold.open = true")
        assert page.run(CONTRAST) >= 4.5
        assert page.run(WIDE) == []
    page.look()


def test_it_works_offline_in_chinese_after_the_first_visit(page, served):
    """With the server gone the page opens again from the browser's own store, in the other language, and answers."""
    page.wait("document.documentElement.dataset.offline === 'yes'")
    served.stop()
    page.open(f"{served.url}zh.html#plan?os=linux&gpu=RTX+4090")
    page.wait(f"document.documentElement?.lang === 'zh-CN' && {READY}")
    page.wait("document.documentElement.dataset.answers")
    assert "torch 2." in page.run("document.getElementById('status').textContent")
    assert "最佳构建" in page.run("document.getElementById('answer').innerText")
