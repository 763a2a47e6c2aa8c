"""The drain loop and what it does by the clock.

From outside: admission, folder_owner, import_legacy, intake, statistics, worker.
"""
