"""The requests to the simulated server, and how many were concurrent."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from simulator.plex_wire import Pair, Request

WRITES = ("PUT", "POST", "DELETE")


@dataclass(slots=True, eq=False)
class Entry:
    """One request. `status` and `done` are 0 until an answer is sent (hang, reset)."""

    method: str
    path: str
    params: list[Pair]
    headers: dict[str, str]
    bytes_in: int  # of the body
    line_bytes: int  # of the request line, without its line end
    head_bytes: int  # of the request line and the headers
    at: float  # time.monotonic()
    done: float = 0.0
    status: int = 0
    open: bool = field(default=True, repr=False)

    def get(self, name: str, default: str = "") -> str:
        """The first query parameter of that name."""
        return next((value for key, value in self.params if key == name), default)


class Journal:
    """Every request since the last `clear`, in the order of arrival. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._open = 0
        self._most = 0

    def begin(self, request: Request) -> Entry:
        entry = Entry(
            request.method,
            request.path,
            request.params,
            request.headers,
            len(request.body),
            request.line_bytes,
            request.head_bytes,
            request.arrived,
        )
        with self._lock:
            self._entries.append(entry)
            self._open += 1
            self._most = max(self._most, self._open)
        return entry

    def end(self, entry: Entry, status: int | None = None) -> None:
        """End a request; may be called twice, the first call counts for `in flight`."""
        with self._lock:
            if status is not None:
                entry.status, entry.done = status, time.monotonic()
            if entry.open:
                entry.open = False
                self._open -= 1

    def entries(self) -> list[Entry]:
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._most = self._open

    def most(self) -> int:
        with self._lock:
            return self._most

    def count(self, method: str | None = None, path_prefix: str | None = None) -> int:
        return sum(
            method in (None, entry.method) and entry.path.startswith(path_prefix or "")
            for entry in self.entries()
        )
