"""The laws of what runs on what, and the questions over the one catalogue."""
