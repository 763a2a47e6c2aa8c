"""What was written to Plex and when, what Plex had before, and the state of each scene.

From outside: backfill_queries, ledger, ledger_queries, ledger_view,
rows, summary_queries.
"""
