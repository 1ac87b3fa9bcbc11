"""The page that plans and diagnoses in a browser: its answers (`page`), its document, and how it is put together."""
