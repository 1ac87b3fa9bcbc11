"""A plot with Chinese labels in an environment as torchup leaves it: drawn by the real matplotlib, no glyph missing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from uv import find_uv_bin

from torchup.catalog.load import built_in
from torchup.envs.distributions import versions
from torchup.envs.paths import python_of
from torchup.host import RealHost
from torchup.install.language import speak_language

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="paths of a POSIX environment")]
PLOT = """
import sys, warnings
warnings.simplefilter("error")
import matplotlib; matplotlib.use("Agg")
import matplotlib.pyplot as plt
plt.plot([0, 1], [-1, 1], label="损失函数")
plt.title("训练时间（秒）"); plt.xlabel("设备：CPU、GPU"); plt.legend()
for kind in ("png", "pdf", "svg"):
    plt.savefig(f"{sys.argv[1]}/plot.{kind}")
"""


def plot(path, folder) -> subprocess.CompletedProcess[str]:
    """Draw with the environment's matplotlib; warnings are errors."""
    environ = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    command = [python_of(str(path)), "-c", PLOT, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environ, timeout=120)


def test_chinese_labels_are_drawn(tmp_path, monkeypatch):
    """Before, a glyph is missing (so the test can fail); with the font and the defaults none is, in three formats."""
    host, path = RealHost(), tmp_path / "env"
    packages = ("matplotlib", built_in().with_language["zh"]["matplotlib"])
    for command in (("venv", "-q", str(path)), ("pip", "install", "-q", "--python", str(path), *packages)):
        done = subprocess.run([find_uv_bin(), *command], capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0:
            pytest.skip(f"nobody serves {packages} here: {done.stderr[-300:]}")
    before = plot(path, tmp_path)
    assert "missing from font" in before.stderr
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    speak_language(host, str(path), versions(host, str(path)))
    after = plot(path, tmp_path)
    assert (after.returncode, after.stderr) == (0, "")
    assert (tmp_path / "plot.png").stat().st_size > 5000
