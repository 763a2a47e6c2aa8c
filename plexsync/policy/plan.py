"""What has to change in Plex, field by field and with a reason; a dry run is the same function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plexsync.model.plex import FIELDS, IMAGE, LIST, SCALAR, Edit, Field, PlexItem, Value, Written
from plexsync.model.text import cut_encoded
from plexsync.model.values import name_key, name_keys, names, same, value_hash

TEXT_BUDGET = 5_800
"""Bytes one text may take in a request line of 6 000; the rest is method, path, key and lock."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One field with all that decides about it."""

    field: Field
    want: Value
    have: Value
    last: Written | None
    locked: bool
    preserve: bool

    @property
    def cut_in_step(self) -> bool:
        """Plex still holds the shortened text that was written for this very wish."""
        last = self.last
        return (
            last is not None
            and last.wish == value_hash(self.want)
            and same(self.field.name, self.have, last.value)
        )

    @property
    def persons(self) -> bool:
        """A person set what Plex has: changed since we wrote it, or locked before we ever did."""
        if self.last is None:
            return self.locked
        return not same(self.field.name, self.have, self.last.value)


def fit(values: Mapping[str, Value]) -> tuple[dict[str, Value], tuple[str, ...]]:
    """The values with every text short enough for a request of its own, and which were cut."""
    fitted = {
        name: cut_encoded(value, TEXT_BUDGET)
        if isinstance(value, str) and FIELDS[name].kind == SCALAR
        else value
        for name, value in values.items()
    }
    return fitted, tuple(name for name in values if fitted[name] != values[name])


def plan(
    desired: Mapping[str, Value],
    current: PlexItem,
    written: Mapping[str, Written],
    preserve: bool,
) -> tuple[Edit, ...]:
    """The edits that make the item match the wish; () when it does.

    `written` is what PlexSync wrote to this item and saw confirmed. With `preserve` a field, or a
    name in a list, that a person changed in Plex stays as it is. Fields that match but are not yet
    locked are added as lock-only edits when there is a request to travel in.
    """
    cases = [
        _case(field, desired, current, written, preserve)
        for field in FIELDS.values()
        if field.name in desired
    ]
    edits = [edit for case in cases if (edit := _DECISIONS[case.field.kind](case)) is not None]
    if any(FIELDS[edit.field].kind != IMAGE for edit in edits):
        busy = {edit.field for edit in edits}
        edits += [_lock(case) for case in cases if case.field.name not in busy and _lockable(case)]
    return tuple(edits)


def _case(
    field: Field,
    desired: Mapping[str, Value],
    current: PlexItem,
    written: Mapping[str, Written],
    preserve: bool,
) -> _Case:
    images = {"poster": current.thumb, "background": current.art}
    have = current.values.get(field.name, () if field.kind == LIST else "")
    return _Case(
        field=field,
        want=desired[field.name],
        have=images.get(field.name, have),
        last=written.get(field.name),
        locked=field.edit in current.locks,
        preserve=preserve,
    )


def _scalar(case: _Case) -> Edit | None:
    if same(case.field.name, case.want, case.have) or case.cut_in_step:
        return None
    if not case.want:
        ours = case.last is not None and same(case.field.name, case.have, case.last.value)
        return _edit(case, case.want) if ours and case.field.name != "title" else None
    return None if case.preserve and case.persons else _edit(case, case.want)


def _list(case: _Case) -> Edit | None:
    if case.preserve and case.last is None and case.locked:
        return None
    want, have = names(case.want), names(case.have)
    present, ours = name_keys(have), name_keys(case.last.value if case.last else ())
    if case.preserve:  # what a person took away stays away
        want = tuple(n for n in want if name_key(n) in present or name_key(n) not in ours)
    wanted = name_keys(want)
    others = [name for name in have if name_key(name) not in wanted]
    gone = others
    if case.preserve or not want or case.field.name == "collections":
        gone = [name for name in others if name_key(name) in ours]
    if not gone and wanted <= present:
        return None
    kept = [name for name in others if name not in gone]
    return _edit(case, (*want, *kept), remove=tuple(dict.fromkeys(gone)))


def _image(case: _Case) -> Edit | None:
    if not case.want or (case.last and case.last.value == case.want):
        return None
    if case.preserve and case.last is None and case.locked:
        return None
    return _edit(case, case.want, reason="image changed")


_DECISIONS = {SCALAR: _scalar, LIST: _list, IMAGE: _image}


def _lockable(case: _Case) -> bool:
    if case.locked or not case.want or case.field.kind == IMAGE:
        return False
    if case.field.kind == SCALAR:
        return same(case.field.name, case.want, case.have) or case.cut_in_step
    return name_keys(case.want) <= name_keys(case.have)


def _lock(case: _Case) -> Edit:
    """The value Plex has goes along unchanged, so that the edit is right however it is sent."""
    wish = value_hash(case.want)
    return Edit(
        field=case.field.name,
        value=case.have,
        before=case.have,
        reason="lock",
        wish=wish,
        lock_only=True,
    )


def _edit(case: _Case, value: Value, remove: tuple[str, ...] = (), reason: str = "") -> Edit:
    return Edit(
        field=case.field.name,
        value=value,
        before=case.have,
        reason=reason or _reason(case),
        remove=remove,
        wish=value_hash(case.want),
    )


def _reason(case: _Case) -> str:
    if not case.have:
        return "empty in Plex"
    if not case.want:
        return "empty in Stash"
    if case.last is None:
        return "differs"
    if same(case.field.name, case.have, case.last.value):
        return "changed in Stash"
    return "changed in Plex" if case.last.wish == value_hash(case.want) else "differs"
