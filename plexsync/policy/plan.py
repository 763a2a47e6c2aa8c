"""Plans the edits of one Plex item, field by field, each with a reason; also used by dry runs."""

from __future__ import annotations

from collections.abc import Mapping

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex import (
    EDITABLE,
    IMAGE,
    LIST,
    SCALAR,
    Edit,
    Field,
    PlexItem,
    Refusal,
    Value,
    Written,
)
from plexsync.model.values import (
    equal,
    hash_written,
    is_desired,
    is_ours,
    name_key,
    name_keys,
    names,
    same,
    value_hash,
    was_cut,
)


class _Case(NamedTuple):
    """One field, with everything needed to plan its edit."""

    field: Field
    want: Value
    have: Value
    last: Written | None
    locked: bool
    preserve: bool

    @property
    def as_written(self) -> bool:
        """Plex still shows what was written for the same desired value, even if in a different
        form: a text that had to be cut, a rating that Plex rounds, blanks that it folds.
        """
        last = self.last
        if last is None or not is_desired(last, self.want):
            return False
        if self.field.kind == LIST:  # the list in Plex may hold more than what was written
            return last.shown is not None and same(self.field.name, self.have, last.shown)
        return is_ours(self.field.name, self.have, last)

    @property
    def persons(self) -> bool:
        """The user set it in Plex: changed since we wrote it, or locked before our first write."""
        if self.last is None:
            return self.locked
        return not is_ours(self.field.name, self.have, self.last)


def plan(
    desired: Mapping[str, Value],
    current: PlexItem,
    written: Mapping[str, Written],
    preserve: bool,
    refused: Mapping[str, Refusal] | None = None,
) -> tuple[Edit, ...]:
    """The edits that bring the item to the desired state; () if it is in step.

    `written` is what PlexSync wrote to this item and saw confirmed. With `preserve` a field, or a
    name in a list, that the user changed in Plex is left alone. A field that Plex `refused` is left
    out until its desired value changes. Fields that match but are not locked yet are added as
    lock-only edits if a request is sent anyway.
    """
    edits = []
    for field in _differing(desired, current):
        case = _case(field, desired, current, written, preserve)
        edit = _DECISIONS[field.kind](case)
        if edit is not None and not is_refused(edit, refused or {}):
            edits.append(edit)
    if any(EDITABLE[edit.field].kind != IMAGE for edit in edits):
        others = desired.keys() - {edit.field for edit in edits}
        cases = [
            _case(field, desired, current, written, preserve)
            for name, field in EDITABLE.items()
            if name in others
        ]
        edits += [_lock(case) for case in cases if _lockable(case)]
    return tuple(edits)


def shows(item: PlexItem, desired: Mapping[str, Value]) -> bool:
    """Whether an item shows exactly what it should, so that `plan` has nothing to do."""
    return not _differing(desired, item)


def _differing(desired: Mapping[str, Value], current: PlexItem) -> list[Field]:
    """The fields that Plex does not show exactly, and all images, of which it shows only paths."""
    have = current.values
    return [
        field
        for name, field in EDITABLE.items()
        if name in desired and (field.kind == IMAGE or have.get(name) != desired[name])
    ]


def uncut(name: str, last: Written) -> Written:
    """`last`, changed so that a text which had to be cut is planned in full again."""
    cut = EDITABLE[name].kind == SCALAR and last.shown is None and was_cut(last)
    return last._replace(desired_hash="") if cut else last


def without_the_cut(
    edits: tuple[Edit, ...], sent: Mapping[str, Value], written: Mapping[str, Written]
) -> tuple[Edit, ...]:
    """The edits without texts that would again be cut to what Plex has already.

    `sent` are the values that fit into a request. Locks alone do not justify a request.
    """
    left = tuple(edit for edit in edits if not _is_as_cut(edit, sent, written))
    return left if any(not edit.lock_only for edit in left) else ()


def _is_as_cut(edit: Edit, sent: Mapping[str, Value], written: Mapping[str, Written]) -> bool:
    last = written.get(edit.field)
    if edit.lock_only or last is None or hash_written(last) != edit.desired_hash:
        return False
    return EDITABLE[edit.field].kind == SCALAR and equal(edit.field, sent[edit.field], edit.before)


def is_refused(edit: Edit, refused: Mapping[str, Refusal]) -> bool:
    """Whether Plex refused the same desired value before."""
    known = refused.get(edit.field)
    return known is not None and known.desired_hash == edit.desired_hash


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
    if equal(case.field.name, case.want, case.have) or case.as_written:
        return None
    if not case.want:
        ours = case.last is not None and is_ours(case.field.name, case.have, case.last)
        return _edit(case, case.want) if ours and case.field.name != "title" else None
    return None if case.preserve and case.persons else _edit(case, case.want)


def _list(case: _Case) -> Edit | None:
    if case.as_written or (case.preserve and case.last is None and case.locked):
        return None
    want, have = names(case.want), names(case.have)
    present, ours = name_keys(have), name_keys(case.last.value if case.last else ())
    if case.preserve:  # names that the user removed stay removed
        want = tuple(n for n in want if name_key(n) in present or name_key(n) not in ours)
    wanted = name_keys(want)
    others = [name for name in have if name_key(name) not in wanted]
    gone = others
    if case.preserve or not want or case.field.shared:
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
        return equal(case.field.name, case.want, case.have) or case.as_written
    return case.as_written or name_keys(case.want) <= name_keys(case.have)


def _lock(case: _Case) -> Edit:
    """Lock a field. Plex's value is sent unchanged, so that any kind of request is correct."""
    desired_hash = value_hash(case.want)
    return Edit(
        field=case.field.name,
        value=case.have,
        before=case.have,
        reason="lock",
        desired_hash=desired_hash,
        lock_only=True,
    )


def _edit(case: _Case, value: Value, remove: tuple[str, ...] = (), reason: str = "") -> Edit:
    return Edit(
        field=case.field.name,
        value=value,
        before=case.have,
        reason=reason or _reason(case),
        remove=remove,
        desired_hash=value_hash(case.want),
    )


def _reason(case: _Case) -> str:
    if not case.have:
        return "empty in Plex"
    if not case.want:
        return "empty in Stash"
    if case.last is None:
        return "differs"
    if is_ours(case.field.name, case.have, case.last):
        return "changed in Stash"
    return "changed in Plex" if is_desired(case.last, case.want) else "differs"
