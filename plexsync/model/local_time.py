"""Times of this machine's time zone, apart from model/formatting.py: importing `datetime` takes the
page's requests, which need none, too long.
"""

from __future__ import annotations

from datetime import datetime, timezone


def local_time(at: float) -> datetime:
    """A time in this machine's time zone; in UTC if that is a day or more away, which is no zone."""
    try:
        return datetime.fromtimestamp(at).astimezone()
    except ValueError:
        return datetime.fromtimestamp(at, timezone.utc)
