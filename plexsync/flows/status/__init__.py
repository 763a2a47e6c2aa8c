"""What View Queue Status and the page show.

From outside: backfills, duties, outages, plex_standing, readings, set_up, status.
"""
