"""Plex away and back: probes, breaker, ramp, history, recovery of dead letters."""
