"""What the page's script says while it works; written into the document, since the script itself holds no sentence."""

from __future__ import annotations

from torchup.i18n import text


def script_texts(size: str) -> dict[str, str]:
    """Name -> text in the language in use; ``{part}`` is filled in by the script. ``size``: MB to load."""
    return {
        "loading": text(
            "web.say.loading",
            "Loading Python into this page: {percent} % of {size} MB",
            **(_kept("percent") | {"size": size}),
        ),
        "starting": text("web.say.starting", "Starting Python"),
        "tables": text("web.say.tables", "Reading the catalogue of builds and the known causes of errors"),
        "ready": text("web.say.ready", "Ready. Everything runs on this computer; the page sends nothing."),
        "working": text("web.say.working", "Working"),
        "copied": text("web.say.copied", "Copied"),
        "link": text("web.say.link", "Link copied. It contains the question, so anyone who opens it sees this answer."),
        "offline": text("web.say.offline", "This page now works without a network, too."),
        "failed": text(
            "web.say.failed",
            "The page could not load its parts: {reason}. Check the network, then reload the page.",
            **_kept("reason"),
        ),
        "old": text("web.say.old", "This browser is too old for the page: it needs WebAssembly and module workers."),
        "broken": text(
            "web.say.broken",
            "Internal error. Report it to torchup's developers with this text: {reason}",
            **_kept("reason"),
        ),
    }


def _kept(*names: str) -> dict[str, str]:
    """Fields that stay in the text, for the script to fill in."""
    return {name: f"{{{name}}}" for name in names}
