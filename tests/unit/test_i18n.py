"""Messages and languages."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from torchup import i18n
from torchup.encoding import from_json, to_json
from torchup.host.language import first_language
from torchup.i18n.worker_words import told, told_all
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


@pytest.mark.parametrize(
    ("environ", "system", "expected"),
    [
        ({}, "zh-Hans-CN", "zh"),
        ({}, "zh_CN", "zh"),
        ({}, "en-GB", "en"),
        ({"LANG": "en_US.UTF-8"}, "zh_CN", "en"),
        ({"LANG": "zh_TW.UTF-8"}, "", "zh"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, "", "zh"),
        ({"LC_ALL": "C.UTF-8", "LANGUAGE": "zh_CN"}, "", "en"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "zh_CN", "en"),
    ],
)
def test_the_system_is_asked_where_no_variable_speaks(environ, system, expected):
    """Windows and macOS know the user's language without a variable; LANGUAGE beats a locale, but not the C locale."""
    assert i18n.choose([], environ, lambda: system) == expected


def test_the_first_language_of_macos_is_read():
    """`defaults read -g AppleLanguages` prints a list in the old plist form; nothing printed is no language."""
    assert first_language('(\n    "zh-Hans-CN",\n    "en-CN"\n)\n') == "zh-Hans-CN"
    assert first_language("(\n    en\n)\n") == "en"
    assert first_language("") == ""


def test_json_carries_the_english_text():
    """A message in a value is written as its English text and read back as that text."""
    notice = Notice(code="x", text=message("test.json", "{n} cards", n=2))
    i18n.use("zh")
    assert '"2 cards"' in to_json(notice)
    assert str(from_json(to_json(notice), Notice).text) == "2 cards"


WORKER = Path(i18n.__file__).parents[1] / "worker"


def _sentences(tree: ast.AST) -> list[str]:
    """What a worker says: a failed rung, a rung that is left out, a note; its values are put in as ones."""
    found = []
    for node in ast.walk(tree):
        words = None
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("FailureError", "notes.append")):
            words = node.args[0]
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and "skip" in ast.unparse(node.value):
            words = node.value.elts[1]
        texts = [part.value for part in ast.walk(words or ast.Pass()) if isinstance(part, ast.Constant)]
        found += [text for text in texts[:1] if isinstance(text, str) and " " in re.sub(r"%s: %s", "", text)]
    return found


def test_everything_that_a_worker_says_has_a_translation():
    """Each sentence in the worker's source is known, so that it is told in the user's language."""
    sources = [path.read_text("utf-8") for path in (WORKER / "verify.py", *WORKER.glob("*/*.py"))]
    said = [sentence for source in sources for sentence in _sentences(ast.parse(source))]
    assert len(said) > 20
    filled = [re.sub(r"%[.\d]*[a-z]", "torch", sentence) for sentence in said]
    ends = (": ", ": torch", "done with ")  # what is put behind them is an exception, or stands in the list whole
    assert [one for one in filled if not told(one).code and not one.endswith(ends)] == []


def test_what_a_worker_says_keeps_its_values():
    """A known sentence is translated with what stands in it; an unknown one is told as it is; several are joined."""
    other = told("torch is 2.12.0, planned was 2.13.0")
    assert dict(other.values) == {"what": "torch", "found": "2.12.0", "planned": "2.13.0"}
    assert "2.13.0" in i18n.render(other, "zh")
    assert i18n.render(told("Segmentation fault"), "zh") == "Segmentation fault"
    assert str(told_all([other, told("x")])) == "torch is 2.12.0, planned was 2.13.0; x"


@pytest.mark.parametrize(
    ("sentence", "part"),
    [
        ("fused has no form for bf16: it is made for fp32-default, fp32-strict, tf32", "bf16 的形式"),
        ("the environment variable NVIDIA_TF32_OVERRIDE=0 overrules tf32", "NVIDIA_TF32_OVERRIDE=0 压过了 tf32"),
        ("images of one size are needed: b/3.jpg is 9 x 8, others are 28 x 28", "b/3.jpg 是 9 x 8"),
        ("there is no folder x", "没有文件夹 x"),
    ],
)
def test_refusals_of_the_worker_are_told_with_their_values(sentence, part):
    """Precision and data are refused in sentences whose values stand at their places in Chinese."""
    assert str(told(sentence)) == sentence
    assert part in i18n.render(told(sentence), "zh")
