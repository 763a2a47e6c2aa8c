"""Jobs and dead letters on disk."""
