"""Determines the outcome of a write, and what the ledger stores of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from plexsync.flows.sync.scene_write import ItemWrite, SceneWrite
from plexsync.model.errors import PlexTemporaryError
from plexsync.model.ledger import RIVAL, SYNCED, WAITING, SceneState, TargetState
from plexsync.model.pictures import NEVER_SEEN, PictureSource
from plexsync.model.plex import (
    EDITABLE,
    IMAGE,
    YEAR,
    Base,
    Edit,
    PlexItem,
    Refusal,
    Value,
    Written,
)
from plexsync.model.values import name_key, name_keys, names, same, value_hash
from plexsync.policy.outcome import already_equal, applied, read_back, value_to_record
from plexsync.policy.pictures import all_kept


def compare(write: ItemWrite, item: PlexItem) -> bool:
    """Compare what was sent with the item as it is now; returns whether Plex replaced a torn list."""
    write.done |= {edit.field for edit in write.sent if applied(edit, item)}
    alone = not any(edit.field in write.done and not edit.lock_only for edit in write.sent)
    replaced = False
    for edit in write.sent:
        earlier = write.read_back.pop(edit.field, None)
        if edit.field in write.torn and edit.field not in write.done:
            replaced = replaced or _only_the_last(edit, item)
        elif edit.field not in write.done:
            last = write.written.get(edit.field)
            pair, is_its_way = read_back(edit, item, last, earlier, alone=alone)
            if pair is not None and is_its_way:
                write.done.add(edit.field)
                write.shown[edit.field] = pair.shown
            elif pair is not None:
                write.read_back[edit.field] = pair
    return replaced


def _only_the_last(edit: Edit, item: PlexItem) -> bool:
    present = name_keys(item.values.get(edit.field, ()))
    keys = [name_key(name) for name in names(edit.value)]
    return keys[-1] in present and keys[0] not in present


def conclude(scene: SceneWrite, now: float) -> None:
    """Conclude the write from what was sent and what Plex shows."""
    for write in scene.items:
        missed = conclude_item(write, scene.values, now)
        if missed and not scene.postponed and scene.error is None:
            scene.error = not_applied(missed)


def conclude_item(write: ItemWrite, values: Mapping[str, Value], now: float) -> frozenset[str]:
    """The same for one item that should show `values`; returns the fields that Plex did not accept."""
    agreed = already_equal(values, write.item, write.written, write.dirty)
    sent = {edit.field: edit for edit in write.sent}
    for edit in write.edits:
        if edit.field in write.done:
            _record(write, sent.get(edit.field, edit), edit, values, now)
        elif edit.field in write.words:
            write.refused[edit.field] = Refusal(edit.desired_hash, write.words[edit.field], now)
    for name, value in agreed.items():
        write.written[name] = Written(value, value_hash(value), now)
    write.refused = {
        name: refusal
        for name, refusal in write.refused.items()
        if name in values and refusal.desired_hash == value_hash(values[name])
    }
    missed = {edit.field for edit in write.edits} - write.done - write.kept - {*write.words}
    write.dirty = frozenset(missed)
    return write.dirty


def not_applied(missed: Iterable[str]) -> PlexTemporaryError:
    """The error for an edit that Plex accepted but does not show."""
    return PlexTemporaryError(
        f"Plex accepted the edit, but {', '.join(sorted(missed))} reads back different",
        cause="not applied",
    )


def _record(
    write: ItemWrite, sent: Edit, planned: Edit, values: Mapping[str, Value], now: float
) -> None:
    """Record a field that is in step: its value, and what Plex shows for it."""
    name = planned.field
    value, last = value_to_record(sent, values, write.written), write.written.get(name)
    shown = write.shown.get(name)
    left_out = name_keys(planned.value) - name_keys(sent.value)
    if left_out:
        value = tuple(each for each in names(value) if name_key(each) not in left_out)
        shown = sent.value
    elif sent.lock_only and last and last.shown and same(name, sent.value, last.shown):
        value, shown = last.value, last.shown
    write.written[name] = Written(value, planned.desired_hash, now, shown)
    write.refused.pop(name, None)


def state_of(scene: SceneWrite, now: float, *, intent: bool) -> SceneState:
    """The scene's state for the ledger; with `intent` as stored before anything is sent.

    One that waits for an item of another scene has no hash: whether it is in step depends on that.
    """
    in_step = not intent and scene.error is None and not scene.postponed
    certain = in_step and not scene.rivals
    seen = dict(scene.pictures.kept) if in_step else all_kept(scene.state)
    cover = seen.pop(PictureSource("scene", scene.scene.id), NEVER_SEEN)
    return SceneState(
        scene=scene.scene.id,
        state=SYNCED if in_step else WAITING,
        detail=scene.error.message if scene.error else scene.notes if in_step else "",
        since=now,
        desired_hash=scene.hash if certain else "",
        oshash=scene.scene.files[0].oshash,
        path=scene.scene.files[0].path,
        cover_etag=cover.etag,
        cover_sha1=cover.sha1,
        pictures=seen,
        destroyed_at=None,
        entities=scene.desired.entities | {(RIVAL, rival) for rival in scene.rivals},
        targets=tuple(
            target_state(write, scene.values, now, intent=intent) for write in scene.items
        ),
        basis=scene.basis if certain else "",
    )


def target_state(
    write: ItemWrite, values: Mapping[str, Value], now: float, *, intent: bool
) -> TargetState:
    """An item's state for the ledger, if it should show `values`; with `intent` as stored before
    anything is sent.
    """
    for edit in write.edits:
        if EDITABLE[edit.field].kind != IMAGE and edit.field not in write.base:
            before = write.item.values.get(edit.field, "")
            locked = EDITABLE[edit.field].edit in write.item.locks
            write.base[edit.field] = Base(before, locked)
            if edit.field == "date" and not edit.lock_only:  # Plex changes the year with it
                year = Base(write.item.year, YEAR.edit in write.item.locks)
                write.base.setdefault(YEAR.name, year)
    planned = frozenset(edit.field for edit in write.edits)
    dirty = write.dirty | planned if intent else write.dirty
    coming = {
        e.field: value_to_record(e, values, write.written) for e in write.edits if not e.lock_only
    }
    return TargetState(
        target=write.item.target,
        part=write.part,
        written=write.written,
        base=write.base,
        dirty=dirty,
        unconfirmed={n: value for n, value in coming.items() if intent or n in write.dirty},
        read_back={n: pair for n, pair in write.read_back.items() if n in dirty},
        refused=write.refused,
        synced_at=now,
    )
