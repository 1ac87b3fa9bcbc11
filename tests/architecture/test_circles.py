"""No import circle anywhere in the package, not even one that is put off into a function."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from architecture.test_imports import FILES, PACKAGE, imports, room

MODULES = {f"torchup.{room(path)}": path for path in FILES if path != PACKAGE / "__init__.py"}
WORKER = "torchup.worker."  # its modules know each other by plain names


def graph():
    """Module -> the modules that it imports; a package's own file counts as its `__init__`."""
    found = {}
    for name, path in MODULES.items():
        named = imports(path)
        named |= {WORKER + one for one in named} if name.startswith(WORKER) else set()
        wanted = {one for one in named if one in MODULES and one != name}
        parents = {one for one in wanted if name.startswith(one + ".")}  # the package around it is loaded anyway
        found[name] = wanted - parents
    return found


def test_no_import_circle():
    """Every module can be understood with those that it imports and without those that import it."""
    edges = graph()
    circles = []
    while True:
        try:
            TopologicalSorter(edges).prepare()
            break
        except CycleError as error:
            circle = list(reversed(error.args[1]))
            circles.append(" -> ".join(circle))
            edges[circle[0]].discard(circle[1])
    assert circles == []
