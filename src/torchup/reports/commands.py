"""What the user ran: commands at every shell's prompt, what they asked an installer for, and by which tool."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from torchup.model import Manager, Shell
from torchup.patterns import LETTER_BEYOND_LATIN, lazy_pattern
from torchup.reports.answers import answers_below, expression_of, take, take_several
from torchup.reports.values import arch, driver, glibc, interpreter, python_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchup.reports.collected import Collected

LONGEST = 1_000  # characters of a command that are read
NARROW = 56  # characters of the narrowest console that is expected to cut lines (60), less the mark of a quotation
_ENVIRONMENT = r"\s{0,40}(?:\([^()\s]{1,60}\)\s{0,4}){0,2}"
# The shell, what stands in every line with such a prompt, and the pattern.
PROMPTS: tuple[tuple[Shell | None, tuple[str, ...], re.Pattern[str]], ...] = (
    (Shell.POWERSHELL, ("PS ",), lazy_pattern(_ENVIRONMENT + r"PS [A-Za-z]:[^>\n]{0,200}>\s{0,4}(\S.*)")),
    (Shell.CMD, (":\\",), lazy_pattern(_ENVIRONMENT + r"[A-Za-z]:\\[^>\n]{0,200}>\s{0,4}(\S.*)")),
    (
        Shell.SH,
        ("@",),
        lazy_pattern(_ENVIRONMENT + r"\[?[\w.-]{1,60}@[\w.-]{1,60}[:\s][^$#%\n]{0,200}[$#%]\s{0,4}(\S.*)"),
    ),
    (
        Shell.SH,
        ("$", "%", "#", "❯", "➜"),
        lazy_pattern(_ENVIRONMENT + r"(?:\$|%|bash-[\d.]{1,6}[$#]|sh-[\d.]{1,6}[$#]|❯|➜)\s{1,4}(\S.*)"),
    ),
    (Shell.SH, ("$",), lazy_pattern(_ENVIRONMENT + r"\$(?=[a-z])([a-z]\S{0,40}\s.*)")),
    (
        None,
        ("!", "%"),
        lazy_pattern(r"\s{0,80}(?:In ?\[[\d* ]{0,6}\]:?\s?)?[!%]\s?((?:pip3?|conda|mamba|uv|python3?|nvidia-smi)\b.*)"),
    ),
    (None, ("RUN", "CMD", "run:"), lazy_pattern(r"\s{0,80}(?:RUN|CMD|run:)\s{1,8}(\S.*)")),
    (
        Shell.SH,
        ("# ",),
        lazy_pattern(r"\s{0,8}# ((?:pip3?|python3?|apt(?:-get)?|uv|conda|nvidia-smi|rocminfo)\s.*)"),
    ),  # root's prompt
)
# Lines that begin as only a command begins: the prompt was not copied, or quoting ate it.
_BARE = lazy_pattern(
    r"\s{0,80}(?:[-*]\s)?`{0,3}((?:sudo )?(?:[A-Za-z_]\w{0,60}=\S{1,60} ){0,3}(?:"
    r"(?:\S{1,200}[/\\])?python(?:3(?:\.\d{1,2})?)?(?:\.exe)? -(?:m|c|s|V|-version)\b|"
    r"(?:\S{1,200}[/\\])?pip3?(?:\.exe)? (?:install|uninstall|list|show|freeze|download)\b|"
    r"uv (?:pip|sync|add|run|venv|lock|tool|tree|python)\b|poetry (?:add|install|run|show|lock)\b|"
    r"pixi (?:add|install|run|list|init|shell)\b|"
    r"(?:conda|mamba|micromamba) (?:install|create|list|activate|env|run|info|update|remove)\b|"
    r"(?:docker|podman|nerdctl)(?:-compose)? (?:run|exec|compose|build|start)\b|(?:apptainer|"
    r"singularity) (?:exec|run|shell)\b|"
    r"(?:srun|sbatch|salloc|qsub|bsub)\s|nvidia-smi\s*$)[^`]{0,900})`{0,3}\s*"
)
_QUOTED = lazy_pattern(
    r"(?:\b(?:ran|run|running|used?|using|tried|did|executed?|after|with|via|by|do|doing)|使用|用|运行|执行|"
    r"命令|通过|输入)(?:了|是)?"
    r"\s?[:]?\s?[`'\"]((?:pip3?|python3?|uv|conda|mamba|pixi|poetry|docker|podman) [^`'\"\n]{2,300})[`'\"]",
    re.IGNORECASE | re.ASCII,
)
_ADVISED = lazy_pattern(
    r"\b(?:should|consider|could|can|please|must|need to|want to)\b|请|建议|可以", re.IGNORECASE | re.ASCII
)
_INSTALLS = lazy_pattern(
    r"\b(?:pip3?(?:\.exe)? (?:install|download)|uv (?:pip install|add)|poetry add|pixi add|"
    r"(?:conda|mamba|micromamba) (?:install|create))\s(.{1,900})",
    re.ASCII,
)
_REFUSED = lazy_pattern(r"satisfies the requirement (\S{1,100})")
_NO_MATCH = lazy_pattern(r"No matching distribution found for (\S{1,100})")
_UV_REQUIRES = lazy_pattern(r"\byou require ([\w.\[\]-]{1,60}==\S{1,60}?)[,.]?(?:\s|$)")
_LOOKED_IN = lazy_pattern(r"\s{0,20}Looking in (?:indexes|links): (\S.{0,600})")
_INDEX_OPTION = lazy_pattern(
    r"(?:--index-url|--extra-index-url|--index|--default-index|-i|-f|--find-links|"
    r"--source)[ =]\"?'?((?:https?://|[\w.-]+\.\w+/)\S{1,300})"
)
_TOOLS: tuple[tuple[Manager, re.Pattern[str]], ...] = (
    (
        Manager.PIXI,
        lazy_pattern(
            r"^\s{0,8}pixi\s|[/\\]\.pixi[/\\]|\bpixi\.(?:toml|lock)\b|failed to solve the conda requirements of"
        ),
    ),
    (Manager.POETRY, lazy_pattern(r"^\s{0,8}poetry\s|\bpoetry\.lock\b|\[tool\.poetry|pypoetry[/\\]virtualenvs")),
    (Manager.UV_PROJECT, lazy_pattern(r"(?:^\s{0,8}|`)uv (?:sync|add|run|lock|tree)\b|\buv\.lock\b|\btool\.uv\b")),
    (Manager.UV_VENV, lazy_pattern(r"^\s{0,8}uv (?:pip|venv)\b|[/\\]uv[/\\]python[/\\]")),
)
_CONDA_TORCH = lazy_pattern(r"^\s{0,8}(?:conda|mamba|micromamba) (?:install|create)\s(?=.*\bpytorch\b)")
_CONDA = lazy_pattern(
    r"^\s{0,8}(?:conda|mamba|micromamba)\s|(?:mini|ana|mamba)(?:conda|forge)\d?[/\\]|"
    r"[/\\]\.?conda[/\\]envs[/\\]|miniforge"
)
_SAID_CONDA = lazy_pattern(
    r"torch\b[^;\n]{0,40}\b(?:via|with|from|using|through|by) (?:conda|mamba|miniforge|miniconda|anaconda)\b|"
    r"用\s?conda\s?(?:安装|装)"
)
_PIP_TORCH = lazy_pattern(r"\bpip3?(?:\.exe)? (?:install|download)\s(?=.*torch)")
_PIP = lazy_pattern(r"\bpip3?(?:\.exe)? (?:install|list|freeze|show|uninstall)\b")
_STOP = lazy_pattern(rf"[;|>]|{LETTER_BEYOND_LATIN}|, |&&|\s#|[`'\"]\s*[,.]?\s*$|\n")
_SECRET = lazy_pattern(r"//[^/\s@\"']{1,200}@")  # login and password in an address
_WANTED = lazy_pattern(r"\btorch={2,3}(\d[\w.]{0,40})(?:\+(\w[\w.]{0,40}))?", re.ASCII)
_INDEX = lazy_pattern(r"whl/(?:nightly/|test/)?(cu\d{2,3}|cpu|xpu|rocm\d[\d.]{0,6})")
_GIVES_GPU = lazy_pattern(
    r"--gpus|--runtime[= ]nvidia|nvidia-docker|--device|/dev/(?:kfd|dri)|nvidia\.com/gpu|--nv\b|--rocm\b"
)
_DOCKER = lazy_pattern(
    r"\b(?:docker|podman|nerdctl)(?:-compose)?\s{1,8}(?:run|start|exec|compose)\b|\bdocker-compose\b|\bnvidia-docker\b|"
    r"\b(?:apptainer|singularity) (?:exec|run|shell)\b|\b(?:distrobox|toolbox) (?:enter|run|create)\b",
    re.IGNORECASE | re.ASCII,
)
_PRINTED = lazy_pattern(r"\bprint\s?\((.*)\)")
_LDD = lazy_pattern(r"\s{0,20}ldd \(.{1,80}\) (\d\.\d{1,3})\s*$")  # not musl's, whose ldd has no number there
_PARTS = lazy_pattern(r",\s?(?![^(]{0,200}\))")
_PYTHON = r"[/\\]python(?:3(?:\.\d{1,2})?)?(?:\.exe)?"
_INTERPRETER = lazy_pattern(  # a quoted path may hold spaces: "C:\Program Files\Python312\python.exe"
    rf"\"(?=[^\"\n]{{0,200}} )((?:[A-Za-z]:|~)?[/\\][^\"\n:;|&]{{0,200}}{_PYTHON})\""
    rf"|(?:^|\s|&\s)[\"']?((?:[A-Za-z]:)?[^\s\"'&|;]{{0,200}}{_PYTHON})[\"']?(?=\s|$)"
)
_LINE_CONTINUES = ("\\", "^", "`")
_AT_ADDRESS = lazy_pattern(r"https?://\S{3,200}\Z")
_REST_OF_ADDRESS = lazy_pattern(r"[\w./+-]{1,60}", re.ASCII)


def read_commands(collected: Collected, lines: Sequence[str]) -> None:
    """Read every command and what it asked for; the answers of those that print facts too."""
    for collected.position, line in enumerate(lines):
        if "require" in line or "indexes" in line or "distribution" in line:
            _read_refusal(collected, line)
        if "install" in line or " add " in line:
            _read_wish(collected, line, lines)
        if "`" in line or "'" in line or '"' in line:
            collected.commands += [
                quoted[1][:500] for quoted in _QUOTED.finditer(line) if not _ADVISED.search(line, 0, quoted.start())
            ]
        command = _command(collected, line)
        if command is not None:
            _read_command(collected, _whole(command, lines, collected.position), lines)
    _conclude_manager(collected, lines)


def _command(collected: Collected, line: str) -> str | None:
    """The command of a line; its prompt shows the shell."""
    for shell, needed, prompt in PROMPTS:
        match = prompt.match(line) if any(text in line for text in needed) else None
        if match is not None:
            collected.shell = collected.shell or shell
            return match[1][:LONGEST]
    bare = _BARE.fullmatch(line)
    return bare[1].strip() if bare is not None and bare[1].count(" ") < 60 else None  # noqa: PLR2004  # prose goes on


def _whole(command: str, lines: Sequence[str], position: int) -> str:
    """With the lines that a shell's sign for "it goes on" joins to it, or that a console cut off its address."""
    for line in lines[position + 1 : position + 20]:
        if command.rstrip().endswith(_LINE_CONTINUES):
            command = command.rstrip()[:-1].rstrip() + " " + line.strip()
        elif len(lines[position]) >= NARROW and _AT_ADDRESS.search(command) and _is_rest_of_address(line):
            return (command + line)[:LONGEST]
        else:
            break
    return command[:LONGEST]


