"""Reports: pure functions from values to text, Markdown and HTML."""
