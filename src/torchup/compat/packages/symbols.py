"""What error texts and symbols say of a wheel: which torch and CUDA it was built for. Pure; the doctor's rules ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchup.catalog.spans import lowest, spans
from torchup.model import Value
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torchup.catalog.packages import Packages, Symbol

_CUDA_LIBRARY = lazy_pattern(
    r"(?:lib)?(?:cudart|cublas|cublasLt|nvrtc)(?:64_|-[0-9a-f]+)?(?:\.so\.|_)?(1[0-9])(?:[._]?\d)*+(?:\.dll)?"
)
LINE = 4000  # characters of one line that are looked at
LINES = 5000  # lines of a text that are looked at


class SymbolMeaning(Value, frozen=True, kw_only=True):
    """Which torch exports a symbol, so which one the extension was built for, and which lacks it."""

    symbol: str
    have: str  # span of releases
    built: str  # "<=2.7", ">=2.14", "2.10..2.13", "cxx11abiFALSE"
    running: tuple[str, ...]  # releases that lack it: ">=2.8"
    source: str


class Sign(Value, frozen=True, kw_only=True):
    """An error text that was recognised."""

    cause: str
    line: str
    values: dict[str, str] = {}
    symbol: SymbolMeaning | None = None
    source: str


def signs(text: str, tables: Packages) -> tuple[Sign, ...]:
    """Every known error text in a report, in order, the first signature that matches a line; time is bounded."""
    found = []
    for line in text.splitlines()[:LINES]:
        cut = line[:LINE]
        for signature in tables.signatures:
            if match := signature.pattern.search(cut):
                values = {name: value for name, value in match.groupdict().items() if value}
                meaning = symbol_meaning(values.get("symbol", ""), tables)
                sign = Sign(
                    cause=_cause(signature.cause, values), line=cut.strip(), values=values, symbol=meaning,
                    source=signature.source,
                )  # fmt: skip
                found.append(sign)
                break
    return tuple({(sign.cause, sign.line): sign for sign in found}.values())


def _cause(cause: str, values: Mapping[str, str]) -> str:
    """Where a text says that torch is a CPU build, that is the cause, whatever the text complains of."""
    return "cpu-torch" if values.get("have", "").endswith("+cpu") else cause


def symbol_meaning(symbol: str, tables: Packages) -> SymbolMeaning | None:
    """What a missing symbol says; ``None`` for one that no table has."""
    found = next((one for one in tables.symbols if one.name == symbol), None)
    if found is None:
        return None
    built = f"cxx11abi{found.abi}" if found.abi else _built(found, newest(tables))
    return SymbolMeaning(
        symbol=symbol, have=found.have, built=built, running=_lacking(found, newest(tables)), source=found.source
    )


def newest(tables: Packages) -> str:
    """The newest release whose symbols were read."""
    ends = [one.have.rpartition("..")[2] for one in tables.symbols]
    return max(ends, key=lambda minor: tuple(map(int, minor.split("."))))


def _built(symbol: Symbol, last: str) -> str:
    low, dots, high = symbol.have.partition("..")
    if not dots:
        return low
    if not low:
        return f"<={high}"
    return f">={low}" if high == last else symbol.have


def _lacking(symbol: Symbol, last: str) -> tuple[str, ...]:
    low, dots, high = symbol.have.partition("..")
    high = high if dots else low
    found = []
    if low and symbol.abi != "FALSE":
        found.append(f"<{low}")
    if high != last:
        major, minor = high.split(".")
        found.append(f">={major}.{int(minor) + 1}")
    return tuple(found)


def releases_of(symbols: Iterable[str], minors: Iterable[str], tables: Packages) -> tuple[str, ...]:
    """The releases that export every known one of some undefined symbols: those a wheel can be loaded by."""
    known = [one.have for one in tables.symbols if one.name in set(symbols)]
    return tuple(minor for minor in minors if all(spans(have, minor) for have in known)) if known else ()


def cuda_majors(libraries: Iterable[str]) -> tuple[int, ...]:
    """The CUDA majors that needed libraries name: ``libcudart.so.12``, ``cudart64_13.dll``, ``cublas64_12.dll``."""
    return tuple(sorted({int(match[1]) for name in libraries if (match := _CUDA_LIBRARY.fullmatch(name))}))


def other_cuda(majors: Mapping[str, Iterable[int]], torch_cuda: str | None) -> dict[str, int]:
    """Packages whose compiled part needs another CUDA major than torch brings -> that major."""
    mine = int((lowest(torch_cuda or "") or "0").split(".")[0])
    found = {name: tuple(needed) for name, needed in majors.items()}
    return {name: needed[-1] for name, needed in found.items() if mine and needed and mine not in needed}
