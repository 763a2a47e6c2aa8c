"""The drain loop and its periodic duties.

From outside: folder_owner, statistics, worker.
"""
