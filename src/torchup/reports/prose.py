"""What people say in sentences: the machine, its GPU, versions; read last, and only where no tool said it.

A sentence speaks of this machine unless a word in it says otherwise: another machine, a wish, a requirement, a past.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from torchup.model import Os, Vendor
from torchup.patterns import lazy_pattern
from torchup.reports.values import os_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torchup.reports.collected import Collected
    from torchup.reports.gpu_names import Mention

_PATHS: tuple[tuple[Os, re.Pattern[str]], ...] = (
    (Os.MACOS, lazy_pattern(r"(?<![\w:])/(?:Users/[^/\s]{1,60}/|opt/homebrew/|Library/Frameworks/|usr/local/Cellar/)")),
    (Os.WINDOWS, lazy_pattern(r"\b[A-Za-z]:\\\w")),
    (Os.LINUX, lazy_pattern(r"(?<![\w:])/(?:home/[^/\s]{1,60}/|root/)|/dist-packages/|-linux-gnu/")),
)
_MAC = lazy_pattern(r"\b(?:mac ?book|imac|mac mini|mac studio|mac laptop|my mac|mac ?os|os ?x)\b|苹果电脑", re.ASCII)
_APPLE_SILICON = lazy_pattern(
    r"\bapple (?:silicon|m[1-9])\b|\bmac[a-z ]{0,12}[ (,-]{1,2}m[1-9]\b|\bm[1-9] (?:pro|max|ultra|mac\w{0,10}|chip)\b|"
    r"\bm[1-9](?:pro|max|ultra)\b|(?:苹果|mac)\s?m[1-9]\b",
    re.ASCII,
)
_APPLE_CHIP = lazy_pattern(r"\bm([1-9])[ -]?(pro|max|ultra)?\b", re.IGNORECASE | re.ASCII)
_JETSON = lazy_pattern(
    r"(?<![/\w.-])jetson[ -](?:nano|orin|xavier|tx[12]|agx|thor)\b|\bagx (?:orin|thor|xavier)\b", re.ASCII
)
_JETPACK = lazy_pattern(
    r"\bjet ?pack\s{0,3}(?:version|sdk)?\s{0,3}[:=v]?\s?([3-9](?:\.\d{1,2}){0,2})(?![\d.]*\d)", re.IGNORECASE | re.ASCII
)
_L4T = lazy_pattern(
    r"\bl4t\b\s{0,3}(?:release|version)?\s{0,3}[:=v]?\s?R?([23]\d\.\d{1,2}(?:\.\d{1,2})?)|"
    r"(?<![\w.])R(3\d\.\d{1,2}(?:\.\d{1,2})?)\b",
    re.IGNORECASE | re.ASCII,
)
_ARM = lazy_pattern(r"\baarch64\b", re.ASCII)
_CLAUSE = lazy_pattern(r"[;!?\n]|\.(?:\s|$)|,\s|\bbut\b|\bwhile\b|\bwhereas\b|但是?|不过|而", re.IGNORECASE | re.ASCII)
_OTHER = lazy_pattern(
    r"\b(?:friend|colleague|another|other (?:machine|pc|computer|gpu|card|server|users?)|others|instead of|"
    r"unlike|previous(?:ly)?|"
    r"formerly|used to|upgrad\w{0,4}|replac\w{0,4}|switched from|old (?:card|gpu|pc|machine)|before that|"
    r"compared|same (?:problem|issue|error) (?:on|with)|"
    r"(?<!not )(?<!n't )support(?:s|ed)?|should|would|could|requires?|needs?|e\.g|for example|such as|like the|"
    r"works? (?:\w{1,8} ){0,2}(?:on|with)|"
    r"fails? on|not (?:an?|my|the)|no longer|(?:don't|do not|doesn't|isn't)(?! support)|sold|ordered|plan(?:ning)? to|"
    r"recommend\w{0,3}|tested on|series)\b|"
    r"朋友|同事|另一台|另外一台|别的|其他|之前|以前|原来|换成|换了|升级|不是|没有|(?<!不)支持|推荐|需要|比如|例如|"
    r"同样的?问题|别人",
    re.IGNORECASE | re.ASCII,
)
_OWN = lazy_pattern(
    r"\b(?:my|i have|i've|i am|i'm|i run|i use|we have|our|this machine|here|running on|equipped|gpu is|"
    r"card is|it (?:does not|doesn't|fails|crashes))\b|我的|我有|我用|我这|显卡|本机|机器|环境|用的是|配置",
    re.IGNORECASE | re.ASCII,
)
_DEVICE_WORD = lazy_pattern(
    r"\d{3}|[a-z]\d{2}|\b[tlpam]\d|\b(?:spark|jetson|strix|steam deck|titan|iris|thor|orin|vega|n1x)\b",
    re.IGNORECASE | re.ASCII,
)
_AMD_CARD = lazy_pattern(
    r"\b(?:my|i have an|with an|using an|own an) amd (?:gpu|(?:graphics |video )?card)\b|"
    r"\bamd on (?:linux|windows|ubuntu|arch|fedora)\b|\bamd\s?的?(?:独立)?显卡",
    re.IGNORECASE | re.ASCII,
)
# Variables that only ROCm's libraries read; *_VISIBLE_DEVICES are set everywhere, to be sure.
_OF_ROCM = lazy_pattern(r"HSA_|MIOPEN_|PYTORCH_ROCM_|TORCH_BLAS_PREFER_HIPBLASLT|AMD_SERIALIZE|AMD_LOG_LEVEL", re.ASCII)
_TORCH_LABELLED = lazy_pattern(
    r"(?<![\w./-])(?<!name = [\"'])(?:py)?torch(?:版本)?[^\w\n]{0,4}(?:version|版本|是|为|"
    r"v)?[^\w\n]{0,4}(\d{1,2}\.\d{1,2}\.\d{1,2}) ?\+ ?(cpu|xpu|cu\d{2,3}|rocm[\d.]{0,8}\d)\b",
    re.IGNORECASE | re.ASCII,
)  # ``name = "torch", version = ...`` is a lock file, which speaks of every system
# A version beside the question that torch answered: ``got `2.12.1+cpu` with `torch.cuda.is_available() == False` ``.
_TORCH_ANSWERED = lazy_pattern(
    r"`(\d{1,2}\.\d{1,2}\.\d{1,2})\+(cpu|xpu|cu\d{2,3}|rocm[\d.]{0,8}\d)`[^\n`]{0,40}`?torch\.",
    re.IGNORECASE | re.ASCII,
)
_TORCH = lazy_pattern(
    r"(?<![\w./-])(?<!name = [\"'])(?:py)?torch(?:版本)?\s?(?:version|版本|ver\.?|是|为)?\s?(?:is|was|是|为|==|=|"
    r":)?\s?[`'\"v]?(\d{1,2}\.\d{1,2}(?:\.\d{1,2})?(?:(?:rc|\.?dev)\d{1,9})?)(?:\+([\w.]{1,20}))?(?![\w.]*\d)",
    re.IGNORECASE | re.ASCII,
)
_SPACED_LABEL = lazy_pattern(r"(\d) ?\+ ?(?=(?:cu\d|cpu|rocm\d|xpu)\w)")  # "2.8.0 + cu129"
_PYTHON = lazy_pattern(
    r"(?<![\w./\\-])(?:c?python)\s?(?:version|版本|here)?\s?(?:is|是|为|=|:|"
    r"v)?\s?(3\.\d{1,2}(?:\.\d{1,2})?)(?![\w.]*\d)(?!/|\\)",
    re.IGNORECASE | re.ASCII,
)
_DRIVER = lazy_pattern(
    r"(?:\bdrivers?(?: version)?|\bnvidia-(?:driver-)?|驱动(?:程序)?(?:版本)?(?:号)?)\s?(?:is|was|are|at|v|"
    r"version|为|是|=|:|"
    r"\()?\s?[`'\"(v]?r?([3-7]\d{2}(?:\.\d{1,3}){0,2})(?![\w.]*\d)",
    re.IGNORECASE | re.ASCII,
)
_API = lazy_pattern(
    r"(?:nvidia-smi\b[^.\n]{0,40}|driver\b[^\n;,]{0,40}|supports? (?:up to )?|最高(?:可)?支持|"
    r"驱动[^\n。]{0,20})\bcuda(?: version)?\s?:?\s?(\d{1,2}\.\d)(?!\d)",
    re.IGNORECASE | re.ASCII,
)
_TOOLKIT = lazy_pattern(
    r"(?:\bcuda[- ]?toolkit|\bnvcc\b[^\n]{0,60}?release|\bcuda(?![a-z])(?:版本)?)\s?(?:version|版本|is|为|是|v|=|"
    r":)?\s?(\d{1,2}\.\d{1,2}(?:\.\d{1,3})?)(?![\w.]*\d)",
    re.IGNORECASE | re.ASCII,
)
_TORCH_CUDA = lazy_pattern(
    r"(?:\b(?:py)?torch\b[^\n,;]{0,40}(?:built (?:with|for|against)|compiled (?:with|for)|"
    r"\())\s?cuda\s?:?\s?(\d{1,2}\.\d)",
    re.IGNORECASE | re.ASCII,
)
_SYSTEM = lazy_pattern(
    r"\b(windows ?(?:1[01]|server 20\d\d)|win ?1[01]|ubuntu ?\d\d\.\d\d|debian ?(?:1[0-9]|[89])|fedora ?\d\d|"
    r"cent ?os ?\d|"
    r"rocky(?: linux)? ?\d|mac ?os ?(?:\w{1,12} )?\d{1,2}(?:\.\d{1,2}){0,2}|arch linux|linux mint ?\d\d|nixos|"
    r"rhel ?\d|alma(?:linux)? ?\d)\b",
    re.IGNORECASE | re.ASCII,
)
# What a patch or a workaround gives is not what failed.
_MENDED = lazy_pattern(
    r"\b(?:with|after|by) (?:the|this|my|a) (?:patch|fix|change|workaround)\b|\bonce (?:patched|fixed)\b|"
    r"\bresolves? to\b|\bit resolves\b|修复后|打了?补丁后",
    re.IGNORECASE | re.ASCII,
)
_UV_PYTHON = lazy_pattern(r"You're using CPython (\d\.\d{1,2})")
_UV_PLATFORM = lazy_pattern(r"You're on \w{1,20} \(`(macosx|manylinux|win)_?(\d{1,3}_\d{1,3})?_?(\w{1,20})`\)")
_WISHES = lazy_pattern(
    r"\b(?:need|needs|require[sd]?|update|upgrade|install|at least|minimum|newer|later|recommend|support(?:s|"
    r"ed)?|should|instead|tried|try|"
    r"expects?|compatible|downgrad\w{0,3}|want|without|no|friend|another)\b|>=|≥|需要|升级|更新|安装|至少|"
    r"以上|支持|要求|应该|换成|试过|降",
    re.IGNORECASE | re.ASCII,
)


def read_prose(collected: Collected, text: str) -> None:
    """Fill in what the tools of a report left open. ``text`` is what rules may search of the cleaned report."""
    text = _SPACED_LABEL.sub(r"\1+", text)
    lower = text.lower()
    _read_uv(collected, text)
    _read_system(collected, text, lower)
    _read_jetson(collected, text, lower)
    _read_versions(collected, text)
    if not collected.gpus and _DEVICE_WORD.search(text):
        _read_gpus(collected, text)
    if not collected.gpus:
        _read_vendor(collected, text)


def _read_system(collected: Collected, text: str, lower: str) -> None:
    if collected.os is None or collected.os_version is None:
        _read_os_names(collected, text)
    if collected.os is None:
        _read_paths(collected, text)
    if "mac" in lower or "apple" in lower or "苹果" in lower:
        _read_mac(collected, text, lower)
    unknown_arch = collected.arch is None and "arch" not in collected.python
    if unknown_arch and collected.os in (None, Os.LINUX) and _ARM.search(lower):
        collected.arch = "aarch64"


def _read_os_names(collected: Collected, text: str) -> None:
    """The one system that is named; of several it is not clear which runs here."""
    names = [match[1] for match in _SYSTEM.finditer(text) if not _is_other(text, match)]
    kinds: set[str] = {re.sub(r"[\s\d.]", "", name.lower())[:3] for name in names}
    if len(kinds) == 1:
        os_name(collected, re.sub(r"(?i)\bwin ?(1[01])", r"Windows \1", max(names, key=len)))


def _read_paths(collected: Collected, text: str) -> None:
    kinds = {kind for kind, pattern in _PATHS if pattern.search(text)}
    if len(kinds) == 1:  # the paths of two systems: WSL, a container's host, or a thread of several people
        collected.os = kinds.pop()


def _read_mac(collected: Collected, text: str, lower: str) -> None:
    if collected.os is None and (_MAC.search(lower) or _APPLE_SILICON.search(lower)):
        collected.os = Os.MACOS
    if collected.os is Os.MACOS and collected.apple_silicon is None and _APPLE_SILICON.search(lower):
        collected.apple_silicon = True
    if collected.os is Os.MACOS and collected.apple_silicon and collected.cpu is None:
        chips = {(number, (kind or "").title()) for number, kind in _APPLE_CHIP.findall(text)}
        if len(chips) == 1:
            number, kind = chips.pop()
            collected.cpu = f"Apple M{number} {kind}".strip()


def _read_jetson(collected: Collected, text: str, lower: str) -> None:
    if collected.arch not in (None, "aarch64") or collected.os not in (None, Os.LINUX):
        return
    if "jet" in lower or "l4t" in lower or "agx" in lower:
        jetpack, l4t = _JETPACK.search(text), _L4T.search(text)
        if jetpack:
            collected.jetpack = collected.jetpack or jetpack[1]
        if l4t and ("l4t" in lower or "jetson" in lower or "jetpack" in lower):
            collected.l4t = collected.l4t or l4t[1] or l4t[2]
        collected.jetson |= bool(_JETSON.search(lower))
    collected.jetson |= collected.jetpack is not None or collected.l4t is not None


def _read_versions(collected: Collected, text: str) -> None:
    """The facts of `_STATED` that are still open."""
    for stated in _STATED:
        known: dict[str, str] = getattr(collected, stated.table)
        if {stated.keys[0], *stated.better} & known.keys() or stated.told(collected):
            continue
        values = _only(stated, stated.beside.sub(" ", text) if stated.beside else text)
        known.update({key: value for key, value in zip(stated.keys, values, strict=False) if value})


def _only(stated: _Stated, text: str) -> tuple[str | None, ...]:
    """What a form finds when all its mentions that count agree; the forms are tried in their order."""
    for pattern, unless in stated.forms:
        said = {match.groups() for match in pattern.finditer(text) if not any(no(text, match) for no in unless)}
        if len(said) == 1:
            return said.pop()
    return ()


def _clause(text: str, start: int, end: int) -> str:
    """The words around a mention, up to the marks that end a clause."""
    before = _CLAUSE.split(text[max(0, start - 80) : start])[-1]
    behind = _CLAUSE.split(text[end : end + 40], maxsplit=1)[0]
    return f"{before} {behind}"


def _is_wish(text: str, match: re.Match[str]) -> bool:
    return _WISHES.search(_clause(text, match.start(), match.end())) is not None


def _is_other(text: str, match: re.Match[str]) -> bool:
    return _OTHER.search(_clause(text, match.start(), match.end())) is not None


def _is_mended(text: str, match: re.Match[str]) -> bool:
    return _MENDED.search(_sentence(text, match.start())) is not None


def _sentence(text: str, end: int) -> str:
    """The words before a mention, from where its sentence begins."""
    return re.split(r"[;!?\n。]|\.(?:\s|$)", text[max(0, end - 120) : end])[-1]


def _is_command(text: str, match: re.Match[str]) -> bool:
    """Whether it stands on a line of an installer: asked for, not had."""
    line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
    clause = re.split(r", |; ", line[-300:])[-1]
    return re.search(r"\binstall\b|\badd\b|requirement|No matching", clause) is not None


class _Stated(NamedTuple):
    """What a sentence may state, once in a text, and how.

    ``table``, ``keys``: where `Collected` keeps the groups of a pattern. ``forms``: patterns, the surest first, each
    with what takes a mention back. ``better``: keys of the table that answer the question too. ``beside``: what speaks
    of another fact. ``told``: whether a tool answered in another way.
    """

    table: str
    keys: tuple[str, ...]
    forms: tuple[tuple[re.Pattern[str], tuple[Callable[[str, re.Match[str]], bool], ...]], ...]
    better: tuple[str, ...] = ()
    beside: re.Pattern[str] | None = None
    told: Callable[[Collected], bool] = lambda _: False


def _torch_is_told(collected: Collected) -> bool:
    return collected.torch_missing or any(name in ("torch", "pytorch") for name, _, _ in collected.packages)


_STATED = (
    _Stated(  # a labelled one first: ``torch-1.12.1+cpu``, ``PyTorch (1.11.0+cpu)``
        "torch",
        ("version", "local"),
        (
            (_TORCH_ANSWERED, ()),
            (_TORCH_LABELLED, (_is_command, _is_mended)),
            (_TORCH, (_is_wish, _is_command, _is_mended)),
        ),
        told=_torch_is_told,
    ),
    _Stated("python", ("version",), ((_PYTHON, (_is_wish,)),)),
    _Stated("nvidia", ("driver",), ((_DRIVER, (_is_wish,)),)),
    _Stated("nvidia", ("cuda_api",), ((_API, (_is_wish,)),)),
    _Stated("torch", ("cuda",), ((_TORCH_CUDA, (_is_wish,)),)),
    _Stated("nvidia", ("toolkit",), ((_TOOLKIT, (_is_wish,)),), better=("cuda_api",), beside=_TORCH_CUDA),
)


def _read_gpus(collected: Collected, text: str) -> None:
    """The GPU of this machine: the only one that is named, or those that the user calls the machine's."""
    from torchup.reports.gpu_names import mentions  # noqa: PLC0415  # reads the table of GPUs

    said = mentions(text)
    found = [mention for mention in said if not _OTHER.search(_clause(text, mention.start, mention.end))]
    named = list(_distinct(found))
    if len(named) != 1 or len(found) < len(said):  # beside another machine's, this one's must be called so
        named = list(_distinct(m for m in found if _OWN.search(_clause(text, m.start, m.end))))
        named = named if _together(text, named) else []
    for mention in named:
        if mention.vendor.value != "apple" and collected.os is not Os.MACOS:
            collected.add_gpu(mention.name, vendor=mention.vendor)


