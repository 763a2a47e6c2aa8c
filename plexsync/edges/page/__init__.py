"""What the page in Stash reads and asks for.

From outside: command_store, pages, queue_view, read_state, reports.
"""
