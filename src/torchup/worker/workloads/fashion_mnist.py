"""`fashion-mnist`: the article's training on Fashion-MNIST's four IDX files, which the user has (``--data DIR``)."""

from typing import Any, Dict

import idx

from workloads import mnist


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """As `mnist`; there is no accuracy bar, because another data set has another one."""
    if not request.get("data"):
        raise idx.DataError("no-fashion")
    return mnist.run(request)
