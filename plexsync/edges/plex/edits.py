"""Turns edits into query strings of Plex's edit request, each short enough for a request line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, groupby
from urllib.parse import quote

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex import EDITABLE, IMAGE, LIST, Edit, Value
from plexsync.model.text import cut_encoded

_TEXT, _ADD, _REMOVE = range(3)


class _Piece(NamedTuple):
    """What must not be split across requests: one or two parameters, a name to add, a name to
    remove.

    `text` is encoded; `tag` is Plex's name of its list, "" for parameters.
    """

    kind: int
    tag: str
    text: str

    @property
    def size(self) -> int:
        """Maximum bytes that it takes."""
        if self.kind == _TEXT:
            return len(self.text) + 1
        return len(_add(self.tag, 9999, self.text)) + 3


class Cut(NamedTuple):
    """How many characters of a text, or names of a list, were kept, and of how many."""

    kept: int
    of: int


Rendered = tuple[Sequence[str], Sequence[Edit], Mapping[str, Cut], frozenset[str]]
"""Queries, the edits that were fitted into them, what was cut, and the lists torn over several."""


@lru_cache(maxsize=128)
def render(edits: tuple[Edit, ...], room: int | None, whole_lists: bool) -> Rendered:
    """See `fit` and `queries`. What was rendered while other edits were in flight is kept, for two
    batches, so that a connection that is free waits only for the sending.
    """
    fitted, cut = fit(edits, room, whole_lists=whole_lists)
    torn = frozenset(edit.field for edit in fitted if is_torn(edit, room))
    return queries(fitted, room), fitted, cut, torn


def fit(
    edits: Iterable[Edit], room: int | None, *, whole_lists: bool = False
) -> tuple[list[Edit], dict[str, Cut]]:
    """Fit edits into queries of at most `room` bytes; returns them, and what had to be cut.

    Text loses lone surrogates, which cannot be sent, and its end beyond the limit. A name over the
    limit is dropped, and with `whole_lists` all names beyond one request. Without a limit (None)
    nothing is cut. Image edits are dropped, since they are not parameters.
    """
    fitted: list[Edit] = []
    cut: dict[str, Cut] = {}
    for edit in edits:
        if EDITABLE[edit.field].kind == IMAGE and not edit.lock_only:
            continue
        whole = kept = _cleaned(edit)
        if room is not None and not edit.lock_only and not _surely_fits(whole, room):
            kept = _shortened(whole, room)
        if room is not None and whole_lists and is_torn(kept, room):
            kept = kept._replace(value=_first_names(kept, room))
        fitted.append(kept)
        if kept is not whole and kept != whole:
            cut[edit.field] = Cut(len(kept.value), len(whole.value))
    return fitted, cut


def is_torn(edit: Edit, room: int | None) -> bool:
    """Whether the names to add are too many for one request."""
    if room is None or edit.lock_only or isinstance(edit.value, str):
        return False
    return sum(piece.size for piece in _pieces(edit) if piece.kind == _ADD) > room


def queries(edits: Sequence[Edit], room: int | None) -> list[str]:
    """The query strings, without the item's id, for these (fitted) edits.

    One if everything fits in `room` bytes. Otherwise scalar fields first (a long one on its own),
    then names to add (those of a list together if they fit), then names to remove.
    """
    pieces = sorted((p for edit in edits for p in _pieces(edit)), key=lambda piece: piece.kind)
    if not pieces:
        return []
    whole = _render(pieces)
    if room is None or len(whole) <= room:
        return [whole]
    return [_render(part) for part in _packed(pieces, room)]


def _packed(pieces: Sequence[_Piece], room: int) -> list[list[_Piece]]:
    long = [piece for piece in pieces if piece.kind == _TEXT and piece.size > room // 2]
    packed = [[piece] for piece in long]
    left = 0
    for bundle in _bundles([piece for piece in pieces if piece not in long], room):
        size = sum(piece.size for piece in bundle)
        if size > left:
            packed.append([])
            left = room
        packed[-1] += bundle
        left -= size
    return packed


def _bundles(pieces: Sequence[_Piece], room: int) -> Iterator[list[_Piece]]:
    """Groups to send in one request each; a split list stays complete only if Plex adds names."""
    for (kind, _), group in groupby(pieces, key=lambda piece: (piece.kind, piece.tag)):
        some = list(group)
        if kind == _ADD and sum(piece.size for piece in some) <= room:
            yield some
        else:
            yield from ([piece] for piece in some)


def _first_names(edit: Edit, room: int) -> tuple[str, ...]:
    """As many names as fit into one request."""
    tag = EDITABLE[edit.field].edit
    sizes = accumulate(_Piece(_ADD, tag, _encoded(name)).size for name in edit.value)
    return tuple(name for name, size in zip(edit.value, sizes, strict=True) if size <= room)


def _pieces(edit: Edit) -> list[_Piece]:
    field = EDITABLE[edit.field]
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
    """Encode a name twice: Plex splits the decoded list at commas and decodes each name again."""
    return _encoded(_encoded(name))


def _cleaned(edit: Edit) -> Edit:
    value: Value
    if isinstance(edit.value, str):
        value, remove = _sendable(edit.value), edit.remove
    else:
        value, remove = (tuple(filter(None, map(_sendable, n))) for n in (edit.value, edit.remove))
    if (value, remove) == (edit.value, edit.remove):
        return edit
    return edit._replace(value=value, remove=remove)


def _sendable(text: str) -> str:
    return text.encode("utf-8", "ignore").decode("utf-8")


def _surely_fits(edit: Edit, room: int) -> bool:
    """A fast check: encoding turns a byte into at most 3, in a removal 5."""
    texts = (edit.value,) if isinstance(edit.value, str) else (*edit.value, *edit.remove)
    return max((len(text.encode()) for text in texts), default=0) * 5 + 80 <= room


def _shortened(edit: Edit, room: int) -> Edit:
    tag = EDITABLE[edit.field].edit
    if isinstance(edit.value, str):
        frame = len(_pieces(edit._replace(value=""))[0].text)
        return edit._replace(value=cut_encoded(edit.value, room - frame))
    value = tuple(name for name in edit.value if _Piece(_ADD, tag, _encoded(name)).size <= room)
    remove = tuple(name for name in edit.remove if _Piece(_REMOVE, tag, _twice(name)).size <= room)
    return edit._replace(value=value, remove=remove)
