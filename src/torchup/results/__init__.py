"""Results on disk: one versioned JSON file a run, written atomically, read as untrusted data."""
