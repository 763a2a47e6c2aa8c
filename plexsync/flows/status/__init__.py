"""What View Queue Status and the page show.

From outside: alerts, backfills, plex_standing, readings, set_up, status.
"""
