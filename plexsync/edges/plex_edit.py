"""Edits as the query strings of Plex's edit request, each short enough for its request line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from plexsync.model.plex import FIELDS, IMAGE, LIST, Edit
from plexsync.model.text import cut_encoded

LIMIT = 6000
"""Encoded bytes of a request line that Plex surely takes; its own limit is unpublished."""

_TEXT, _ADD, _REMOVE = range(3)


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one request has to hold whole: a parameter or two, a name to add, a name to remove.

    `text` is encoded; `tag` is Plex's name of the list it belongs to, "" for parameters.
    """

    kind: int
    tag: str
    text: str

    @property
    def size(self) -> int:
        """Bytes it takes at most."""
        if self.kind == _TEXT:
            return len(self.text) + 1
        return len(_add(self.tag, 9999, self.text)) + 3


def fit(edits: Iterable[Edit], room: int) -> tuple[list[Edit], list[str]]:
    """The edits as they can be sent in queries of at most `room` bytes, and what had to be cut.

    Text loses what no request can carry (lone surrogates) and, from its end, what is over the
    limit; a name over the limit is left out. Edits of images are dropped: they are no parameters.
    """
    fitted: list[Edit] = []
    short: list[str] = []
    for edit in edits:
        field = FIELDS[edit.field]
        if field.kind == IMAGE and not edit.lock_only:
            continue
        whole = _cleaned(edit)
        kept = whole if edit.lock_only or _surely_fits(whole, room) else _shortened(whole, room)
        fitted.append(kept)
        if kept != whole:
            short.append(edit.field)
    return fitted, short


def queries(edits: Sequence[Edit], room: int) -> list[str]:
    """The query strings, without the item's id, that make these (fitted) edits.

    One where everything fits in `room` bytes; else scalar fields first (a long one on its own),
    then names to add, names to remove last.
    """
    pieces = sorted((p for edit in edits for p in _pieces(edit)), key=lambda piece: piece.kind)
    if not pieces:
        return []
    whole = _render(pieces)
    return [whole] if len(whole) <= room else [_render(part) for part in _packed(pieces, room)]


def _packed(pieces: Sequence[_Piece], room: int) -> list[list[_Piece]]:
    long = [piece for piece in pieces if piece.kind == _TEXT and piece.size > room // 2]
    packed = [[piece] for piece in long]
    left = 0
    for piece in pieces:
        if piece in long:
            continue
        if piece.size > left:
            packed.append([])
            left = room
        packed[-1].append(piece)
        left -= piece.size
    return packed


def _pieces(edit: Edit) -> list[_Piece]:
    field = FIELDS[edit.field]
    lock = f"{field.edit}.locked={int(edit.locked)}"
    if edit.lock_only:
        return [_Piece(_TEXT, "", lock)]
    if field.kind != LIST:
        return [_Piece(_TEXT, "", f"{field.edit}.value={_encoded(str(edit.value))}&{lock}")]
    return [
        _Piece(_TEXT, "", lock),
        *(_Piece(_ADD, field.edit, _encoded(name)) for name in edit.value),
        *(_Piece(_REMOVE, field.edit, _twice(name)) for name in edit.remove),
    ]


def _render(pieces: Sequence[_Piece]) -> str:
    parameters = [piece.text for piece in pieces if piece.kind == _TEXT]
    for tag in dict.fromkeys(piece.tag for piece in pieces if piece.tag):
        added = [p.text for p in pieces if p.kind == _ADD and p.tag == tag]
        removed = [p.text for p in pieces if p.kind == _REMOVE and p.tag == tag]
        parameters += [_add(tag, n, name) for n, name in enumerate(added)]
        if removed:
            parameters.append(_remove(tag, removed))
    return "&".join(parameters)


def _add(tag: str, index: int, name: str) -> str:
    return f"{tag}%5B{index}%5D.tag.tag={name}"


def _remove(tag: str, names: Sequence[str]) -> str:
    return f"{tag}%5B%5D.tag.tag-={'%2C'.join(names)}"


def _encoded(text: str) -> str:
    return quote(text, safe="", errors="ignore")


def _twice(name: str) -> str:
    """Plex splits the decoded list at commas and decodes each name once more."""
    return _encoded(_encoded(name))


def _cleaned(edit: Edit) -> Edit:
    if isinstance(edit.value, str):
        return replace(edit, value=_sendable(edit.value))
    value, remove = (
        tuple(name for name in map(_sendable, names) if name) for names in (edit.value, edit.remove)
    )
    return replace(edit, value=value, remove=remove)


def _sendable(text: str) -> str:
    return text.encode("utf-8", "ignore").decode("utf-8")


def _surely_fits(edit: Edit, room: int) -> bool:
    """A quick look: a byte becomes at most 3, in a removal 5."""
    texts = (edit.value,) if isinstance(edit.value, str) else (*edit.value, *edit.remove)
    return max((len(text.encode()) for text in texts), default=0) * 5 + 80 <= room


def _shortened(edit: Edit, room: int) -> Edit:
    tag = FIELDS[edit.field].edit
    if isinstance(edit.value, str):
        frame = len(_pieces(replace(edit, value=""))[0].text)
        return replace(edit, value=cut_encoded(edit.value, room - frame))
    value = tuple(name for name in edit.value if _Piece(_ADD, tag, _encoded(name)).size <= room)
    remove = tuple(name for name in edit.remove if _Piece(_REMOVE, tag, _twice(name)).size <= room)
    return replace(edit, value=value, remove=remove)
