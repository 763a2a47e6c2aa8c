"""Recipes: the patterns in the settings, and the values that they produce for a scene.

From outside: recipe.
"""
