"""One batch: read scenes, match items, plan, write, read back, record."""
