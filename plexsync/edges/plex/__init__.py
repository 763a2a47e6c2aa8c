"""Plex over HTTP, and the index of its libraries."""
