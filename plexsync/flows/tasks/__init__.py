"""Buttons and page commands: the registry, what a task is given, and one file per button.

From outside: arguments, context, registry.
"""
