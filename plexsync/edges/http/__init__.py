"""HTTP with a deadline, size limits and certificates.

From outside: certificates, transport.
"""
