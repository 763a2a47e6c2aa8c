"""Stash over GraphQL.

From outside: answers, client, details, handover, light, pictures, queries, scene_answers, scenes.
"""
