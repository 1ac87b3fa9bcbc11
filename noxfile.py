"""The one task runner: `nox -s lint types tests`; `.ci/run` runs the same sessions' commands."""

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests"]


@nox.session
def lint(session: nox.Session) -> None:
    """Style and the banned doors (ruff)."""
    session.install("ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy --strict."""
    session.install("-e", ".[dev]")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests; pass arguments through: `nox -s tests -- -m "not slow"`."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "pytest", *session.posargs)
