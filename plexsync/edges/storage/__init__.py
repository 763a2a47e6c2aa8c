"""Files and databases of the data folder: safe writing, checking, and reading beside the owner.

From outside: files, row_audit, sqlite_view.
"""
