"""The drain loop and what it does by the clock.

From outside: folder_owner, statistics, worker.
"""
