"""A simulated Plex and Stash with real HTTP, delays and faults, for demo, tests and benchmarks."""
