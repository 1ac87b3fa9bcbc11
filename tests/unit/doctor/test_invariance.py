"""What copying does to a report must not change the diagnosis, and no text at all may break the parser."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support.doctor_examples import EXAMPLES
from support.doctor_messages import MESSAGES
from torchup.doctor import diagnose
from torchup.model import Os
from torchup.reports import parse_report
from torchup.reports.cleaning import clean
from torchup.reports.decoding import decode

ALL = {**EXAMPLES, **MESSAGES}
SETTINGS = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])


def quoted(text: str) -> str:
    """As a reply in a thread quotes it."""
    return "\n".join(f"> {line}" for line in text.split("\n"))


def twice_quoted(text: str) -> str:
    """A quote of a quote."""
    return quoted(quoted(text))


def indented(text: str) -> str:
    """As a code block."""
    return "\n".join(f"    {line}" if line else line for line in text.split("\n"))


def carriage_returns(text: str) -> str:
    """As Windows ends lines."""
    return text.replace("\n", "\r\n")


def padded(text: str) -> str:
    """As a console of fixed width copies it."""
    return "\n".join(line.ljust(150) for line in text.split("\n"))


def fenced(text: str) -> str:
    """In a Markdown fence with words around it."""
    return f"Hello, this is what I get:\n```bash\n{text}\n```\nThanks for any help!\n"


def coloured(text: str) -> str:
    """With the colours of a terminal."""
    return "\n".join(f"\x1b[1;32m{line}\x1b[0m" for line in text.split("\n"))


def full_width(text: str) -> str:
    """Typed with a Chinese keyboard: the colon of each label."""
    lines = text.split("\n")
    return "\n".join(line.replace(": ", "\uff1a", 1) if line[:1].isalpha() else line for line in lines)


def time_stamped(text: str) -> str:
    """As a CI service writes its log."""
    return "\n".join(f"2026-05-01T10:00:00.1234567Z {line}" for line in text.split("\n"))


def logged(text: str) -> str:
    """As a server with workers writes its log."""
    prefix = "(EngineCore_DP0 pid=123) ERROR 01-05 12:12:01 [core.py:842] "
    return "\n".join(prefix + line for line in text.split("\n"))


def framed(text: str) -> str:
    """In the box that a traceback printer draws."""
    return "\n".join(f"\u2502 {line.ljust(98)} \u2502" for line in text.split("\n"))


def with_byte_order_mark(text: str) -> str:
    """As an editor on Windows saves it."""
    return "\ufeff" + text


def entities(text: str) -> str:
    """As a page's source shows it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


