"""The user's netrc: what is read from it, and that no text shows it afterwards."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as some

from support.sources import recorded
from torchup import privacy
from torchup.model import Secret
from torchup.sources.netrc import parse_netrc, read_netrc
from torchup.sources.urls import Login

TEXT = """\
machine first login me password Qx7kPw2mZt9a account Acc0untNumber77
machine second
  login ghx7Tok3nTok3nTok3n password x-oauth-basic # a token that stands for the user
macdef init
machine third login alone
default login any password Def4ultPassw0rd
"""
HIDDEN = ("Qx7kPw2mZt9a", "Acc0untNumber77", "ghx7Tok3nTok3nTok3n", "Def4ultPassw0rd")


@pytest.fixture(autouse=True)
def nothing_remembered():
    """What one test reads the next does not know."""
    privacy.forget()
    yield
    privacy.forget()


def test_logins_are_read_by_host():
    """The entry for all hosts is left out; a line may be broken anywhere."""
    found = parse_netrc(TEXT)
    assert found == {
        "first": Login(user=Secret("me"), password=Secret("Qx7kPw2mZt9a")),
        "second": Login(user=Secret("ghx7Tok3nTok3nTok3n"), password=Secret("x-oauth-basic")),
        "third": Login(user=Secret("alone"), password=Secret("")),
    }


def test_two_entries_of_a_host_are_one():
    """The later word counts, as it always did."""
    assert parse_netrc("machine a login x\nmachine a password y\n") == {
        "a": Login(user=Secret("x"), password=Secret("y"))
    }


@pytest.mark.parametrize("secret", HIDDEN)
def test_what_was_read_is_in_no_text(secret):
    """As it stands there, and as a request carries it; also what is for all hosts, which downloads never use."""
    read_netrc(recorded({"/home/user/.netrc": TEXT}))
    header = base64.b64encode(b"me:Qx7kPw2mZt9a").decode()
    shown = privacy.without_secrets(f"401 for {secret} with {header} at first")
    assert secret not in shown
    assert header not in shown
    assert "401 for" in shown
    assert "at first" in shown


def test_ordinary_words_stay():
    """A user's name, a host and a short word are no secrets."""
    read_netrc(recorded({"/home/user/.netrc": TEXT}))
    assert privacy.without_secrets("me and alone at second, x-oauth") == "me and alone at second, x-oauth"


@given(some.text(some.characters(codec="ascii", categories=("L", "N")), min_size=privacy.SHORTEST_SECRET, max_size=60))
def test_any_password_is_hidden_once_it_was_read(password):
    """Whatever its letters."""
    privacy.forget()
    rare = f"~{password}~"
    read_netrc(recorded({"/home/user/.netrc": f"machine h login u password {rare}\n"}))
    assert rare not in privacy.without_secrets(f"it says {rare}.")
