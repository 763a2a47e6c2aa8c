"""PlexSync keeps Plex equal to Stash."""

__version__ = "0.1.0"
