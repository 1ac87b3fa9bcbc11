"""Environments on disk: where they are, what is in them, running workers inside them."""
