"""How long demo and tests wait for what another process does before they call it lost."""

from __future__ import annotations

import os

PATIENCE = float(os.environ.get("PLEXSYNC_PATIENCE", "90"))
"""Seconds; more on a machine that is slow or busy."""
