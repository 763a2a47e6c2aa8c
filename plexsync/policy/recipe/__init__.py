"""What becomes what: the patterns of the settings, and the values that they make of a scene.

From outside: recipe.
"""
