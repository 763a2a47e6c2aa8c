"""The last step of a dry run: it reports what would be written, and writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plexsync.edges.ledger.ledger import Ledger
from plexsync.flows.results import Done, Result
from plexsync.flows.sync.batch import Batch
from plexsync.flows.sync.media_server import Cut, MediaServer
from plexsync.flows.sync.planning import is_foreign, kept_edits, plan_items
from plexsync.flows.sync.scene_write import ItemWrite, SceneWrite
from plexsync.model.ledger import SYNCED
from plexsync.model.plex import FIELDS, IMAGE, Edit, Value
from plexsync.policy.notes import how_much
from plexsync.policy.plan import is_refused

KEPT = "edited in Plex, so it stays"
LOCKED = "as it should be; only locked, so that Plex does not overwrite it"


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One field of one item: what Plex has, what it would have, and why.

    `changes` is False if only the lock would change, or if an edit made in Plex is kept. Images
    have no values to show: `now` and `then` are "".
    """

    field: str
    now: Value
    then: Value
    why: str
    changes: bool


@dataclass(frozen=True, slots=True)
class ItemPlan:
    """One Plex item: its rating key, the file that matched, and its fields."""

    rating_key: int
    part: str
    fields: tuple[FieldPlan, ...]


class DryRun:
    """Plans matched scenes as the real run does; `plans` maps scenes to their plans."""

    def __init__(self, server: MediaServer, ledger: Ledger, *, preserve: bool) -> None:
        self._server = server
        self._ledger = ledger
        self._preserve = preserve
        self.plans: dict[int, tuple[ItemPlan, ...]] = {}

    def expect(self) -> None:
        """Nothing is sent."""

    def begin(self, batch: Batch) -> None:
        """Sends nothing."""

    def end(self, batch: Batch) -> list[Result]:
        """One result per scene, as after a run in which Plex accepted everything."""
        results: list[Result] = []
        for scene in batch.scenes:
            scene.items = plan_items(scene, self._ledger, self._preserve, self._server.fit)
            items = tuple(self._item(write, scene) for write in scene.items)
            self.plans[scene.scene.id] = items
            fields = {f.field for item in items for f in item.fields if f.changes}
            changed = tuple(name for name in FIELDS if name in fields)
            results.append(Done(job=scene.job, state=SYNCED, changed=changed))
        return results

    def _item(self, write: ItemWrite, scene: SceneWrite) -> ItemPlan:
        target = write.item.target
        sent, cut = self._server.fit(target, write.edits)
        then = {edit.field: edit.value for edit in sent}
        fields = [self._field(write, edit, then, cut.get(edit.field)) for edit in write.edits]
        fields += _refused(write)
        if self._preserve:
            fields += _kept(write, scene)
        return ItemPlan(target.rating_key, write.part, tuple(fields))

    def _field(
        self, write: ItemWrite, edit: Edit, then: Mapping[str, Value], cut: Cut | None
    ) -> FieldPlan:
        name = edit.field
        if edit.lock_only:
            return FieldPlan(name, edit.before, edit.before, LOCKED, False)
        if FIELDS[name].kind == IMAGE and self._preserve and self._is_foreign(write, name):
            return FieldPlan(name, "", "", KEPT, False)
        why = edit.reason
        if cut is not None:
            why += f"; only {how_much(name, cut.kept, cut.of)}, Plex accepts no more"
        if is_refused(edit, write.before.refused):
            why += f"; Plex refused it before ({write.before.refused[name].words})"
        if FIELDS[name].kind == IMAGE:
            return FieldPlan(name, "", "", why, True)
        return FieldPlan(name, edit.before, then[name], why, True)

    def _is_foreign(self, write: ItemWrite, name: str) -> bool:
        selected = self._server.selected_image(write.item.target, name)
        return is_foreign(selected, name, write.written, write.before.unconfirmed)


def _refused(write: ItemWrite) -> list[FieldPlan]:
    """Fields that are left out because Plex refused their current values."""
    edited = {edit.field for edit in write.edits}
    values = write.item.values
    return [
        FieldPlan(name, have := values.get(name, ""), have, f"Plex refuses it: {each.words}", False)
        for name, each in write.before.refused.items()
        if name not in edited
    ]


def _kept(write: ItemWrite, scene: SceneWrite) -> list[FieldPlan]:
    """Fields that differ from Stash and are kept because they were edited in Plex."""
    values = write.item.values
    return [
        FieldPlan(name, values[name], values[name], KEPT, False)
        for name in kept_edits(write, scene.values)
    ]
