"""Stash over GraphQL.

From outside: client, details, handover, pictures, scene_answers.
"""
