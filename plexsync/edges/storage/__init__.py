"""Files and databases of the data folder: safe writing, checking, and reading beside the owner.

From outside: files, id_sets, queries, read_only, row_audit, shape, soundness, sqlite_view.
"""
