"""The log, without secrets."""