def _read_vendor(collected: Collected, text: str) -> None:
    """An AMD card whose model is not said: enough to tell that a CUDA build is the wrong one."""
    told = any(map(_OF_ROCM.match, collected.environment))
    said = [match for match in _AMD_CARD.finditer(text) if not _OTHER.search(_clause(text, match.start(), match.end()))]
    if (said or told) and collected.os is not Os.MACOS:
        collected.add_gpu("AMD GPU", vendor=Vendor.AMD)


def _distinct(found: Iterable[Mention]) -> Iterator[Mention]:
    seen: set[str] = set()
    for mention in found:
        if mention.name not in seen:
            seen.add(mention.name)
            yield mention


def _together(text: str, named: list[Mention]) -> bool:
    """Several GPUs are one machine's when they stand in one sentence."""
    return len(named) == 1 or (
        bool(named) and "\n" not in (between := text[named[0].start : named[-1].end]) and "." not in between
    )


def _read_uv(collected: Collected, text: str) -> None:
    """The interpreter and the platform tag in uv's hints."""
    if "You're" not in text:
        return
    text = text.replace("\n", "")  # a console may have cut the hint within a word
    if (python := _UV_PYTHON.search(text)) is not None:
        collected.first(collected.python, "version", python[1])
    if (platform := _UV_PLATFORM.search(text)) is None:
        return
    kind, numbers, arch = platform.groups()
    collected.os = collected.os or {"macosx": Os.MACOS, "manylinux": Os.LINUX, "win": Os.WINDOWS}[kind]
    collected.first(collected.python, "arch", {"amd64": "x86_64", "32": "i686"}.get(arch, arch))
    if kind == "manylinux" and numbers and collected.glibc is None:
        collected.glibc = numbers.replace("_", ".")
