"""Plex over HTTP, and the index of its libraries.

From outside: client, health_checks, library_index.
"""
