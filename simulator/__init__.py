"""A Plex and a Stash that speak real HTTP, can be slow and can be sick: for demo, tests and bench."""
