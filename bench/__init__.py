"""Figures: what PlexSync costs and how quick it is, measured on simulated servers."""
