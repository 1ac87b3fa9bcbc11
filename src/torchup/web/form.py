"""The page's form: fields named as `web.question.Question` names them, choices from the catalogue. Pure."""

from __future__ import annotations

from torchup.catalog import load_catalog
from torchup.catalog.gpus import load_gpu_table
from torchup.catalog.packages import load_packages
from torchup.catalog.versions import version_key
from torchup.i18n import current, text
from torchup.model import Manager, Value
from torchup.sources.mirrors import load_mirrors

SYSTEMS = (("linux", "Linux"), ("windows", "Windows"), ("wsl", "Windows, WSL"), ("macos", "macOS"))
MANAGERS = (
    (Manager.UV_VENV, "uv"), (Manager.PIP, "pip"), (Manager.CONDA, "conda"), (Manager.PIXI, "pixi"),
    (Manager.POETRY, "poetry"), (Manager.UV_PROJECT, "uv add"),
)  # fmt: skip


class Field(Value, frozen=True, kw_only=True):
    """One field: with ``choices`` (value and words) a list, with an ``example`` to type in, else to tick.

    ``offers``: the list of values to choose from while typing.
    """

    name: str
    label: str
    example: str = ""
    offers: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    wide: bool = False


class Form(Value, frozen=True, kw_only=True):
    """What the machine has and what is wanted; the rarer fields are folded. ``offers``: name -> values of a list."""

    usual: tuple[Field, ...]
    rare: tuple[Field, ...]
    offers: dict[str, tuple[str, ...]]


def plan_form() -> Form:
    """The form in the language in use."""
    catalog = load_catalog()
    pythons = sorted(catalog.fetchable_pythons, key=lambda name: version_key(name.removesuffix("t")), reverse=True)
    return Form(
        usual=_usual(),
        rare=_rare(pythons[0], catalog.newest_torch),
        offers={
            "gpus": tuple(name for name, _ in load_gpu_table().products()),
            "pythons": tuple(pythons),
            "releases": tuple(dict.fromkeys(row.torch for row in catalog.rows)),
            "variants": tuple(catalog.variants),
            "purposes": tuple(load_packages().purposes),
        },
    )


def _usual() -> tuple[Field, ...]:
    unsaid = text("web.unsaid", "not given")
    mirrors = [(one.name, (one.title_zh if current() == "zh" else None) or one.title) for one in load_mirrors().mirror]
    official = ("", text("web.official", "the official sources"))
    return (
        _choice("os", text("web.field.os", "Operating system"), ("", unsaid), *SYSTEMS),
        Field(name="gpu", label=text("web.field.gpu", "GPU"), example=_example("RTX 4090"), offers="gpus", wide=True),
        Field(name="driver", label=text("web.field.driver", "Driver version"), example=unsaid),
        _choice("manager", text("web.field.manager", "Installer"), *MANAGERS),
        _choice("mirror", text("web.field.mirror", "Mirror"), official, *mirrors),
    )


def _rare(python: str, torch: str) -> tuple[Field, ...]:
    channels = ((name, name) for name in ("stable", "test", "nightly"))
    architectures = ((name, name) for name in ("x86_64", "aarch64", "arm64"))
    return (
        _choice("arch", text("web.field.arch", "Processor"), ("", text("web.usual", "default")), *architectures),
        _typed("cuda", text("web.field.cuda", "CUDA that the driver supports"), "12.4"),
        _typed("glibc", text("web.field.glibc", "glibc"), "2.35"),
        _typed("python", "Python", python, "pythons"),
        _typed("torch", "torch", torch, "releases"),
        _typed("variant", text("web.field.variant", "Variant"), "cu130", "variants"),
        _typed("asked", text("web.field.asked", "Why not this build?"), "cu118", "variants"),
        _typed("packages", text("web.field.packages", "Additional packages"), "flash-attn xformers"),
        _typed("purpose", text("web.field.purpose", "Use torch for"), "vllm", "purposes"),
        _choice("channel", text("web.field.channel", "Channel"), *channels),
        Field(name="cpu", label=text("web.field.cpu", "the CPU build, even with a GPU")),
    )


def _example(value: str) -> str:
    return text("web.example", "e.g. {value}", value=value)


def _typed(name: str, label: str, example: str, offers: str = "") -> Field:
    return Field(name=name, label=label, example=_example(example), offers=offers)


def _choice(name: str, label: str, *choices: tuple[str, str]) -> Field:
    return Field(name=name, label=label, choices=choices)
