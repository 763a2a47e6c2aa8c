"""What View Queue Status and the page show.

From outside: plex_standing, set_up, status.
"""
