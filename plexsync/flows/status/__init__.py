"""What View Queue Status and the page show.

From outside: plex_standing, readings, set_up, status.
"""
