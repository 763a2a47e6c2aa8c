"""Plans how to restore a Plex item to its state before PlexSync first wrote it."""

from __future__ import annotations

from collections.abc import Mapping

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex import EDITABLE, IMAGE, LIST, YEAR, Base, Edit, PlexItem, Value, Written
from plexsync.model.values import name_key, name_keys, names, same
from plexsync.policy.outcome import is_upload_of

CHANGED = "changed in Plex since"
UNKNOWN = "what Plex had before is not known"


class Restore(NamedTuple):
    """An image to select again by its key ("" for none), and the state of the lock afterwards."""

    field: str
    key: str
    locked: bool


class UndoPlan(NamedTuple):
    """What undoes PlexSync's writes in one item; `left` are fields that stay, with the reason.

    `edits` are texts, lists and locks (a lock alone is `lock_only`); `images` are sent one by one.
    `done` names every field that will be as before, except the `year` that Plex set along with a
    date: it is sent last, and only if Plex does not reset it with the date.
    """

    edits: tuple[Edit, ...]
    images: tuple[Restore, ...]
    left: Mapping[str, str]
    done: frozenset[str]
    year: Edit | None = None


class _Case(NamedTuple):
    name: str
    have: Value
    locked: bool
    written: Value
    base: Base


def images_to_read(written: Mapping[str, Written], unconfirmed: Mapping[str, Value]) -> set[str]:
    """The images whose selected key `plan_undo` needs."""
    ours = {*written, *unconfirmed}
    return {name for name in ours if name in EDITABLE and EDITABLE[name].kind == IMAGE}


def plan_undo(
    item: PlexItem,
    written: Mapping[str, Written],
    unconfirmed: Mapping[str, Value],
    base: Mapping[str, Base],
    selected: Mapping[str, str],
) -> UndoPlan:
    """Compare what Plex has with what PlexSync wrote (`written`) and with what was there before.

    `unconfirmed` are values that may have been sent without being recorded, `selected` the keys of
    the images that Plex shows. Values changed in Plex since then are left alone.
    """
    edits: list[Edit] = []
    images: list[Restore] = []
    left: dict[str, str] = {}
    done: set[str] = set()
    for name in EDITABLE:
        if name not in written and not (name in unconfirmed and EDITABLE[name].kind == IMAGE):
            continue
        ours = _as_shown(name, item, written[name]) if name in written else ""
        outcome = _outcome(name, item, ours, unconfirmed.get(name, ""), base, selected)
        if isinstance(outcome, str):
            left[name] = outcome
            continue
        done.add(name)
        if isinstance(outcome, Restore):
            images.append(outcome)
        elif outcome is not None:
            edits.append(outcome)
    date = written.get("date") if "date" in done else None
    year = _year(item, str(date.value), base) if date else None
    return UndoPlan(tuple(edits), tuple(images), left, frozenset(done), year)


def _year(item: PlexItem, date: str, base: Mapping[str, Base]) -> Edit | None:
    """The edit that restores the year, if Plex's year is still the one of our date."""
    before = base.get(YEAR.name)
    if before is None or item.year not in (date[:4], before.value):
        return None
    return Edit(
        field=YEAR.name,
        value=before.value,
        before=item.year,
        reason="undo",
        locked=before.locked,
    )


def _as_shown(name: str, item: PlexItem, last: Written) -> Value:
    """The value that was written, or as Plex shows it; for a shared list only our own names."""
    shown, have = last.shown, item.values.get(name, "")
    if shown is None or EDITABLE[name].shared or not same(name, have, shown):
        return last.value
    return shown


def _outcome(
    name: str,
    item: PlexItem,
    written: Value,
    unconfirmed: Value,
    base: Mapping[str, Base],
    selected: Mapping[str, str],
) -> Edit | Restore | str | None:
    """The edit of a field; None if it is as before, a reason if it is left alone."""
    if name not in base:
        return UNKNOWN
    locked = EDITABLE[name].edit in item.locks
    if EDITABLE[name].kind == IMAGE:
        case = _Case(name, selected.get(name, ""), locked, written, base[name])
        return _image(case, unconfirmed)
    case = _Case(name, item.values.get(name, ""), locked, written, base[name])
    if EDITABLE[name].kind != LIST:
        return _text(case)
    return _shared(case) if EDITABLE[name].shared else _list(case)


def _text(case: _Case) -> Edit | str | None:
    before = case.base.value
    if same(case.name, case.have, case.written):
        if same(case.name, case.have, before):
            return None if case.locked == case.base.locked else _lock(case)
        if not before and case.name == "title":
            return "a title cannot be empty"
        return _edit(case, before)
    return None if same(case.name, case.have, before) else CHANGED


def _list(case: _Case) -> Edit | str | None:
    """A list counts as unchanged if it has all our names, and no others but those it had before."""
    before, have = names(case.base.value), names(case.have)
    if name_keys(have) == name_keys(before):
        nothing_added = name_keys(case.written) <= name_keys(before)
        return _lock(case) if nothing_added and case.locked != case.base.locked else None
    known = name_keys(case.written) | name_keys(before)
    if not name_keys(case.written) <= name_keys(have) <= known:
        return CHANGED
    gone = tuple(name for name in have if name_key(name) not in name_keys(before))
    return _edit(case, before, gone)


def _shared(case: _Case) -> Edit | None:
    """Remove only the names that PlexSync added."""
    before = name_keys(case.base.value)
    ours = name_keys(case.written) - before
    have = names(case.have)
    kept = tuple(name for name in have if name_key(name) not in ours)
    gone = tuple(name for name in have if name_key(name) in ours)
    if gone:
        return _edit(case, kept, gone, unlock=name_keys(kept) == before)
    untouched = name_keys(case.written) <= before == name_keys(have)
    return _lock(case) if untouched and case.locked != case.base.locked else None


def _image(case: _Case, unconfirmed: Value) -> Restore | Edit | str | None:
    selected, before = str(case.have), str(case.base.value)
    if is_upload_of(before, case.written, unconfirmed):
        return UNKNOWN
    if is_upload_of(selected, case.written, unconfirmed):
        return Restore(case.name, before, case.base.locked)
    if selected != before:
        return CHANGED
    return None if case.locked == case.base.locked else _lock(case)


def _edit(case: _Case, value: Value, remove: tuple[str, ...] = (), *, unlock: bool = True) -> Edit:
    return Edit(
        field=case.name,
        value=value,
        before=case.have,
        reason="undo",
        remove=remove,
        locked=case.base.locked if unlock else case.locked,
    )


def _lock(case: _Case) -> Edit:
    return Edit(
        field=case.name,
        value=case.have,
        before=case.have,
        reason="undo",
        lock_only=True,
        locked=case.base.locked,
    )
