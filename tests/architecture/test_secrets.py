"""A secret has a type: whatever prints, formats, pickles or encodes it shows nothing, and few may open it."""

from __future__ import annotations

import ast
import copy
import json
import logging
import pickle
import traceback
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

import torchup
from torchup.encoding import from_builtins, to_builtins, to_json
from torchup.model import Message, Request, Secret, Value, message
from torchup.privacy import shown

ROOT = Path(torchup.__file__).parent
TEXT = "Zq07wv7Kx07Bn4pLx9"
# Who opens a secret, and why it must.
OPENERS = {
    "fetch/transfer.py": "the header and the proxy of a request",
    "sources/index_client.py": "the proxy of a request",
    "sources/urls.py": "the parts of an address; the header of a request",
    "sources/child_environment.py": "the variables and the private file of a child",
    "sources/private.py": "the variables of a child",
    "sources/conda_config.py": "the variables of a child; an address made of another",
    "sources/mirrors.py": "the mirror that was asked for is looked up by its name or made of its address",
    "sources/netrc.py": "an address with a login, which is a secret again",
    "sources/pip_config.py": "words and switches of a setting, before it is known whether it is an address",
    "sources/uv_config.py": "the same",
    "privacy.py": "what is secret in an address is remembered, and what is not is shown",
}


class Held(Value, frozen=True, kw_only=True):
    """A value with secrets at several depths."""

    one: Secret
    more: tuple[Secret, ...]
    named: dict[str, Secret]


def held(text=TEXT):
    """A value that holds one secret three times."""
    secret = Secret(text)
    return Held(one=secret, more=(secret,), named={"a": secret})


def raised(secret):
    """A traceback of an error that names a secret."""
    error = ValueError(secret)
    return "".join(traceback.format_exception(error)) + repr(error)


WAYS = {
    "str": str,
    "repr": repr,
    "f-string": lambda secret: f"{secret} {secret!r} {secret!s} {secret!a} {secret:>30}",
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031  # the way itself is tried
    "format": lambda secret: f"{secret:^40}",
    "message": lambda secret: str(message("a.b", "{x}", x=secret)) + repr(message("a.b", "{x}", x=secret)),
    "log": lambda secret: logging.LogRecord("a", 10, "b", 1, "%s", (secret,), None).getMessage(),
    "exception": raised,
    "containers": lambda secret: str([secret]) + str({"a": secret}) + str({secret: 1}) + str((secret,)),
    "json": lambda secret: json.dumps({"a": secret}, default=str),
    "to_json": lambda secret: to_json({"a": [secret]}),
    "to_builtins": lambda secret: str(to_builtins({"a": (secret,)})),
    "envelope": lambda secret: str(shown({"a": secret})),
    "pickle": lambda secret: pickle.dumps(secret) + pickle.dumps(secret, 0),
    "unpickled": lambda secret: pickle.loads(pickle.dumps(secret)).reveal(),  # noqa: S301  # our own
    "dir": lambda secret: str(getattr(secret, "__dict__", "")),
}


@given(some.text(some.characters(codec="utf-8"), min_size=6))
def test_no_way_of_showing_shows_a_secret(text):
    """Every way by which a value becomes text or bytes, for any secret that has a text of its own."""
    rare = f"\u2620{text}\u2620"
    forms = {rare.encode(), rare.encode("unicode-escape"), json.dumps(rare)[1:-1].encode(), ascii(rare)[1:-1].encode()}
    for name, way in WAYS.items():
        made = way(Secret(rare))
        raw = made if isinstance(made, bytes) else made.encode("utf-8", "surrogatepass")
        assert not any(form in raw for form in forms), name


@pytest.mark.parametrize("way", [repr, str, to_json, lambda value: str(to_builtins(value)), pickle.dumps])
def test_no_value_that_holds_a_secret_shows_it(way):
    """A structure, encoded as every answer and record is."""
    made = way(held())
    assert TEXT not in (made.decode("latin-1") if isinstance(made, bytes) else made)


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins, json.dumps])
def test_an_encoder_that_does_not_know_secrets_refuses_them(encode):
    """What leaves by another door than `torchup.encoding` is an error, not a leak."""
    with pytest.raises(TypeError):
        encode(Secret(TEXT))


@pytest.mark.parametrize("way", [repr, str, to_json, lambda value: str(to_builtins(value)), pickle.dumps])
def test_no_request_shows_its_mirror(way):
    """What was asked for may be an address with a login; an empty text is none."""
    made = way(Request(mirror=Secret.of(f"https://me:{TEXT}@host/simple")))
    assert TEXT not in (made.decode("latin-1") if isinstance(made, bytes) else made)
    assert (Secret.of(""), Secret.of(None)) == (None, None)


def test_a_secret_is_no_text():
    """To join, search or cut it is a type error; a document makes none."""
    secret = Secret(TEXT)
    for wrong in (
        lambda: "https://" + secret,
        lambda: secret + "x",
        lambda: "".join([secret]),  # noqa: FLY002  # the way itself is tried
        lambda: "x" in secret,
        lambda: secret[0],
        lambda: list(secret),
        lambda: len(secret),
        lambda: Path(secret),
        lambda: "x".replace("x", secret),
    ):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises((NotImplementedError, msgspec.ValidationError)):
        from_builtins({"one": TEXT, "more": [], "named": {}}, Held)


def test_a_secret_is_a_value():
    """It is compared and kept like any other value, does not change, and comes out by its one method."""
    assert (Secret("a"), hash(Secret("a"))) == (Secret("a"), hash(Secret("a")))
    assert Secret("a") != Secret("b")
    assert Secret(TEXT) != TEXT
    assert (bool(Secret("")), Secret(TEXT).reveal(), Secret("a").mapped(str.upper)) == (False, TEXT, Secret("A"))
    assert copy.deepcopy(held()) == copy.copy(held()) == held()
    with pytest.raises(AttributeError):
        Secret("a")._text = "b"
    with pytest.raises(AttributeError):
        del Secret("a")._text
    assert isinstance(message("a.b", "{x}", x=Secret(TEXT)), Message)


def test_few_open_a_secret():
    """Every module that calls ``reveal`` is listed with its reason, and every listed one still does."""
    found = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if path.name != "secret.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "reveal"
    }
    assert found == set(OPENERS)
