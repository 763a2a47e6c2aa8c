"""A record as one line of plain characters: "text key=value ..."."""

from __future__ import annotations

from collections.abc import Mapping

from plexsync.edges.redact import LONGEST, Redactor

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
    # Once more as a whole: the name of a field can be what tells that its value is a secret.
    line = redactor.secrets_out(" ".join(shown))
    return clip(one_line(line).strip(), size)


def one_line(text: str) -> str:
    """The text on one line: line breaks and odd blanks as spaces, whatever else does not print as
    an escape such as \\x1b. Joined emoji stay joined.
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
