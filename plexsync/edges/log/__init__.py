"""The log, without secrets.

From outside: log, redact, stash_sink.
"""
