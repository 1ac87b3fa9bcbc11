"""A plan's packages as the commands of the installer that made the environment, for its own interpreter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from torchup.doctor.remedy.tables import Bundled, tables
from torchup.model import Manager, Value
from torchup.patterns import lazy_pattern
from torchup.plan.exports.common import plain_python, torch_source

if TYPE_CHECKING:
    from torchup.doctor.facts import Facts
    from torchup.model import Plan

Command = tuple[str, ...]
NEW_ENVIRONMENT = "torch-env"
_FLAGS = lazy_pattern(r"(?P<path>.*?\bpython[\w.]*)(?P<flags>(?:\s+-\w+)*)", re.IGNORECASE)
_NAME = lazy_pattern(r"[A-Za-z0-9._-]+")


class Order(Value, frozen=True, kw_only=True):
    """What is installed, where and how.

    ``again``: reinstall the versions that are there. ``alone``: without dependencies.
    ``fresh``: into a new environment, made first. ``processor``: what uv calls the system and processor of the Python
    wanted (``macos-aarch64``), where the one that is there is for another; conda's name for it is ``subdir``.
    """

    packages: tuple[str, ...]
    manager: Manager = Manager.PIP
    interpreter: str | None = None
    windows: bool = False
    again: bool = False
    alone: bool = False
    fresh: bool = False
    processor: str | None = None
    subdir: str | None = None


def interpreter_of(facts: Facts) -> str | None:
    """The Python that must be changed: as the report names it; live, the one that was looked at."""
    return facts.interpreter or (facts.python.path if facts.live else None)


def python_words(interpreter: str | None) -> Command:
    r"""``python_embeded\python.exe -s``: the interpreter with the flags that its program runs it with."""
    if interpreter is None:
        return ("python",)
    found = _FLAGS.fullmatch(interpreter.strip())
    path, said = (found["path"], tuple(found["flags"].split())) if found else (interpreter, ())
    row = _bundled(path)
    return (path, *(said or (row.flags if row is not None else ())))


def is_bundled(interpreter: str | None) -> bool:
    """Whether a Python belongs to a program, which runs with no other."""
    return interpreter is not None and _bundled(interpreter) is not None


def _bundled(path: str) -> Bundled | None:
    folders = re.split(r"[\\/]", path)
    return next((row for row in tables().bundled if row.folder in folders), None)


def install(plan: Plan, order: Order) -> tuple[Command, ...]:
    """The commands that bring a plan's packages into the environment."""
    if order.fresh and order.manager in {Manager.PIP, Manager.UV_VENV}:
        return _fresh(plan, order)
    return _INSTALL[order.manager](plan, order)


def new_interpreter(order: Order) -> str | None:
    """The Python of the environment that `install` makes; ``None``: the manager keeps it where it likes."""
    return _path_of_new(order) if order.manager in {Manager.PIP, Manager.UV_VENV} else None


def _path_of_new(order: Order) -> str:
    return rf"{NEW_ENVIRONMENT}\Scripts\python.exe" if order.windows else f"{NEW_ENVIRONMENT}/bin/python"


def by_pip_alone(plan: Plan, order: Order) -> tuple[Command, ...]:
    """A new environment for those who have no uv: Python's own venv, and pip inside it."""
    launcher = ("py", f"-{plan.python}") if order.windows else (f"python{plan.python}",)
    make = (*launcher, "-m", "venv", NEW_ENVIRONMENT)
    return (make, *_pip(plan, replace(order, fresh=False, interpreter=_path_of_new(order))))


def uninstall(names: tuple[str, ...], order: Order) -> tuple[Command, ...]:
    """Remove packages by exact name, with the tool that knows them."""
    if not names:
        return ()
    if order.manager is Manager.UV_VENV:
        return (("uv", "pip", "uninstall", *_uv_python(order), *names),)
    if order.manager is Manager.UV_PROJECT:
        return (("uv", "pip", "uninstall", *names),)
    if order.manager is Manager.POETRY:
        return (("poetry", "run", "pip", "uninstall", "-y", *names),)
    if order.manager is Manager.PIXI:
        return (("pixi", "run", "python", "-m", "pip", "uninstall", "-y", *names),)
    return ((*python_words(order.interpreter), "-m", "pip", "uninstall", "-y", *names),)


