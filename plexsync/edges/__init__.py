"""The world: disk, network, clock and log, each behind one thin module."""
