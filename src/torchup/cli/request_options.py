"""The options that say what is wanted (`Request`), shared by plan, up and env create."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from torchup.i18n import current, text
from torchup.model import InstallerName, Request, Secret
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

CHANNELS = ("stable", "nightly", "test")
_NAMES = lazy_pattern(r",\s*(?=[A-Za-z])")
PROFILES = ("core", "analysis", "hub")


def request_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options of a `Request`, which it receives as the keyword argument ``request``."""

    @functools.wraps(function)
    def with_request(*arguments: Any, **options: Any) -> Any:
        request = Request(
            torch=options.pop("torch"),
            variant=(options.pop("variant") or "").strip().lower() or None,
            python=options.pop("python"),
            packages=_parted(options.pop("packages")),
            purpose=options.pop("purpose"),
            build=options.pop("build"),
            trust=options.pop("trust"),
            profile=options.pop("profile"),
            require=options.pop("require"),
            cpu=options.pop("cpu"),
            channel=options.pop("channel"),
            mirror=Secret.of(options.pop("mirror")),
            installer=InstallerName(chosen) if (chosen := options.pop("installer")) else None,
            offline=options.pop("offline"),
            language=current(),
        )
        return function(*arguments, request=request, **options)

    decorated: Callable[..., Any] = with_request
    for option in reversed(_options()):
        decorated = option(decorated)
    return decorated


def _parted(packages: tuple[str, ...]) -> tuple[str, ...]:
    """``flash-attn,xformers`` as two; a comma inside a version (``numpy>=1,<3``) parts nothing."""
    return tuple(part for text_ in packages for part in _NAMES.split(text_.strip()) if part)


def _options() -> tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...]:
    return (
        click.option(
            "--torch",
            metavar="VERSION",
            help=text(
                "cli.request.torch",
                "torch version to install, e.g. 2.14, 2.14.1 or '>=2.12' (default: the newest that fits)",
            ),
        ),
        click.option(
            "--variant",
            metavar="NAME",
            help=text(
                "cli.request.variant",
                "Variant to install, e.g. cu126, rocm6.4, xpu or cpu (default: the best for the machine)",
            ),
        ),
        click.option(
            "--python",
            metavar="VERSION",
            help=text(
                "cli.request.python",
                "Python version, e.g. 3.12 or 3.14t (default: the newest installed one that fits, else the "
                "newest up to 3.14)",
            ),
        ),
        click.option(
            "--profile",
            type=click.Choice(PROFILES),
            default="core",
            show_default=True,
            help=text(
                "cli.request.profile",
                "core: torch and companions; analysis: adds JupyterLab, pandas and matplotlib; hub: also adds "
                "JupyterHub",
            ),
        ),
        click.option(
            "--with",
            "packages",
            metavar="PACKAGE",
            multiple=True,
            help=text(
                "cli.request.with", "Additional package, or the group jupyter or hub (repeatable; default: none)"
            ),
        ),
        click.option(
            "--for",
            "purpose",
            metavar="NAME",
            help=text(
                "cli.request.for", "Program or package that torch must fit: vllm, sglang, comfyui... (default: none)"
            ),
        ),
        click.option(
            "--build",
            is_flag=True,
            help=text(
                "cli.request.build", "Compile packages on this machine if they have no wheel for the chosen torch"
            ),
        ),
        click.option(
            "--trust",
            metavar="NAME",
            multiple=True,
            help=text(
                "cli.request.trust", "Third party whose binaries need no confirmation (repeatable; default: none)"
            ),
        ),
        click.option(
            "--require",
            metavar="PACKAGE",
            multiple=True,
            help=text(
                "cli.request.require",
                "Companion that must be available: torchvision or torchaudio (repeatable; default: none)",
            ),
        ),
        click.option("--cpu", is_flag=True, help=text("cli.request.cpu", "Use the CPU build even if there is a GPU")),
        click.option(
            "--channel",
            type=click.Choice(CHANNELS),
            default="stable",
            show_default=True,
            help=text("cli.request.channel", "Release channel to choose the build from"),
        ),
        click.option(
            "--mirror",
            metavar="NAME|URL",
            envvar="TORCHUP_MIRROR",
            help=text(
                "cli.request.mirror",
                "Mirror to install from: a name from `torchup mirror list` or a URL (default: none)",
            ),
        ),
        click.option(
            "--installer",
            type=click.Choice([name.value for name in InstallerName]),
            help=text("cli.request.installer", "Installer to use (default: uv)"),
        ),
        click.option("--offline", is_flag=True, help=text("cli.request.offline", "Do not access the network")),
    )
