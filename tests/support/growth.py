"""Is a parser's time in step with its input? Every compiled pattern, and texts made to slow each down."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import re
import time
from pathlib import Path

import torchup
from torchup import privacy
from torchup.patterns import LazyPattern

START = 1500  # characters; a quadratic pattern takes 10 ms for them, a linear one 10 us
NOTICEABLE = 0.01  # seconds; below it the clock's noise is all there is
LINEAR = 4.0  # growth from n to 4n; a quadratic pattern shows 16
TOLERANCE = 2.0
METHODS = ("match", "fullmatch", "search", "sub", "findall", "finditer", "split")
# Whole words of hostile texts beside the characters that a pattern itself is made of.
LETTERS = "aA0 \t\n./-_@:\"'<>|=()[],\\`~\u2502\u4e00"
COMMON = (*LETTERS, "a.", "a-", "a@", "a:", "a/", "1.", "a ", " |", "/a", "<a ")


def modules():
    """Every module of the package that this Python can import, worker modules that need torch left out."""
    for found in pkgutil.walk_packages(torchup.__path__, "torchup."):
        if found.name.startswith("torchup.worker") or found.name.endswith("__main__"):
            continue
        yield importlib.import_module(found.name)


def patterns():
    """(module, name, pattern, methods that the package calls it by) of every pattern kept in a module."""
    found = {}
    for module in modules():
        calls = _calls(module)
        anywhere = _anywhere(module)
        for name, value in vars(module).items():
            for pattern in _inside(value, 4):
                methods = calls.get(name) or anywhere or set(METHODS)
                found.setdefault((module.__name__, name, pattern.pattern, pattern.flags), (pattern, set()))[1].update(
                    methods
                )
        for text, method, flags in _inline(module):
            key = (module.__name__, "inline", text, flags)
            found.setdefault(key, (re.compile(text, flags), set()))[1].add(method)
    for purpose in privacy.Purpose:  # compiled when they are first needed
        for pattern, _ in privacy.rules(purpose):
            found[("torchup.privacy", purpose.value, pattern.pattern, pattern.flags)] = (pattern, {"sub"})
    return [(module, name, pattern, sorted(methods)) for (module, name, *_), (pattern, methods) in found.items()]


def _inside(value, depth):
    if isinstance(value, re.Pattern | LazyPattern) and isinstance(value.pattern, str):
        yield value
    elif depth and isinstance(value, dict):
        for item in value.values():
            yield from _inside(item, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _inside(item, depth - 1)
    elif depth and hasattr(value, "__struct_fields__") and not isinstance(value, type):
        for field in value.__struct_fields__:
            yield from _inside(getattr(value, field), depth - 1)


def _tree(module):
    return ast.parse(Path(module.__file__).read_text("utf-8"))


def _calls(module):
    """Name -> methods that are called on it directly (``_NAME.fullmatch(...)``) anywhere in the module."""
    calls, plain = {}, set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in METHODS:
                calls.setdefault(node.value.id, set()).add(node.attr)
        elif isinstance(node, ast.For) and isinstance(node.iter, ast.Name):
            plain.add(node.iter.id)
    return {name: methods for name, methods in calls.items() if name not in plain}


def _anywhere(module):
    """Methods of patterns that the module calls at all: for patterns that it keeps in tables."""
    return {node.attr for node in ast.walk(_tree(module)) if isinstance(node, ast.Attribute) and node.attr in METHODS}


def _inline(module):
    """(text, method, flags) of ``re.sub("...", ...)`` with a literal pattern."""
    for node in ast.walk(_tree(module)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.func.attr in METHODS
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            named = [part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute) and part.attr.isupper()]
            flags = 0
            for name in named:
                flags |= int(getattr(re, name, 0))
            yield node.args[0].value, node.func.attr, flags


def seeds(pattern):
    """Short texts to repeat: the common ones, and each literal run, character and pair of the pattern itself."""
    literals = re.sub(r"\\[A-Za-z]|\(\?[a-zA-Z]+\)|[()\[\]{}?*+^$|]", "\0", pattern.pattern)
    runs = {run for run in literals.split("\0") if 0 < len(run) <= 24}
    letters = {character for run in runs for character in run if character != "\\"}
    return tuple(dict.fromkeys((*sorted(letters), *sorted(runs), *COMMON)))


def heads(pattern):
    """Beginnings that lead into the pattern: nothing, and its own literal starts."""
    runs = [run for run in re.split(r"[()\[\]{}?*+^$|\\]+", pattern.pattern) if len(run) > 1]
    return ("", *dict.fromkeys(runs[:4]))


def seconds(work, text):
    """CPU seconds of this thread for one call."""
    started = time.thread_time()
    work(text)
    return time.thread_time() - started


def grows(work, make):
    """Why a piece of work is above linear (a sentence), or ``None``; ``make(n)`` is a hostile text of n characters."""
    if seconds(work, make(START)) < NOTICEABLE and seconds(work, make(4 * START)) < NOTICEABLE:
        return None
    sizes = [START, 2 * START, 4 * START]
    while True:
        times = [_least(work, make(size)) for size in sizes]
        if times[0] >= NOTICEABLE / 4 or sizes[-1] > 100_000:
            break
        sizes = [2 * size for size in sizes]
    if times[2] <= NOTICEABLE or times[2] <= times[0] * LINEAR * TOLERANCE:
        return None
    return f"{times[0]:.4f} s, {times[1]:.4f} s, {times[2]:.4f} s for {sizes} characters"


def _least(work, text):
    """The least of three measurements; of one where that already is long."""
    first = seconds(work, text)
    return first if first > 0.3 else min(first, seconds(work, text), seconds(work, text))  # seconds


def call(pattern, method):
    """The method of a pattern as a function of the text alone."""
    if method == "sub":
        return lambda text: pattern.sub("", text)
    if method == "finditer":
        return lambda text: sum(1 for _ in pattern.finditer(text))
    return getattr(pattern, method)


# CPU seconds that all texts of one pattern may take; TORCHUP_FULL_GROWTH=1 tries every text (`nox -s growth`).
BUDGET = float("inf") if os.environ.get("TORCHUP_FULL_GROWTH") else 0.25


def slow_texts(pattern, methods):
    """(method, head, seed, growth) of the first text that makes a pattern slow, or ``None``."""
    started = time.thread_time()
    for head in heads(pattern):
        for seed in seeds(pattern):
            for tail in ("\0", "\n"):
                if time.thread_time() - started > BUDGET:
                    return None

                def make(size, head=head, seed=seed, tail=tail):
                    return head + seed * (size // len(seed)) + tail

                for method in methods:
                    growth = grows(call(pattern, method), make)
                    if growth:
                        return method, head, seed, growth
    return None
