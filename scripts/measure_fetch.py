"""How torchup, uv and pip fetch one large wheel over a line that breaks, side by side on the same server.

    python scripts/measure_fetch.py                    # 300 MB, cut every 20 MB, 50 MB/s a connection
    python scripts/measure_fetch.py --megabytes 60 --cut 0 --rate 0    # an undisturbed line

Prints a table: whether each ended, how many bytes the server sent over the file's size, seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from support.file_server import FileServer, Manners

MEGA = 10**6
NAME = "big-1.0-py3-none-any.whl"
FETCH = """
import sys
from torchup.fetch import FileOrder, Place, fetch_all
from torchup.host.real import RealHost
url, digest, size, name = sys.argv[1:]
order = FileOrder(name=name, sha256=digest, size=int(size), places=(Place(name="server", url=url),))
fetch_all(RealHost(), [order])
"""


def wheel(megabytes: int) -> bytes:
    """A wheel of about so many MB that no compressor shortens."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, NAME)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("big-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: big\nVersion: 1.0\n")
            archive.writestr(
                "big-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            archive.writestr("big/data.bin", hashlib.shake_256(b"big").digest(megabytes * MEGA))
            archive.writestr("big-1.0.dist-info/RECORD", "")
        return path.read_bytes()


def commands(url: str, content: bytes, folder: Path) -> dict[str, list[str]]:
    """What is run, by name."""
    digest = hashlib.sha256(content).hexdigest()
    python, uv = sys.executable, str(Path(sys.executable).with_name("uv"))
    place = url.rsplit("/", 1)[0] + "/" + NAME
    subprocess.run([uv, "venv", "--quiet", "--clear", folder / "uv"], check=True)
    return {
        "torchup": [python, "-c", FETCH, place, digest, str(len(content)), NAME],
        "uv": [uv, "pip", "install", "--quiet", "--no-config", "--python", str(folder / "uv"), "--no-deps", place],
        "pip": [python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", "-d", str(folder), place],
    }


def main() -> None:
    """Run each on a server of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument(
        "--cut", type=int, default=20, help="MB of one answer after which the connection breaks; 0: never"
    )
    parser.add_argument("--rate", type=int, default=50, help="MB a second of one connection; 0: unlimited")
    asked = parser.parse_args()
    content = wheel(asked.megabytes)
    print("| tool | ended | fetched / size | seconds |\n|---|---|---|---|")
    for name in ("torchup", "uv", "pip"):
        manners = Manners(cut_every=asked.cut * MEGA, rate=asked.rate * MEGA)
        with tempfile.TemporaryDirectory() as folder, FileServer(content, manners) as server:
            variables = {
                "PATH": "/usr/bin:/bin",
                "HOME": folder,
                "TORCHUP_HOME": folder,
                "PIP_CONFIG_FILE": "/dev/null",
            }
            command = commands(server.url, content, Path(folder))[name]
            started = time.monotonic()
            done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=600)
            seconds = time.monotonic() - started
            ended = "yes" if done.returncode == 0 else f"no: {(done.stderr.strip().splitlines() or ['-'])[-1][:80]}"
            print(f"| {name} | {ended} | {server.sent / len(content):.3f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
