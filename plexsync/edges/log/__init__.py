"""The log, without secrets.

From outside: brief, log, redact, stash_sink.
"""
