"""First contact with a Stash and a Plex: which requests they answer and how, whether they behave as
PlexSync expects, and the report for help.

From outside: plex_contact, report, stash_contact, subject.
"""