def plain_install(requirements: tuple[str, ...], order: Order) -> tuple[Command, ...]:
    """Install further packages from where the user's own settings say: ``numpy<2``."""
    if not requirements:
        return ()
    project = _PROJECT_ADD.get(order.manager)
    if project is not None:
        return ((*project, *requirements),)
    if order.fresh and order.manager in {Manager.PIP, Manager.UV_VENV}:
        return (("uv", "pip", "install", "--python", _path_of_new(order), *requirements),)
    if order.manager is Manager.CONDA:
        where = ("--name", NEW_ENVIRONMENT) if order.fresh else ()
        return (("conda", "install", *where, "--channel", "conda-forge", *requirements),)
    if order.manager is Manager.UV_VENV:
        return (("uv", "pip", "install", *_uv_python(order), *requirements),)
    return ((*python_words(order.interpreter), "-m", "pip", "install", *requirements),)


def renew(requirements: tuple[str, ...], order: Order, *, unlisted: bool = False) -> tuple[Command, ...]:
    """Reinstall packages, whatever is there, without their dependencies; ``unlisted``: pip cannot remove them first."""
    if not requirements:
        return ()
    if order.manager in {Manager.UV_VENV, Manager.UV_PROJECT}:
        python = _uv_python(order) if order.manager is Manager.UV_VENV else ()
        return (("uv", "pip", "install", *python, "--upgrade", "--reinstall", "--no-deps", *requirements),)
    pip = _PROJECT_PIP.get(order.manager, (*python_words(order.interpreter), "-m", "pip"))
    again = ("--ignore-installed",) if unlisted else ("--upgrade", "--force-reinstall")
    return ((*pip, "install", *again, "--no-deps", *requirements),)


_PROJECT_PIP: dict[Manager, Command] = {
    Manager.POETRY: ("poetry", "run", "pip"),
    Manager.PIXI: ("pixi", "run", "python", "-m", "pip"),
}
_PROJECT_ADD: dict[Manager, Command] = {
    Manager.UV_PROJECT: ("uv", "add"),
    Manager.POETRY: ("poetry", "add"),
    Manager.PIXI: ("pixi", "add"),
}


# ---------------------------------------------------------------- indexes


def _index(plan: Plan) -> str | None:
    """The index that has torch and what it depends on; ``None``: the user's own default."""
    source = torch_source(plan)
    return source.url if source is not None and not source.general and source.kind == "index" else None


def _index_name(plan: Plan) -> str:
    return f"pytorch-{plan.build.variant}".replace(".", "")


# ---------------------------------------------------------------- pip and uv


def _pip(plan: Plan, order: Order) -> tuple[Command, ...]:
    options = [*(["--force-reinstall"] if order.again else ["--upgrade"]), *(["--no-deps"] if order.alone else [])]
    return ((*python_words(order.interpreter), "-m", "pip", "install", *options, *order.packages, *_pip_places(plan)),)


def _pip_places(plan: Plan) -> Command:
    """One index only: beside a vendor's wheels, which have no label, pip would prefer PyPI's of the same version."""
    index = _index(plan)
    return ("--index-url", index) if index else ()


def _uv_venv(plan: Plan, order: Order) -> tuple[Command, ...]:
    return (("uv", "pip", "install", *_uv_python(order), *_uv_options(order), *order.packages, *_uv_places(plan)),)


def _uv_python(order: Order) -> Command:
    return ("--python", python_words(order.interpreter)[0]) if order.interpreter else ()


def _uv_options(order: Order) -> Command:
    again = [part for name in _names(order) for part in ("--reinstall-package", name)] if order.again else []
    return (*again, *(["--no-deps"] if order.alone else []))


