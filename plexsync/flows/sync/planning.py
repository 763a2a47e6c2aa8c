"""What a matched scene would change in Plex: one function for the real run and for the dry one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from plexsync.edges.ledger.ledger import Ledger
from plexsync.flows.sync.scene_write import ItemWrite, SceneWrite
from plexsync.model.job import ASKED
from plexsync.model.ledger import TargetState
from plexsync.model.plex import Edit, PlexItem, Target, Value, Written
from plexsync.policy.outcome import image_is_ours, with_unconfirmed
from plexsync.policy.plan import plan, uncut, without_the_cut

Fit = Callable[[Target, Sequence[Edit]], tuple[Sequence[Edit], Mapping[str, object]]]
"""Gives the edits as they can be sent."""


def plan_items(
    scene: SceneWrite, ledger: Ledger, preserve: bool, fit: Fit | None = None
) -> list[ItemWrite]:
    """Compare what Plex should show with what it has and what the ledger knows; changes nothing.

    What somebody asks for is tried again although Plex refused it before or, where `fit` says how
    much of a text would go, took only a part of it.
    """
    known = {each.target: each for each in (scene.state.targets if scene.state else ())}
    asked, items = scene.job.reason in ASKED, []
    for item, part in scene.matched:
        before = known.get(item.target) or _inherited(item.target, ledger)
        items.append(plan_item(scene.values, item, part, before, preserve, fit, asked=asked))
    return items


def _inherited(target: Target, ledger: Ledger) -> TargetState:
    written, base = ledger.inherit(target)
    return TargetState(target=target, written=written, base=base)


def plan_item(
    values: Mapping[str, Value],
    item: PlexItem,
    part: str,
    before: TargetState,
    preserve: bool,
    fit: Fit | None = None,
    *,
    asked: bool = False,
) -> ItemWrite:
    """What one item lacks of `values`; `asked`: somebody wants it tried whatever Plex refused."""
    ours = with_unconfirmed(item, before.written, before.unconfirmed, before.read_back)
    refused = {} if asked else before.refused
    whole = {n: uncut(n, w) for n, w in ours.items()} if asked and fit else ours
    edits = plan(values, item, whole, preserve, refused)
    if fit is not None and whole != ours:
        sent = {edit.field: edit.value for edit in fit(item.target, edits)[0]}
        edits = without_the_cut(edits, sent, ours)
    return ItemWrite(
        item=item,
        part=part,
        before=before,
        written=dict(ours),
        base=dict(before.base),
        dirty=before.dirty,
        read_back=dict(before.read_back),
        refused=dict(before.refused),
        edits=edits,
    )


def is_foreign(
    selected: str, name: str, ours: Mapping[str, Written], unconfirmed: Mapping[str, Value]
) -> bool:
    """Whether a person chose the selected image after we uploaded one."""
    uploaded = [ours[name]] if name in ours else []
    if name in unconfirmed:
        uploaded.append(Written(unconfirmed[name], ""))
    return bool(uploaded) and not any(image_is_ours(selected, image) for image in uploaded)
