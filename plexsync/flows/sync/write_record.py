"""What became of a batch's writes, and what the ledger is to remember of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from plexsync.flows.sync.planning import Planned
from plexsync.flows.sync.scene_reader import DesiredScene
from plexsync.model.errors import PlexTemporaryError, SyncError
from plexsync.model.ledger import SYNCED, WAITING, SceneState, TargetState
from plexsync.model.plex import (
    FIELDS,
    IMAGE,
    YEAR,
    Base,
    Edit,
    PlexItem,
    ReadBack,
    Refusal,
    Value,
    Written,
)
from plexsync.model.values import name_key, name_keys, names, same, value_hash
from plexsync.policy.notes import NO_COVER, notes
from plexsync.policy.outcome import adopted, applied, read_back, recorded


@dataclass(slots=True)
class Write:
    """One item of a wish: what is known of it, what is to change, and what became of that."""

    item: PlexItem
    part: str
    edits: tuple[Edit, ...]
    before: TargetState
    written: dict[str, Written]
    base: dict[str, Base]
    dirty: frozenset[str]
    read_back: dict[str, ReadBack]
    refused: dict[str, Refusal]
    sent: tuple[Edit, ...] = ()
    torn: frozenset[str] = frozenset()
    """Lists that went in several requests."""
    done: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    shown: dict[str, Value] = field(default_factory=dict)
    """What Plex shows for a field that is done, where it is not what was sent."""
    words: dict[str, str] = field(default_factory=dict)
    """What Plex said to a field that it refused."""
    unseen: SyncError | None = None
    """Why it is not known which images Plex shows: none goes up then."""

    @property
    def images(self) -> tuple[Edit, ...]:
        """What is to be uploaded."""
        return tuple(edit for edit in self.edits if FIELDS[edit.field].kind == IMAGE)


@dataclass(slots=True)
class Task:
    """A wish with its writes; `error` is the first thing that went wrong."""

    desired_scene: DesiredScene
    values: dict[str, Value]
    writes: list[Write]
    error: SyncError | None = None
    postponed: bool = False

    @property
    def changing(self) -> bool:
        """Whether anything of it goes to Plex."""
        return any(write.edits for write in self.writes)

    @property
    def touched(self) -> bool:
        """Whether it had its turn, or a part of it."""
        return not self.postponed or any(write.sent or write.done for write in self.writes)

    @property
    def notes(self) -> str:
        """What Plex does not show as wanted although the scene is in step; "" for nothing."""
        found = [n for w in self.writes for n in notes(self.values, w.written, w.refused)]
        if self.desired_scene.cover_missing:
            found.append(NO_COVER)
        return "; ".join(dict.fromkeys(found))

    @property
    def changed(self) -> tuple[str, ...]:
        """The fields that Plex took."""
        fields = {
            e.field
            for w in self.writes
            for e in w.edits
            if not e.lock_only and e.field not in w.words
        }
        return tuple(name for name in FIELDS if name in fields)


def new_task(desired_scene: DesiredScene, planned: Planned) -> Task:
    """A wish before anything of it was sent."""
    return Task(
        desired_scene,
        dict(planned.values),
        [
            Write(
                item=p.item,
                part=p.part,
                edits=p.edits,
                before=p.before,
                written=dict(p.ours),
                base=dict(p.before.base),
                dirty=p.before.dirty,
                read_back=dict(p.before.read_back),
                refused=dict(p.before.refused),
            )
            for p in planned.items
        ],
    )


def compare(write: Write, item: PlexItem) -> bool:
    """Hold what was sent against the item as it is now; True when Plex replaced a torn list."""
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


def settle(task: Task, now: float) -> None:
    """Draw the consequences of what was sent and seen."""
    for write in task.writes:
        agreed = adopted(task.values, write.item, write.written, write.dirty)
        sent = {edit.field: edit for edit in write.sent}
        for edit in write.edits:
            if edit.field in write.done:
                _record(write, sent.get(edit.field, edit), edit, task.values, now)
            elif edit.field in write.words:
                write.refused[edit.field] = Refusal(edit.desired_hash, write.words[edit.field], now)
        for name, value in agreed.items():
            write.written[name] = Written(value, value_hash(value), now)
        write.refused = {
            name: refusal
            for name, refusal in write.refused.items()
            if name in task.values and refusal.desired_hash == value_hash(task.values[name])
        }
        missed = {edit.field for edit in write.edits} - write.done - write.kept - {*write.words}
        write.dirty = frozenset(missed)
        if missed and not task.postponed and task.error is None:
            task.error = PlexTemporaryError(
                f"Plex took the edit, but {', '.join(sorted(missed))} reads back different",
                cause="not applied",
            )


def _record(
    write: Write, sent: Edit, planned: Edit, values: Mapping[str, Value], now: float
) -> None:
    """A field is in step: remember what it is, and what it is shown as."""
    name = planned.field
    value, last = recorded(sent, values, write.written), write.written.get(name)
    shown = write.shown.get(name)
    left_out = name_keys(planned.value) - name_keys(sent.value)
    if left_out:
        value = tuple(each for each in names(value) if name_key(each) not in left_out)
        shown = sent.value
    elif sent.lock_only and last and last.shown and same(name, sent.value, last.shown):
        value, shown = last.value, last.shown
    write.written[name] = Written(value, planned.desired_hash, now, shown)
    write.refused.pop(name, None)


def state_of(task: Task, now: float, *, intent: bool) -> SceneState:
    """The scene for the ledger; with `intent` before anything is sent."""
    desired_scene = task.desired_scene
    in_step = not intent and task.error is None and not task.postponed
    previous = desired_scene.state
    return SceneState(
        scene=desired_scene.scene.id,
        state=SYNCED if in_step else WAITING,
        detail=task.error.message if task.error else task.notes if in_step else "",
        since=now,
        desired_hash=desired_scene.hash if in_step else "",
        oshash=desired_scene.scene.files[0].oshash,
        path=desired_scene.scene.files[0].path,
        cover_etag=desired_scene.cover_etag if in_step else previous.cover_etag if previous else "",
        cover_sha1=desired_scene.cover_sha1 if in_step else previous.cover_sha1 if previous else "",
        destroyed_at=None,
        entities=desired_scene.desired.entities,
        targets=tuple(_target(task, write, now, intent=intent) for write in task.writes),
    )


def _target(task: Task, write: Write, now: float, *, intent: bool) -> TargetState:
    for edit in write.edits:
        if FIELDS[edit.field].kind != IMAGE and edit.field not in write.base:
            before = write.item.values.get(edit.field, "")
            locked = FIELDS[edit.field].edit in write.item.locks
            write.base[edit.field] = Base(before, locked)
            if edit.field == "date" and not edit.lock_only:  # Plex sets the year along with it
                year = Base(write.item.year, YEAR.edit in write.item.locks)
                write.base.setdefault(YEAR.name, year)
    planned = frozenset(edit.field for edit in write.edits)
    dirty = write.dirty | planned if intent else write.dirty
    coming = {
        e.field: recorded(e, task.values, write.written) for e in write.edits if not e.lock_only
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
