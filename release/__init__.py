"""Builds and installs the package for users; builds are reproducible byte for byte."""
