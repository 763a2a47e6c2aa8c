"""Encodes the ledger's values as JSON for its columns; light, for processes that read beside the
owner."""

from __future__ import annotations

from plexsync.model.item_record import Base, ReadBack, Refusal, Written
from plexsync.model.json_text import compact, loads
from plexsync.model.ledger import KINDS
from plexsync.model.pictures import Kept, PictureSource
from plexsync.model.stored import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeGuard, TypeVar

    from plexsync.model.item_record import Value

    V = TypeVar("V")
    _Mapping = Mapping[str, Any]
else:
    _Mapping = object


LISTS = frozenset(("performers", "tags", "directors", "writers", "collections", "labels"))
TEXTS = frozenset(
    ("title", "sort_title", "summary", "studio", "tagline", "date", "year", "rating")
    + ("original_title", "content_rating", "poster", "background")
)
"""The fields whose value is a list of names, and the others, as model/plex.py has them."""


class _Later(_Mapping):
    """A mapping that is decoded when it is first used; `keys` and the like are those of what it holds."""

    __slots__ = ("_decode", "_found", "_stored")

    def __init__(self, stored: str | bytes, decode: Callable[[str | bytes], object]) -> None:
        self._stored, self._decode = stored, decode
        self._found: Any = None

    def _decoded(self) -> Any:
        if self._found is None:
            self._found = self._decode(self._stored)
        return self._found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decoded(), name)

    def __getitem__(self, name: str) -> Any:
        return self._decoded()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._decoded())

    def __len__(self) -> int:
        return len(self._decoded())

    def __contains__(self, name: object) -> bool:
        return name in self._decoded()

    def __eq__(self, other: object) -> bool:
        return bool(self._decoded() == other)

    def __repr__(self) -> str:
        return repr(self._decoded())


def later(stored: str | bytes, decode: Callable[[str | bytes], Mapping[str, V]]) -> Mapping[str, V]:
    """What `decode` makes of a stored mapping, when it is first used. Most never are: what was written
    to an item matters only if Plex shows something else.
    """
    return _Later(stored, decode)


def entities_to_text(entities: Iterable[tuple[str, int]]) -> str:
    """`performer:3,17;tag:4`."""
    by_kind: dict[str, list[int]] = {}
    for kind, number in sorted(entities):
        by_kind.setdefault(kind, []).append(number)
    return ";".join(f"{kind}:{','.join(map(str, some))}" for kind, some in by_kind.items())


def entities_from_text(text: str) -> frozenset[tuple[str, int]]:
    """The inverse of `entities_to_text`; empty if the text is damaged."""
    found: list[tuple[str, int]] = []
    for each in text.split(";") if text else ():
        kind, _, some = each.partition(":")
        try:
            found += [(kind, int(number)) for number in some.split(",")]
        except ValueError:
            return frozenset()
    return frozenset(found) if KINDS.keys() >= {kind for kind, _ in found} else frozenset()


