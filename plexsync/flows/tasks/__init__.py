"""The buttons: registry, context, and one file per button.

From outside: adopt_stash, arguments, clear_queue, context, dead_letters, preview, registry, undo.
"""
