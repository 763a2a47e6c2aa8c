"""Stash's side of a plugin's stderr: the line protocol, with its pitfalls."""

from __future__ import annotations

from dataclasses import dataclass

LETTERS = {
    ord("t"): "trace",
    ord("d"): "debug",
    ord("i"): "info",
    ord("w"): "warning",
    ord("e"): "error",
    ord("p"): "progress",
    0: "none",
}
LONGEST = 65536
"""Bytes of a line, its newline included, that Stash's scanner can hold."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry of Stash's log; `level` is trace, debug, info, warning or error."""

    level: str
    text: str


class LogDecoder:
    """Decodes stderr into log lines and progress values as they arrive.

    `broken` is set by the first line that is too long: it and all further lines are lost, and the
    reader closes the pipe.
    """

    def __init__(self, default_level: str = "error") -> None:
        self._default = default_level
        self._rest = b""
        self.lines: list[LogLine] = []
        self.progress: list[float] = []
        self.broken = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            if len(line) >= LONGEST:
                self.broken = True
            if self.broken:
                return
            self._line(line)
        self.broken = len(self._rest) >= LONGEST

    def close(self) -> None:
        """Handle the end of stderr: the last line may lack its newline."""
        if not self.broken and self._rest:
            self._line(self._rest)
        self._rest = b""

    def _line(self, line: bytes) -> None:
        line = line.removesuffix(b"\r")
        level, text = self._default, line
        if len(line) >= 4 and line[0] == 1 and line[2] == 2 and line[1] in LETTERS:
            level, text = LETTERS[line[1]], line[3:].strip()
        if not line or level == "none":
            return
        shown = text.decode("utf-8", "replace")
        if level == "progress":
            self._progress(shown)
        else:
            self.lines.append(LogLine(level, shown))

    def _progress(self, text: str) -> None:
        try:
            self.progress.append(float(text))
        except ValueError:
            self.lines.append(LogLine("error", f"Error parsing progress value '{text}'"))
