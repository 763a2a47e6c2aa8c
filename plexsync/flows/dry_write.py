"""The last step of a dry run: what would be written, told instead of done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plexsync.edges.ledger import Ledger
from plexsync.edges.plex import PlexClient
from plexsync.flows.locate import Located
from plexsync.flows.planning import Planned, PlannedItem, is_foreign, plan_scene
from plexsync.flows.results import Done, Result
from plexsync.model.ledger import SYNCED
from plexsync.model.plex import FIELDS, IMAGE, Edit, Value
from plexsync.model.values import name_keys, same

KEPT = "edited in Plex, so it stays"
LOCKED = "as it should be; only locked, so that Plex does not overwrite it"


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One field of one item: what Plex has, what it would have, and why.

    `changes` is False where only the lock would change, or where a person's edit stays. Images
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


class DryWrite:
    """Plans located scenes as the real run does; `plans` holds them by scene."""

    def __init__(self, plex: PlexClient, ledger: Ledger, *, preserve: bool) -> None:
        self._plex = plex
        self._ledger = ledger
        self._preserve = preserve
        self.plans: dict[int, tuple[ItemPlan, ...]] = {}

    def run(self, located: Sequence[Located], now: float) -> list[Result]:
        """One result per scene, as after a run in which Plex took everything."""
        results: list[Result] = []
        for each in located:
            planned = plan_scene(each, self._ledger, self._preserve)
            items = tuple(self._item(item, planned) for item in planned.items)
            self.plans[each.wish.scene.id] = items
            fields = {f.field for item in items for f in item.fields if f.changes}
            changed = tuple(name for name in FIELDS if name in fields)
            results.append(Done(job=each.wish.job, state=SYNCED, changed=changed))
        return results

    def _item(self, planned: PlannedItem, scene: Planned) -> ItemPlan:
        fields = [self._field(planned, edit, edit.field in scene.cut) for edit in planned.edits]
        if self._preserve:
            fields += _kept(planned, scene)
        return ItemPlan(planned.item.target.rating_key, planned.part, tuple(fields))

    def _field(self, planned: PlannedItem, edit: Edit, cut: bool) -> FieldPlan:
        if edit.lock_only:
            return FieldPlan(edit.field, edit.before, edit.before, LOCKED, False)
        if FIELDS[edit.field].kind != IMAGE:
            why = f"{edit.reason}; its end is cut, it is too long for Plex" if cut else edit.reason
            return FieldPlan(edit.field, edit.before, edit.value, why, True)
        if self._preserve and self._is_foreign(planned, edit.field):
            return FieldPlan(edit.field, "", "", KEPT, False)
        return FieldPlan(edit.field, "", "", edit.reason, True)

    def _is_foreign(self, planned: PlannedItem, name: str) -> bool:
        selected = self._plex.selected_image(planned.item.target, name)
        return is_foreign(selected, name, planned.ours, planned.before.unconfirmed)


def _kept(planned: PlannedItem, scene: Planned) -> list[FieldPlan]:
    """Fields that differ from the wish and are left to whoever edited them in Plex."""
    edited = {edit.field for edit in planned.edits}
    kept = []
    for name, want in scene.values.items():
        have = planned.item.values.get(name)
        if have is None or name in edited or not want:
            continue
        if isinstance(want, str):
            as_wished = same(name, want, have)
        else:
            as_wished = name_keys(want) <= name_keys(have)
        if not as_wished and name not in scene.cut:
            kept.append(FieldPlan(name, have, have, KEPT, False))
    return kept