def _uv_places(plan: Plan) -> Command:
    """Options for uv, which takes a package from the first index that has it, and from the default what that lacks."""
    index = _index(plan)
    if index is None:
        return ()
    source = torch_source(plan)
    whole = source is not None and source.name.startswith(("pytorch-", "mirror:"))
    return ("--default-index" if whole else "--index", index)


def _names(order: Order) -> list[str]:
    return [found[0] for text in order.packages if (found := _NAME.match(text))]


def _fresh(plan: Plan, order: Order) -> tuple[Command, ...]:
    """A new environment with the planned Python, which uv fetches where it is not there."""
    make = ("uv", "venv", "--python", _uv_name(plan, order), NEW_ENVIRONMENT)
    packages = (*order.packages, *_uv_places(plan))
    return (make, ("uv", "pip", "install", "--python", _path_of_new(order), *packages))


def _uv_name(plan: Plan, order: Order) -> str:
    """The Python that uv is asked for; with its processor, where uv would else take the wrong one that it finds."""
    return plan.python if order.processor is None else f"cpython-{plain_python(plan)}-{order.processor}"


def _uv_project(plan: Plan, order: Order) -> tuple[Command, ...]:
    """``uv add``: anything else is undone by the next ``uv sync``. A named index becomes the packages' source."""
    index = _index(plan)
    pin = (("uv", "python", "pin", _uv_name(plan, order)),) if order.fresh else ()
    places = ("--index", f"{_index_name(plan)}={index}") if index else ()
    return (*pin, ("uv", "add", *_uv_options_project(order), *order.packages, *places))


def _uv_options_project(order: Order) -> Command:
    return tuple(part for name in _names(order) for part in ("--reinstall-package", name)) if order.again else ()


# ---------------------------------------------------------------- poetry, conda, pixi


def _poetry(plan: Plan, order: Order) -> tuple[Command, ...]:
    index = _index(plan)
    use = (("poetry", "env", "use", plain_python(plan)),) if order.fresh else ()
    if index is None:
        return (*use, ("poetry", "add", *order.packages))
    name = _index_name(plan)
    source = ("poetry", "source", "add", "--priority=explicit", name, index)
    return (*use, source, ("poetry", "add", "--source", name, *order.packages))


def _conda(plan: Plan, order: Order) -> tuple[Command, ...]:
    if plan.conda is None:
        return _fresh_conda(plan, order) if order.fresh else _pip(plan, order)
    channels = [part for url in plan.conda.channels for part in ("--channel", url)]
    where = ("create", *_platform(order), "--name", NEW_ENVIRONMENT) if order.fresh else ("install",)
    return (("conda", *where, "--override-channels", *channels, *plan.conda.specs),)


def _platform(order: Order) -> Command:
    return ("--platform", order.subdir) if order.subdir else ()


def _fresh_conda(plan: Plan, order: Order) -> tuple[Command, ...]:
    """Wheels in a new conda environment: conda brings Python and pip, pip the rest."""
    make = ("conda", "create", *_platform(order), "--name", NEW_ENVIRONMENT, f"python={plain_python(plan)}", "pip")
    run = ("conda", "run", "--name", NEW_ENVIRONMENT, "python", "-m", "pip", "install")
    return (make, (*run, *order.packages, *_pip_places(plan)))


def _pixi(plan: Plan, order: Order) -> tuple[Command, ...]:
    if plan.conda is None:
        index = _index(plan)
        python = (("pixi", "add", f"python={plain_python(plan)}"),) if order.fresh else ()
        places = ("--index", index) if index else ()
        return (*python, ("pixi", "add", "--pypi", *order.packages, *places))
    cuda = next((entry.split("=")[1] for entry in plan.conda.virtual_packages if entry.startswith("__cuda=")), None)
    system = (("pixi", "workspace", "system-requirements", "add", "cuda", cuda),) if cuda else ()
    return (*system, ("pixi", "add", *plan.conda.specs))


_INSTALL = {
    Manager.PIP: _pip,
    Manager.UV_VENV: _uv_venv,
    Manager.UV_PROJECT: _uv_project,
    Manager.POETRY: _poetry,
    Manager.CONDA: _conda,
    Manager.PIXI: _pixi,
}
