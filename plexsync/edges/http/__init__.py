"""HTTP with a deadline, size limits and certificates."""
