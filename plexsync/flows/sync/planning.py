"""What a located scene would change in Plex: one function for the real run and for the dry one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from plexsync.edges.ledger.ledger import Ledger
from plexsync.flows.sync.matcher import MatchedScene
from plexsync.model.job import ASKED
from plexsync.model.ledger import TargetState
from plexsync.model.plex import Edit, PlexItem, Target, Value, Written
from plexsync.policy.outcome import claimed, image_is_ours
from plexsync.policy.plan import plan, uncut, without_the_cut

Fit = Callable[[Target, Sequence[Edit]], tuple[Sequence[Edit], Mapping[str, object]]]
"""Gives the edits as they can be sent."""


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """One item of a scene: `part` is the file that matched, `ours` what PlexSync wrote there."""

    item: PlexItem
    part: str
    before: TargetState
    ours: Mapping[str, Written]
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """A scene: the values to write, and its items."""

    values: Mapping[str, Value]
    items: tuple[PlannedItem, ...]


def plan_scene(
    located: MatchedScene, ledger: Ledger, preserve: bool, fit: Fit | None = None
) -> Planned:
    """Compare a wish with what Plex has and what the ledger knows; changes nothing.

    What somebody asks for is tried again although Plex refused it before or, where `fit` says how
    much of a text would go, took only a part of it.
    """
    desired_scene = located.desired_scene
    asked = desired_scene.job.reason in ASKED
    known = (
        {each.target: each for each in desired_scene.state.targets} if desired_scene.state else {}
    )
    items = []
    for item, part in located.items:
        before = known.get(item.target)
        if before is None:
            written, base = ledger.inherit(item.target)
            before = TargetState(target=item.target, written=written, base=base)
        ours = claimed(item, before.written, before.unconfirmed, before.read_back)
        refused = {} if asked else before.refused
        whole = {n: uncut(n, w) for n, w in ours.items()} if asked and fit else ours
        edits = plan(desired_scene.desired.values, item, whole, preserve, refused)
        if fit is not None and whole != ours:
            sent = {edit.field: edit.value for edit in fit(item.target, edits)[0]}
            edits = without_the_cut(edits, sent, ours)
        items.append(PlannedItem(item, part, before, ours, edits))
    return Planned(desired_scene.desired.values, tuple(items))


def is_foreign(
    selected: str, name: str, ours: Mapping[str, Written], unconfirmed: Mapping[str, Value]
) -> bool:
    """Whether a person chose the selected image after we uploaded one."""
    uploaded = [ours[name]] if name in ours else []
    if name in unconfirmed:
        uploaded.append(Written(unconfirmed[name], ""))
    return bool(uploaded) and not any(image_is_ours(selected, image) for image in uploaded)
