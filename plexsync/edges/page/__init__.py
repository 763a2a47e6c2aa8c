"""What the page in Stash reads, and its commands.

From outside: command_store, pages, queue_view, read_state, reports.
"""