def _is_rest_of_address(line: str) -> bool:
    """Whether a line is what a console cut off an index address: no word of a sentence, no output."""
    return _REST_OF_ADDRESS.fullmatch(line) is not None and any(sign == "/" or sign.isdigit() for sign in line)


def _read_command(collected: Collected, command: str, lines: Sequence[str]) -> None:
    collected.commands.append(_SECRET.sub("//", command[:500]))
    if _DOCKER.search(command):
        collected.container = True
        collected.container_gpu_flag = bool(_GIVES_GPU.search(command)) or bool(collected.container_gpu_flag)
    following = lines[collected.position + 1 : collected.position + 4]
    if command.startswith(("uname", "arch")) and following:
        arch(collected, following[0])
    if command.startswith("ldd ") and following and (shown := _LDD.match(following[0])) is not None:
        glibc(collected, shown[1])
    if command.strip() in ("groups", "id -Gn"):
        answer = next((line for line in following if line.strip()), "")
        collected.groups = tuple(answer.split(":")[-1].split())
    if "python" in command and command.rstrip().endswith(("--version", " -V", " -VV")) and following:
        python_version(collected, following[0])
    if command.startswith(("which python", "where python", "command -v python")) and following:
        interpreter(collected, following[0])
    if "--query-gpu=driver_version" in command:
        driver(collected, next((line for line in following if re.match(r"\s*\d{3}\.", line)), ""))
    for quoted, plain in _INTERPRETER.findall(command)[:3]:
        interpreter(collected, quoted or plain)
    _read_printed(collected, command, lines)


