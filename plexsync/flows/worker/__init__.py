"""The drain loop and its periodic duties.

From outside: folder_owner, intake, page_turn, statistics, worker.
"""