def storable(text: str) -> str:
    """The text without lone surrogates, which SQLite cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def written_to_json(written: Mapping[str, Written]) -> str:
    """`{"at": 1700000000.0, "title": ["A Day Out"], "summary": ["Two", "<hash>", 1690000000.0], ...}`:
    a value of the latest time with its own hash stands alone, others with their hash, time and what
    Plex shows instead, if it differs.
    """
    if not written:
        return "{}"
    latest = max(w.at for w in written.values())
    fields: dict[str, object] = {"at": latest}
    for name, (value, desired_hash, at, shown) in written.items():
        plain = desired_hash is None and shown is None
        more = () if plain and at == latest else (desired_hash, at)
        fields[name] = [value, *more, *(() if shown is None else (shown,))]
    return _json(fields)


def written_from_json(stored: str | bytes) -> dict[str, Written]:
    """The inverse of `written_to_json`, packed or not, without the damaged parts."""
    fields = _decoded(stored)
    if not isinstance(fields, dict):
        return {}
    latest, found = _time(fields.get("at")), {}
    for name, each in fields.items():
        if not isinstance(each, list) or len(each) not in (1, 3, 4):
            continue
        raw, desired_hash, at = each[:3] if len(each) > 1 else (each[0], None, latest)
        value = _value(name, raw)
        if value is not None:
            form = _value(name, each[3]) if len(each) > 3 else None
            known = None if desired_hash is None else str(desired_hash)
            found[name] = Written(value, known, _time(at), form)
    return found


def base_to_json(base: Mapping[str, Base]) -> str:
    """`{"title": ["A.Day.Out.1080p", false], ...}`."""
    return _json({name: [b.value, b.locked] for name, b in base.items()})


def base_from_json(text: str | bytes) -> dict[str, Base]:
    """The inverse of `base_to_json`, packed or not, without the damaged parts."""
    return {
        name: Base(value, bool(locked))
        for name, (raw, locked) in _pairs(text, 2)
        if (value := _value(name, raw)) is not None
    }


def dirty_from_json(text: str) -> frozenset[str]:
    """The names of the dirty fields, without the damaged parts."""
    names = _decoded(text)
    if not _is_texts(names):
        return frozenset()
    return frozenset(name for name in names if name in TEXTS or name in LISTS)


def unconfirmed_to_json(values: Mapping[str, Value]) -> str:
    """`{"title": "A Day Out", ...}`."""
    return _json(dict(values))


def unconfirmed_from_json(text: str) -> dict[str, Value]:
    """The inverse of `unconfirmed_to_json`, without the damaged parts."""
    fields = _decoded(text)
    named = fields.items() if isinstance(fields, dict) else ()
    return {name: value for name, raw in named if (value := _value(name, raw)) is not None}


def read_back_to_json(values: Mapping[str, ReadBack]) -> str:
    """`{"rating": ["8.3", "8"], ...}`: the value sent, and the value shown."""
    return _json({name: [pair.sent, pair.shown] for name, pair in values.items()})


def read_back_from_json(text: str) -> dict[str, ReadBack]:
    """The inverse of `read_back_to_json`, without the damaged parts."""
    found = {}
    for name, pair in _pairs(text, 2):
        sent, shown = (_value(name, raw) for raw in pair)
        if sent is not None and shown is not None:
            found[name] = ReadBack(sent, shown)
    return found


def refused_to_json(refused: Mapping[str, Refusal]) -> str:
    """`{"summary": ["<hash>", "400: Bad Request", 1700000000.0], ...}`."""
    return _json({name: [r.desired_hash, storable(r.words), r.at] for name, r in refused.items()})


def refused_from_json(text: str) -> dict[str, Refusal]:
    """The inverse of `refused_to_json`; empty if the text is damaged."""
    return {
        name: Refusal(str(desired_hash), str(words), _time(at))
        for name, (desired_hash, words, at) in _pairs(text, 3)
    }


def pictures_to_json(pictures: Mapping[PictureSource, Kept]) -> str:
    """`{"group 12": ["<etag>", "<sha1>"], ...}`."""
    return _json({f"{s.kind} {s.id}": [storable(p.etag), p.sha1] for s, p in pictures.items()})


def pictures_from_json(text: str) -> dict[PictureSource, Kept]:
    """The inverse of `pictures_to_json`; empty if the text is damaged."""
    return {
        PictureSource(kind, int(number)): Kept(str(etag), str(sha1))
        for name, (etag, sha1) in _pairs(text, 2)
        for kind, _, number in (name.partition(" "),)
        if number.isascii() and number.isdigit() and len(number) < 19
    }


def verdict_to_json(gaps: Sequence[tuple[str, str]], confidence: str) -> str:
    """`["HIGH", ["drifted", "title"], ...]`: the confidence of a match, then its gaps."""
    return _json([confidence, *map(list, gaps)]) if gaps or confidence else ""


def verdict_from_json(text: str) -> tuple[tuple[tuple[str, str], ...], str] | None:
    """The inverse of `verdict_to_json`; None if the text is damaged."""
    if not text:
        return (), ""
    try:
        confidence, *gaps = loads(text)
        return tuple((str(kind), str(field)) for kind, field in gaps), str(confidence)
    except (ValueError, TypeError, RecursionError):
        return None


def _pairs(text: str | bytes, *lengths: int) -> list[tuple[str, list[Any]]]:
    fields = _decoded(text)
    if not isinstance(fields, dict):
        return []
    return [(n, v) for n, v in fields.items() if isinstance(v, list) and len(v) in lengths]


def _time(raw: object) -> float:
    return raw if isinstance(raw, (int, float)) and 0 <= raw <= LATEST else 0.0


def _decoded(stored: str | bytes) -> object:
    if stored == "{}":  # most are
        return {}
    if isinstance(stored, bytes):
        from plexsync.edges.ledger.packing import unpacked

        stored = unpacked(stored)
    try:
        return loads(stored)
    except (ValueError, TypeError, RecursionError):
        return None


def _value(name: str, raw: object) -> Value | None:
    """A value that this field can have, None for anything else: what is read here may go to Plex."""
    if name in LISTS:
        return tuple(raw) if _is_texts(raw) else None
    return raw if name in TEXTS and isinstance(raw, str) else None


def _is_texts(raw: object) -> TypeGuard[list[str]]:
    return isinstance(raw, list) and all(isinstance(each, str) for each in raw)


def _json(value: object) -> str:
    return compact(value)
