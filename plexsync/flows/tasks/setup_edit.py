"""Check Setup for editing: toggles a lock of an item that PlexSync has written, and puts it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from plexsync.edges.ledger.ledger_view import LedgerView
from plexsync.edges.storage.read_only import peek_json
from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.tasks.index_refresh import borrowed
from plexsync.flows.tasks.setup_points import BAD, OK, Point
from plexsync.flows.worker.folder_owner import judge
from plexsync.model.errors import PlexAuthError, SyncError
from plexsync.model.ledger import TargetState
from plexsync.model.paths import exact_key
from plexsync.model.plex import FIELDS, SCALAR, Edit, PlexItem
from plexsync.model.plex_state import READ_ONLY, WRITING, remedy
from plexsync.model.stash_identity import FILE, Owner, parse

NAME = "Editing"

PATIENCE = 10.0
"""Seconds for which a worker may finish its requests before the trial is left out."""

MOST_LOOKED_AT = 20
"""How many of the scenes written last are tried, until Plex still has the item of one."""

_SCALARS = [name for name, field in FIELDS.items() if field.kind == SCALAR]


def editing(context: TaskContext, patience: float = PATIENCE) -> Iterator[Point]:
    """Whether Plex lets us edit. Nothing but a lock is changed, for a moment, in an item that
    PlexSync has written before.
    """
    reason = _why_not(context)
    item = None if reason else _item(context)
    if item is None:
        none = "Plex has no item yet that PlexSync has written"
        yield Point(NAME, OK, f"not tried: {reason or none}")
        return
    with borrowed(context, patience) as free:
        if free:
            yield _trial(context, item)
        else:
            yield Point(NAME, OK, "not tried: the background worker or another task is busy")


def _why_not(context: TaskContext) -> str:
    if context.config.paused:
        return "syncing is paused in the settings"
    owner = peek_json(context.path(FILE), parse, Owner())
    return "the data folder belongs to another Stash" if judge(owner, context.stash)[0] else ""


def _item(context: TaskContext) -> PlexItem | None:
    """The item that was written last, as far as Plex still has it with the same file."""
    with closing(LedgerView(context.path("ledger.db"))) as ledger:
        ledger.use_server(context.plex.server_id())
        states = ledger.scenes(ledger.last_written(MOST_LOOKED_AT)).values()
    ours = [target for state in states for target in state.targets if target.written]
    ours.sort(key=lambda target: -target.synced_at)
    items = context.plex.items([target.target.rating_key for target in ours])
    found = (items.get(target.target.rating_key) for target in ours if _same(target, items))
    return next(found, None)


def _same(state: TargetState, items: dict[int, PlexItem]) -> bool:
    item = items.get(state.target.rating_key)
    if item is None or item.deleted or item.target != state.target:
        return False
    return exact_key(state.part) in {exact_key(part.file) for part in item.parts}


def _trial(context: TaskContext, item: PlexItem) -> Point:
    unlocked = [name for name in reversed(_SCALARS) if FIELDS[name].edit not in item.locks]
    field = unlocked[0] if unlocked else _SCALARS[-1]
    before = FIELDS[field].edit in item.locks
    try:
        try:
            changed = _lock(context, item, field, not before)
        finally:
            restored = _lock(context, item, field, before)
    except SyncError as error:
        return _failed(error, item, field)
    if not restored:
        return _left_behind(item, field, "it did not take the old state back")
    if not changed:
        text = "Plex accepted an edit of a lock, but the lock did not change"
        return Point(NAME, BAD, text, remedy(WRITING))
    text = "a lock of an item that PlexSync has written could be changed, and was put back"
    return Point(NAME, OK, text)


def _lock(context: TaskContext, item: PlexItem, field: str, locked: bool) -> bool:
    """Set a lock; returns whether Plex shows it so."""
    edit = Edit(
        field=field, value="", before="", reason="Check Setup", lock_only=True, locked=locked
    )
    context.plex.write(item.target, [edit])
    key = item.target.rating_key
    after = context.plex.items([key]).get(key)
    return after is not None and (FIELDS[field].edit in after.locks) == locked


def _failed(error: SyncError, item: PlexItem, field: str) -> Point:
    if isinstance(error, PlexAuthError):
        return Point(NAME, BAD, f"Plex refuses edits: {error.message}", remedy(READ_ONLY))
    return _left_behind(item, field, error.message)


def _left_behind(item: PlexItem, field: str, why: str) -> Point:
    text = f"an edit of a lock failed: {why}"
    look = f"{remedy(WRITING)} The lock of {field.replace('_', ' ')} was changed for the trial in "
    return Point(NAME, BAD, text, f"{look}item {item.target.rating_key}; look at it in Plex.")
