"""Compares edits with the item read back: what was applied, and what to record as written."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from plexsync.model.plex import (
    EDITABLE,
    IMAGE,
    LIST,
    SCALAR,
    Edit,
    PlexItem,
    ReadBack,
    Value,
    Written,
)
from plexsync.model.values import close, equal, name_key, name_keys, names, same


def applied(edit: Edit, item: PlexItem) -> bool:
    """Whether the item read back shows the edit. True for images, which cannot be read back."""
    kind, have = EDITABLE[edit.field].kind, item.values.get(edit.field, "")
    if kind == IMAGE:
        return True
    if kind == SCALAR:
        return same(edit.field, edit.value, have)
    present = name_keys(have)
    return name_keys(edit.value) <= present and not name_keys(edit.remove) & present


def read_back(
    edit: Edit,
    item: PlexItem,
    last: Written | None,
    earlier: ReadBack | None,
    *,
    alone: bool,
) -> tuple[ReadBack | None, bool]:
    """What an edit that is not `applied` reads back as, and whether that is Plex's form of it.

    It is if the same was read back for the same value `earlier`. None if the edit seems to have had
    no effect: Plex shows the old value, and nothing else indicates otherwise. `alone`: no other
    edit of the request was applied either; `last` is what PlexSync wrote before.
    """
    shown = item.values.get(edit.field, () if EDITABLE[edit.field].kind == LIST else "")
    known = ReadBack(last.value, last.shown) if last and last.shown is not None else None
    for pair in (earlier, known):
        if pair is not None and _is_same(edit.field, pair, edit.value, shown):
            return pair, True
    done_something = (
        not alone
        or not same(edit.field, shown, edit.before)
        or known is not None
        or close(edit.field, edit.value, shown)
    )
    return (ReadBack(edit.value, shown) if done_something else None), False


def _is_same(field: str, earlier: ReadBack, sent: Value, shown: Value) -> bool:
    return equal(field, earlier.sent, sent) and same(field, earlier.shown, shown)


def value_to_record(
    edit: Edit, desired: Mapping[str, Value], written: Mapping[str, Written]
) -> Value:
    """The value to record as written once the edit is confirmed, lock-only edits included.

    For lists that is not `edit.value`: the user's names in it do not become ours, nor do
    collections and labels that Plex had before.
    """
    if EDITABLE[edit.field].kind != LIST:
        return edit.value
    wanted = names(desired[edit.field])
    if not EDITABLE[edit.field].shared:
        return wanted
    last = written.get(edit.field)
    foreign = name_keys(edit.before) - name_keys(last.value if last else ())
    return tuple(name for name in wanted if name_key(name) not in foreign)


def with_unconfirmed(
    item: PlexItem,
    written: Mapping[str, Written],
    unconfirmed: Mapping[str, Value],
    earlier: Mapping[str, ReadBack],
) -> dict[str, Written]:
    """`written` plus values that were sent but not recorded, where the item shows them.

    The worker may have died, or Plex stopped answering, between the request and the read-back; or
    Plex showed another form `earlier`. Images cannot be checked here.
    """
    ours = dict(written)
    for name, value in unconfirmed.items():
        have, last = item.values.get(name, ""), written.get(name)
        if EDITABLE[name].kind == SCALAR and same(name, value, have):
            ours[name] = Written(value, "")
        elif EDITABLE[name].kind == SCALAR and name in earlier:
            if same(name, earlier[name].shown, have):
                ours[name] = Written(value, "", shown=have)
        elif EDITABLE[name].kind == LIST:
            before, present = names(last.value if last else ()), name_keys(have)
            new = [n for n in names(value) if name_key(n) in present - name_keys(before)]
            if new:
                ours[name] = Written((*before, *new), "")
    return ours


def image_is_ours(selected: str, last: Written) -> bool:
    """Whether the image selected in Plex is the one we uploaded last.

    `selected` is the key of the selected poster or background ("" if unknown). It takes a request
    to Plex, so `plan` cannot check it: with `preserve`, check before an image is replaced.
    """
    return not selected or isinstance(last.value, str) and selected.endswith(last.value)


def is_upload_of(selected: str, *images: Value) -> bool:
    """Whether a poster's or background's key names the upload of one of these images (SHA-1)."""
    names = tuple(image for image in images if image and isinstance(image, str))
    return bool(names) and selected.endswith(names)


def already_equal(
    desired: Mapping[str, Value],
    item: PlexItem,
    written: Mapping[str, Written],
    attempted: Collection[str],
) -> dict[str, Value]:
    """Texts to record as ours: equal on both sides although the ledger says otherwise.

    It happens when a worker dies between the request and the record, or when the user typed in Plex
    what Stash has. If it were not recorded, `preserve` would take our own text for the user's.
    `attempted` are the fields that PlexSync has sent before; texts it never sent stay the user's.
    """
    agreed = {}
    for name, want in desired.items():
        last = written.get(name)
        if EDITABLE[name].kind != SCALAR or (last is None and name not in attempted):
            continue
        known = last is not None and same(name, last.value, want)
        if not known and same(name, want, item.values.get(name, "")):
            agreed[name] = want
    return agreed
