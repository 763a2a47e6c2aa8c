"""The log: one record is one line, clipped, without secrets; writing one never fails.

The text says what happened, the fields give details: `log.info("synced", scene=7, ms=12)`. Titles
and paths belong in fields of those names, where `obfuscate_paths` turns them into words.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from typing import Protocol, TypeVar

from plexsync import system
from plexsync.edges.log.redact import LONGEST, PathWords, Redactor
from plexsync.edges.storage import files
from plexsync.model.local_time import local_time

MAX_LINE = 4096
"""Maximum bytes of a line, with everything before and after its text."""
_MAX_TEXT = MAX_LINE - 96
_OLD_LOGS = 3
T = TypeVar("T")


class Sink(Protocol):
    """Where lines go; `text` is one clean line without its end."""

    def write(self, level: str, text: str) -> None: ...  # noqa: D102
    def progress(self, value: float) -> None: ...  # noqa: D102


class Log:
    """The log of all parts of PlexSync; thread-safe, never raises."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks
        self._redactor = Redactor()
        self._secrets: tuple[str, ...] = ()
        self._debug = False
        self._warned: set[object] = set()

    def configure(self, *, debug: bool, words: PathWords | None) -> None:
        """Switch debug lines on or off; with `words`, paths and titles are replaced by words."""
        self._debug = debug
        self._redactor = Redactor(self._secrets, words)

    def set_secrets(self, secrets: Iterable[str]) -> None:
        """Hide these secrets instead of those of the last call; ones under 4 characters are
        ignored.
        """
        self._secrets = tuple(secrets)
        self._redactor = Redactor(self._secrets, self._redactor.words)

    def clean(self, value: T) -> T:
        """A value to be stored or shown, without the secrets that the log hides."""
        return self._redactor.clean(value)

    def safe(self, text: str) -> str:
        """An error message without anything that is or looks like a secret."""
        return self._redactor.secrets_out(text)

    def debug(self, text: str, /, **fields: object) -> None:
        """Details for troubleshooting; dropped unless debug logging is on."""
        if self._debug:
            self._write("debug", text, fields)

    def info(self, text: str, /, **fields: object) -> None:
        """What a user may want to know."""
        self._write("info", text, fields)

    def warning(self, text: str, /, **fields: object) -> None:
        """Something is wrong, but PlexSync continues."""
        self._write("warning", text, fields)

    def error(self, text: str, /, **fields: object) -> None:
        """Something is wrong, and the user has to act."""
        self._write("error", text, fields)

    def warn_once(self, key: object, text: str, /, **fields: object) -> None:
        """A warning, unless one with this key was given before."""
        if key not in self._warned:
            self._warned.add(key)
            self._write("warning", text, fields)

    def progress(self, value: float) -> None:
        """The progress of a task, 0 to 1."""
        if not math.isnan(value):
            for sink in self._sinks:
                with suppress(Exception):
                    sink.progress(min(max(value, 0.0), 1.0))

    def _write(self, level: str, text: str, fields: Mapping[str, object]) -> None:
        try:
            line = record_line(self._redactor, text, fields, _MAX_TEXT)
        except Exception as problem:  # noqa: BLE001 - an unprintable value must not stop work
            line = f"(a record could not be shown: {type(problem).__name__})"
        for sink in self._sinks if line else ():
            with suppress(Exception):
                sink.write(level, line)


class FileSink:
    """A file of at most 1 MB, 0600, with three older ones kept; lines start with the local time."""

    def __init__(self, path: str, now: Callable[[], float] = time.time) -> None:
        self._handler = _PrivateFile(
            path, maxBytes=1_000_000, backupCount=_OLD_LOGS, encoding="utf-8", delay=True
        )
        self._now = now
        moved: list[str] = []
        for name in (path, *(f"{path}.{n}" for n in range(1, _OLD_LOGS + 1))):
            with suppress(OSError):  # a log that cannot be opened must not stop the worker
                files.clear_path(name, moved.append)
        for warning in moved:
            self.write("warning", warning)

    def write(self, level: str, text: str) -> None:
        """Append one line."""
        when = local_time(self._now()).isoformat(timespec="seconds")
        self._handler.handle(logging.makeLogRecord({"msg": f"{when} {level:<7} {text}"}))

    def progress(self, value: float) -> None:
        """Ignored: a file has no progress bar."""

    def close(self) -> None:
        """Close the file, also on a full disk; the next line opens it again."""
        with suppress(OSError):
            self._handler.close()


