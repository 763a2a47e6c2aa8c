"""Stash's log, by its protocol on a plugin's stderr. Light: some tasks write their first line with
nothing else loaded.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LETTERS = {"debug": "i", "info": "i", "warning": "w", "error": "e"}


class StashSink:
    """Stash's log; a closed pipe is ignored."""

    def __init__(self, stream: Any) -> None:
        # Unbuffered: text left in a buffer after the pipe was closed would fail again at exit.
        buffer = getattr(stream, "buffer", stream)
        self._stream = getattr(buffer, "raw", buffer)

    def write(self, level: str, text: str) -> None:
        """Send one line; Stash hides its own debug level, so debug lines go out as info."""
        mark = "[DEBUG] " if level == "debug" else ""
        self._send(_LETTERS[level], mark + text)

    def progress(self, value: float) -> None:
        """Move the task's progress bar."""
        self._send("p", f"{value:.4f}")

    def _send(self, letter: str, text: str) -> None:
        data = f"\x01{letter}\x02{text}\n".encode("utf-8", "backslashreplace")
        try:
            while data and self._stream is not None:
                data = data[self._stream.write(data) or len(data) :]
        except (OSError, ValueError):
            self._stream = None
