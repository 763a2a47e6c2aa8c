"""The drain loop and its periodic duties.

From outside: folder_owner, intake, notifier, page_turn, statistics, worker.
"""
