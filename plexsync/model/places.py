"""Where the user enters a setting, as messages put it after "in", and what the settings may lack."""

from __future__ import annotations

STASHS_FORM = "Settings > Plugins > PlexSync"
"""Stash's own form, with the settings that everybody needs."""

OUR_FORM = "the view Settings of PlexSync's page"
"""The form with all of them."""

MISSING, INVALID, PAUSED, READY = "missing", "invalid", "paused", ""
"""Plex's address or token is missing; a filter is invalid; syncing is paused; none of these."""
