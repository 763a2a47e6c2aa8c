"""The log, without secrets.

From outside: log, redact.
"""
