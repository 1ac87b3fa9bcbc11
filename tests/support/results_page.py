"""Pages for the tests of the HTML report: one with every section, and one that a hostile file would give."""

from __future__ import annotations

from support.results import breakdown, limit, result, run, telemetry
from torchup.i18n.sentences import raised
from torchup.model import Said
from torchup.report.html import page
from torchup.results.baselines import load_baseline

EVIL = (
    "<script>window.pwned=1</script>",
    '"><img src=x onerror="window.pwned=1">',
    "</style><script>window.pwned=1</script>",
    "</title></head><body onload=window.pwned=1>",
    "' onmouseover='window.pwned=1' x='",
    "<svg/onload=window.pwned=1>",
    "javascript:window.pwned=1",
    "&lt;script&gt;window.pwned=1&lt;/script&gt;",
    "{{constructor.constructor('window.pwned=1')()}}",
    "]]><script>window.pwned=1</script>",
    "\u202e\x00\x1b[31m<b>",
)


def hostile(text):
    """A run with the same text in every place that takes one."""
    return run(
        result(
            text, workload=text, device=text, device_name=text, precision=text, torch=text, kind="same-math",
            quality={text: 0.5}, notes=(raised(text),), machine={text: {text: [text, {text: text}]}},
            environment={text: text}, parameters={text: text, "scaling": text}, world_size=2,
            curves={text: ((1.0, 2.0), (2.0, 3.0))},
            breakdown=breakdown(input=1.0, compute=2.0), limit=limit(source=text, bound="bytes"), code_hash=text,
            telemetry=telemetry(throttle=(text,), governor=text, sources={text: text},
                                unavailable={text: raised(text)}),
        ),
        result(text, workload=text, device_name=text, breakdown=breakdown(input=9.0), limit=limit(bound="flops")),
        id="x", created_at=text, title=text, source=text,
    )  # fmt: skip


def full_page():
    """A page with every section in it."""
    results = [
        result("script", 108.0, kind="replica", breakdown=breakdown(input=84, launch=9, compute=14, other=1),
               limit=limit(), telemetry=telemetry(), notes=(Said(code="no-torchvision"),)),
        result("resident", 24.0, breakdown=breakdown(launch=9, compute=14), limit=limit(peak_flops=None, seconds=None)),
        result("fast", 5.0, kind="speedrun"),
        *(result("ddp", 100 / n, world_size=n, parameters={"scaling": "strong"}) for n in (1, 2)),
        result("sweep", 1.0, workload="matmul", kind="micro", curves={"tflops_over_size": ((1.0, 2.0), (2.0, 9.0))}),
    ]  # fmt: skip
    return page([run(*results)], baseline=load_baseline("article"))
