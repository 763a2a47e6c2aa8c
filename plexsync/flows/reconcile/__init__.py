"""Comparing both sides.

From outside: auto_reconcile, reconciliation, report.
"""
