"""Commands survive each shell: what is typed is what the program gets."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from torchup.doctor.remedy import line, set_variable, unset_variable
from torchup.model import Shell

# Everything that a command line can hold, and often what shells mean something by.
SIGNS = " \t'\"\\$`!%^&|<>()[]{}*?~#;=,@+-./:é中’"
WORDS = st.text(
    st.one_of(st.sampled_from(SIGNS), st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))), max_size=12
)
WORDS = WORDS.filter(lambda word: not re.fullmatch(r"\$[A-Z_][A-Z0-9_]*", word))
REAL = (
    "numpy<2",
    "torch[device-gfx1100]==2.12.0",
    "torch==2.15.0+cu132",
    "C:\\Program Files\\Python\\python.exe",
    "a=b;c",
)
SHOW = "import sys; sys.stdout.buffer.write('\\0'.join(sys.argv[1:]).encode('utf-8', 'surrogateescape'))"


def read_c_runtime(text):
    """Parse a command line as Microsoft's C runtime documents it (backslashes and quotes)."""
    words, word, quoted, seen, position = [], "", False, False, 0
    while position < len(text):
        sign = text[position]
        slashes = len(re.match(r"\\*", text[position:])[0])
        if slashes and text[position + slashes : position + slashes + 1] == '"':
            word += "\\" * (slashes // 2)
            position += slashes
            if slashes % 2:
                word += '"'
            else:
                quoted = not quoted
            seen, position = True, position + 1
        elif slashes:
            word, seen, position = word + "\\" * slashes, True, position + slashes
        elif sign == '"':
            quoted, seen, position = not quoted, True, position + 1
        elif sign in " \t" and not quoted:
            words, word, seen = words + [word] * seen, "", False
            position += 1
        else:
            word, seen, position = word + sign, True, position + 1
    return words + [word] * seen


def read_cmd(text):
    """What cmd.exe hands on at a prompt: carets taken off outside of quotes; a sign that acts there is an error."""
    out, quoted, position = "", False, 0
    while position < len(text):
        sign = text[position]
        if sign == "^" and not quoted:
            out, position = out + text[position + 1 : position + 2], position + 2
            continue
        assert sign != "%" or re.search(r"%[^%^]+%", text) is None, "a variable would be put in"
        if sign == '"':
            quoted = not quoted
        else:
            assert quoted or sign not in "&|<>()", f"{sign} acts"
        out, position = out + sign, position + 1
    return out


@pytest.mark.skipif(sys.platform == "win32" or not shutil.which("sh"), reason="needs a POSIX shell")
@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, max_size=4))
@example(list(REAL))
def test_sh_gives_back_every_word(words):
    """A real sh, a real program."""
    text = line((sys.executable, "-c", SHOW, *words), Shell.SH)
    done = subprocess.run(["sh", "-c", text], capture_output=True, check=True)
    assert done.stdout.decode("utf-8", "surrogateescape") == "\0".join(words)


@given(st.lists(WORDS, min_size=1, max_size=4))
@example(list(REAL))
@example(['a"b', "100%", "x\\", 'c:\\d e\\"'])
def test_cmd_gives_back_every_word(words):
    """cmd.exe's phase, then the C runtime's, as Microsoft documents both."""
    assert read_c_runtime(read_cmd(line(("python", *words), Shell.CMD))) == ["python", *words]


def read_powershell(text):
    """The words of the one command in a PowerShell line, by its grammar."""
    tree_sitter = pytest.importorskip("tree_sitter")
    grammar = pytest.importorskip("tree_sitter_powershell")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    source = text.encode()
    root = parser.parse(source).root_node
    assert not root.has_error, text
    commands, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        commands += [node] if node.type == "command" else []
        waiting += node.children
    assert len(commands) == 1, text
    return source, commands[0]


def literal(text):
    """A word of PowerShell as the program gets it."""
    return re.sub(r"(['‘’‚‛])\1", r"\1", text[1:-1]) if text[:1] == "'" else text


@given(st.lists(WORDS, min_size=1, max_size=4))
@example(list(REAL))
def test_powershell_writes_literals(words):
    """Each word is plain, or a literal string in which only the quote is doubled."""
    text = line(("python", *words), Shell.POWERSHELL)
    rest, found = text.removeprefix("python"), []
    while rest:
        match = re.match(r" ('(?:[^'‘’‚‛]|['‘’‚‛]{2})*'|[A-Za-z0-9_./\\:=+\-*?~]+)", rest)
        assert match is not None, rest
        found.append(literal(match[1]))
        rest = rest[match.end() :]
    assert found == words


@pytest.mark.parametrize("words", [REAL, ("-m", "pip", "install", "a b"), ("--index-url=https://x.y/z", "'", '"')])
def test_powershell_lines_parse(words):
    """PowerShell's own grammar reads one command, and no error."""
    read_powershell(line(("python", *words), Shell.POWERSHELL))


def test_a_program_with_spaces_is_called():
    """A quoted program is a string to PowerShell unless it is called with an ampersand."""
    text = line((r"C:\Program Files\Python\python.exe", "-V"), Shell.POWERSHELL)
    assert text == r"& 'C:\Program Files\Python\python.exe' -V"
    read_powershell(text)


@pytest.mark.skipif(sys.platform == "win32" or not shutil.which("sh"), reason="needs a POSIX shell")
@settings(max_examples=30, deadline=None)
@given(WORDS)
def test_sh_sets_and_unsets_variables(value):
    """What is exported is what a child sees; after the unset it sees nothing."""
    show = line((sys.executable, "-c", "import os; print(ascii(os.environ.get('PROBE')))"))
    script = f"{line(set_variable('PROBE', value))}; {show}; {line(unset_variable('PROBE'))}; {show}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout.splitlines() == [ascii(value), "None"]


def test_the_user_is_the_shells_own():
    """`$USER` stays open for the shell that the line is typed into."""
    command = ("sudo", "usermod", "-aG", "render,video", "$USER")
    assert line(command) == 'sudo usermod -aG render,video "$USER"'
    assert line(command, Shell.CMD).endswith("%USER%")
    assert line(command, Shell.POWERSHELL).endswith("$env:USER")
