"""torchup: from a bare machine to a PyTorch that really runs on its GPU."""

__version__ = "0.2.0"
__all__ = ["Check", "check"]

TYPE_CHECKING = False  # type checkers take it for typing's, whose import every command would pay for
if TYPE_CHECKING:
    from torchup.checked import Check, check


def __getattr__(name: str) -> object:
    """`check` and `Check`, loaded when they are used."""
    if name in __all__:
        import torchup.checked  # noqa: PLC0415  # see above

        return getattr(torchup.checked, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