def _read_printed(collected: Collected, command: str, lines: Sequence[str]) -> None:
    """``python -c "import torch; print(torch.__version__, torch.cuda.is_available())"`` and the values below it."""
    printed = _printed(command) if "python" in command else []
    if not printed:
        return
    rows = [
        expression_of(part.strip(" )(") + ("()" if part.strip().endswith("(") else "")) or expression_of(part.strip())
        for part in printed
    ]
    below = list(answers_below(lines, collected.position))
    if len(rows) > 1 and any(take_several(collected, rows, line) for line in below):
        return
    answers = iter(below)
    for row in rows:
        if row is not None:
            next((line for line in answers if take(collected, row, line)), None)


def _printed(command: str) -> list[str]:
    """The expressions that a line of Python prints; other statements may stand between and behind its prints."""
    statements = [found[1] for part in command.split(";") if (found := _PRINTED.search(part)) is not None]
    if not statements and (whole := _PRINTED.search(command)) is not None:
        statements = [whole[1]]  # a semicolon within a text
    return [part for statement in statements for part in _PARTS.split(statement)]


def _read_refusal(collected: Collected, line: str) -> None:
    """What an installer says it was asked for, and where it looked."""
    for pattern in (_REFUSED, _NO_MATCH, _UV_REQUIRES):
        if (refused := pattern.search(line)) is not None and (wish := requirement(refused[1])) is not None:
            collected.requested.append(wish)
    if (looked := _LOOKED_IN.match(line)) is not None:
        collected.index_urls += [without_credentials(url) for url in looked[1].split(", ") if "//" in url]


