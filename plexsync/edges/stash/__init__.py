"""Stash over GraphQL."""
