"""Which environment a verb works on: one of torchup's by name, or any Python by path."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from torchup.errors import UsageError
from torchup.host import RealHost
from torchup.i18n import text
from torchup.model import Value, message

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchup.cli.session import Session
    from torchup.model import Build, Environment, Message


class Target(Value, frozen=True, kw_only=True):
    """The interpreter to use, and the build that was planned for it where torchup made the environment."""

    python: str
    name: str | None = None
    build: Build | None = None


def environment_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """The environments of torchup whose names start with this text."""
    from torchup.envs.registry import names  # noqa: PLC0415  # a verb that only offers the name needs no environments

    return [name for name in names(RealHost()) if name.startswith(incomplete)]


# What names something else to work on: parameters of verbs that have ``--env``, too.
_INSTEAD = ("python", "reports", "machine_path", "recording", "assumed")


def _unless_named(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """The name; ``None`` if it is only a setting and the command line names something else. A setting comes last."""
    typed = ctx.get_parameter_source(str(parameter.name)) == ParameterSource.COMMANDLINE
    return value if typed or not any(ctx.params.get(name) for name in _INSTEAD) else None


def target_options(function: Callable[..., Any], *, env_help: str | None = None) -> Callable[..., Any]:
    """Give a verb ``--env`` and ``--python``; resolve them with `find_target`."""
    env = click.option(
        "--env",
        "env",
        metavar="NAME",
        callback=_unless_named,
        shell_complete=environment_names,
        help=env_help
        or text("target.env", "Environment to use (default: TORCHUP_ENV or `env` in torchup.toml, else `default`)"),
    )
    python = click.option(
        "--python",
        metavar="PATH",
        help=text("target.python", "Python to use instead of one of torchup's environments (default: none)"),
    )
    return env(python(function))


def find_target(session: Session, env: str | None, python: str | None) -> Target:
    """What to work on. Raises `UsageError` when there is no such environment or interpreter."""
    from torchup.envs import registry  # noqa: PLC0415  # a verb that only offers the options needs no environments
    from torchup.envs.project import environment_name  # noqa: PLC0415  # same

    if env is not None and python is not None:
        raise UsageError(
            message("target.both", "--env and --python cannot be used together"),
            hint=message("target.both.hint", "leave out --env or --python"),
        )
    if python is not None:
        return Target(python=_interpreter(session, python))
    name = environment_name(session.host, env)
    environment = registry.find(session.host, name)
    interpreter = registry.find_python(session.host, environment.path)
    record = registry.read_record(session.host, name)
    if interpreter is None:
        raise UsageError(
            message(
                "target.no-python", "the environment `{name}` is broken: its Python interpreter is missing", name=name
            ),
            hint=_again(environment),
        )
    build = record.plan.build if record is not None and record.plan is not None else None
    return Target(python=interpreter, name=name, build=build)


def _again(environment: Environment) -> Message:
    """How an environment without a Python comes back."""
    if environment.adopted:
        return message(
            "target.no-python.adopted",
            "recreate the environment with the tool that made it, or run `torchup env remove {name}` to remove "
            "it from torchup's list",
            name=environment.name,
        )
    return message(
        "target.no-python.hint", "run `torchup env repair {name}` to recreate the environment", name=environment.name
    )


def _interpreter(session: Session, python: str) -> str:
    found = session.host.which(python)
    if found is None and session.host.exists(python) and not session.host.is_dir(python):
        found = session.host.which(posixpath.join(session.host.cwd(), python))
    if found is None:
        raise UsageError(
            message("target.python.missing", "cannot find the Python `{path}`", path=python),
            hint=message(
                "target.python.missing.hint", "use the path of an interpreter, such as /path/to/env/bin/python"
            ),
        )
    return found
