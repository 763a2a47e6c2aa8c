"""Where the user enters something, as messages put it after "in"."""

from __future__ import annotations

STASHS_FORM = "Settings > Plugins > PlexSync"
"""Stash's own form, with the settings that everybody needs."""

OUR_FORM = "the view Settings of PlexSync's page"
"""The form with all of them."""
