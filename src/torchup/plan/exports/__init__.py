"""The export formats, a file for each family of tools."""
