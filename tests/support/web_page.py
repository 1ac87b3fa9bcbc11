"""The page for the browser, built once and open in Chromium: ask it as a person does, read what it shows."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from torchup.cli.web import HEADERS
from torchup.host.serving import FolderServer

if TYPE_CHECKING:
    from support.devtools import Page

READY = "document.documentElement?.dataset.state === 'ready'"


class Served:
    """A folder on a port, until `stop`."""

    def __init__(self, folder: str, *, port: int = 0, headers: bool = True) -> None:
        self.server = FolderServer(folder, port, HEADERS if headers else {})
        self.url = self.server.url
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No more answers."""
        self.server.shutdown()
        self.server.server_close()
        self._thread.join(10)


def ask(page: Page, verb: str, **fields: str) -> dict[str, Any]:
    """Fill in a form, send it, wait for the answer: its JSON, HTML, Markdown and spoken line."""
    return page.run(f"""(async () => {{
        const form = document.getElementById({json.dumps(verb + "-form")});
        form.closest("[role=tabpanel]").hidden = false;
        for (const control of form.elements)
          if (control.name) control.value = ({json.dumps(fields)})[control.name] ??
            (control.tagName === "SELECT" ? control.options[0].value : "");
        const before = document.documentElement.dataset.answers ?? "0";
        form.requestSubmit();
        for (let i = 0; i < 2000 && (document.documentElement.dataset.answers ?? "0") === before; i++)
          await new Promise((done) => setTimeout(done, 10));
        const of = (id) => document.getElementById(id);
        return {{json: of("document").textContent, html: of("answer").innerHTML, text: of("answer").innerText,
          markdown: of("markdown").textContent, spoken: of("status").textContent}};
    }})()""")
