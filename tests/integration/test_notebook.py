"""`%torchup` in a real kernel (nbclient), and what its answers look like on a page of Jupyter's in Chromium."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support import jupyter
from support.devtools import Browser, Page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the environment with Jupyter is made on Linux"),
    pytest.mark.xdist_group("notebook"),
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook that was run: file and outputs by cell. Its kernel is this Python; torch is in another environment."""
    nbclient = pytest.importorskip("nbclient", reason="pip install 'torchup[test-integration]'")
    pytest.importorskip("ipykernel", reason="pip install 'torchup[test-integration]'")
    import nbformat  # noqa: PLC0415  # comes with nbclient

    python = f"{jupyter.environment()}/bin/python"
    cells = (
        "import torchup, torchup.notebook",
        "%torchup doctor",
        f"%torchup doctor --python {python}",
        "%torchup detect",
        "%torchup plan --assume 'gpu=RTX 4090,os=linux,driver=550'",
        f"%torchup bench launch --budget 1 --python {python}",
        "%torchup plan --assume gpu=<script>window.pwned=1</script>",
        "found = torchup.check(); print(found.cause, found.ok, torchup.check('/none').verdict)",
        "import sys; print('torch' in sys.modules)",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    file = tmp_path_factory.mktemp("notebook") / "answers.ipynb"
    nbformat.write(notebook, file)
    return file, [cell.outputs for cell in notebook.cells]


def data(outputs):
    """The answer among a cell's outputs, by MIME type."""
    (found,) = [output["data"] for output in outputs if output["output_type"] == "display_data"]
    return found


def test_a_kernel_gets_text_and_html(executed):
    """Every verb shows both; the doctor looks at this kernel unless another Python is named; errors are answers."""
    _, (loaded, here, there, machine, plan, bench, wrong, checked, imported) = executed
    assert loaded == []
    for outputs in (here, there, machine, plan, bench, wrong):
        assert data(outputs)["text/plain"]
        assert data(outputs)["text/html"].startswith("<")
    assert sys.executable in data(here)["text/plain"].replace("\n    ", "")
    assert "torch 2.13.0+cpu" in data(there)["text/html"]
    assert "Main cause" not in data(there)["text/html"]
    assert "torch 2.14.1+cu126" in data(plan)["text/html"]
    assert "full product name" in data(wrong)["text/plain"]
    assert checked[0]["text"].split()[1:] == ["False", "undetermined"]
    assert imported[0]["text"].strip() == "False"


def test_jupyters_page_shows_them(executed):
    """As nbconvert writes the notebook: verdicts stand out, tables are read from the left, the report is framed."""
    file, _ = executed
    convert = [
        f"{jupyter.environment()}/bin/python",
        "-m",
        "nbconvert",
        "--to",
        "html",
        "--log-level",
        "ERROR",
        str(file),
    ]
    subprocess.run(convert, check=True, timeout=120)
    browser = Browser("--host-resolver-rules=MAP * ~NOTFOUND")
    try:
        page = Page(browser)
        page.open(file.with_suffix(".html").as_uri())
        page.wait("document.readyState === 'complete' && document.querySelectorAll('.torchup').length === 5")
        seen = page.run("""({
            badges: [...document.querySelectorAll(".torchup .head > .badge")].map((e) => e.innerText),
            aligned: [...document.querySelectorAll(".torchup td")].every((e) =>
              getComputedStyle(e).textAlign === "left"),
            frame: document.querySelector("iframe").getAttribute("sandbox"),
            width: document.querySelector("iframe").clientWidth,
            pwned: window.pwned === undefined,
            wide: [...document.querySelectorAll(".torchup *")].filter((e) =>
              e.getBoundingClientRect().right > innerWidth).length,
        })""")
    finally:
        browser.close()
    assert seen["badges"] == ["Main cause", "Healthy", "This machine", "Best build", "No answer"]
    assert seen["width"] > 500
    assert (seen["aligned"], seen["frame"], seen["pwned"], seen["wide"]) == (True, "allow-scripts", True, 0)
