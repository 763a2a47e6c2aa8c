"""What View Queue Status and the page show.

From outside: backfills, plex_standing, readings, set_up, status.
"""
