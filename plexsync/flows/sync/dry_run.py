"""The last step of a dry run: what would be written, told instead of done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.plex.client import Cut, PlexClient
from plexsync.flows.results import Done, Result
from plexsync.flows.sync.matcher import MatchedScene
from plexsync.flows.sync.planning import Planned, PlannedItem, is_foreign, plan_scene
from plexsync.model.ledger import SYNCED
from plexsync.model.plex import FIELDS, IMAGE, Edit, Value
from plexsync.model.values import is_ours, name_keys, same
from plexsync.policy.notes import how_much
from plexsync.policy.plan import is_refused

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


class DryRun:
    """Plans located scenes as the real run does; `plans` holds them by scene."""

    def __init__(self, plex: PlexClient, ledger: Ledger, *, preserve: bool) -> None:
        self._plex = plex
        self._ledger = ledger
        self._preserve = preserve
        self.plans: dict[int, tuple[ItemPlan, ...]] = {}

    def run(self, located: Sequence[MatchedScene], now: float) -> list[Result]:
        """One result per scene, as after a run in which Plex took everything."""
        results: list[Result] = []
        for each in located:
            planned = plan_scene(each, self._ledger, self._preserve, self._plex.fit)
            items = tuple(self._item(item, planned) for item in planned.items)
            self.plans[each.desired_scene.scene.id] = items
            fields = {f.field for item in items for f in item.fields if f.changes}
            changed = tuple(name for name in FIELDS if name in fields)
            results.append(Done(job=each.desired_scene.job, state=SYNCED, changed=changed))
        return results

    def _item(self, planned: PlannedItem, scene: Planned) -> ItemPlan:
        target = planned.item.target
        sent, cut = self._plex.fit(target, planned.edits)
        then = {edit.field: edit.value for edit in sent}
        fields = [self._field(planned, edit, then, cut.get(edit.field)) for edit in planned.edits]
        fields += _refused(planned)
        if self._preserve:
            fields += _kept(planned, scene)
        return ItemPlan(target.rating_key, planned.part, tuple(fields))

    def _field(
        self, planned: PlannedItem, edit: Edit, then: Mapping[str, Value], cut: Cut | None
    ) -> FieldPlan:
        name = edit.field
        if edit.lock_only:
            return FieldPlan(name, edit.before, edit.before, LOCKED, False)
        if FIELDS[name].kind == IMAGE and self._preserve and self._is_foreign(planned, name):
            return FieldPlan(name, "", "", KEPT, False)
        why = edit.reason
        if cut is not None:
            why += f"; only {how_much(name, cut.kept, cut.of)}, Plex takes no more"
        if is_refused(edit, planned.before.refused):
            why += f"; Plex refused it before ({planned.before.refused[name].words})"
        if FIELDS[name].kind == IMAGE:
            return FieldPlan(name, "", "", why, True)
        return FieldPlan(name, edit.before, then[name], why, True)

    def _is_foreign(self, planned: PlannedItem, name: str) -> bool:
        selected = self._plex.selected_image(planned.item.target, name)
        return is_foreign(selected, name, planned.ours, planned.before.unconfirmed)


def _refused(planned: PlannedItem) -> list[FieldPlan]:
    """Fields that are left out because Plex refused them as they are."""
    edited = {edit.field for edit in planned.edits}
    values = planned.item.values
    return [
        FieldPlan(name, have := values.get(name, ""), have, f"Plex refuses it: {each.words}", False)
        for name, each in planned.before.refused.items()
        if name not in edited
    ]


def _kept(planned: PlannedItem, scene: Planned) -> list[FieldPlan]:
    """Fields that differ from the wish and are left to whoever edited them in Plex."""
    edited = {edit.field for edit in planned.edits}
    kept = []
    for name, want in scene.values.items():
        have = planned.item.values.get(name)
        if have is None or name in edited or not want:
            continue
        if isinstance(want, str):
            last = planned.ours.get(name)
            as_wished = same(name, want, have) or (last is not None and is_ours(name, have, last))
        else:
            as_wished = name_keys(want) <= name_keys(have)
        if not as_wished and name not in planned.before.refused:
            kept.append(FieldPlan(name, have, have, KEPT, False))
    return kept
