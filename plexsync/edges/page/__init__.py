"""What the page in Stash reads, and its commands.

From outside: command_store, owner, read_state, reports, results, scene_lists.
"""
