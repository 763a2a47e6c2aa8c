"""Benchmarks: what PlexSync costs and how fast it is, measured with simulated servers."""
