"""Outages of Plex: probes, breaker, ramp, history, recovery of dead letters.

From outside: dlq_recovery, outage_controller.
"""
