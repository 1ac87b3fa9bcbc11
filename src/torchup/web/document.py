"""The page itself, one document a language. Pure. Every text stands in it before any script runs."""

from __future__ import annotations

import json

from torchup import __version__, i18n
from torchup.i18n import text
from torchup.report.markup import Markup, element, join
from torchup.web.form import doctor_form, plan_form
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


def page(language: str, *, megabytes: float) -> str:
    """The document in a language; ``megabytes``: what has to be loaded, as it is said to the reader."""
    before, size = i18n.current(), f"{megabytes:.1f}"
    i18n.use(language)
    try:
        body = join(_top(language), _main(size), _footer(size), _no_script())
        tag = {"zh": "zh-CN"}.get(language, language)
        return "<!doctype html>\n" + element("html", {"lang": tag}, _head(), element("body", None, body)) + "\n"
    finally:
        i18n.use(before)


def _head() -> Markup:
    title = text("web.title", "torchup: which PyTorch to install, and why it does not see the GPU")
    about = text("web.about", "Choose the PyTorch build for a machine, or find what is wrong with one, in the browser")
    return element(
        "head",
        None,
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "referrer", "content": "no-referrer"}),
        element("meta", {"name": "color-scheme", "content": "light dark"}),
        element("meta", {"name": "description", "content": about}),
        element("title", None, title),
        element("link", {"rel": "icon", "href": "icon.svg", "type": "image/svg+xml"}),
        element("link", {"rel": "stylesheet", "href": "answer.css"}),
        element("link", {"rel": "stylesheet", "href": "page.css"}),
        element("script", {"type": "module", "src": "app.js"}),
    )


def _top(language: str) -> Markup:
    links = (
        element("a", {"href": file, "lang": code, "hreflang": code, "data-language": code}, NAMES[code])
        for code, file in PAGES.items()
        if code != language
    )
    theme = element("button", {"type": "button", "id": "theme"}, text("html.theme", "Light / dark"))
    brand = element(
        "p", {"class": "brand"}, element("img", {"src": "icon.svg", "alt": "", "width": 28, "height": 28}), "torchup"
    )
    return join(
        element("a", {"class": "skip", "href": "#main", "data-skip": True}, text("html.skip", "Skip to content")),
        element("header", {"class": "top"}, brand, element("div", {"class": "tools"}, *links, theme)),
    )


def _main(size: str) -> Markup:
    tabs = (
        ("plan", text("web.tab.plan", "Choose a build"), plan_form()),
        ("doctor", text("web.tab.doctor", "Find what is wrong"), doctor_form()),
    )
    return element(
        "main",
        {"id": "main", "tabindex": -1},
        element("h1", None, text("web.heading", "The PyTorch that runs on your GPU")),
        element(
            "p",
            {"class": "lead"},
            text(
                "web.lead",
                "Describe a machine, or paste what a tool prints on that machine. torchup itself runs inside "
                "this page. It installs nothing and sends nothing.",
            ),
        ),
        _examples(),
        element(
            "div",
            {"role": "tablist", "class": "tabs", "aria-label": text("web.tabs", "What you want")},
            *(_tab(name, title) for name, title, _ in tabs),
        ),
        *(_panel(name, form) for name, _, form in tabs),
        _status(size),
        element("article", {"id": "answer", "class": "torchup", "tabindex": -1, "hidden": True}),
        _after(),
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


def _examples() -> Markup:
    shown = (
        (text("web.example.linux", "RTX 4090, Linux"), fragment("plan", os="linux", gpu="RTX 4090", driver="550")),
        (text("web.example.windows", "RTX 3070 Ti, Windows"), fragment("plan", os="windows", gpu="RTX 3070 Ti")),
        (text("web.example.mac", "a Mac with M1 Max"), fragment("plan", os="macos", gpu="M1 Max")),
        (text("web.example.error", "an error"), fragment("doctor", paste=_REPORT)),
    )
    links = [element("a", {"href": address}, words) for words, address in shown]
    parts = [part for link in links for part in (" · ", link)][1:]
    return element("p", {"class": "soft examples"}, text("web.examples", "Try:"), " ", *parts)


def _tab(name: str, title: str) -> Markup:
    chosen = name == "plan"
    attributes: dict[str, object] = {
        "type": "button", "role": "tab", "id": f"{name}-tab", "aria-controls": f"{name}-panel",
        "aria-selected": "true" if chosen else "false", "tabindex": 0 if chosen else -1,
    }  # fmt: skip
    return element("button", attributes, title)


def _panel(name: str, form: Markup) -> Markup:
    attributes = {"role": "tabpanel", "id": f"{name}-panel", "aria-labelledby": f"{name}-tab", "hidden": name != "plan"}
    return element("div", attributes, form)


def _status(size: str) -> Markup:
    """Where the page says what it does; heard, too."""
    bar = element("progress", {"id": "progress", "max": 100, "value": 0, "aria-hidden": "true"})
    said = element("p", {"id": "status", "role": "status", "aria-live": "polite"}, text("web.say.wait", "Loading ..."))
    return element(
        "div", {"class": "status", "data-texts": json.dumps(script_texts(size), ensure_ascii=False)}, bar, said
    )


def _after() -> Markup:
    """What can be done with an answer, whatever it is; shown with the first one."""
    return element(
        "div",
        {"id": "after", "hidden": True},
        element(
            "details",
            {"id": "markdown-fold", "hidden": True},
            element("summary", None, text("web.markdown", "Markdown to paste into an issue, without names")),
            _block("markdown", "doctor.md"),
        ),
        element(
            "details",
            None,
            element("summary", None, text("web.json", "JSON, as the command line prints it")),
            _block("document", "answer.json"),
        ),
    )


def _block(name: str, file: str) -> Markup:
    copy = element("button", {"type": "button", "data-copy": True}, text("html.copy", "Copy"))
    save = element("button", {"type": "button", "data-save": file}, text("html.save", "Download"))
    shown = element("pre", {"tabindex": 0}, element("code", {"id": name}))
    return element(
        "div",
        {"class": "torchup"},
        element("div", {"class": "block"}, element("div", {"class": "buttons"}, copy, save), shown),
    )


def _footer(size: str) -> Markup:
    return element(
        "footer",
        {"class": "soft"},
        element(
            "p",
            None,
            text(
                "web.footer",
                "torchup {version} in Pyodide. The page loads {size} MB once and keeps them in the browser, so "
                "it works offline. The page sends nothing: no report, no statistics.",
                version=__version__,
                size=size,
            ),
        ),
        element(
            "p", None, element("a", {"href": "licences.txt"}, text("web.licences", "Licences of the included software"))
        ),
    )


def _no_script() -> Markup:
    words = text(
        "web.no-script",
        "This page needs JavaScript and WebAssembly. On a command line, use `torchup plan` and `torchup doctor`.",
    )
    return element("noscript", None, element("p", None, words))
