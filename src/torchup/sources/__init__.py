"""Where packages come from: pip's and uv's configuration, mirrors, index pages."""