CHANGES = (
    quoted,
    twice_quoted,
    indented,
    carriage_returns,
    padded,
    fenced,
    coloured,
    full_width,
    time_stamped,
    logged,
    framed,
    with_byte_order_mark,
    entities,
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_copying_does_not_change_the_diagnosis(change):
    """Quoting, indenting, colours, line ends and the like leave every example's cause as it is."""
    for name, (expected, text) in ALL.items():
        assert diagnose(parse_report(change(text))).primary == expected, name


@SETTINGS
@example("Rosetta", [carriage_returns, padded])
@given(st.sampled_from(sorted(ALL)), st.lists(st.sampled_from(CHANGES), min_size=2, max_size=4, unique=True))
def test_several_changes_at_once_do_not_either(name, changes):
    """They may come together, in any order."""
    expected, text = ALL[name]
    for change in changes:
        text = change(text)
    assert diagnose(parse_report(text)).primary == expected


@SETTINGS
@given(st.sampled_from(sorted(MESSAGES)), st.integers(60, 140))
def test_a_wrapped_message_is_still_found(name, width):
    """A console that cuts lines at its width, words or not, does not hide a message."""
    expected, text = MESSAGES[name]
    if expected is None:
        return
    cut = [line[i : i + width] for line in text.split("\n") for i in range(0, max(len(line), 1), width)]
    found = diagnose(parse_report("\n".join(cut)))
    assert expected in {finding.rule for finding in found.findings}


@SETTINGS
@given(st.sampled_from(sorted(EXAMPLES)), st.randoms(use_true_random=False))
def test_the_order_of_the_parts_does_not_matter(name, random):
    """The paragraphs of a report may come in any order."""
    expected, text = EXAMPLES[name]
    parts = [part for part in text.split("\n\n") if part.strip()]
    random.shuffle(parts)
    assert diagnose(parse_report("\n\n".join(parts))).primary == expected


@SETTINGS
@given(st.sampled_from(sorted(ALL)), st.integers(0, 3000))
def test_a_truncated_report_raises_nothing(name, length):
    """Wherever a report is cut off, there is an answer."""
    found = diagnose(parse_report(ALL[name][1][:length]))
    assert not [outcome for outcome in found.outcomes if outcome.status == "crash"]


@SETTINGS
@given(st.text(max_size=400), st.sampled_from(sorted(ALL)))
def test_any_text_is_an_answer(noise, name):
    """Arbitrary characters before, within and after a report never raise, and no rule crashes."""
    text = ALL[name][1]
    half = len(text) // 2
    for report in (noise, noise + text, text[:half] + noise + text[half:]):
        found = diagnose(parse_report(report))
        assert not [outcome for outcome in found.outcomes if outcome.status == "crash"]


@SETTINGS
@given(st.binary(max_size=300))
def test_any_bytes_are_text(raw):
    """A file of any content is read, and cleaning leaves no control character but the line's own."""
    for line in clean(decode(raw)):
        assert "\x1b" not in line
        assert "\r" not in line


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
def test_encodings_of_windows_are_read(encoding):
    """PowerShell writes UTF-16, a Chinese console GB18030."""
    expected, text = MESSAGES["old nvidia-smi, Chinese labels"]
    assert diagnose(parse_report(decode(text.encode(encoding)))).primary == expected


def numbered(text: str) -> str:
    """As an editor or `cat -n` shows it."""
    return "\n".join(f"{number:>6}  {line}" for number, line in enumerate(text.split("\n"), 1))


def of_a_service(text: str) -> str:
    """As docker compose shows the log of one service."""
    return "\n".join(f"trainer-1  | {line}" for line in text.split("\n"))


def as_a_string(text: str) -> str:
    """As JSON writes it: one line, its ends spelled out."""
    return json.dumps({"log": "\n" + text})


@pytest.mark.parametrize("change", [numbered, of_a_service, as_a_string])
@pytest.mark.parametrize("name", EXAMPLES)
def test_whole_reports_survive_the_prefixes_of_their_lines(name, change):
    """Numbers and names before most lines, and line ends that were spelled out, change nothing."""
    expected, text = EXAMPLES[name]
    assert diagnose(parse_report(change(text))).primary == expected


def test_lists_that_begin_with_numbers_stay():
    """Numbers that do not count up by one are the text's own."""
    assert clean("7 packages\n8 cards\n2 nodes\n") == ["7 packages", "8 cards", "2 nodes", ""]


@pytest.mark.parametrize(
    ("text", "os", "silicon"),
    [
        ('File "/Users/ada/env/lib/python3.11/site-packages/x.py", line 1', Os.MACOS, None),
        ('File "D:\\work\\venv\\lib\\x.py", line 1', Os.WINDOWS, None),
        ('File "/home/ada/x.py", line 1', Os.LINUX, None),
        ("C:\\Users\\ada mounted at /home/ada/c", None, None),
        ("it is a MacBook Pro M2", Os.MACOS, True),
        ("works on Apple silicon\nOS: Ubuntu 22.04", Os.LINUX, None),
    ],
)
def test_paths_and_words_name_the_system(text, os, silicon):
    """The system is read from paths and words where no tool says it; paths of two systems say nothing."""
    system = parse_report(text).system
    assert (system.os, system.apple_silicon) == (os, silicon)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("I run it on an RTX 4090 and it is fine", ["RTX 4090"]),
        ("works with RTX 4090, fails with RTX 5090", []),
        ("GPU: RTX 3060\nthe RTX 4090 of a friend works", ["RTX 3060"]),
        ("a Tesla K40m in the rack\n| 0  Tesla K40m  On | 0000:04:00.0 Off |", ["Tesla K40m"]),
    ],
)
def test_one_gpu_that_is_mentioned_is_taken(text, names):
    """A GPU in a sentence counts when it is the only one and no tool lists any."""
    assert [gpu.name for gpu in parse_report(text).gpus] == names


@pytest.mark.parametrize(
    ("machine", "typed"),
    [
        ("GPU: Radeon RX 7900 XTX\nOS: Ubuntu 22.04", "whl/rocm"),
        ("OS: macOS 15.1 (arm64)", "install --upgrade torch=="),
        ("GPU: RTX 3090\nOS: Ubuntu 22.04", "whl/cu"),
    ],
)
def test_who_has_no_torch_is_told_the_build_for_the_reported_machine(machine, typed):
    """The remedy fits the GPU that the report names."""
    found = diagnose(parse_report(f"{machine}\nModuleNotFoundError: No module named 'torch'"))
    assert found.primary == "torch-not-installed"
    assert typed in " ".join(found.findings[0].remedy.commands[0])
