"""Programs for maintainers; each runs on its own."""
