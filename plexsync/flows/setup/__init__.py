"""The set-up: the sign-in at plex.tv, which address of a server is used, and what became of the
settings that it wrote.

From outside: saved_settings, sign_in, sign_in_file, trials.
"""
