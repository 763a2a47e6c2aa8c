"""The drain loop and its periodic duties.

From outside: batches, folder_owner, intake, notifier, page_turn, statistics, worker.
"""
