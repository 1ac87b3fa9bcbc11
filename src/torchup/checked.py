"""`torchup.check()`: what the doctor says of a Python, as a value. Standard library only, until it works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The doctor's answer about one Python.

    Attributes:
        verdict: ``healthy``, ``cause`` or ``undetermined``.
        cause: slug of the main cause (`torchup explain SLUG`); ``None`` if there is none.
        summary: one sentence in the user's language.
        commands: lines that mend it, as they are typed into the user's shell.
        python: path of the interpreter that was looked at.
        error: why there is no answer; ``None`` if there is one.
    """

    verdict: str
    summary: str
    python: str
    cause: str | None = None
    commands: tuple[str, ...] = ()
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether torch was seen to work."""
        return self.verdict == "healthy"


def check(python: str | None = None) -> Check:
    """Diagnose a Python with torch in it, in a fresh process; the one that asks stays as it is. Never raises.

    Args:
        python: path of the interpreter (default: the one that runs this).
    """
    import sys  # noqa: PLC0415  # `import torchup` stays free

    path = python or sys.executable or "python"
    try:
        from torchup.jobs.check import checked  # noqa: PLC0415  # loads the doctor

        return Check(python=path, **checked(path))
    except Exception as error:  # noqa: BLE001  # a script asks on its way to something else: it gets a value, always
        reason = f"{type(error).__name__}: {error}"
        return Check(verdict="undetermined", summary=reason, python=path, error=reason)
