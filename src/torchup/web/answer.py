"""What the page gets back."""

from __future__ import annotations

from torchup.model import Value


class PageAnswer(Value, frozen=True, kw_only=True):
    """One answer.

    Attributes:
        document: the JSON text that the command line prints with ``--json``.
        html: the answer to show; every text in it is escaped.
        spoken: the answer in one line, for those who hear the page.
        markdown: the answer to paste into an issue; only the doctor's.
        paste: the pasted text without names of users, hosts and homes; what a link to the question carries.
    """

    document: str
    html: str
    spoken: str
    markdown: str | None = None
    paste: str = ""
