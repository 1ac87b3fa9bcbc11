"""torchup: from a bare machine to a PyTorch that really runs on its GPU."""

__version__ = "0.1.0"
