"""The machine's own C++ compiler: find it, build a shared library with it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List, Optional

from said import SaidError

CANDIDATES = ("c++", "g++", "clang++")
LIMIT = 300.0  # seconds for one file; a slow machine needs about thirty
# The processor's own instructions: GCC and clang on x86 say -march, clang on Arm -mcpu; some know neither.
TUNING = (("-march=native",), ("-mcpu=native",), ())


class CompilerError(SaidError):
    """There is no compiler, or it refuses the code; the value ``text`` is its own."""


def find() -> Optional[str]:
    """The compiler's path: what CXX names, else the usual names on PATH. Microsoft's lacks the vectors used here."""
    if sys.platform == "win32":
        return None
    for name in (os.environ.get("CXX", ""), *CANDIDATES):
        found = shutil.which(name) if name and " " not in name else None
        if found and not _is_stub(found):
            return found
    return None


def _is_stub(path: str) -> bool:
    """Whether macOS would only open a dialog: its own ``c++`` is a stub until the command line tools are installed."""
    if str(sys.platform) != "darwin" or not path.startswith("/usr/bin/"):
        return False
    try:
        return (
            subprocess.run(["/usr/bin/xcode-select", "-p"], capture_output=True, timeout=10, check=False).returncode
            != 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return True


def build(source: Path, folder: str) -> str:
    """Compile one C++17 file into a shared library in ``folder``; its path. Raises `CompilerError`."""
    compiler = find()
    if compiler is None:
        raise CompilerError("no-compiler")
    target = os.path.join(folder, source.stem + ".so")  # noqa: PTH118  # ctypes takes a string
    refused = ""
    for tuning in TUNING:
        flags: List[str] = ["-std=c++17", "-O3", *tuning, "-fPIC", "-shared", "-pthread", "-o", target, str(source)]
        try:
            done = subprocess.run(  # noqa: S603  # an absolute path and our own file, no shell
                [compiler, *flags], capture_output=True, text=True, timeout=LIMIT, check=False, errors="replace"
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CompilerError("compiler-ended", name=Path(compiler).name, text=error) from error
        if done.returncode == 0:
            return target
        refused = refused or done.stderr
    raise CompilerError("compiler-refuses", name=Path(compiler).name, text=refused.strip()[-400:])
