"""MNIST comes with the package, whole."""

from __future__ import annotations

import ast
import gzip
import hashlib

import pytest

from support.bench import WORKER

FOLDER = WORKER / "data" / "mnist"


def _checksums() -> dict[str, str]:
    tree = ast.parse((WORKER / "idx.py").read_text("utf-8"))
    node = next(n for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "CHECKSUMS")
    return ast.literal_eval(node.value)


@pytest.mark.parametrize("name", _checksums())
def test_each_file_is_the_canonical_one(name):
    """The bytes in the package are those whose SHA-256 the reader demands."""
    content = gzip.decompress((FOLDER / f"{name}.gz").read_bytes())
    assert hashlib.sha256(content).hexdigest() == _checksums()[name]


def test_every_worker_file_compiles_for_python_3_9():
    """What runs in the target environment keeps to the grammar of Python 3.9."""
    for path in WORKER.rglob("*.py"):
        ast.parse(path.read_text("utf-8"), feature_version=(3, 9))
