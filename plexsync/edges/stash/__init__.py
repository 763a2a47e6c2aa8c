"""Stash over GraphQL.

From outside: answers, client, details, handover, pictures.
"""