def capture(log: Log) -> Callable[[], None]:
    """Redirect libraries' logs from WARNING up, and warnings, to `log`; returns an undo."""
    handler = _Libraries(log)
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(True)

    def undo() -> None:
        logging.captureWarnings(False)
        logging.getLogger().removeHandler(handler)

    return undo


class _Libraries(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = f"{record.name}: {record.getMessage()}"
        except Exception:  # noqa: BLE001 - a library's format may not fit its arguments
            text = f"{record.name}: {record.msg!s}"
        if record.exc_info and record.exc_info[1]:
            text += f" ({type(record.exc_info[1]).__name__}: {record.exc_info[1]})"
        write = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        write(text)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Print no traceback on stderr: Stash would show it as an error of the task."""


class _PrivateFile(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        number = system.append_to(self.baseFilename)
        with suppress(OSError):
            system.keep_private(number)
        return open(number, "a", encoding="utf-8", errors="backslashreplace", newline="\n")

    def doRollover(self) -> None:  # noqa: N802 - logging's name
        try:
            super().doRollover()
        except OSError:  # another process has it open (Windows): retry at the next line
            self.stream = self._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """A full disk must not stop the work."""


_PATHS = ("path", "file", "folder")
_TITLES = ("title", "name", "candidate")
_DEEPEST = 4


def record_line(redactor: Redactor, text: str, fields: Mapping[str, object], size: int) -> str:
    """The record without secrets, on one line of at most `size` bytes of UTF-8.

    Where paths are private, fields called title, path, file, folder, name or candidate (also in
    the plural, also behind an underscore) show as words.
    """
    shown = [redactor.text(str(text))]
    shown += [f"{key}={_value(redactor, key, value)}" for key, value in fields.items()]
    # Redact the whole line again: only a field's name may show that its value is a secret.
    line = redactor.secrets_out(" ".join(shown))
    return clip(one_line(line).strip(), size)


def one_line(text: str) -> str:
    """The text on one line: line breaks and unusual blanks become spaces, other unprintable
    characters an escape such as \\x1b. Joined emoji stay joined.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\u200d" else _escape(c) for c in text)


def clip(text: str, size: int) -> str:
    """At most `size` bytes of UTF-8, with an ellipsis where something was cut off."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= size:
        return data.decode("utf-8")
    return data[: size - 3].decode("utf-8", "ignore") + "…"


def _value(redactor: Redactor, key: str, value: object, depth: int = 0) -> str:
    if isinstance(value, str):
        return _quoted(_private(redactor, key, value))
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value)} bytes>"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, BaseException):
        return _quoted(redactor.text(f"{type(value).__name__}: {value}"))
    if depth < _DEEPEST and isinstance(value, Mapping):
        return _mapping(redactor, value, depth + 1)
    if depth < _DEEPEST and isinstance(value, (list, tuple, set, frozenset)):
        return f"[{', '.join(_value(redactor, key, v, depth + 1) for v in value)}]"
    return _quoted(redactor.text(str(value)))


def _mapping(redactor: Redactor, value: Mapping[object, object], depth: int) -> str:
    pairs = ((str(key), inner) for key, inner in value.items())
    shown = (f"{redactor.text(key)}={_value(redactor, key, inner, depth)}" for key, inner in pairs)
    return f"{{{', '.join(shown)}}}"


def _private(redactor: Redactor, key: str, value: str) -> str:
    kind = key.rsplit("_", 1)[-1].removesuffix("s")
    if redactor.words and kind in _PATHS:
        return redactor.words.path(value[:LONGEST])
    if redactor.words and kind in _TITLES:
        return redactor.words.part(value)
    return redactor.text(value)


def _quoted(text: str) -> str:
    if text and not any(c in ' ="\\' or not c.isprintable() for c in text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _escape(character: str) -> str:
    if character.isspace():
        return " "
    return character.encode("unicode_escape").decode("ascii")
