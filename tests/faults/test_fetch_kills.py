"""Kill -9 at random moments of a download: never a wrong byte, never more than a block a connection fetched twice."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.file_server import FileServer, Manners
from torchup.fetch.blocks import BLOCK

CONTENT = random.Random(11).randbytes(12 * BLOCK + 77)  # noqa: S311  # content that no compressor shortens
CONNECTIONS = 2
PROGRAM = """
import sys
from torchup.fetch import FileOrder, Place, fetch_all
from torchup.host.real import RealHost
url, digest, size = sys.argv[1:]
order = FileOrder(name="a.whl", sha256=digest, size=int(size), places=(Place(name="one", url=url),))
print(*fetch_all(RealHost(), [order], connections=2).values())
"""


@pytest.mark.slow
def test_forty_kills_cost_at_most_a_block_a_connection_each(tmp_path, monkeypatch):
    """Each run goes on where the killed one was; at the end the bytes are right."""
    monkeypatch.setenv("TORCHUP_HOME", str(tmp_path))
    digest, dice, kills, since = hashlib.sha256(CONTENT).hexdigest(), random.Random(3), 0, 0  # noqa: S311  # moments to kill at
    with FileServer(CONTENT, Manners(rate=12_000_000)) as server:
        argv = [sys.executable, "-c", PROGRAM, server.url, digest, str(len(CONTENT))]
        while kills < 40:
            before = server.sent
            child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
            while server.sent < before + dice.randrange(1, 3 * BLOCK) and child.poll() is None:
                time.sleep(0.01)
            child.kill()
            out, _ = child.communicate()
            kills, since = kills + 1, since + 1
            if out.strip():  # complete: begin again from nothing
                assert hashlib.sha256(Path(out.strip()).read_bytes()).hexdigest() == digest
                assert server.sent <= len(CONTENT) + since * CONNECTIONS * (BLOCK + (1 << 20))
                for path in tmp_path.rglob("*.whl"):
                    path.unlink()
                server.sent = since = 0
        path = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == digest
