"""Messages and languages."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from torchup import i18n
from torchup.encoding import from_json, to_json
from torchup.envs.damage import DamageKind
from torchup.host.language import first_language
from torchup.i18n.sentences import SENTENCES, joined, raised, sentence
from torchup.model import Notice, Said, message, verbatim


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
# Codes that torchup itself says of a worker or of what it could not read beside it.
PARENT = [path for room in ("bench", "envs") for path in (WORKER.parent / room).glob("*.py")]


def _codes(source: str) -> list[tuple[str, set[str]]]:
    """Every code in a source file with the names of its values: ``said("x", a=1)``, ``raise SomeError("x", a=1)``."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name, keywords = ast.unparse(node.func), {word.arg: word.value for word in node.keywords}
        if name == "Said" and isinstance(keywords.get("code"), ast.Constant):
            values = keywords.get("values", ast.Dict(keys=[], values=[]))
            found.append((keywords["code"].value, {key.value for key in values.keys}))
        elif name.rpartition(".")[2] in SAYING and node.args and isinstance(node.args[0], ast.Constant):
            found.append((node.args[0].value, set(keywords)))
    return found


SAYING = {
    "said", "SaidError", "DataError", "MismatchError", "CompilerError", "PrecisionError", "UnavailableError",
    "FailureError", "BundledError",
}  # fmt: skip


def test_every_code_of_a_worker_has_a_sentence_with_its_values_and_every_sentence_a_code():
    """What a worker answers can be told in the user's language, with the same values; no sentence is left over."""
    sources = [path.read_text("utf-8") for path in (*WORKER.rglob("*.py"), *PARENT)]
    said = [code for source in sources for code in _codes(source)]
    assert len(said) > 80
    for code, values in said:
        assert code == "raised" or SENTENCES[code].fields == values, code
    computed = {"signal", "ended", "no-rapl", "rapl-root"}  # chosen by a condition, not written in a call
    computed |= {f"file-{kind}" for kind in DamageKind if kind is not DamageKind.DRIFT}
    assert set(SENTENCES) - {code for code, _ in said} <= computed


def test_a_worker_never_says_a_sentence():
    """Notes, refusals and failed rungs are codes: no text with a blank in it goes to a person from there."""
    for path in WORKER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("notes.append"):
                told = ast.unparse(node.args[0])  # `Cut.note` is a `Said`
                assert told.startswith("said(") or told.endswith(".note"), path.name


def test_what_a_worker_says_keeps_its_values():
    """A code is translated with its values; what a library said is told as it is; several are joined."""
    other = sentence(Said(code="other", values={"what": "torch", "found": "2.12.0", "planned": "2.13.0"}))
    assert str(other) == "torch is 2.12.0, but 2.13.0 was planned"
    assert "2.13.0" in i18n.render(other, "zh")
    assert i18n.render(sentence(raised("Segmentation fault")), "zh") == "Segmentation fault"
    assert str(joined([other, verbatim("x")])) == "torch is 2.12.0, but 2.13.0 was planned; x"
    nested = Said(code="left-out", values={"name": "graph", "why": Said(code="no-graphs", values={"kind": "mps"})})
    assert str(sentence(nested)) == "torchup skipped graph: torch cannot record graphs on mps"
    assert "skipped" not in i18n.render(sentence(nested), "zh")


def test_a_code_of_another_version_is_shown_with_its_values():
    """A file of an older or newer torchup never breaks the page that shows it."""
    assert str(sentence(Said(code="new-thing", values={"n": 3}))) == "new-thing (n: 3)"
    assert str(sentence(Said(code="other", values={}))) == "other"
    assert str(sentence(None)) == "unknown"


@pytest.mark.parametrize(
    ("said", "part"),
    [
        (Said(code="no-form", values={"name": "fused", "label": "bf16", "labels": "tf32"}), "不支持 bf16"),
        (
            Said(code="precision-forced", values={"variable": "NVIDIA_TF32_OVERRIDE=0", "label": "tf32"}),
            "NVIDIA_TF32_OVERRIDE=0 压过了精度 tf32",
        ),
        (Said(code="mixed-sizes", values={"name": "b/3.jpg", "size": "9 x 8", "other": "28 x 28"}), "b/3.jpg 是 9 x 8"),
        (Said(code="no-folder", values={"name": "x"}), "没有文件夹 x"),
    ],
)
def test_refusals_of_the_worker_are_told_with_their_values(said, part):
    """Precision and data are refused with values that stand at their places in Chinese."""
    assert part in i18n.render(sentence(said), "zh")
