"""Messages and languages."""

from __future__ import annotations

import pytest

from torchup import i18n
from torchup.encoding import from_json, to_json
from torchup.model import Notice, message, verbatim


def test_values_are_filled_in_and_nested_messages_too():
    """A message inside a message is rendered with it."""
    inner = message("test.inner", "driver {version}", version="550.54")
    assert i18n.render(message("test.outer", "needs {what}", what=inner)) == "needs driver 550.54"


@pytest.mark.parametrize("attack", ["\x1b[2Jgone", "a\x07b", "a\u202eb", "\x9b31mred", "a\rb"])
def test_values_cannot_steer_the_terminal(attack):
    """Control and bidirectional characters in a value never reach the text."""
    shown = i18n.render(verbatim(attack))
    assert all(character.isprintable() for character in shown)


def test_braces_in_values_are_only_text():
    """A value with braces is not a template."""
    assert i18n.render(verbatim("{0.__class__} {x}")) == "{0.__class__} {x}"


@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        (["plan", "--lang", "zh"], {"LANG": "en_US.UTF-8"}, "zh"),
        (["--lang=en", "plan"], {"TORCHUP_LANG": "zh"}, "en"),
        ([], {"TORCHUP_LANG": "zh", "LANG": "en_US.UTF-8"}, "zh"),
        ([], {"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "fr_FR.UTF-8"}, "en"),
        ([], {}, "en"),
    ],
)
def test_language_is_flag_then_variable_then_locale(arguments, environ, expected):
    """`--lang` beats TORCHUP_LANG beats the locale; what is not Chinese is English."""
    assert i18n.choose(arguments, environ) == expected


def test_json_carries_the_english_text():
    """A message in a value is written as its English text and read back as that text."""
    notice = Notice(code="x", text=message("test.json", "{n} cards", n=2))
    i18n.use("zh")
    assert '"2 cards"' in to_json(notice)
    assert str(from_json(to_json(notice), Notice).text) == "2 cards"
