"""Stash over GraphQL.

From outside: answers, client, covers, handover.
"""
