"""Libraries that Windows does not load: a missing runtime, or another program's copy that came first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torchup.doctor.cause import text_of
from torchup.doctor.conditions import holds
from torchup.doctor.libraries import libraries
from torchup.doctor.rule import Certainty, Found
from torchup.doctor.rules.common import made, said
from torchup.doctor.rules.compiled import dll_owner
from torchup.patterns import lazy_pattern

if TYPE_CHECKING:
    from torchup.compat.questions import Compat
    from torchup.doctor.facts import Facts, Sign
    from torchup.doctor.libraries import DllRow
    from torchup.model import Message, Remedy

_CONDA_PATH = lazy_pattern(r"[/\\](?:mini|ana|mamba)(?:conda|forge)\d?[/\\]|[/\\]miniforge\d?[/\\]", re.IGNORECASE)


def _signs(facts: Facts) -> tuple[Sign, ...]:
    """The messages about DLLs; where torch loads, only those of torch itself; a package around it has its own cause."""
    signs = facts.signs_of("windows-dll-missing")
    if signs and dll_owner(facts) is not None:
        return ()
    if (imported := facts.sign("extension.dll")) is not None and not _is_torchs(imported.values.get("module", "_C")):
        signs = tuple(sign for sign in signs if sign.code != "windows.dll-import")
    if facts.works and not any("torch" in sign.line.lower() for sign in signs):
        return ()
    return signs


def _is_torchs(module: str) -> bool:
    """Whether a module that does not load may be one of torch's: many packages call theirs ``_C``."""
    return module.startswith(("_C", "torch", "_torch", "c10", "functorch"))


def windows_dll_missing(facts: Facts, compat: Compat) -> Found | None:
    """WinError 126, 127 or 1114: the Visual C++ runtime or a dependent DLL is missing."""
    signs = _signs(facts)
    if not signs:
        return None
    return Found(
        summary=text_of("windows-dll-missing", "summary"),
        evidence=(*map(said, signs), *_named_line(facts)),
        remedy=_dll_remedy(facts, compat, signs),
    )


def _named_line(facts: Facts) -> tuple[Message, ...]:
    row = _named(facts, _signs(facts))
    named = facts.sign(row.sign) if row is not None and row.sign else None
    return (said(named),) if named is not None else ()


def _named(facts: Facts, signs: tuple[Sign, ...]) -> DllRow | None:
    """The row of a DLL that the messages, or a tool in the report, name as missing."""
    lines = " ".join(sign.line.lower() for sign in signs)
    for row in libraries().dll:
        if (row.sign is not None and facts.sign(row.sign) is not None) or any(name in lines for name in row.names):
            return row
    return None


def _dll_remedy(facts: Facts, compat: Compat, signs: tuple[Sign, ...]) -> Remedy:
    row = _named(facts, signs)
    if row is not None and row.words == "openmp":
        text = text_of("windows-dll-missing", "remedy-openmp")
        return made(facts, compat, text, *row.commands, needs_root=True)
    if row is not None and row.words == "hip":
        text = text_of("windows-dll-missing", "remedy-hip")
        return made(facts, compat, text)
    if row is not None and row.words == "xpu":
        text = text_of("windows-dll-missing", "remedy-xpu")
        return made(facts, compat, text)
    if in_conda(facts):
        text = text_of("windows-dll-missing", "remedy-conda")
        return made(facts, compat, text, *libraries().runtime.conda)
    text = text_of("windows-dll-missing", "remedy-runtime")
    return made(facts, compat, text, *libraries().runtime.windows, needs_root=True)


def in_conda(facts: Facts) -> bool:
    """Whether the Python is conda's own, by its manager or by the paths in the messages."""
    paths = " ".join([*(sign.line for sign in facts.signs_of("windows-dll-missing")), *facts.torch.locations])
    return holds("conda", facts) or _CONDA_PATH.search(paths) is not None


def dll_load_order(facts: Facts, compat: Compat) -> Found | None:
    """Torch is imported after Qt, whose older copy of the runtime is loaded already."""
    signs, qt = _signs(facts), facts.sign("windows.qt")
    if not signs or qt is None or _named(facts, signs) is not None:
        return None
    conda = in_conda(facts)
    text = text_of("dll-load-order", "remedy-conda") if conda else text_of("dll-load-order", "remedy")
    return Found(
        summary=text_of("dll-load-order", "summary"),
        evidence=(*map(said, signs), said(qt)),
        remedy=made(facts, compat, text, *(libraries().runtime.conda if conda else ())),
        certainty=Certainty.PROVEN,
    )
