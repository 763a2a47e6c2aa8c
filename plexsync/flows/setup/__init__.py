"""The set-up: the sign-in at plex.tv, which address of a server is used, what became of the settings
that it wrote, and which settings have passed their check.

From outside: checked_settings, saved_settings, sign_in, sign_in_file, trials.
"""
