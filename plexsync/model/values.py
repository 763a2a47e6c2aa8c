"""When two values of a field count as equal, and how a value is hashed."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from plexsync.model.plex import Value, Written


@lru_cache(8192)
def name_key(name: str) -> str:
    """Key under which Plex takes two names of a list for the same; it keeps one spelling of each."""
    return unicodedata.normalize("NFC", " ".join(name.split()).casefold())


def names(value: Value) -> tuple[str, ...]:
    """A list field's names; () for text, which only a damaged record has here."""
    return () if isinstance(value, str) else value


def name_keys(value: Value) -> set[str]:
    """The keys of a list field's names."""
    return {name_key(name) for name in names(value)}


def same(field: str, left: Value, right: Value) -> bool:
    """Whether two values of a field are the same to Plex, which may fold white space.

    Names are compared as a set, ignoring case, ratings as numbers, dates by day, text after
    normalising.
    """
    if isinstance(left, str) and isinstance(right, str):
        return _folded(field, left) == _folded(field, right)
    if isinstance(left, str) or isinstance(right, str):
        return False
    return name_keys(left) == name_keys(right)


def equal(field: str, left: Value, right: Value) -> bool:
    """As `same`, but white space within text counts."""
    if isinstance(left, str) and isinstance(right, str):
        return _normal(field, left) == _normal(field, right)
    return same(field, left, right)


def close(field: str, left: Value, right: Value) -> bool:
    """Whether Plex may store one value as the other: ratings less than 1 apart, dates one day."""
    if not isinstance(left, str) or not isinstance(right, str):
        return False
    try:
        if field == "rating":
            return abs(float(left) - float(right)) < 1
        if field == "date":
            days = date.fromisoformat(left[:10]) - date.fromisoformat(right[:10])
            return abs(days.days) <= 1
    except ValueError:
        pass
    return False


def is_ours(field: str, have: Value, last: Written) -> bool:
    """Whether Plex still shows what PlexSync wrote last."""
    if same(field, have, last.value):
        return True
    return last.shown is not None and same(field, have, last.shown)


@lru_cache(1024)
def value_hash(value: Value) -> str:
    """Hash of a value, 32 hex digits; order, case and repetition of names do not count."""
    plain = value if isinstance(value, str) else sorted(name_keys(value))
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()[:32]


def hash_written(last: Written) -> str:
    """The hash of the desired value for which this was written."""
    return value_hash(last.value) if last.desired_hash is None else last.desired_hash


def is_desired(last: Written, want: Value) -> bool:
    """Whether this was written for the desired value `want`."""
    if last.desired_hash is None and last.value == want:
        return True
    return hash_written(last) == value_hash(want)


def was_cut(last: Written) -> bool:
    """Whether a part of the desired value was written only."""
    return last.desired_hash is not None and last.desired_hash != value_hash(last.value)


def concise(written: Mapping[str, Written]) -> dict[str, Written]:
    """The same without the hashes that the values themselves have."""
    return {
        name: last._replace(desired_hash=None)
        if last.desired_hash is not None and last.desired_hash == value_hash(last.value)
        else last
        for name, last in written.items()
    }


def _normal(field: str, text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if field == "rating":
        return _rating(text)
    return text[:10] if field == "date" else unicodedata.normalize("NFC", text)


def _folded(field: str, text: str) -> str:
    return " ".join(_normal(field, text).split())


def _rating(text: str) -> str:
    """Normalise a rating, "8.50" to "8.5"; "0" becomes "", since Plex has no rating of zero."""
    try:
        number = round(float(text), 1)
    except ValueError:
        return text
    return f"{number:g}" if number else ""
