"""What was written to Plex and when, what Plex had before, and what is remembered per scene.

From outside: ledger, ledger_view.
"""
