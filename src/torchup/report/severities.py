"""How severe a finding is, in the user's language; programs get the code."""

from __future__ import annotations

from torchup.model import Message, Severity, message

SEVERITIES: dict[Severity, Message] = {
    Severity.ERROR: message("causes.page.error", "error"),
    Severity.WARNING: message("causes.page.warning", "warning"),
    Severity.INFO: message("causes.page.info", "info"),
}
