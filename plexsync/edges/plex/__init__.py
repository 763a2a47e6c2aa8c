"""Plex over HTTP, and the index of its libraries.

From outside: answers, client, connection, health, library_index, lists, pages, plex_tv, refresh,
xml.
"""
