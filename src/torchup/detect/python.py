"""The Pythons of this machine: where they are, their version, bits, architecture and kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from torchup.detect.parts import Part, facts
from torchup.detect.surroundings import machine_name
from torchup.encoding import UNREADABLE
from torchup.host.threads import Pool
from torchup.model import Os, PythonInterpreter, Value
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchup.detect.surroundings import Surroundings
    from torchup.host import Host

# One line of JSON; -S keeps site-packages (slow, and able to run code) out. Must run on any Python 3.
QUESTION = (
    "import sys,os;u=getattr(os,'uname',None);"
    "m=u().machine if u else ('ARM64' if 'ARM64' in sys.version else 'AMD64' if sys.maxsize>2**32 else 'x86');"
    'print(\'{"version":"%d.%d.%d%s","bits":%d,"arch":"%s","free_threaded":%s,"implementation":"%s"}\'%('
    "sys.version_info[0],sys.version_info[1],sys.version_info[2],"
    "'' if sys.version_info[3]=='final' else {'alpha':'a','beta':'b','candidate':'rc'}[sys.version_info[3]]"
    "+str(sys.version_info[4]),64 if sys.maxsize>2**32 else 32,m,"
    "'true' if 'free-threading' in sys.version else 'false',sys.implementation.name))"
)
MOST = 12  # interpreters asked; each costs about 15 ms of processor time
NAMES = ("python3", "python", *(f"python3.{minor}{t}" for minor in range(8, 17) for t in ("", "t")))
_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}


class Answer(Value, frozen=True, kw_only=True):
    """What an interpreter says of itself."""

    version: str
    bits: int
    arch: str
    free_threaded: bool
    implementation: str


def parse_answer(stdout: str) -> Answer | None:
    """The interpreter's JSON line; ``None`` for anything else (a launcher's hint, a broken install)."""
    for line in stdout.splitlines():
        if line.startswith("{"):
            try:
                return msgspec.json.decode(line, type=Answer)
            except UNREADABLE:
                return None
    return None


def probe_pythons(around: Surroundings) -> Part:
    """Every interpreter worth offering, the running one first."""
    platform = around.platform
    running = PythonInterpreter(
        path=platform.python_executable,
        version=platform.python_version,
        bits=platform.bits,
        arch=around.arch,
        free_threaded=platform.free_threaded,
        kind=kind_of(around.host, platform.python_executable),
    )
    paths = [path for path in candidates(around) if path != running.path][:MOST]
    with Pool(max_workers=MOST) as pool:
        asked = pool.map(lambda path: read_from_files(around, path) or _ask(around, path), paths)
        found = [running, *(python for python in asked if python is not None)]
    return Part(
        facts=facts("the interpreters themselves", pythons=tuple(found)) | facts("running", python=running.version)
    )


def candidates(around: Surroundings) -> list[str]:
    """Paths of interpreters, each real file once: PATH, then the places of pyenv, uv, conda, Homebrew, python.org."""
    host = around.host
    seen = {_identity(host, around.platform.python_executable)}
    found = []
    for path in (*_on_path(around), *_in_places(around)):
        real, key = host.real_path(path), _identity(host, path)
        if key in seen or "/shims/" in path or _would_open_a_dialog(around, real):
            continue
        seen.add(key)
        found.append(path)
    return found


def _identity(host: Host, path: str) -> str:
    """A venv's python links to its base but is another environment: the folder is its identity, else the real file."""
    return prefix_of(path) if _is_venv(host, path) else host.real_path(path)


def _on_path(around: Surroundings) -> Iterable[str]:
    for folder in path_folders(around):
        # WindowsApps holds stand-ins that open the Store when run; shims are scripts around what is found elsewhere.
        if "WindowsApps" in folder or folder.endswith("shims"):
            continue
        for name in (f"{name}.exe" for name in NAMES) if around.os == Os.WINDOWS else NAMES:
            if around.host.exists(path := join(around, folder, name)):
                yield path


def _in_places(around: Surroundings) -> Iterable[str]:
    host, home = around.host, around.host.folders().home
    environ = host.environ()
    windows = around.os == Os.WINDOWS
    exe = "python.exe" if windows else "bin/python3"
    local = environ.get("LOCALAPPDATA", "")
    uv = f"{local}/../Roaming/uv/python" if windows else f"{home}/.local/share/uv/python"
    parents = [
        environ.get("PYENV_ROOT", f"{home}/.pyenv") + "/versions",
        environ.get("UV_PYTHON_INSTALL_DIR", uv),
        "C:/Program Files" if windows else f"{home}/.local/share/mise/installs/python",
        f"{local}/Programs/Python" if windows else "/Library/Frameworks/Python.framework/Versions",
    ]
    for parent in parents:
        for name in host.list_dir(parent) or ():
            if re.match(r"(cpython-|pypy-)?3\.|Python3", name):
                yield f"{parent}/{name}/{exe}"
    for prefix in conda_prefixes(around):
        yield f"{prefix}/{exe}"
    if environment := environ.get("VIRTUAL_ENV"):
        yield f"{environment}/{'Scripts/python.exe' if windows else 'bin/python'}"
    if around.os == Os.MACOS:
        yield from (path for name in NAMES if host.exists(path := f"/opt/homebrew/bin/{name}"))


