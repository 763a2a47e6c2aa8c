"""persist-queue without its asynchronous queues, for which it would load asyncio at every start."""

import sys

_ASYNCHRONOUS = "persistqueue.async_queue"

if "persistqueue" not in sys.modules:
    sys.modules[_ASYNCHRONOUS] = None  # type: ignore[assignment]  # as if it were not installed
try:
    from persistqueue import AckStatus, SQLiteAckQueue
    from persistqueue.serializers import json as serializer
finally:
    if sys.modules.get(_ASYNCHRONOUS) is None:
        sys.modules.pop(_ASYNCHRONOUS, None)

__all__ = ["AckStatus", "SQLiteAckQueue", "serializer"]
