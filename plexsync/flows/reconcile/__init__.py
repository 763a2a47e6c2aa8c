"""Comparing both sides."""
