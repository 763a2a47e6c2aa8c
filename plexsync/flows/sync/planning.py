"""Plans what a matched scene changes in Plex: one function for the real run and the dry run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from plexsync.edges.ledger.ledger import Ledger
from plexsync.flows.sync.scene_write import ItemWrite, SceneWrite
from plexsync.model.job import ASKED
from plexsync.model.ledger import GIVEN_UP, LEFT_OUT, SHARED, TargetState
from plexsync.model.plex import Edit, PlexItem, Target, Value, Written
from plexsync.model.reasons import OVERWRITE
from plexsync.model.values import is_ours, name_keys, same
from plexsync.policy.outcome import image_is_ours, with_unconfirmed
from plexsync.policy.plan import plan, uncut, without_the_cut

Fit = Callable[[Target, Sequence[Edit]], tuple[Sequence[Edit], Mapping[str, object]]]
"""A function that returns the edits as they can be sent."""


def plan_items(
    scene: SceneWrite, ledger: Ledger, preserve: bool, fit: Fit | None = None
) -> list[ItemWrite]:
    """Compare the desired values with Plex and the ledger; changes nothing.

    Edits made in Plex are kept if `preserve` is set, unless the user has them overwritten.

    If the user requests a scene, fields are tried again that Plex refused before, or of which it
    accepted only a part, as far as `fit` returns.
    """
    known = {each.target: each for each in (scene.state.targets if scene.state else ())}
    asked, items = scene.job.reason in ASKED, []
    keep = preserve and scene.job.reason != OVERWRITE
    for item, part in scene.matched:
        before = known.get(item.target) or TargetState(item.target)
        if item.target not in known or before.followed or _may_follow_another(scene):
            before = _inheriting(before, item, ledger)
        items.append(plan_item(scene.values, item, part, before, keep, fit, asked=asked))
    return items


def _may_follow_another(scene: SceneWrite) -> bool:
    """Whether another scene may have written its items since it did."""
    return scene.state is not None and scene.state.state in (SHARED, LEFT_OUT, *GIVEN_UP)


def _inheriting(before: TargetState, item: PlexItem, ledger: Ledger) -> TargetState:
    written, base, unconfirmed = ledger.inherit(item.target)
    for values in unconfirmed:
        written = with_unconfirmed(item, written, values, {})
    return before._replace(written=written, base=base)


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
    """Plan what one item lacks of `values`; `asked`: also try what Plex refused before."""
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
    """Whether the user selected another image after our upload."""
    uploaded = [ours[name]] if name in ours else []
    if name in unconfirmed:
        uploaded.append(Written(unconfirmed[name], ""))
    return bool(uploaded) and not any(image_is_ours(selected, image) for image in uploaded)


def kept_edits(write: ItemWrite, values: Mapping[str, Value]) -> list[str]:
    """The fields of a planned item that differ from `values` and are kept because they were edited
    in Plex.
    """
    edited = {edit.field for edit in write.edits} | write.before.refused.keys()
    return [
        name
        for name, want in values.items()
        if want and name not in edited and name in write.item.values and _is_kept(write, name, want)
    ]


def _is_kept(write: ItemWrite, name: str, want: Value) -> bool:
    have, last = write.item.values[name], write.written.get(name)
    if not isinstance(want, str):
        return not name_keys(want) <= name_keys(have)
    return not same(name, want, have) and not (last is not None and is_ours(name, have, last))
