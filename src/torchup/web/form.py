"""The page's forms: fields named as `web.question.Question` names them, choices from the catalogue. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog import load_catalog
from torchup.catalog.gpus import load_gpu_table
from torchup.catalog.packages import load_packages
from torchup.catalog.versions import version_key
from torchup.i18n import current, text
from torchup.model import Manager
from torchup.report.markup import Markup, element, join
from torchup.sources.mirrors import load_mirrors

if TYPE_CHECKING:
    from collections.abc import Iterable

SYSTEMS = (("linux", "Linux"), ("windows", "Windows"), ("wsl", "Windows, WSL"), ("macos", "macOS"))
MANAGERS = (
    (Manager.UV_VENV, "uv"), (Manager.PIP, "pip"), (Manager.CONDA, "conda"), (Manager.PIXI, "pixi"),
    (Manager.POETRY, "poetry"), (Manager.UV_PROJECT, "uv add"),
)  # fmt: skip


def plan_form() -> Markup:
    """What the machine has and what is wanted; the rarer fields are folded."""
    more = element(
        "details",
        {"class": "more"},
        element("summary", None, text("web.more", "More: processor, versions, packages, channel")),
        element("div", {"class": "fields"}, *_rare()),
    )
    return element(
        "form",
        {"id": "plan-form", "class": "question", "data-verb": "plan", "autocomplete": "off"},
        element("div", {"class": "fields usual"}, *_usual()),
        _paste(
            "plan-paste",
            text("web.paste.plan", "Or paste what a tool prints on that machine"),
            "nvidia-smi · python -m torch.utils.collect_env · rocminfo · torchup detect --json",
            rows=4,
        ),
        more,
        _submit(text("web.plan.ask", "Which build?")),
    )


def doctor_form() -> Markup:
    """One field: the report."""
    return element(
        "form",
        {"id": "doctor-form", "class": "question", "data-verb": "doctor"},
        _paste(
            "doctor-paste",
            text("web.paste.doctor", "Paste the error and any other output"),
            "python -m torch.utils.collect_env · nvidia-smi · pip list · Traceback (most recent call last): ...",
            rows=12,
        ),
        element(
            "p",
            {"class": "soft"},
            text(
                "web.doctor.mix",
                "Paste several outputs together if you have them; quotes and log lines around them do no harm.",
            ),
        ),
        _submit(text("web.doctor.ask", "What is wrong?")),
    )


def _usual() -> Iterable[Markup]:
    unsaid = text("web.unsaid", "not given")
    mirrors = [(one.name, (one.title_zh if current() == "zh" else None) or one.title) for one in load_mirrors().mirror]
    official = ("", text("web.official", "the official sources"))
    yield _select("os", text("web.field.os", "System"), [("", unsaid), *SYSTEMS])
    yield _input("gpu", text("web.field.gpu", "GPU"), "RTX 4090", choices="gpus", wide=True)
    yield _input("driver", text("web.field.driver", "Driver version"), "580.95.05", note=unsaid)
    yield _select("manager", text("web.field.manager", "Installer"), MANAGERS)
    yield _select("mirror", text("web.field.mirror", "Mirror"), [official, *mirrors])
    yield _datalist("gpus", [name for name, _ in load_gpu_table().products()])


def _rare() -> Iterable[Markup]:
    catalog = load_catalog()
    releases = list(dict.fromkeys(row.torch for row in catalog.rows))
    pythons = sorted(catalog.fetchable_pythons, key=lambda name: version_key(name.removesuffix("t")), reverse=True)
    channels = [(name, name) for name in ("stable", "test", "nightly")]
    architectures = [
        ("", text("web.usual", "default")),
        *((name, name) for name in ("x86_64", "aarch64", "arm64")),
    ]
    yield _select("arch", text("web.field.arch", "Processor"), architectures)
    yield _input("cuda", text("web.field.cuda", "CUDA of the driver"), "12.4")
    yield _input("glibc", text("web.field.glibc", "glibc"), "2.35")
    yield _input("python", "Python", pythons[0], choices="pythons")
    yield _input("torch", "torch", catalog.newest_torch, choices="releases")
    yield _input("variant", text("web.field.variant", "Build"), "cu130", choices="variants")
    yield _input("asked", text("web.field.asked", "Why not this build?"), "cu118", choices="variants")
    yield _input("packages", text("web.field.packages", "Additional packages"), "flash-attn xformers")
    yield _input("purpose", text("web.field.purpose", "torch is for"), "vllm", choices="purposes")
    yield _select("channel", text("web.field.channel", "Channel"), channels)
    yield _check("cpu", text("web.field.cpu", "the CPU build, even with a GPU"))
    yield _datalist("pythons", pythons)
    yield _datalist("releases", releases)
    yield _datalist("variants", catalog.variants)
    yield _datalist("purposes", load_packages().purposes)


def _field(name: str, label: str, control: Markup, *, wide: bool = False) -> Markup:
    return element(
        "label", {"class": "field wide" if wide else "field"}, element("span", {"data-for": name}, label), control
    )


def _input(
    name: str, label: str, example: str, *, choices: str | None = None, wide: bool = False, note: str | None = None
) -> Markup:
    attributes: dict[str, object] = {
        "name": name, "type": "text", "list": choices, "spellcheck": "false", "autocapitalize": "off",
        "placeholder": note or text("web.example", "e.g. {value}", value=example),
    }  # fmt: skip
    return _field(name, label, element("input", attributes), wide=wide)


def _select(name: str, label: str, choices: Iterable[tuple[str, str]]) -> Markup:
    options = (element("option", {"value": str(value)}, shown) for value, shown in choices)
    return _field(name, label, element("select", {"name": name}, *options))


def _check(name: str, label: str) -> Markup:
    return element("label", {"class": "field check"}, element("input", {"name": name, "type": "checkbox"}), label)


def _datalist(name: str, values: Iterable[str]) -> Markup:
    return element("datalist", {"id": name}, *(element("option", {"value": value}) for value in values))


def _paste(name: str, label: str, example: str, *, rows: int) -> Markup:
    area = {
        "id": name, "name": "paste", "rows": rows, "spellcheck": "false", "autocapitalize": "off",
        "aria-describedby": f"{name}-note", "wrap": "off",
    }  # fmt: skip
    return join(
        element("label", {"class": "paste", "for": name}, label),
        element("p", {"class": "soft note", "id": f"{name}-note"}, element("code", None, example)),
        element("textarea", area),
    )


def _submit(label: str) -> Markup:
    return element(
        "div",
        {"class": "actions"},
        element("button", {"type": "submit", "class": "main"}, label),
        element("button", {"type": "reset"}, text("web.reset", "Clear")),
        element(
            "button", {"type": "button", "data-link": True, "hidden": True}, text("web.link", "Copy a link to this")
        ),
    )
