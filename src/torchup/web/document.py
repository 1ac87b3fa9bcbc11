"""The page itself, one document a language. Pure. Every text stands in it before any script runs."""

from __future__ import annotations

import json

from torchup import __version__, i18n
from torchup.i18n import text
from torchup.report.html_blocks import buttons
from torchup.report.templating import rendered
from torchup.web.form import plan_form
from torchup.web.links import fragment
from torchup.web.texts import script_texts

PAGES = {"en": "index.html", "zh": "zh.html"}
NAMES = {"en": "English", "zh": "中文"}
# The page may talk to its own origin only. Its worker is started from a blob, since a worker made so is held to the
# same policy whatever headers the server sends; WebAssembly needs its own word.
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; "
    "style-src 'self'; img-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'"
)
# What a newcomer sees answered with one click; the report is the commonest one there is.
_REPORT = """\
>>> torch.zeros(1).cuda()
AssertionError: Torch not compiled with CUDA enabled
>>> torch.__version__
'2.14.1+cpu'
NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: 12.4
0  NVIDIA GeForce RTX 4070
"""


def page(language: str, *, megabytes: float) -> str:
    """The document in a language; ``megabytes``: what has to be loaded, as it is said to the reader."""
    before, size = i18n.current(), f"{megabytes:.1f}"
    i18n.use(language)
    try:
        found = rendered(
            "web/templates/page.html.jinja",
            language={"zh": "zh-CN"}.get(language, language),
            languages=[(code, file, NAMES[code]) for code, file in PAGES.items() if code != language],
            policy=POLICY,
            labels=_labels(size) | _form_labels(),
            examples=_examples(),
            form=plan_form(),
            buttons=buttons(),
            texts=json.dumps(script_texts(size), ensure_ascii=False),
        )
    finally:
        i18n.use(before)
    return f"{found}\n"


def _labels(size: str) -> dict[str, str]:
    return {
        "title": text("web.title", "torchup: which PyTorch to install, and why it does not see the GPU"),
        "about": text(
            "web.about",
            "Use this page in the browser to choose the PyTorch build for a machine, or to find out why PyTorch "
            "does not work",
        ),
        "skip": text("html.skip", "Skip to content"),
        "theme": text("html.theme", "Light / dark"),
        "heading": text("web.heading", "The PyTorch that runs on your GPU"),
        "lead": text(
            "web.lead",
            "Describe a machine, or paste what a tool prints on that machine. torchup itself runs inside this "
            "page. It installs nothing and sends nothing.",
        ),
        "examples": text("web.examples", "Try:"),
        "tabs": text("web.tabs", "What you want"),
        "tab_plan": text("web.tab.plan", "Choose a build"),
        "tab_doctor": text("web.tab.doctor", "Find what is wrong"),
        "wait": text("web.say.wait", "Loading ..."),
        "markdown": text("web.markdown", "Markdown to paste into an issue, without user and host names"),
        "json": text("web.json", "JSON, as the command line prints it"),
        "footer": text(
            "web.footer",
            "torchup {version} in Pyodide. The page loads {size} MB once and keeps them in the browser, so it "
            "works offline. The page sends nothing: no report, no statistics.",
            version=__version__,
            size=size,
        ),
        "licences": text("web.licences", "Licences of the included software"),
        "no_script": text(
            "web.no-script",
            "This page needs JavaScript and WebAssembly. On a command line, use `torchup plan` and `torchup doctor`.",
        ),
    }


def _form_labels() -> dict[str, str]:
    return {
        "paste_plan": text("web.paste.plan", "Or paste what a tool prints on that machine"),
        "more": text("web.more", "More: processor, versions, packages, channel"),
        "ask_plan": text("web.plan.ask", "Which build?"),
        "paste_doctor": text("web.paste.doctor", "Paste the error and any other output"),
        "mix": text(
            "web.doctor.mix",
            "Paste several outputs together if you have them; quotes and log lines around them do no harm.",
        ),
        "ask_doctor": text("web.doctor.ask", "What is wrong?"),
        "reset": text("web.reset", "Clear"),
        "link": text("web.link", "Copy a link to this answer"),
    }


def _examples() -> list[tuple[str, str]]:
    """The words and the address of each example."""
    return [
        (text("web.example.linux", "RTX 4090, Linux"), fragment("plan", os="linux", gpu="RTX 4090", driver="550")),
        (text("web.example.windows", "RTX 3070 Ti, Windows"), fragment("plan", os="windows", gpu="RTX 3070 Ti")),
        (text("web.example.mac", "a Mac with an M1 Max"), fragment("plan", os="macos", gpu="M1 Max")),
        (text("web.example.error", "an error"), fragment("doctor", paste=_REPORT)),
    ]
