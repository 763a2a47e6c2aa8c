"""Crash and property tests: PlexSync is killed, starved of disk and misled by the clock."""