def _read_wish(collected: Collected, line: str, lines: Sequence[str]) -> None:
    """Requirements and indexes of every installer's command, also within a sentence or a Dockerfile."""
    whole = _whole(line, lines, collected.position)[:LONGEST]
    match = _INSTALLS.search(whole)
    if match is None:
        return
    quoted = whole.count("`", 0, match.start()) % 2 == 1
    text = match[1].partition("`")[0] if quoted else match[1]  # a command in a sentence ends with its quotation
    collected.index_urls += [without_credentials(url) for url in _INDEX_OPTION.findall(text)]
    words = _STOP.split(re.sub(r"[\"'](\S{1,100})[\"']", r"\1", text), maxsplit=1)[0].split()
    for previous, word in zip(["", *words], words, strict=False):
        if previous.startswith("-") and "=" not in previous and previous not in _SWITCHES:
            continue
        if (wish := requirement(word)) is not None:
            collected.requested.append(wish)
    wanted = _WANTED.search(match[0])
    if wanted is not None:
        collected.wanted.setdefault("version", wanted[1])
        variant = wanted[2] or (_INDEX.search(text) or ["", ""])[1]
        collected.first(collected.wanted, "variant", variant.rstrip("."))


_SWITCHES = frozenset(
    [
        "-U",
        "--upgrade",
        "--pre",
        "--force-reinstall",
        "--no-cache-dir",
        "--user",
        "-q",
        "-y",
        "--yes",
        "--no-deps",
        "-v",
        "--system",
        "--dev",
        "--no-build-isolation",
        "--break-system-packages",
        "--reinstall",
        "-I",
        "--ignore-installed",
        "--no-cache",
        "--pypi",
        "--isolated",
    ]
)
_OURS = lazy_pattern(
    r"(?:py)?torch|nvidia-|triton|xformers|flash|vllm|numpy|cuda|bitsandbytes|jax|tensorflow", re.IGNORECASE | re.ASCII
)


def requirement(word: str) -> str | None:
    """A word as a requirement, when it is one: a version stands behind it, or it is a package around torch."""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415  # most reports have no command

    word = word.strip("\"'`,")
    plain = re.sub(r"(?<![=<>!~])=(?![=])", "==", word)  # conda writes name=version
    try:
        parsed = Requirement(plain[:200])
    except InvalidRequirement:
        return None
    if parsed.url is not None or "." in parsed.name or not (parsed.specifier or _OURS.match(parsed.name)):
        return None
    return word


def without_credentials(url: str) -> str:
    """An index address without user, password, query and fragment."""
    url = url.strip("\"'`,;)>].")
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))
    except ValueError:
        return re.sub(r"//[^/]{0,300}@", "//", url).split("?", maxsplit=1)[0]


def _conclude_manager(collected: Collected, lines: Sequence[str]) -> None:
    """What made the environment, by what was run in it, where torch came from and where it lies."""
    asked = [*collected.commands, *(line for line in lines if _mentions_tool(line))]
    for manager, pattern in _TOOLS:
        if any(pattern.search(text) for text in asked):
            collected.manager = manager
            return
    listed = [p for p in collected.packages.values() if p.name == "torch" or (p.from_conda and "pytorch" in p.name)]
    if any(package.from_conda for package in listed) or any(
        _CONDA_TORCH.search(text) or _SAID_CONDA.search(text) for text in asked
    ):
        collected.manager = Manager.CONDA
    elif listed or any(_PIP_TORCH.search(text) for text in asked):
        collected.manager = Manager.PIP
    elif collected.conda_python or any(_CONDA.search(text) for text in asked):
        collected.manager = Manager.CONDA
    elif any(_PIP.search(text) for text in asked):
        collected.manager = Manager.PIP


def _mentions_tool(line: str) -> bool:
    lower = line.lower()
    return any(
        word in lower
        for word in (
            ".pixi",
            "pixi.",
            "poetry",
            "uv.lock",
            "tool.uv",
            "`uv ",
            "conda",
            "forge",
            "pip install",
            "uv\\python",
            "uv/python",
        )
    )
