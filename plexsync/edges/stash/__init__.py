"""Stash over GraphQL.

From outside: client, details, handover, light, pictures, scene_answers.
"""
