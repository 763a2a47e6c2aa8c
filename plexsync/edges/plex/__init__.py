"""Plex over HTTP, and the index of its libraries.

From outside: client, health, library_index, lists, pages, plex_tv, refresh.
"""
