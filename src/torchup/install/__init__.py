"""Installing: pure steps a plan, one engine that stages, verifies, swaps or rolls back."""

from torchup.install.base import Event, Installer, Progress, installer, steps

__all__ = ["Event", "Installer", "Progress", "installer", "steps"]