def conda_prefixes(around: Surroundings) -> list[str]:
    """Base environments of conda in their usual places and the active one."""
    host, home, environ = around.host, around.host.folders().home, around.host.environ()
    base = (environ.get("CONDA_EXE") or "").replace("\\", "/").rsplit("/", 2)[0]
    roots = [environ.get("CONDA_PREFIX", ""), base, environ.get("MAMBA_ROOT_PREFIX", "")]
    roots += [f"{home}/{name}" for name in ("miniforge3", "mambaforge", "miniconda3", "anaconda3")]
    roots += ["/opt/conda", "/opt/miniconda3", "/opt/anaconda3", "/opt/homebrew/Caskroom/miniforge/base"]
    roots += [f"C:/ProgramData/{name}" for name in ("miniforge3", "miniconda3", "anaconda3")]
    return [root for root in dict.fromkeys(roots) if root and host.is_dir(f"{root}/conda-meta")]


def path_folders(around: Surroundings) -> tuple[str, ...]:
    """The folders of PATH, each once."""
    separator = ";" if around.os == Os.WINDOWS else ":"
    return tuple(filter(None, dict.fromkeys(around.host.environ().get("PATH", "").split(separator))))


def join(around: Surroundings, folder: str, name: str) -> str:
    """A path as the machine's own system spells it."""
    separator = "\\" if around.os == Os.WINDOWS else "/"
    return folder.rstrip("/\\") + separator + name


def prefix_of(path: str) -> str:
    """The folder that an interpreter belongs to: above bin or Scripts, else its own (Windows)."""
    parts = path.replace("\\", "/").rsplit("/", 2)
    return parts[0] if len(parts) == 3 and parts[1].lower() in {"bin", "scripts"} else "/".join(parts[:-1])  # noqa: PLR2004  # prefix, bin, name


def _is_venv(host: Host, path: str) -> bool:
    return host.exists(f"{prefix_of(path)}/pyvenv.cfg")


def kind_of(host: Host, path: str) -> str:
    """Who made an interpreter: venv, conda, pyenv, uv or system."""
    prefix = prefix_of(path)
    if _is_venv(host, path):
        return "venv"
    if host.is_dir(f"{prefix}/conda-meta"):
        return "conda"
    if "/.pyenv/" in prefix or "/pyenv-win/" in prefix:
        return "pyenv"
    return "uv" if "/uv/python/" in prefix else "system"


def _would_open_a_dialog(around: Surroundings, path: str) -> bool:
    """MacOS's /usr/bin/python3 asks to install developer tools where there are none."""
    if around.os != Os.MACOS or not path.startswith("/usr/bin/"):
        return False
    return not any(
        around.host.is_dir(folder) for folder in ("/Library/Developer/CommandLineTools", "/Applications/Xcode.app")
    )


_NAMED = lazy_pattern(
    r"(?:cpython-)?(?P<version>3\.\d{1,2}\.\d{1,2}(?:(?:a|b|rc)\d{1,2})?)(?P<t>t|\+freethreaded)?(?:-|$)"
)
_CONDA = lazy_pattern(r"python-(?P<version>3\.\d{1,2}\.\d{1,2})-\w*?(?P<t>_cp\d+t)?\.json")


def read_from_files(around: Surroundings, path: str) -> PythonInterpreter | None:
    """An interpreter whose folder names its version exactly (pyenv, uv, conda), on Linux: no process is started.

    macOS is asked, because there one folder may hold either architecture; so is whatever has another name.
    """
    host, prefix = around.host, prefix_of(path)
    kind = kind_of(host, path)
    if around.os != Os.LINUX or kind not in {"pyenv", "uv", "conda"}:
        return None
    if kind == "conda":
        named = next(filter(None, map(_CONDA.fullmatch, host.list_dir(f"{prefix}/conda-meta") or ())), None)
    else:
        named = _NAMED.match(prefix.rsplit("/", 1)[-1])
    bits, arch = parse_elf(host.read_bytes(path, 20) or b"")
    if named is None or bits is None:
        return None
    return PythonInterpreter(
        path=path,
        version=named["version"],
        bits=bits,
        arch=arch or around.arch,
        free_threaded=bool(named["t"]),
        kind=kind,
    )


def parse_elf(header: bytes) -> tuple[int | None, str | None]:
    """(bits, architecture) of an ELF file's first 20 bytes; the architecture only of x86, whose number is ASCII.

    Recordings keep files as text, so bytes above 127 (AArch64's 0xB7) do not survive in them.
    """
    if len(header) < 20 or not header.startswith(b"\x7fELF"):  # noqa: PLR2004  # up to e_machine
        return None, None
    return {1: 32, 2: 64}.get(header[4]), {0x3E: "x86_64", 0x03: "i686"}.get(header[18])


def _ask(around: Surroundings, path: str) -> PythonInterpreter | None:
    completed = around.run(path, "-I", "-S", "-c", QUESTION)
    answer = parse_answer(completed.stdout) if completed.ok else None
    if answer is None:
        return None
    return PythonInterpreter(
        path=path,
        version=answer.version,
        bits=answer.bits,
        arch=machine_name(answer.arch),
        free_threaded=answer.free_threaded,
        kind=kind_of(around.host, path),
        implementation=_IMPLEMENTATIONS.get(answer.implementation, answer.implementation),
    )
