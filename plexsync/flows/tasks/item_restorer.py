"""Restores what items had before: planned by policy/undo.py, written, and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plexsync.edges.plex.client import PlexClient
from plexsync.flows.outage.outage_controller import OutageController
from plexsync.model.errors import (
    PlexAuthError,
    PlexPermanentError,
    PlexServerDown,
    SyncError,
)
from plexsync.model.ledger import TargetState
from plexsync.model.paths import exact_key
from plexsync.model.plex import EDITABLE, YEAR, Edit, PlexItem, Target
from plexsync.policy.notes import how_much
from plexsync.policy.outcome import applied, with_unconfirmed
from plexsync.policy.undo import Restore, UndoPlan, images_to_read, plan_undo

GONE = "the item is no longer in Plex"
OTHER_FILE = "the Plex item holds another file now"
NO_IMAGE = "the earlier image is no longer in Plex"


@dataclass(slots=True)
class UndoResult:
    """The result for one item: fields restored, fields left with the reason, or a failure."""

    done: set[str] = field(default_factory=set)
    left: dict[str, str] = field(default_factory=dict)
    failed: str = ""
    sent: list[Edit] = field(default_factory=list)
    year: Edit | None = None

    def leave(self, name: str, why: str) -> None:
        """Leave a field as it is, with the reason."""
        self.done.discard(name)
        self.left[name] = why


class ItemRestorer:
    """Undoes PlexSync's writes in some items; safe to repeat after an interruption."""

    def __init__(self, plex: PlexClient, outages: OutageController) -> None:
        self._plex = plex
        self._outages = outages

    def restore(self, targets: Sequence[TargetState]) -> dict[Target, UndoResult]:
        """Restore a few dozen items at most, and read them back.

        Raises PlexServerDown, PlexAuthError or Interrupted; then repeat the whole call.
        """
        wanted = {each.target: each for each in targets}
        items = self._plex.items([target.rating_key for target in wanted])
        found: dict[Target, UndoResult] = {}
        for target, state in wanted.items():
            found[target] = self._one(items.get(target.rating_key), state)
        sent = {target: each for target, each in found.items() if each.sent and not each.failed}
        after = self._plex.items([target.rating_key for target in sent])
        for target, each in sent.items():
            _compare(each, after.get(target.rating_key))
        self._restore_years(found, {**items, **after})
        return found

    def _restore_years(
        self, found: Mapping[Target, UndoResult], items: Mapping[int, PlexItem]
    ) -> None:
        """Restore years in a request of their own, if restoring the date did not: in one request
        with the date one of them would be lost.
        """
        for target, each in found.items():
            item = items.get(target.rating_key)
            if each.failed or each.year is None or not item or item.year == each.year.value:
                continue
            try:
                with self._outages.pacer.one_write():
                    sent = self._plex.write(target, [each.year])
            except (PlexServerDown, PlexAuthError):
                raise
            except SyncError as error:
                each.left[YEAR.name] = error.message
            else:
                each.left |= {n: f"Plex refuses it: {words}" for n, words in sent.refused.items()}

    def _one(self, item: PlexItem | None, state: TargetState) -> UndoResult:
        ours = {*state.written, *state.unconfirmed}
        if item is None or item.deleted:
            return UndoResult(left=dict.fromkeys(ours, GONE))
        if state.part and exact_key(state.part) not in {exact_key(p.file) for p in item.parts}:
            return UndoResult(left=dict.fromkeys(ours, OTHER_FILE))
        try:
            return self._carried_out(item, self._plan(item, state))
        except (PlexServerDown, PlexAuthError):
            raise
        except SyncError as error:
            return UndoResult(failed=error.message)

    def _plan(self, item: PlexItem, state: TargetState) -> UndoPlan:
        selected = {
            name: self._plex.selected_image(item.target, name)
            for name in images_to_read(state.written, state.unconfirmed)
        }
        ours = with_unconfirmed(item, state.written, state.unconfirmed, state.read_back)
        return plan_undo(item, ours, state.unconfirmed, state.base, selected)

    def _carried_out(self, item: PlexItem, plan: UndoPlan) -> UndoResult:
        restored = UndoResult(set(plan.done), dict(plan.left), year=plan.year)
        edits = list(plan.edits)
        for image in plan.images:
            try:
                with self._outages.pacer.one_write():
                    self._plex.select_image(item.target, image.field, image.key)
            except PlexPermanentError:
                restored.leave(image.field, NO_IMAGE)
            else:
                edits.append(_lock(image))
        if edits:
            with self._outages.pacer.one_write():
                sent = self._plex.write(item.target, edits)
            for name, words in sent.refused.items():
                restored.leave(name, f"Plex refuses it: {words}")
            for name, cut in sent.cut.items():
                restored.leave(name, f"Plex accepts only {how_much(name, cut.kept, cut.of)}")
            restored.sent = [edit for edit in sent.edits if edit.field not in sent.cut]
        return restored


def _lock(image: Restore) -> Edit:
    """The edit that restores an image's lock: selecting an image locks it, so this is sent last."""
    return Edit(
        field=image.field,
        value="",
        before="",
        reason="undo",
        lock_only=True,
        locked=image.locked,
    )


def _compare(restored: UndoResult, item: PlexItem | None) -> None:
    """A field that reads back different is a failure, whatever Plex answered."""
    if item is None:
        return
    missed = [edit.field for edit in restored.sent if not _as_sent(edit, item)]
    if missed:
        restored.failed = f"Plex accepted the edit, but {', '.join(missed)} reads back different"


def _as_sent(edit: Edit, item: PlexItem) -> bool:
    locked = EDITABLE[edit.field].edit in item.locks
    return locked == edit.locked and (edit.lock_only or applied(edit, item))
