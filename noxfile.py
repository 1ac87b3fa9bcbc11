"""The one task runner. `nox` runs the gates and the tests; `.ci/run` and the public workflows run the same commands."""

from pathlib import Path

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
    """Types (mypy --strict)."""
    session.install("-e", ".[dev]")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests; pass arguments through: `nox -s tests -- -m "not slow"`."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Branch coverage of the pure rooms; the floor is in pyproject.toml."""
    session.install("-e", ".[dev]")
    session.run("coverage", "run", "-m", "pytest", "-m", "not slow", "-q")
    session.run("coverage", "report")


@nox.session
def lowest(session: nox.Session) -> None:
    """The fast tests on the oldest versions that pyproject.toml admits."""
    session.run_install("uv", "pip", "install", "--resolution", "lowest-direct", "-e", ".[dev]", external=True)
    session.run("python", "-m", "pytest", "-m", "not slow", "-q")


@nox.session
def build(session: nox.Session) -> None:
    """Build wheel and sdist once, install the wheel into a bare environment, run the fast tests against it."""
    session.install("build", "pytest", "hypothesis", "babel")
    for old in Path("dist").glob("torchup-*"):
        old.unlink()
    session.run("python", "-m", "build", "--outdir", "dist", ".")
    session.install(*map(str, Path("dist").glob("*.whl")))
    session.run("torchup", "--version")
    session.run("python", "-m", "pytest", "-m", "not slow", "-q", "tests/unit", "tests/cli", "tests/golden")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site; a broken link or anchor is an error."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", "build", "--strict", "--site-dir", "site")


@nox.session
def changelog(session: nox.Session) -> None:
    """Show the next release notes, refusing badly named fragments; `-- build` moves them into CHANGELOG.md."""
    session.install("towncrier>=24.8", "-e", ".")
    session.run("towncrier", "build", "--yes" if "build" in session.posargs else "--draft")
