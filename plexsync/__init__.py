"""PlexSync keeps Plex equal to Stash."""

__version__ = "0.2.0"
